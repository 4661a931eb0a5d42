import { useState } from 'react'
import type { Destination, DestinationKind, Place } from '../../api/routing'
import { addDestination, changeDestination, listDestinations, removeDestination } from '../../api/routing'
import { formatBytes, formatCount } from '../../lib/numbers'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Badge, Button, SelectField, TextField } from '../../ui/controls'
import { Empty } from '../../ui/feedback'
import { FormDialog } from '../../ui/FormDialog'
import { Icon } from '../../ui/icons'
import { type Column, ManagedList } from '../../ui/ManagedList'
import { Menu } from '../../ui/overlay'

const KINDS: Record<DestinationKind, { title: string; address: string; hint: string }> = {
  dicom: { title: 'DICOM', address: 'AE title', hint: 'Of a known DICOM peer.' },
  dicomweb: { title: 'DICOMweb', address: 'Service URL', hint: 'https://archive.example/dicom-web; studies are stored with STOW-RS.' },
  folder: { title: 'Folder', address: 'Path', hint: "On this server's disk, in the user's rights that run Isocenter." },
}

const MB = 2 ** 20

function PlaceDialog({ destination, onClose, onSaved }: { destination?: Destination; onClose: () => void; onSaved: () => void }) {
  const [name, setName] = useState(destination?.name ?? '')
  const [kind, setKind] = useState<DestinationKind>(destination?.kind ?? 'dicomweb')
  const [address, setAddress] = useState(destination?.address ?? '')
  const [username, setUsername] = useState(destination?.username ?? '')
  const [secret, setSecret] = useState('')
  const [hours, setHours] = useState(destination?.hours ?? '')
  const [speed, setSpeed] = useState(destination?.throttle ? String(destination.throttle / MB) : '')
  const action = useAction()
  const save = async () => {
    const place: Place = { address: address.trim(), username: username.trim(), hours: hours.trim(), throttle: Math.max(0, Math.round((Number(speed) || 0) * MB)), ...(secret ? { secret } : {}) }
    if (destination) await changeDestination(destination.name, place)
    else await addDestination(name.trim(), kind, place)
    onSaved()
  }
  const ready = name.trim() !== '' && address.trim() !== ''
  return (
    <FormDialog title={destination ? `Destination ${destination.name}` : 'Add a destination'} submit={destination ? 'Save' : 'Add destination'} ready={ready} action={action} run={save} onClose={onClose}>
      {!destination && (
        <>
          <SelectField label="Kind" value={kind} onChange={(event) => setKind(event.target.value as DestinationKind)}>
            {(Object.keys(KINDS) as DestinationKind[]).map((key) => (
              <option key={key} value={key}>
                {KINDS[key].title}
              </option>
            ))}
          </SelectField>
          <TextField label="Name" maxLength={64} required value={name} onChange={(event) => setName(event.target.value)} />
        </>
      )}
      <TextField label={KINDS[kind].address} hint={KINDS[kind].hint} spellCheck={false} autoComplete="off" required value={address} onChange={(event) => setAddress(event.target.value)} />
      {kind === 'dicomweb' && (
        <div className="form-row form-row-half">
          <TextField label="User name" autoComplete="off" spellCheck={false} value={username} onChange={(event) => setUsername(event.target.value)} />
          <TextField label={username.trim() ? 'Password' : 'Password or token'} type="password" autoComplete="new-password" placeholder={destination?.has_secret ? 'kept' : ''} value={secret} onChange={(event) => setSecret(event.target.value)} />
        </div>
      )}
      <div className="form-row form-row-half">
        <TextField label="Hours" placeholder="always" hint="22:00-06:00 lasts over midnight." value={hours} onChange={(event) => setHours(event.target.value)} />
        <TextField label="MB a second" inputMode="decimal" placeholder="no limit" value={speed} onChange={(event) => setSpeed(event.target.value)} />
      </div>
    </FormDialog>
  )
}

