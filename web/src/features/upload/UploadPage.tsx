import { useDeferredValue, useMemo, useState } from 'react'
import { sentence } from '../../lib/http'
import { formatBytes, formatCount, plural } from '../../lib/numbers'
import { useValue } from '../../lib/observable'
import { Link } from '../../lib/router'
import { useRowWindow } from '../../lib/useRowWindow'
import { Badge, Button, IconButton, Progress } from '../../ui/controls'
import { Notice } from '../../ui/feedback'
import { Icon } from '../../ui/icons'
import type { Filter, Line } from './lines'
import { STATUS_REASON, STATUS_TONE, STATUS_WORD, linesOf } from './lines'
import { Pickers } from './Pickers'
import { SubjectDialog } from './SubjectDialog'
import type { Count, Summary, UploadQueue } from './queue'
import './upload.css'

const LINE = 40

function DropHere({ queue }: { queue: UploadQueue }) {
  return (
    <div className="drop-here">
      <Icon name="upload" size={40} />
      <h2>Drop files, folders or ZIPs anywhere on this page</h2>
      <p className="muted">
        DICOM objects of any kind are kept bit by bit as they are. Pictures, videos, PDFs and 3D models (JPEG, PNG, MP4, MOV, STL) become objects of a study that you choose. Nothing is stored twice, and what cannot be kept is refused by
        name.
      </p>
      <Pickers queue={queue} roomy />
    </div>
  )
}

const SUMMARY_ORDER: readonly Count[] = ['stored', 'duplicate', 'version', 'quarantined', 'refused', 'failed', 'cancelled']

function Filters({ summary, filter, onFilter }: { summary: Summary; filter: Filter; onFilter: (filter: Filter) => void }) {
  const waiting = summary.counts.waiting + summary.counts.sending
  const shown = SUMMARY_ORDER.filter((count) => summary.counts[count] > 0)
  return (
    <div className="upload-filters" role="group" aria-label="Show">
      <button type="button" className="chip" aria-pressed={filter === 'all'} onClick={() => onFilter('all')}>
        All {formatCount(summary.files)}
      </button>
      {shown.map((count) => (
        <button key={count} type="button" className={`chip chip-${STATUS_TONE[count]}`} aria-pressed={filter === count} onClick={() => onFilter(filter === count ? 'all' : count)}>
          {STATUS_WORD[count]} <b>{formatCount(summary.counts[count])}</b>
        </button>
      ))}
      {waiting > 0 && <span className="faint">{formatCount(waiting)} to go</span>}
    </div>
  )
}

function headline(summary: Summary): string {
  const { counts } = summary
  const open = counts.waiting + counts.sending
  if (open > 0) {
    const done = summary.files - open
    return `${formatCount(done)} of ${plural(summary.files, 'file')}`
  }
  const problems = counts.refused + counts.failed + counts.quarantined
  return problems > 0 ? `Finished, ${plural(problems, 'object needs', 'objects need')} a look` : 'Finished'
}

function Controls({ queue, summary }: { queue: UploadQueue; summary: Summary }) {
  const open = summary.counts.waiting + summary.counts.sending > 0
  const going = summary.state === 'running' || summary.state === 'holding'
  return (
    <div className="upload-controls">
      {open && going && (
        <Button small icon="pause" onClick={() => queue.pause()}>
          Pause
        </Button>
      )}
      {open && !going && (
        <Button small look="primary" icon="play" onClick={() => queue.resume()}>
          Resume
        </Button>
      )}
      {open && (
        <Button small icon="close" onClick={() => queue.cancelAll()}>
          Cancel all
        </Button>
      )}
      {summary.counts.failed > 0 && (
        <Button small icon="retry" onClick={() => queue.retryFailed()}>
          Retry failed
        </Button>
      )}
      {!open && (
        <Button small onClick={() => queue.clear()}>
          Clear list
        </Button>
      )}
    </div>
  )
}

function Overview({ queue, summary }: { queue: UploadQueue; summary: Summary }) {
  return (
    <section className="panel upload-overview" aria-label="Progress">
      <div className="upload-overview-line">
        <div className="upload-headline" role="status">
          <h2>{headline(summary)}</h2>
          <span className="muted">
            {summary.state === 'paused' && 'Paused · '}
            {formatBytes(summary.sentBytes)} of {formatBytes(summary.bytes)}
          </span>
        </div>
        <Controls queue={queue} summary={summary} />
      </div>
      <Progress value={summary.bytes === 0 ? 1 : summary.sentBytes / summary.bytes} label="Bytes sent" failed={summary.state === 'stopped'} />
      {summary.why && <Notice tone={summary.state === 'stopped' ? 'danger' : 'warn'} title={summary.why} />}
    </section>
  )
}

