import { useEffect } from 'react'
import { formatCount } from '../../lib/numbers'
import { useValue } from '../../lib/observable'
import { Link } from '../../lib/router'
import { Icon } from '../../ui/icons'
import type { UploadQueue } from './queue'
import './upload.css'

/** In the top bar while there is something to know; and the question before a page with open uploads is closed. */
export function UploadStatus({ queue }: { queue: UploadQueue }) {
  const summary = useValue(queue.summary)
  const { counts } = summary
  const open = counts.waiting + counts.sending
  useEffect(() => {
    if (open === 0) return
    const ask = (event: BeforeUnloadEvent) => event.preventDefault()
    window.addEventListener('beforeunload', ask)
    return () => window.removeEventListener('beforeunload', ask)
  }, [open])
  if (summary.files === 0) return null
  const problems = counts.refused + counts.failed + counts.quarantined
  const share = summary.bytes === 0 ? 1 : summary.sentBytes / summary.bytes
  const halted = summary.state === 'paused' || summary.state === 'stopped'
  const text = open > 0 ? `${halted ? 'Paused, ' : ''}${formatCount(summary.files - open)} of ${formatCount(summary.files)}` : problems > 0 ? `${formatCount(problems)} to look at` : 'Uploaded'
  return (
    <Link to="/upload" className={problems > 0 && open === 0 ? 'upload-pill is-warn' : 'upload-pill'} title="Uploads">
      <Icon name={open > 0 ? 'upload' : problems > 0 ? 'alert' : 'check'} size={14} />
      <span>{text}</span>
      {open > 0 && <span className="upload-pill-bar" style={{ width: `${Math.round(share * 100)}%` }} />}
    </Link>
  )
}
