import { useId, useState } from 'react'
import { may, useUser } from '../../../../api/session'
import { useValue } from '../../../../lib/observable'
import { GrowBy, Range } from './GrowBy'
import { EDIT_TOOLS, type EditTool } from '../../session/overlays/editState'
import { type Editing, editingOf } from '../../session/overlays/editing'
import type { Segmentation } from '../../model/overlays/segmentation'
import { overlaysOf } from '../../session/overlays/store'
import type { ViewerSession } from '../../session/session'

const TOOLS: Readonly<Record<EditTool, { label: string; tip: string }>> = {
  brush: { label: 'Brush', tip: 'Paint' },
  eraser: { label: 'Eraser', tip: 'Take away' },
  threshold: { label: 'Threshold', tip: 'Paint only where values lie in the range' },
  fill: { label: 'Lasso', tip: 'Draw around an area: it is filled' },
  cut: { label: 'Scissors', tip: 'Draw around an area: it is taken away' },
  grow: { label: 'Grow', tip: 'Click: what hangs together there is marked on all images' },
  drop: { label: 'Take part away', tip: 'Click: the part of the segment that hangs together there goes from all images' },
}

const TYPES: Readonly<Record<Segmentation['type'], { label: string; tip: string }>> = {
  BINARY: { label: 'Binary', tip: 'A pixel is inside or not; segments may overlap' },
  FRACTIONAL: { label: 'Fractional', tip: 'A pixel is inside by a part of it' },
  LABELMAP: { label: 'Label map', tip: 'A pixel belongs to one segment: the one it was painted as last' },
}

function Type({ editing }: { editing: Editing }) {
  const type = editing.target?.segmentation.type ?? 'BINARY'
  return (
    <label className="overlay-look">
      <span>Type</span>
      <select className="input overlay-type" value={type} title={TYPES[type].tip} onChange={(change) => editing.setType(change.target.value as Segmentation['type'])} data-testid="edit-type">
        {Object.entries(TYPES).map(([each, { label }]) => (
          <option key={each} value={each}>
            {label}
          </option>
        ))}
      </select>
    </label>
  )
}

function Fraction({ editing }: { editing: Editing }) {
  const { tool, fraction } = useValue(editing.state)
  if (editing.target?.segmentation.type !== 'FRACTIONAL' || tool === null || tool === 'eraser' || tool === 'cut') return null
  return (
    <label className="overlay-look">
      <span>Fraction</span>
      <input type="range" min="5" max="100" step="5" value={Math.round(fraction * 100)} onChange={(change) => editing.set({ fraction: Number(change.target.value) / 100 })} data-testid="edit-fraction" />
      <span>{Math.round(fraction * 100)} %</span>
    </label>
  )
}

function Numbers({ editing }: { editing: Editing }) {
  const { tool, radius, rule } = useValue(editing.state)
  const isRound = tool === 'brush' || tool === 'eraser' || tool === 'threshold' || (tool === 'grow' && rule === 'share')
  return (
    <div className="overlay-look">
      {isRound && (
        <label>
          <span>Radius</span>
          <input type="range" min="0.5" max="40" step="0.5" value={radius} onChange={(change) => editing.set({ radius: Number(change.target.value) })} data-testid="edit-radius" />
          <span>{radius.toFixed(1)} mm</span>
        </label>
      )}
      {tool === 'threshold' && <Range editing={editing} />}
      {tool === 'grow' && <GrowBy editing={editing} />}
    </div>
  )
}

function Segments({ editing }: { editing: Editing }) {
  const { segment } = useValue(editing.state)
  const group = useId()
  const segments = editing.target?.segmentation.segments ?? []
  return (
    <ul className="overlay-parts" role="radiogroup" aria-label="Segment to draw">
      {segments.map((each) => (
        <li key={each.number} className={each.number === segment ? 'overlay-edit overlay-part-chosen' : 'overlay-edit'}>
          <input type="radio" name={group} checked={each.number === segment} aria-label={`Draw ${each.label}`} onChange={() => editing.set({ segment: each.number })} />
          <input className="input overlay-label" value={each.label} maxLength={64} aria-label={`Name of segment ${each.number}`} onChange={(change) => editing.rename(each.number, change.target.value)} data-testid="edit-label" />
        </li>
      ))}
    </ul>
  )
}