function reasonOf(line: Line, status: Count): string {
  if (line.result) return sentence(line.result.reason) || (STATUS_REASON[status] ?? '')
  if (line.item.results.length > 1) return plural(line.item.results.length, 'object')
  return line.item.reason
}

function LineRow({ line, queue }: { line: Line; queue: UploadQueue }) {
  const { item, result } = line
  const zip = !line.inner && item.results.length > 1
  const status: Count = result?.status ?? (item.state === 'done' ? 'stored' : item.state)
  const empty = item.state === 'done' && item.results.length === 0
  const study = result?.StudyInstanceUID
  const name = line.inner && result ? result.name : item.name
  const slash = name.lastIndexOf('/')
  const reason = empty ? 'Nothing to store in it.' : reasonOf(line, status)
  return (
    <>
      <div className="upload-name truncate" title={name}>
        {slash >= 0 && <span className="faint">{name.slice(0, slash + 1)}</span>}
        {name.slice(slash + 1)}
      </div>
      <div className="upload-status">
        {item.state === 'sending' ? (
          <Progress value={item.size === 0 ? 1 : item.sent / item.size} label={`Sending ${name}`} />
        ) : zip || empty ? (
          <Badge>{empty ? 'Empty' : 'ZIP'}</Badge>
        ) : (
          <Badge tone={STATUS_TONE[status]}>{STATUS_WORD[status]}</Badge>
        )}
      </div>
      <div className="upload-reason truncate muted" title={reason}>
        {reason}
      </div>
      <div className="upload-size faint">{line.inner ? '' : formatBytes(item.size)}</div>
      <div className="upload-action">
        {study && status !== 'quarantined' && <LinkTo study={study} />}
        {(item.state === 'waiting' || item.state === 'sending') && <IconButton small label={`Cancel ${name}`} icon="close" onClick={() => queue.cancel(item)} />}
        {(item.state === 'failed' || item.state === 'cancelled') && <IconButton small label={`Retry ${name}`} icon="retry" onClick={() => queue.retry(item)} />}
      </div>
    </>
  )
}

function LinkTo({ study }: { study: string }) {
  return (
    <Link to={`/viewer/${encodeURIComponent(study)}`} className="button button-quiet button-small button-icon" aria-label="Open the study" title="Open the study">
      <Icon name="open" />
    </Link>
  )
}

function Lines({ queue, filter, version }: { queue: UploadQueue; filter: Filter; version: number }) {
  // The version stands for everything the lines depend on; while files fly, an older list is good enough for a moment.
  const settled = useDeferredValue(version)
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the queue is mutable, `settled` says when it changed
  const lines = useMemo(() => linesOf(queue.all(), filter), [queue, filter, settled])
  const { scroller, height, rows } = useRowWindow({ count: lines.length, rowHeight: LINE })
  return (
    <div className="upload-lines" ref={scroller} tabIndex={0} role="list" aria-label="Files">
      <div className="upload-room" style={{ height }} role="presentation">
        {rows.map(({ index, offset }) => {
          const line = lines[index]
          return (
            line && (
              <div key={index} role="listitem" className={line.inner ? 'upload-line is-inner' : 'upload-line'} style={{ top: offset }}>
                <LineRow line={line} queue={queue} />
              </div>
            )
          )
        })}
      </div>
    </div>
  )
}

/** study: from which the upload was begun, '' without one. */
export function UploadPage({ queue, study }: { queue: UploadQueue; study: string }) {
  const unanswered = useValue(queue.unanswered)
  return (
    <>
      <Uploads queue={queue} />
      {unanswered.length > 0 && <SubjectDialog key={unanswered.length} files={unanswered} study={study} onAnswer={(subject) => queue.answer(subject)} onClose={() => queue.forget()} />}
    </>
  )
}

function Uploads({ queue }: { queue: UploadQueue }) {
  const summary = useValue(queue.summary)
  const [filter, setFilter] = useState<Filter>('all')
  const shown = filter !== 'all' && filter !== 'problems' && summary.counts[filter] === 0 ? 'all' : filter
  if (summary.files === 0) {
    return (
      <div className="page upload-empty">
        <h1 className="visually-hidden">Upload</h1>
        <DropHere queue={queue} />
      </div>
    )
  }
  return (
    <div className="upload-page">
      <div className="page-head">
        <h1>Upload</h1>
        <Pickers queue={queue} roomy={false} />
      </div>
      <Overview queue={queue} summary={summary} />
      <Filters summary={summary} filter={shown} onFilter={setFilter} />
      <Lines queue={queue} filter={shown} version={summary.version} />
    </div>
  )
}
