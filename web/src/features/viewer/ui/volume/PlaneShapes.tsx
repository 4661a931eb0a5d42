import { useValue } from '../../../../lib/observable'
import { affineOn, isOn } from '../../model/measuredPlane'
import type { Measurement } from '../../model/measure'
import type { Orientation, PlaneView } from '../../model/planes'
import type { Vector } from '../../model/geometry'
import { apply } from '../../model/view'
import type { PlaneMeasures } from '../../session/planeMeasures'
import { Shape } from '../Measurements'
import { Naming } from '../Naming'
import type { Size } from './cell'

interface Props {
  readonly measures: PlaneMeasures
  readonly series: string
  readonly view: PlaneView
  readonly orientation: Orientation
  readonly focus: Vector
  readonly phase: number
  readonly reach: number
  readonly size: Size
}

const SQUARE = { x: 1, y: 1 }

/** What was measured on the plane that a cell shows. */
export function PlaneShapes({ measures, series, view, orientation, focus, phase, reach, size }: Props) {
  const { all, draft, selected, naming } = useValue(measures.shapes.state)
  const placed = (measurement: Measurement) => {
    const plane = measures.planeOf(measurement.frameId)
    return plane?.series === series && isOn(plane, orientation, focus, phase, reach) ? affineOn(plane, view, orientation, size) : undefined
  }
  const shape = (measurement: Measurement, live: boolean) => {
    const affine = placed(measurement)
    return affine && <Shape key={measurement.id} measurement={measurement} affine={affine} proportion={SQUARE} width={size.width} height={size.height} chosen={live || measurement.id === selected} live={live} />
  }
  const named = all.find((measurement) => measurement.id === naming)
  const affine = named && placed(named)
  return (
    <>
      <svg className="pane-measures" width={size.width} height={size.height}>
        {all.map((measurement) => shape(measurement, false))}
        {draft && shape(draft, true)}
      </svg>
      {named && affine && <Naming key={named.id} session={{ measurements: measures.shapes }} measurement={named} at={apply(affine, named.points[named.points.length - 1] ?? [0, 0])} size={size} />}
    </>
  )
}
