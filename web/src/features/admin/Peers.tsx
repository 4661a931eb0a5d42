import { useState } from 'react'
import type { EchoResult, Peer } from '../../api/admin'
import { echoPeer, listPeers, removePeer } from '../../api/admin'
import { formatInstant } from '../../lib/dates'
import { formatBytes, formatCount } from '../../lib/numbers'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Badge, Button } from '../../ui/controls'
import { Empty, Notice } from '../../ui/feedback'
import { FormDialog } from '../../ui/FormDialog'
import { Icon } from '../../ui/icons'
import { type Column, ManagedList } from '../../ui/ManagedList'
import { Menu } from '../../ui/overlay'
import { PeerDialog } from './PeerDialog'
import { SERVICES } from './peerChoices'

type Open = { kind: 'add' } | { kind: 'edit' | 'remove'; peer: Peer } | null

function RemoveDialog({ peer, onClose, onRemoved }: { peer: Peer; onClose: () => void; onRemoved: () => void }) {
  const action = useAction()
  const remove = async () => {
    await removePeer(peer.aet)
    onRemoved()
  }
  return (
    <FormDialog title={`Forget ${peer.aet}?`} submit="Forget it" danger cancel="Keep it" action={action} run={remove} onClose={onClose}>
      <p>
        It is no longer let in, and nothing more is sent to it. What it has sent stays in the archive; its counters are gone.
      </p>
    </FormDialog>
  )
}

/** What sets a peer apart from any other. */
function Marks({ peer }: { peer: Peer }) {
  const services = SERVICES.filter(({ name }) => peer.services.includes(name)).map(({ title }) => title)
  return (
    <span className="badges">
      {peer.archive && (
        <Badge tone="accent" title={peer.archive === 'fetch' ? 'Searched by people, and asked for what is not here' : 'Searched by people'}>
          {peer.archive === 'fetch' ? 'archive, asked on a miss' : 'archive'}
        </Badge>
      )}
      {peer.tls && <Badge tone="ok">TLS</Badge>}
      {peer.paused && <Badge tone="warn">paused</Badge>}
      {services.length > 0 && <Badge title={services.join(', ')}>{services.length > 2 ? `${services.length} services` : services.join(', ')}</Badge>}
      {peer.throttle > 0 && <Badge>{formatBytes(peer.throttle)}/s</Badge>}
      {peer.parallel > 1 && <Badge title="Associations opened at once to send to it">×{peer.parallel}</Badge>}
    </span>
  )
}

const COLUMNS: readonly Column<Peer>[] = [
  {
    title: 'AE title',
    cell: (peer) => (
      <>
        <strong>{peer.aet}</strong>
        {peer.description && <div className="faint truncate">{peer.description}</div>}
      </>
    ),
  },
  { title: 'Address', className: 'mono', cell: (peer) => `${peer.host}:${peer.port}` },
  { title: 'What it is', className: 'secondary', cell: (peer) => <Marks peer={peer} /> },
  { title: 'Last seen', className: 'muted secondary nowrap', cell: (peer) => (peer.last_seen_at ? formatInstant(peer.last_seen_at) : 'not yet') },
  { title: 'Associations', className: 'num muted secondary', cell: (peer) => formatCount(peer.associations) },
  { title: 'Images', className: 'num muted secondary', cell: (peer) => formatCount(peer.instances) },
]

function RowMenu({ peer, onEdit, onRemove }: { peer: Peer; onEdit: () => void; onRemove: () => void }) {
  return (
    <Menu
      button={(open, toggle) => (
        <button type="button" className="button button-quiet button-small" aria-haspopup="true" aria-expanded={open} aria-label={`Actions for ${peer.aet}`} onClick={toggle}>
          Actions <Icon name="chevronDown" size={12} />
        </button>
      )}
    >
      <button type="button" className="menu-item" onClick={onEdit}>
        Edit
      </button>
      <button type="button" className="menu-item" onClick={onRemove}>
        Forget
      </button>
    </Menu>
  )
}

export function Peers() {
  const peers = useLoaded(listPeers)
  const [open, setOpen] = useState<Open>(null)
  const [echoed, setEchoed] = useState<EchoResult | null>(null)
  const action = useAction()
  const close = () => setOpen(null)
  const done = () => {
    close()
    peers.reload()
  }
  const echo = (aet: string) => {
    setEchoed(null)
    action.run(async () => setEchoed(await echoPeer(aet)))
  }
  return (
    <ManagedList
      lead="Devices and archives that may call this archive, or are called by it. On the loopback address unknown devices may call, too."
      loaded={peers}
      columns={COLUMNS}
      keyOf={(peer) => peer.aet}
      actions={(peer) => (
        <div className="row-actions">
          <Button small disabled={action.busy} onClick={() => echo(peer.aet)}>
            Echo
          </Button>
          <RowMenu peer={peer} onEdit={() => setOpen({ kind: 'edit', peer })} onRemove={() => setOpen({ kind: 'remove', peer })} />
        </div>
      )}
      add="Add a peer"
      onAdd={() => setOpen({ kind: 'add' })}
      failure={action.failure}
      empty={
        <Empty icon="shield" title="No DICOM peers">
          Add each scanner, workstation and archive that talks DICOM to Isocenter.
        </Empty>
      }
    >
      {echoed && (
        <Notice tone={echoed.ok ? 'ok' : 'warn'} title={echoed.message}>
          {echoed.ok && `After ${echoed.milliseconds} ms.`}
        </Notice>
      )}
      {open?.kind === 'add' && <PeerDialog onClose={close} onSaved={done} />}
      {open?.kind === 'edit' && <PeerDialog peer={open.peer} onClose={close} onSaved={done} />}
      {open?.kind === 'remove' && <RemoveDialog peer={open.peer} onClose={close} onRemoved={done} />}
    </ManagedList>
  )
}
