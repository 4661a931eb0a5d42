import { useEffect, useState } from 'react'
import { Icon } from '../../ui/icons'
import { droppedEntries, walk } from './pick'
import type { UploadQueue } from './queue'
import './upload.css'

function carriesFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes('Files') ?? false
}

/** While it is there, files can be dropped anywhere on the window. */
export function DropTarget({ queue, onDropped }: { queue: UploadQueue; onDropped: () => void }) {
  const [over, setOver] = useState(false)
  useEffect(() => {
    let depth = 0 // dragenter and dragleave come for every element on the way
    const enter = (event: DragEvent) => {
      if (!carriesFiles(event)) return
      event.preventDefault()
      depth += 1
      setOver(true)
    }
    const leave = (event: DragEvent) => {
      if (!carriesFiles(event)) return
      depth = Math.max(0, depth - 1)
      if (depth === 0) setOver(false)
    }
    const hover = (event: DragEvent) => {
      if (!carriesFiles(event) || !event.dataTransfer) return
      event.preventDefault()
      event.dataTransfer.dropEffect = 'copy'
    }
    const drop = (event: DragEvent) => {
      if (!carriesFiles(event) || !event.dataTransfer) return
      event.preventDefault()
      depth = 0
      setOver(false)
      const entries = droppedEntries(event.dataTransfer)
      onDropped()
      void (async () => {
        for await (const portion of walk(entries)) queue.add(portion)
      })()
    }
    window.addEventListener('dragenter', enter)
    window.addEventListener('dragleave', leave)
    window.addEventListener('dragover', hover)
    window.addEventListener('drop', drop)
    return () => {
      window.removeEventListener('dragenter', enter)
      window.removeEventListener('dragleave', leave)
      window.removeEventListener('dragover', hover)
      window.removeEventListener('drop', drop)
    }
  }, [queue, onDropped])

  if (!over) return null
  return (
    <div className="drop-veil" aria-hidden="true">
      <div className="drop-veil-box">
        <Icon name="upload" size={40} />
        <strong>Drop to upload</strong>
        <span className="muted">Files, folders and ZIPs</span>
      </div>
    </div>
  )
}
