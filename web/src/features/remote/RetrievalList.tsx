import type { Retrieval, RetrievalState } from '../../api/remote'
import { isUnderWay, progressOf } from '../../api/remote'
import { formatInstant } from '../../lib/dates'
import { formatName } from '../../lib/names'
import { formatCount } from '../../lib/numbers'
import { Link } from '../../lib/router'
import { Badge, IconButton, Progress, type Tone } from '../../ui/controls'

const STATES: Record<RetrievalState, { title: string; tone: Tone }> = {
  waiting: { title: 'waiting', tone: 'plain' },
  running: { title: 'retrieving', tone: 'info' },
  done: { title: 'here', tone: 'ok' },
  failed: { title: 'failed', tone: 'danger' },
  cancelled: { title: 'cancelled', tone: 'plain' },
}

function Row({ retrieval, onCancel, onAgain }: { retrieval: Retrieval; onCancel: () => void; onAgain: () => void }) {
  const { title, tone } = STATES[retrieval.state]
  const name = formatName(retrieval.PatientName) || retrieval.StudyInstanceUID
  const come = retrieval.completed + retrieval.warning
  return (
    <li className="retrieval">
      <div className="retrieval-line">
        {retrieval.PatientName ? (
          <Link to={`/viewer/${encodeURIComponent(retrieval.StudyInstanceUID)}`} className="truncate strong">
            {name}
          </Link>
        ) : (
          <span className="truncate muted">{name}</span>
        )}
        <Badge tone={tone}>{title}</Badge>
        {isUnderWay(retrieval) && <IconButton label={`Cancel the retrieval of ${name}`} icon="close" small onClick={onCancel} />}
        {(retrieval.state === 'failed' || retrieval.state === 'cancelled') && <IconButton label={`Retrieve ${name} again`} icon="retry" small onClick={onAgain} />}
      </div>
      {isUnderWay(retrieval) && <Progress value={progressOf(retrieval)} label={`Retrieving ${name}`} />}
      <div className="retrieval-line faint">
        <span className="truncate">{[retrieval.StudyDescription, `from ${retrieval.aet}`, retrieval.how].filter(Boolean).join(' · ')}</span>
        <span className="nowrap">{come > 0 ? `${formatCount(come)} images` : formatInstant(retrieval.asked_at)}</span>
      </div>
      {retrieval.reason && <p className={retrieval.state === 'failed' ? 'retrieval-reason is-bad' : 'retrieval-reason'}>{retrieval.reason}</p>}
    </li>
  )
}

/** What comes or came from other archives, whoever asked for it. */
export function RetrievalList({ rows, onCancel, onAgain }: { rows: Retrieval[]; onCancel: (retrieval: Retrieval) => void; onAgain: (retrieval: Retrieval) => void }) {
  return (
    <aside className="retrievals" aria-label="Retrievals">
      <h2>
        Retrievals <span className="faint">{rows.filter(isUnderWay).length || ''}</span>
      </h2>
      {rows.length === 0 ? (
        <p className="faint">What is retrieved is listed here, with how far it is. It goes on when this page is closed.</p>
      ) : (
        <ul>
          {rows.map((retrieval) => (
            <Row key={retrieval.id} retrieval={retrieval} onCancel={() => onCancel(retrieval)} onAgain={() => onAgain(retrieval)} />
          ))}
        </ul>
      )}
    </aside>
  )
}