function RemoveDialog({ destination, onClose, onRemoved }: { destination: Destination; onClose: () => void; onRemoved: () => void }) {
  const action = useAction()
  const remove = async () => {
    await removeDestination(destination.name)
    onRemoved()
  }
  return (
    <FormDialog title={`Forget ${destination.name}?`} submit="Forget it" danger cancel="Keep it" action={action} run={remove} onClose={onClose}>
      <p>The deliveries to it are forgotten, too. What has arrived there stays.</p>
    </FormDialog>
  )
}

const COLUMNS: readonly Column<Destination>[] = [
  {
    title: 'Name',
    cell: (to) => (
      <>
        <strong>{to.name}</strong> {to.paused && <Badge tone="warn">paused</Badge>}
      </>
    ),
  },
  { title: 'Kind', className: 'muted', cell: (to) => KINDS[to.kind].title },
  { title: 'Address', className: 'mono secondary', cell: (to) => <span className="truncate">{to.address}</span> },
  {
    title: 'When, how fast',
    className: 'muted secondary',
    cell: (to) => [to.hours || 'always', to.throttle > 0 && `${formatBytes(to.throttle)}/s`].filter(Boolean).join(' · '),
  },
  { title: 'Waiting', className: 'num', cell: (to) => formatCount(to.waiting) },
  { title: 'Failed', className: 'num', cell: (to) => (to.failed > 0 ? <span className="is-bad">{formatCount(to.failed)}</span> : '0') },
  { title: 'Sent', className: 'num muted secondary', cell: (to) => formatCount(to.sent) },
]

/** Where studies may be sent; each can be paused, and goes on where it stopped. */
export function Destinations({ canManage }: { canManage: boolean }) {
  const destinations = useLoaded(listDestinations)
  const [open, setOpen] = useState<{ kind: 'add' } | { kind: 'edit' | 'remove'; destination: Destination } | null>(null)
  const action = useAction()
  const close = () => setOpen(null)
  const done = () => {
    close()
    destinations.reload()
  }
  const pause = (to: Destination) =>
    action.run(async () => {
      await changeDestination(to.name, { paused: !to.paused })
      destinations.reload()
    })
  return (
    <ManagedList
      lead="Where studies can be sent: every DICOM peer, and the DICOMweb services and folders named here. While one is paused its deliveries wait, and none is lost."
      loaded={destinations}
      columns={COLUMNS}
      keyOf={(to) => to.name}
      actions={(to) =>
        canManage && (
          <div className="row-actions">
            <Button small icon={to.paused ? 'play' : 'pause'} disabled={action.busy} aria-label={`${to.paused ? 'Resume' : 'Pause'} ${to.name}`} onClick={() => pause(to)}>
              {to.paused ? 'Resume' : 'Pause'}
            </Button>
            <Menu
              button={(shown, toggle) => (
                <button type="button" className="button button-quiet button-small" aria-haspopup="true" aria-expanded={shown} aria-label={`Actions for ${to.name}`} onClick={toggle}>
                  Actions <Icon name="chevronDown" size={12} />
                </button>
              )}
            >
              <button type="button" className="menu-item" onClick={() => setOpen({ kind: 'edit', destination: to })}>
                Edit
              </button>
              <button type="button" className="menu-item" onClick={() => setOpen({ kind: 'remove', destination: to })}>
                Forget
              </button>
            </Menu>
          </div>
        )
      }
      add={canManage ? 'Add a destination' : ''}
      onAdd={() => setOpen({ kind: 'add' })}
      failure={action.failure}
      empty={
        <Empty icon="send" title="No destinations">
          Add a DICOM peer in the administration, or a DICOMweb service or a folder here.
        </Empty>
      }
    >
      {open?.kind === 'add' && <PlaceDialog onClose={close} onSaved={done} />}
      {open?.kind === 'edit' && <PlaceDialog destination={open.destination} onClose={close} onSaved={done} />}
      {open?.kind === 'remove' && <RemoveDialog destination={open.destination} onClose={close} onRemoved={done} />}
    </ManagedList>
  )
}
