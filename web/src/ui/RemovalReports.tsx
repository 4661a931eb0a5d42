import { useState } from 'react'
import { formatInstant } from '../lib/dates'
import { formatCount, plural } from '../lib/numbers'
import { saveFile } from '../lib/save'
import { useAction } from '../lib/useAction'
import { Badge, Button } from './controls'
import { Empty, ErrorNotice } from './feedback'

/** What left without identities at one time. */
export interface RemovalReport {
  id: number
  project: string
  form: 'delivery' | 'dicom' | 'copy' | 'folder'
  destination: string
  delivery: number | null
  actor: string
  at: string
  /** null: under way. */
  ended_at: string | null
  /** Nobody broke it off. */
  whole: boolean
  studies: number
  objects: number
  held_back: number
}

/** What was done to it; it names nobody. */
export interface Removal {
  done: {
    options: string[]
    objects_with_blackened_pixels: number
    held_back: { reason: string; objects: number }[]
    attributes: { tag: string; keyword: string; what: string; times: number }[]
  }
  text: string
}

const FORMS = { dicom: 'ZIP', copy: 'study copy', folder: 'folder' } as const

function whereTo(report: RemovalReport): string {
  return report.form === 'delivery' ? `to ${report.destination}` : FORMS[report.form]
}

function Details({ removal }: { removal: Removal }) {
  const { done } = removal
  return (
    <div className="removal">
      <p className="muted">
        Options: {done.options.map((option) => option.replaceAll('_', ' ')).join(', ') || 'none beside the Basic Profile'}
        {done.objects_with_blackened_pixels > 0 && `; pixels were made black in ${plural(done.objects_with_blackened_pixels, 'object')}`}
      </p>
      {done.held_back.map((held) => (
        <p key={held.reason}>
          <Badge tone="warn">{formatCount(held.objects)} held back</Badge> {held.reason}
        </p>
      ))}
      <div className="panel panel-scroll" role="region" aria-label="Attributes" tabIndex={0} style={{ maxHeight: '40vh' }}>
        <table className="plain-table dense-table">
          <thead>
            <tr>
              <th>Attribute</th>
              <th>Tag</th>
              <th>What was done</th>
              <th className="num">Times</th>
            </tr>
          </thead>
          <tbody>
            {done.attributes.map((each) => (
              <tr key={`${each.tag} ${each.what}`}>
                <td>{each.keyword}</td>
                <td className="mono">{each.tag}</td>
                <td>{each.what}</td>
                <td className="num">{formatCount(each.times)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}

/** What was removed from what left, the newest first; one of them is opened at a time. */
export function RemovalReports({ reports, read }: { reports: readonly RemovalReport[]; read: (id: number) => Promise<Removal> }) {
  const [open, setOpen] = useState<{ id: number; removal: Removal } | null>(null)
  const action = useAction()
  const toggle = (id: number) =>
    open?.id === id
      ? setOpen(null)
      : action.run(async () => {
          setOpen({ id, removal: await read(id) })
        })
  if (reports.length === 0) return <Empty icon="lock" title="Nothing has left">What leaves from now on has a report here.</Empty>
  return (
    <>
      {action.failure && <ErrorNotice error={action.failure} />}
      <table className="plain-table">
        <thead>
          <tr>
            <th>When</th>
            <th>Where to</th>
            <th className="num">Objects</th>
            <th className="num">Held back</th>
            <th>
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {reports.map((report) => (
            <tr key={report.id}>
              <td className="nowrap">{formatInstant(report.at)}</td>
              <td>
                {whereTo(report)} {report.ended_at === null && <Badge>under way</Badge>}
                {!report.whole && <Badge tone="warn">broken off</Badge>}
                {report.actor && <div className="faint">{report.actor}</div>}
              </td>
              <td className="num">{formatCount(report.objects)}</td>
              <td className="num">{formatCount(report.held_back)}</td>
              <td>
                <div className="row-actions">
                  {open?.id === report.id && (
                    <Button small onClick={() => saveFile(new Blob([open.removal.text], { type: 'text/plain' }), `report-${report.id}.txt`)}>
                      Save
                    </Button>
                  )}
                  <Button small disabled={action.busy} aria-expanded={open?.id === report.id} onClick={() => void toggle(report.id)}>
                    {open?.id === report.id ? 'Hide' : 'What was removed'}
                  </Button>
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {open && <Details removal={open.removal} />}
    </>
  )
}
