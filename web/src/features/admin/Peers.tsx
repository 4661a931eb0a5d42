import { useState } from 'react'
import type { EchoResult, Peer } from '../../api/admin'
import { addPeer, echoPeer, listPeers, removePeer } from '../../api/admin'
import { formatInstant } from '../../lib/dates'
import { useLoaded } from '../../lib/useLoaded'
import { Button, TextField } from '../../ui/controls'
import { Empty, Notice } from '../../ui/feedback'
import { FormDialog } from './FormDialog'
import { type Column, ManagedList } from './ManagedList'
import { useAction } from './useAction'

function AddDialog({ onClose, onAdded }: { onClose: () => void; onAdded: () => void }) {
  const [aet, setAet] = useState('')
  const [host, setHost] = useState('')
  const [port, setPort] = useState('104')
  const [description, setDescription] = useState('')
  const add = async () => {
    await addPeer({ aet: aet.trim(), host: host.trim(), port: Number(port), description: description.trim() })
    onAdded()
  }
  return (
    <FormDialog title="Add a DICOM peer" submit="Add peer" ready={aet.trim() !== '' && host.trim() !== ''} run={add} onClose={onClose}>
      <TextField label="AE title" hint="As the device calls itself, at most 16 characters; capital letters count." maxLength={16} spellCheck={false} autoComplete="off" required value={aet} onChange={(event) => setAet(event.target.value)} />
      <div className="form-row">
        <TextField label="Host name or address" spellCheck={false} autoComplete="off" required value={host} onChange={(event) => setHost(event.target.value)} />
        <TextField label="Port" type="number" min={1} max={65535} required value={port} onChange={(event) => setPort(event.target.value)} />
      </div>
      <TextField label="Description" hint="Where it stands, whom to call." value={description} onChange={(event) => setDescription(event.target.value)} />
    </FormDialog>
  )
}

const COLUMNS: readonly Column<Peer>[] = [
  { title: 'AE title', cell: (peer) => <strong>{peer.aet}</strong> },
  { title: 'Address', className: 'mono', cell: (peer) => `${peer.host}:${peer.port}` },
  { title: 'Description', className: 'muted secondary', cell: (peer) => peer.description },
  { title: 'Last seen', className: 'muted secondary', cell: (peer) => (peer.last_seen_at ? formatInstant(peer.last_seen_at) : 'not yet') },
]

export function Peers() {
  const peers = useLoaded(listPeers)
  const [adding, setAdding] = useState(false)
  const [echoed, setEchoed] = useState<EchoResult | null>(null)
  const action = useAction()
  const remove = (aet: string) =>
    action.run(async () => {
      await removePeer(aet)
      peers.reload()
    })
  const echo = (aet: string) => {
    setEchoed(null)
    action.run(async () => setEchoed(await echoPeer(aet)))
  }
  return (
    <ManagedList
      lead="Devices that may send to this archive and ask it. On the loopback address unknown devices may, too."
      loaded={peers}
      columns={COLUMNS}
      keyOf={(peer) => peer.aet}
      actions={(peer) => (
        <div className="row-actions">
          <Button small disabled={action.busy} onClick={() => echo(peer.aet)}>
            Echo
          </Button>
          <Button small look="danger" disabled={action.busy} onClick={() => remove(peer.aet)}>
            Remove
          </Button>
        </div>
      )}
      add="Add a peer"
      onAdd={() => setAdding(true)}
      error={action.error}
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
      {adding && (
        <AddDialog
          onClose={() => setAdding(false)}
          onAdded={() => {
            setAdding(false)
            peers.reload()
          }}
        />
      )}
    </ManagedList>
  )
}
