import { useEffect } from 'react'
import { sentence } from '../../lib/http'
import { formatBytes, formatCount, plural } from '../../lib/numbers'
import { useValue } from '../../lib/observable'
import { Button, Progress } from '../../ui/controls'
import { Notice } from '../../ui/feedback'
import { Icon } from '../../ui/icons'
import { linesOf } from './lines'
import { Pickers } from './Pickers'
import type { UploadQueue } from './queue'
import './upload.css'

const MOST = 20 // names of what was not taken

function NotTaken({ queue }: { queue: UploadQueue }) {
  const lines = [...linesOf(queue.all(), 'refused'), ...linesOf(queue.all(), 'failed')]
  if (lines.length === 0) return null
  return (
    <Notice tone="warn" title={`${plural(lines.length, 'file was', 'files were')} not taken.`}>
      <ul className="guest-refused">
        {lines.slice(0, MOST).map(({ item, result }, index) => (
          <li key={index}>
            {result?.name ?? item.name}: {sentence(result?.reason ?? item.reason)}
          </li>
        ))}
      </ul>
      {lines.length > MOST && `and ${lines.length - MOST} more`}
    </Notice>
  )
}

/** For who sends images in by a link: drop a disc, see that it has arrived. */
export function GuestUpload({ queue, label }: { queue: UploadQueue; label: string }) {
  const summary = useValue(queue.summary)
  const unanswered = useValue(queue.unanswered)
  useEffect(() => () => queue.forget(), [queue])
  const { counts } = summary
  const open = counts.waiting + counts.sending
  const arrived = counts.quarantined + counts.stored + counts.duplicate + counts.version
  return (
    <main className="guest-body">
      <div className="drop-here">
        <Icon name="upload" size={40} />
        <h1>Send images in</h1>
        <p className="muted">
          Drop DICOM files, a folder, a ZIP or a patient's disc here{label && ` (${label})`}. They are kept safe at once, and filed when somebody there has accepted them.
        </p>
        <Pickers queue={queue} roomy />
      </div>
      {summary.files > 0 && (
        <section className="panel upload-overview" aria-label="Progress">
          <div className="upload-overview-line">
            <div className="upload-headline" role="status" data-testid="guest-progress">
              <h2>{open > 0 ? `${formatCount(summary.files - open)} of ${plural(summary.files, 'file')}` : `${plural(arrived, 'object has', 'objects have')} arrived`}</h2>
              <span className="muted">{open > 0 ? `${formatBytes(summary.sentBytes)} of ${formatBytes(summary.bytes)}` : 'You can close this page.'}</span>
            </div>
            {open > 0 && (
              <Button small icon="close" onClick={() => queue.cancelAll()}>
                Cancel
              </Button>
            )}
            {open === 0 && counts.failed > 0 && (
              <Button small icon="retry" onClick={() => queue.retryFailed()}>
                Try again
              </Button>
            )}
          </div>
          <Progress value={summary.bytes === 0 ? 1 : summary.sentBytes / summary.bytes} label="Bytes sent" failed={summary.state === 'stopped'} />
          {summary.why && <Notice tone={summary.state === 'stopped' ? 'danger' : 'warn'} title={summary.why} />}
        </section>
      )}
      {unanswered.length > 0 && <Notice tone="warn" title={`${plural(unanswered.length, 'picture or document was', 'pictures or documents were')} left out.`}>Only DICOM files can be sent over this link.</Notice>}
      <NotTaken queue={queue} />
    </main>
  )
}
