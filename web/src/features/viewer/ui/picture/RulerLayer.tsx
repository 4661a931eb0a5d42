// A ruler at the left edge of a picture: round centimetres or millimetres, and where they come from. Pixels where nobody knows.
import { useValue } from '../../../../lib/observable'
import { rulerOf } from '../../model/ruler'
import { millimetresOfUnit } from '../../session/trueSize'
import type { PaneProps } from '../additions'
import './picture.css'

export function RulerLayer({ session, pane }: PaneProps) {
  const { detail } = useValue(session.state)
  useValue(session.measurements.state) // a calibration line changes what a millimetre is
  const { picture, view, size, shown } = useValue(pane.state)
  if (!picture || shown < 0 || detail === 'none' || size.height < 200) return null
  const calibration = session.measurements.calibrationOf(picture.frame)
  const unit = millimetresOfUnit(calibration)
  if (unit === undefined) return null
  const { length, divisions, text } = rulerOf(view.scale / unit, size.height * 0.4)
  const note = calibration.kind === 'spacing' ? calibration.note : 'within regions'
  const step = length / divisions
  return (
    <svg className="ruler" width={90} height={length + 2} style={{ top: (size.height - length) / 2 }} data-testid="ruler" data-length={length} aria-hidden="true">
      <path d={`M1 1v${length}${Array.from({ length: divisions + 1 }, (_, at) => `M1 ${1 + at * step}h${at % 5 === 0 ? 9 : 5}`).join('')}`} />
      <text x={14} y={length / 2 + 4}>
        {text}
      </text>
      {note && (
        <text x={14} y={length / 2 + 18} className="ruler-note">
          {note}
        </text>
      )}
    </svg>
  )
}
