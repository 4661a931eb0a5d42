// What a person writes beside a shape: a note, the length of a calibration line, a name.
import { type KeyboardEvent, useState } from 'react'
import type { Point } from '../model/geometry'
import type { Measurement } from '../model/measure'
import { isWords } from '../model/shapes'
import type { Size } from '../model/view'
import type { ViewerSession } from '../session/session'
import './measuring.css'

const WIDTH = 190

const ASKS: Readonly<Record<string, string>> = { calibration: 'Length, e.g. 50 mm', text: 'Note', arrow: 'Note, if any', marker: 'Number', vertebra: 'Level, e.g. L4' }

export function Naming({ session, measurement, at, size }: { session: Pick<ViewerSession, 'measurements'>; measurement: Measurement; at: Point; size: Size }) {
  const { id, kind, text = '', label = '' } = measurement
  const [words, setWords] = useState(isWords(kind) ? text : label)
  const asks = ASKS[kind] ?? 'Name'
  const done = (written: string) => session.measurements.name(id, written)
  const onKey = (key: KeyboardEvent) => {
    key.stopPropagation()
    if (key.key === 'Enter') done(words)
    else if (key.key === 'Escape') done(text || label)
  }
  return (
    <input
      className="naming"
      style={{ left: Math.max(4, Math.min(at[0] + 12, size.width - WIDTH - 8)), top: Math.max(4, Math.min(at[1] - 14, size.height - 34)), width: WIDTH }}
      value={words}
      placeholder={asks}
      aria-label={asks}
      maxLength={200}
      autoFocus
      onChange={(change) => setWords(change.target.value)}
      onKeyDown={onKey}
      onBlur={() => done(words)}
      onPointerDown={(press) => press.stopPropagation()}
    />
  )
}