function Saving({ editing }: { editing: Editing }) {
  const { saving, dirty } = useValue(editing.state)
  const user = useUser()
  const title = editing.target?.title ?? ''
  const [label, setLabel] = useState(title)
  const [sure, setSure] = useState(false)
  const allowed = may(user, 'study:store')
  const refusal = allowed ? undefined : 'Your account may not store objects.'
  const save = (as: 'segmentation' | 'structures') => void editing.save(label.trim() || 'Segmentation', user.name, as)
  return (
    <>
      <label className="overlay-look">
        <span>Name</span>
        <input className="input overlay-label" value={label} maxLength={64} onChange={(change) => setLabel(change.target.value)} data-testid="edit-title" />
      </label>
      <div className="overlay-tools">
        <button
          type="button"
          className="button button-small button-primary"
          disabled={saving || !dirty || !allowed}
          title={refusal}
          onClick={() => save('segmentation')}
          data-testid="edit-save"
        >
          {saving ? 'Saving…' : 'Save in the archive'}
        </button>
        <button type="button" className="button button-small" disabled={saving || !allowed} title={refusal} data-tip="Their outlines as an RT structure set" onClick={() => save('structures')} data-testid="edit-save-structures">
          As RT structures
        </button>
        <button type="button" className={sure && dirty ? 'button button-small button-danger' : 'button button-small'} onClick={() => (dirty && !sure ? setSure(true) : editing.end(true))} data-testid="edit-done">
          {!dirty ? 'Done' : sure ? 'Throw away what is not saved' : 'Leave'}
        </button>
      </div>
    </>
  )
}

/** Drawing: tools, segments, undo, saving. */
export function EditSection({ session }: { session: ViewerSession }) {
  const editing = editingOf(session)
  const { target, tool, canUndo, canRedo, message } = useValue(editing.state)
  useValue(overlaysOf(session).state) // names and layers
  return (
    <section className="overlay-section" aria-label="Draw segments">
      {target === null ? (
        <button type="button" className="button button-small" onClick={() => editing.begin()} data-testid="edit-new">
          New segmentation on these images
        </button>
      ) : (
        <>
          <h3>Draw</h3>
          <Type editing={editing} />
          <div className="overlay-tools" role="group" aria-label="Drawing tools">
            {EDIT_TOOLS.map((each) => (
              <button key={each} type="button" className="button button-small" aria-pressed={tool === each} data-tip={TOOLS[each].tip} onClick={() => editing.set({ tool: tool === each ? null : each })} data-testid={`edit-${each}`}>
                {TOOLS[each].label}
              </button>
            ))}
          </div>
          <Numbers editing={editing} />
          <Fraction editing={editing} />
          <Segments editing={editing} />
          <div className="overlay-tools">
            <button type="button" className="button button-small" onClick={() => editing.addSegment()} data-testid="edit-add">
              Add a segment
            </button>
            <button type="button" className="button button-small" data-tip="Fill the images between those that are drawn" onClick={() => editing.fillBetween()} data-testid="edit-between">
              Fill between
            </button>
            <button type="button" className="button button-small" disabled={!canUndo} onClick={() => editing.undo()} data-testid="edit-undo">
              Undo
            </button>
            <button type="button" className="button button-small" disabled={!canRedo} onClick={() => editing.redo()} data-testid="edit-redo">
              Redo
            </button>
          </div>
          <Saving key={target} editing={editing} />
        </>
      )}
      {message && (
        <p className="overlay-note" role="status" data-testid="edit-message">
          {message}
        </p>
      )}
    </section>
  )
}
