import { Badge, Button } from './controls'
import { Empty } from './feedback'

/** What left without identities at one time, in words. notes: what is not as usual with it. */
export interface ReportRow {
  id: number
  when: string
  where: string
  who: string
  notes: readonly string[]
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

function Details({ removal }: { removal: Removal }) {
  const { done } = removal
  return (
    <div className="removal">
      <p className="muted">
        Options: {done.options.map((option) => option.replaceAll('_', ' ')).join(', ') || 'none beside the Basic Profile'}
        {done.objects_with_blackened_pixels > 0 && `; objects with pixels made black: ${done.objects_with_blackened_pixels}`}
      </p>
      {done.held_back.map((held) => (
        <p key={held.reason}>
          <Badge tone="warn">{held.objects} held back</Badge> {held.reason}
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
                <td className="num">{each.times}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}

interface RemovalReportsProps {
  reports: readonly ReportRow[]
  open: { id: number; value: Removal } | null
  busy: boolean
  onToggle: (id: number) => void
  onSave: () => void
}

/** What was removed from what left, the newest first; one of them is opened at a time. */
export function RemovalReports({ reports, open, busy, onToggle, onSave }: RemovalReportsProps) {
  if (reports.length === 0)
    return (
      <Empty icon="lock" title="Nothing has left">
        What leaves from now on has a report here.
      </Empty>
    )
  return (
    <>
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
              <td className="nowrap">{report.when}</td>
              <td>
                {report.where}{' '}
                {report.notes.map((note) => (
                  <Badge key={note} tone="warn">
                    {note}
                  </Badge>
                ))}
                {report.who && <div className="faint">{report.who}</div>}
              </td>
              <td className="num">{report.objects}</td>
              <td className="num">{report.held_back}</td>
              <td>
                <div className="row-actions">
                  {open?.id === report.id && (
                    <Button small onClick={onSave}>
                      Save
                    </Button>
                  )}
                  <Button small disabled={busy} aria-expanded={open?.id === report.id} onClick={() => onToggle(report.id)}>
                    {open?.id === report.id ? 'Hide' : 'What was removed'}
                  </Button>
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {open && <Details removal={open.value} />}
    </>
  )
}
