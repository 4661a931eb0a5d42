import type { SyntheticEvent } from 'react'
import { useState } from 'react'
import { addPeer, listPeers, removePeer } from '../../api/admin'
import { explain } from '../../lib/http'
import { useLoaded } from '../../lib/useLoaded'
import { Button, TextField } from '../../ui/controls'
import { Empty, ErrorNotice } from '../../ui/feedback'
import { Dialog } from '../../ui/overlay'
import { Listing } from './Listing'
import { useAction } from './useAction'

function AddDialog({ onClose, onAdded }: { onClose: () => void; onAdded: () => void }) {
  const [aet, setAet] = useState('')
  const [host, setHost] = useState('')
  const [port, setPort] = useState('104')
  const [description, setDescription] = useState('')
  const action = useAction()
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    action.run(async () => {
      await addPeer({ aet: aet.trim(), host: host.trim(), port: Number(port), description: description.trim() })
      onAdded()
    })
  }
  return (
    <Dialog
      title="Add a DICOM peer"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="add-peer" look="primary" disabled={action.busy || !aet.trim() || !host.trim()}>
            Add peer
          </Button>
        </>
      }
    >
      <form id="add-peer" className="form" onSubmit={submit}>
        {action.error !== null && <ErrorNotice error={explain(action.error)} />}
        <TextField label="AE title" hint="As the device calls itself, at most 16 characters; capital letters count." maxLength={16} spellCheck={false} autoComplete="off" required value={aet} onChange={(event) => setAet(event.target.value)} />
        <div className="form-row">
          <TextField label="Host name or address" spellCheck={false} autoComplete="off" required value={host} onChange={(event) => setHost(event.target.value)} />
          <TextField label="Port" type="number" min={1} max={65535} required value={port} onChange={(event) => setPort(event.target.value)} />
        </div>
        <TextField label="Description" hint="Where it stands, whom to call." value={description} onChange={(event) => setDescription(event.target.value)} />
      </form>
    </Dialog>
  )
}

export function Peers() {
  const peers = useLoaded(listPeers)
  const [adding, setAdding] = useState(false)
  const action = useAction()
  const remove = (aet: string) =>
    action.run(async () => {
      await removePeer(aet)
      peers.reload()
    })
  return (
    <>
      <div className="page-head">
        <p className="page-lead">Devices that may send to this archive and ask it. On the loopback address unknown devices may, too.</p>
        <Button look="primary" onClick={() => setAdding(true)}>
          Add a peer
        </Button>
      </div>
      {action.error !== null && <ErrorNotice error={explain(action.error)} />}
      <Listing loaded={peers} empty={<Empty icon="shield" title="No DICOM peers">Add each scanner, workstation and archive that talks DICOM to Isocenter.</Empty>}>
        {(rows) => (
          <table className="plain-table">
            <thead>
              <tr>
                <th>AE title</th>
                <th>Address</th>
                <th className="secondary">Description</th>
                <th>
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((peer) => (
                <tr key={peer.aet}>
                  <td>
                    <strong>{peer.aet}</strong>
                  </td>
                  <td className="mono">
                    {peer.host}:{peer.port}
                  </td>
                  <td className="muted secondary">{peer.description}</td>
                  <td className="actions">
                    <Button small look="danger" disabled={action.busy} onClick={() => remove(peer.aet)}>
                      Remove
                    </Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Listing>
      {adding && (
        <AddDialog
          onClose={() => setAdding(false)}
          onAdded={() => {
            setAdding(false)
            peers.reload()
          }}
        />
      )}
    </>
  )
}
