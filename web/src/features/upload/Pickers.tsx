import { useRef } from 'react'
import { Button } from '../../ui/controls'
import { pickedFiles } from './pick'
import type { UploadQueue } from './queue'

/** Buttons that choose files or a folder for the queue. */
export function Pickers({ queue, roomy }: { queue: UploadQueue; roomy: boolean }) {
  const files = useRef<HTMLInputElement>(null)
  const folder = useRef<HTMLInputElement>(null)
  const take = (input: HTMLInputElement) => {
    if (input.files) queue.add(pickedFiles(input.files))
    input.value = ''
  }
  return (
    <div className={roomy ? 'pickers roomy' : 'pickers'}>
      <Button look={roomy ? 'primary' : 'plain'} icon="file" onClick={() => files.current?.click()}>
        Choose files
      </Button>
      <Button icon="folder" onClick={() => folder.current?.click()}>
        Choose a folder
      </Button>
      <input ref={files} type="file" multiple hidden aria-label="Files to upload" data-testid="upload-files" onChange={(event) => take(event.target)} />
      <input ref={folder} type="file" multiple hidden aria-label="Folder to upload" data-testid="upload-folder" {...{ webkitdirectory: '' }} onChange={(event) => take(event.target)} />
    </div>
  )
}
