import type { Order, OrderState, Step, StepState } from '../../api/orders'
import { changeOrder, removeOrder } from '../../api/orders'
import { ageAt, formatDate, formatDateTime, formatSex, formatTime } from '../../lib/dates'
import { formatName } from '../../lib/names'
import { plural } from '../../lib/numbers'
import { Link } from '../../lib/router'
import { useAction } from '../../lib/useAction'
import { Badge, Modality, type Tone } from '../../ui/controls'
import { ErrorNotice } from '../../ui/feedback'
import { Icon } from '../../ui/icons'
import { Menu } from '../../ui/overlay'

const STATES: Record<OrderState | StepState, { title: string; tone: Tone }> = {
  scheduled: { title: 'scheduled', tone: 'plain' },
  arrived: { title: 'arrived', tone: 'accent' },
  ready: { title: 'ready', tone: 'accent' },
  in_progress: { title: 'in progress', tone: 'info' },
  completed: { title: 'completed', tone: 'ok' },
  discontinued: { title: 'discontinued', tone: 'warn' },
  cancelled: { title: 'cancelled', tone: 'plain' },
}

const WAITING: readonly StepState[] = ['scheduled', 'arrived', 'ready']

function State({ of: state }: { of: OrderState | StepState }) {
  return <Badge tone={STATES[state].tone}>{STATES[state].title}</Badge>
}

/** What the modality has reported for a step (MPPS). */
function Performed({ step }: { step: Step }) {
  const newest = step.performed.at(-1)
  if (!newest) return null
  const said = [newest.PerformedStationAETitle, formatTime(newest.started.slice(8)), newest.instances > 0 && plural(newest.instances, 'image')]
  return <div className="faint order-performed">{said.filter(Boolean).join(' · ')}</div>
}

interface RowProps {
  order: Order
  canManage: boolean
  busy: boolean
  onEdit: () => void
  onStep: (step: Step, state: StepState) => void
  onCancel: () => void
  onRemove: () => void
}

function Actions({ order, busy, onEdit, onStep, onCancel, onRemove }: Omit<RowProps, 'canManage'>) {
  const waiting = order.steps.filter((step) => WAITING.includes(step.state))
  const untouched = order.steps.every((step) => step.performed.length === 0 && step.state !== 'in_progress' && step.state !== 'completed')
  return (
    <Menu
      button={(open, toggle) => (
        <button type="button" className="button button-quiet button-small" disabled={busy} aria-haspopup="true" aria-expanded={open} aria-label={`Actions for ${formatName(order.PatientName)}`} onClick={toggle}>
          Actions <Icon name="chevronDown" size={12} />
        </button>
      )}
    >
      <button type="button" className="menu-item" onClick={onEdit}>
        Edit
      </button>
      {waiting.map((step) => {
        const next = step.state === 'scheduled' ? 'arrived' : 'ready'
        return step.state === 'ready' ? null : (
          <button key={step.ScheduledProcedureStepID} type="button" className="menu-item" onClick={() => onStep(step, next)}>
            {next === 'arrived' ? 'Patient has arrived' : 'Patient is ready'}
            {order.steps.length > 1 && ` (${step.Modality})`}
          </button>
        )
      })}
      {waiting.length > 0 && (
        <button type="button" className="menu-item" onClick={onCancel}>
          Cancel the order
        </button>
      )}
      {untouched && (
        <button type="button" className="menu-item" onClick={onRemove}>
          Remove
        </button>
      )}
    </Menu>
  )
}

function Row(props: RowProps) {
  const { order, canManage } = props
  const [first] = order.steps
  const procedure = order.RequestedProcedureDescription === '' ? (first?.ScheduledProcedureStepDescription ?? '') : order.RequestedProcedureDescription
  const begun = order.state === 'in_progress' || order.state === 'completed'
  return (
    <tr className={order.state === 'cancelled' ? 'is-off' : undefined}>
      <td className="nowrap">{first ? formatDateTime(first.ScheduledProcedureStepStartDate, first.ScheduledProcedureStepStartTime) : formatDate(order.created_at.slice(0, 10).replaceAll('-', ''))}</td>
      <td>
        <State of={order.steps.length === 1 && first ? first.state : order.state} />
      </td>
      <td className="strong truncate">{formatName(order.PatientName)}</td>
      <td className="muted truncate">{order.PatientID}</td>
      <td className="muted secondary nowrap">{[ageAt(order.PatientBirthDate, first?.ScheduledProcedureStepStartDate), formatSex(order.PatientSex)].filter(Boolean).join(' · ')}</td>
      <td className="truncate">
        {procedure === '' ? <span className="faint">No description</span> : procedure}
        {order.RequestedProcedurePriority === 'STAT' && <Badge tone="danger">STAT</Badge>}
        {order.origin === 'modality' && <Badge title="A modality has reported it; nobody had ordered it">not ordered</Badge>}
      </td>
      <td>
        {order.steps.map((step) => (
          <div key={step.ScheduledProcedureStepID} className="order-step">
            <Modality code={step.Modality} />
            <span className="mono muted">{step.ScheduledStationAETitle.join(', ')}</span>
            {order.steps.length > 1 && <State of={step.state} />}
            <Performed step={step} />
          </div>
        ))}
      </td>
      <td className="muted secondary">{order.AccessionNumber}</td>
      <td className="muted secondary truncate">{formatName(order.ReferringPhysicianName)}</td>
      <td className="actions">
        <div className="row-actions">
          {begun && (
            <Link to={`/viewer/${encodeURIComponent(order.StudyInstanceUID)}`} className="button button-small">
              Open
            </Link>
          )}
          {canManage && <Actions {...props} />}
        </div>
      </td>
    </tr>
  )
}

interface TableProps {
  orders: Order[]
  canManage: boolean
  onEdit: (order: Order) => void
  onChanged: () => void
}

export function OrderTable({ orders, canManage, onEdit, onChanged }: TableProps) {
  const action = useAction()
  const act = (what: () => Promise<unknown>) =>
    action.run(async () => {
      await what()
      onChanged()
    })
  return (
    <>
      {action.failure && <ErrorNotice error={action.failure} />}
      <table className="plain-table dense-table orders-table">
        <thead>
          <tr>
            <th>Start</th>
            <th>State</th>
            <th>Patient</th>
            <th>ID</th>
            <th className="secondary">Age, sex</th>
            <th>Procedure</th>
            <th>Where</th>
            <th className="secondary">Accession</th>
            <th className="secondary">Referrer</th>
            <th>
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {orders.map((order) => (
            <Row
              key={order.id}
              order={order}
              canManage={canManage}
              busy={action.busy}
              onEdit={() => onEdit(order)}
              onStep={(step, state) => act(() => changeOrder(order.id, { steps: [{ ScheduledProcedureStepID: step.ScheduledProcedureStepID, state }] }))}
              onCancel={() => act(() => changeOrder(order.id, { state: 'cancelled' }))}
              onRemove={() => act(() => removeOrder(order.id))}
            />
          ))}
        </tbody>
      </table>
    </>
  )
}
