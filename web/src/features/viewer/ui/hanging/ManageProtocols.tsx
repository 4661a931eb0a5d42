// The protocols that are kept: publish, give away as JSON or DICOM, take in, remove.
import { useEffect, useState } from 'react'
import { type KeptProtocol, type ReceivedProtocol, addProtocol, changeProtocol, importProtocol, listReceived, protocolAddress, receivedAddress, removeProtocol, takeOver } from '../../../../api/hanging'
import { may, useUser } from '../../../../api/session'
import { formatDate } from '../../../../lib/dates'
import { isAbort } from '../../../../lib/http'
import { useValue } from '../../../../lib/observable'
import { useAction } from '../../../../lib/useAction'
import { Badge, Button } from '../../../../ui/controls'
import { ErrorNotice } from '../../../../ui/feedback'
import { Dialog } from '../../../../ui/overlay'
import { DEFAULTS } from '../../model/hanging/defaults'
import { type Protocol, parseProtocol } from '../../model/hanging/protocol'
import type { ViewerSession } from '../../session/session'
import { TryOut } from './TryOut'

function give(name: string, href: string, ending: string): void {
  const link = document.createElement('a')
  link.href = href
  link.download = `${name.replaceAll(/[^\p{L}\p{N}]+/gu, '-')}.${ending}`
  link.click()
}

function giveJson(protocol: Protocol): void {
  const url = URL.createObjectURL(new Blob([JSON.stringify(protocol, null, 2)], { type: 'application/json' }))
  give(protocol.name, url, 'json')
  // The browser has begun to read by then.
  setTimeout(() => URL.revokeObjectURL(url), 1000)
}

/** JSON of ours, or a DICOM object. */
async function takeIn(file: File): Promise<void> {
  const head = new Uint8Array(await file.slice(128, 132).arrayBuffer())
  if (String.fromCharCode(...head) === 'DICM') {
    await importProtocol(file)
    return
  }
  let value: unknown = null
  try {
    value = JSON.parse(await file.text())
  } catch {
    // Told below: it is no protocol.
  }
  const protocol = parseProtocol(value)
  if (!protocol) throw new Error('This file is no hanging protocol: neither our JSON nor a DICOM object. Nothing was kept of it.')
  await addProtocol(protocol, false)
}

function Row({ kept, sharing, act }: { kept: KeptProtocol; sharing: boolean; act: (what: () => Promise<unknown>) => void }) {
  const protocol = parseProtocol(kept.protocol)
  const [sure, setSure] = useState(false)
  const [trying, setTrying] = useState(false)
  const modality = protocol?.applies.find((rule) => rule.fact === 'modality' && rule.is === 'any')?.values[0] ?? ''
  return (
    <tr>
      <td>
        <strong>{kept.name}</strong> {kept.shared && <Badge tone="info">everybody’s</Badge>}
        {trying && protocol && <TryOut protocol={protocol} modality={modality} at="once" />}
      </td>
      <td>
        <div className="hanging-actions">
          {protocol && (
            <Button small aria-expanded={trying} onClick={() => setTrying(!trying)} aria-label={`Try ${kept.name} on past studies`}>
              Try
            </Button>
          )}
          {sharing && kept.mine && (
            <Button small onClick={() => act(() => changeProtocol(kept.id, { shared: !kept.shared }))}>
              {kept.shared ? 'Withdraw' : 'Publish'}
            </Button>
          )}
          {protocol && (
            <Button small onClick={() => giveJson(protocol)} aria-label={`${kept.name} as JSON`}>
              JSON
            </Button>
          )}
          <Button small onClick={() => give(kept.name, protocolAddress(kept.id), 'dcm')} aria-label={`${kept.name} as DICOM`}>
            DICOM
          </Button>
          {kept.mine && (
            <Button small look={sure ? 'danger' : 'plain'} onClick={() => (sure ? act(() => removeProtocol(kept.id)) : setSure(true))} onBlur={() => setSure(false)} aria-label={`Remove ${kept.name}`}>
              {sure ? 'Really remove' : 'Remove'}
            </Button>
          )}
        </div>
      </td>
    </tr>
  )
}

/** What workstations and devices have sent. It hangs nothing before somebody takes it over. */
function Received({ act }: { act: (what: () => Promise<unknown>) => void }) {
  const [found, setFound] = useState<readonly ReceivedProtocol[]>([])
  useEffect(() => {
    const asking = new AbortController()
    listReceived(asking.signal).then(setFound, (error: unknown) => {
      if (!isAbort(error)) act(() => Promise.reject(error instanceof Error ? error : new Error('The received protocols could not be listed.')))
    })
    return () => asking.abort()
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once, when the dialog opens
  }, [])
  if (found.length === 0) return null
  return (
    <section>
      <h3>Received from others</h3>
      <table className="hanging-tries" data-testid="hanging-received">
        <tbody>
          {found.map(({ id, uid, name, problem, source_aet: from, received_at: at }) => (
            <tr key={id}>
              <td>
                <strong>{name || uid}</strong> <Badge>{[from || 'a file', formatDate(at.slice(0, 10).replaceAll('-', ''))].join(', ')}</Badge>
                {problem && <div className="muted">{`The viewer cannot show it: ${problem}. It is kept, and given away, as it came.`}</div>}
              </td>
              <td>
                <div className="hanging-actions">
                  {!problem && (
                    <Button small onClick={() => act(() => takeOver(id))} aria-label={`Take over ${name}`}>
                      Take over
                    </Button>
                  )}
                  <Button small onClick={() => give(name || uid, receivedAddress(id), 'dcm')} aria-label={`${name || uid} as it came`}>
                    DICOM
                  </Button>
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

export default function ManageProtocols({ session, onClose }: { session: ViewerSession; onClose: () => void }) {
  const { entries } = useValue(session.hanging.state)
  const sharing = may(useUser(), 'hanging:share')
  const action = useAction()
  const act = (what: () => Promise<unknown>) =>
    action.run(async () => {
      await what()
      await session.hanging.refresh()
    })
  const kept = entries.flatMap((entry) => entry.kept ?? [])
  return (
    <Dialog title="Hanging protocols" onClose={onClose} wide footer={<Button onClick={onClose}>Close</Button>}>
      {action.failure && <ErrorNotice error={action.failure} />}
      <p>Your own go before those of everybody, and these before the ones that come with the viewer.</p>
      <label className="button">
        Import a file…
        <input
          type="file"
          className="visually-hidden"
          accept=".json,.dcm,application/json,application/dicom"
          data-testid="hanging-import"
          onChange={(event) => {
            const file = event.target.files?.[0]
            event.target.value = ''
            if (file) act(() => takeIn(file))
          }}
        />
      </label>
      <table className="hanging-tries" data-testid="hanging-kept">
        <tbody>
          {kept.map((each) => (
            <Row key={each.id} kept={each} sharing={sharing} act={act} />
          ))}
        </tbody>
      </table>
      <Received act={act} />
      <table className="hanging-tries">
        <tbody>
          {DEFAULTS.map((protocol) => (
            <tr key={protocol.name}>
              <td>
                <strong>{protocol.name}</strong> <Badge>comes with the viewer</Badge>
                <div className="muted">{protocol.description}</div>
              </td>
              <td>
                <div className="hanging-actions">
                  <Button small onClick={() => giveJson(protocol)} aria-label={`${protocol.name} as JSON`}>
                    JSON
                  </Button>
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Dialog>
  )
}
