import { useCallback, useState } from 'react'
import { may } from '../../api/session'
import { type Share, listShares, newShareCode, readShareHistory, withdrawShare } from '../../api/sharing'
import type { User } from '../../api/types'
import { formatInstant } from '../../lib/dates'
import { formatBytes } from '../../lib/numbers'
import { navigate } from '../../lib/router'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Badge, Button, Skeleton } from '../../ui/controls'
import { Empty, ErrorNotice } from '../../ui/feedback'
import { FormDialog } from '../../ui/FormDialog'
import { type Column, ManagedList } from '../../ui/ManagedList'
import { Dialog } from '../../ui/overlay'
import { MadeLink } from './MadeLink'
import { ShareDialog } from './ShareDialog'
import { CODES, DONE, OPENS, STATES, isOver, reasonOf, subjectOf } from './words'
import './sharing.css'

type Asked = { what: 'upload' } | { what: 'withdraw' | 'history' | 'code'; share: Share } | null

const columns = (all: boolean): readonly Column<Share>[] => [
  { title: 'For', cell: (share) => <strong>{share.label || <span className="faint">Not said</span>}</strong> },
  {
    title: 'Opens',
    cell: (share) => (
      <>
        {OPENS[share.opens]}
        {subjectOf(share) && <span className="muted"> · {subjectOf(share)}</span>}
        <div className="faint">{[share.opens === 'upload' ? `${formatBytes(share.bytes)} came in` : share.download ? 'with download' : 'looking only', CODES[share.code]].join(' · ')}</div>
      </>
    ),
  },
  { title: 'State', cell: ({ state }) => <Badge tone={STATES[state].tone} title={STATES[state].meaning}>{STATES[state].word}</Badge> },
  ...(all ? [{ title: 'By', className: 'secondary', cell: (share: Share) => share.maker || <span className="faint">the command line</span> }] : []),
  { title: 'Expires', className: 'muted', cell: (share) => formatInstant(share.expires_at) },
  { title: 'Opened', className: 'muted secondary', cell: (share) => (share.opened_at ? `${share.openings} ×, last ${formatInstant(share.opened_at)}` : 'not yet') },
]

function WithdrawDialog({ share, onClose, onDone }: { share: Share; onClose: () => void; onDone: () => void }) {
  const action = useAction()
  const run = async () => {
    await withdrawShare(share.id)
    onDone()
  }
  return (
    <FormDialog title="Withdraw this link?" submit="Withdraw" danger cancel="Keep it" action={action} run={run} onClose={onClose}>
      <p>It opens nothing any more, and whoever looks through it stops seeing at once. What was taken away by it is not taken back. A new link can be made.</p>
    </FormDialog>
  )
}

function CodeDialog({ share, onClose, onDone }: { share: Share; onClose: () => void; onDone: () => void }) {
  const action = useAction()
  const [code, setCode] = useState('')
  const run = async () => {
    setCode(await newShareCode(share.id))
    onDone()
  }
  if (code) return <MadeLink path="" code={code} onClose={onClose} />
  return (
    <FormDialog title="Make a new code?" submit="Make a new code" action={action} run={run} onClose={onClose}>
      <p>The code before opens nothing any more. Whoever is in stays in; to end that, withdraw the link.</p>
    </FormDialog>
  )
}

/** Who opened a link when and from where, and what they did. */
function HistoryDialog({ share, onClose }: { share: Share; onClose: () => void }) {
  const [load] = useState(() => (signal: AbortSignal) => readShareHistory(share.id, signal))
  const entries = useLoaded(load)
  return (
    <Dialog title="What was done by this link" wide onClose={onClose} footer={<Button onClick={onClose}>Close</Button>}>
      {entries.failure && <ErrorNotice error={entries.failure} />}
      {!entries.value && !entries.failure && <Skeleton width="70%" />}
      {entries.value?.length === 0 && <p className="muted">Nobody has opened it yet.</p>}
      {entries.value && entries.value.length > 0 && (
        <table className="plain-table dense-table" data-testid="share-history">
          <thead>
            <tr>
              <th>When</th>
              <th>What</th>
              <th>From</th>
              <th>Study</th>
            </tr>
          </thead>
          <tbody>
            {entries.value.map((entry, index) => (
              <tr key={`${entry.at}${index}`}>
                <td className="nowrap muted">{formatInstant(entry.at)}</td>
                <td>
                  {DONE[entry.kind] ?? entry.kind}
                  {entry.count > 1 && <span className="faint"> {entry.count} ×</span>}
                  {entry.reason && <span className="faint"> · {reasonOf(entry.reason)}</span>}
                </td>
                <td className="mono">{entry.address}</td>
                <td className="mono truncate share-uid" title={entry.study}>
                  {entry.study}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Dialog>
  )
}

export function SharesPage({ user }: { user: User }) {
  const shares = useLoaded(listShares)
  const [asked, setAsked] = useState<Asked>(null)
  const close = useCallback(() => setAsked(null), [])
  const done = () => {
    close()
    shares.reload()
  }
  const all = may(user, 'share:manage')
  return (
    <div className="page">
      <div className="page-inner">
        <h1>Shared</h1>
        <div className="admin-panel">
          <ManagedList
            lead={`Links for people without an account. Those to studies are made in the study list and in the viewer.${all ? ' You see everybody’s.' : ''}`}
            loaded={shares}
            columns={columns(all)}
            keyOf={(share) => share.id}
            rowClass={(share) => (isOver(share) ? 'share-over' : undefined)}
            actions={(share) => (
              <div className="row-actions">
                <Button small onClick={() => setAsked({ what: 'history', share })}>
                  Who opened it
                </Button>
                {share.code !== 'none' && !isOver(share) && (
                  <Button small onClick={() => setAsked({ what: 'code', share })}>
                    New code
                  </Button>
                )}
                {!isOver(share) && (
                  <Button small look="danger" onClick={() => setAsked({ what: 'withdraw', share })}>
                    Withdraw
                  </Button>
                )}
              </div>
            )}
            add={may(user, 'study:store') ? 'A link for sending in' : ''}
            onAdd={() => setAsked({ what: 'upload' })}
            failure={null}
            empty={
              <Empty icon="link" title="No links" actions={<Button onClick={() => navigate('/')}>Go to the studies</Button>}>
                Choose a study in the list and press Share.
              </Empty>
            }
          >
            {asked?.what === 'upload' && <ShareDialog study="" onClose={close} onMade={shares.reload} />}
            {asked?.what === 'withdraw' && <WithdrawDialog share={asked.share} onClose={close} onDone={done} />}
            {asked?.what === 'code' && <CodeDialog share={asked.share} onClose={close} onDone={shares.reload} />}
            {asked?.what === 'history' && <HistoryDialog share={asked.share} onClose={close} />}
          </ManagedList>
        </div>
      </div>
    </div>
  )
}
