import { useEffect } from 'react'
import { useValue } from '../../../../lib/observable'
import { middleOfShape } from '../../model/measuredPlane'
import type { PlaneMeasures } from '../../session/planeMeasures'
import type { VolumeScene } from '../../session/volumeScene'
import { Glyph } from '../icons'
import { Entry } from '../Popover'
import { Dropdown } from '../ToolButton'

const NAMES: Readonly<Record<string, string>> = { openAngle: 'Open angle', circle3: 'Circle', text: 'Note' }
const nameOf = (kind: string): string => NAMES[kind] ?? kind.charAt(0).toUpperCase() + kind.slice(1)

/** Lays the planes where a shape was drawn when somebody asks for it. */
export function useWanted(measures: PlaneMeasures, scene: VolumeScene, series: string): void {
  const wanted = useValue(measures.wanted)
  useEffect(() => {
    const shape = measures.shapes.state.get().all.find((each) => each.id === wanted)
    const plane = shape && measures.planeOf(shape.frameId)
    if (plane?.series !== series) return
    scene.lay(plane, middleOfShape(plane, shape?.points ?? []), plane.phase)
    scene.set({ projection: plane.projection, ...(plane.thickness > 0 ? { thickness: plane.thickness } : {}), alone: null })
    measures.wanted.set(null)
  }, [wanted, measures, scene, series])
}

/** What was measured on planes of this series; choosing one lays the planes there. */
export function MeasureList({ measures, series }: { measures: PlaneMeasures; series: string }) {
  const { all } = useValue(measures.shapes.state)
  const here = all.filter((each) => each.seriesInstanceUID === series)
  if (here.length === 0) return null
  return (
    <Dropdown label={`Measured on planes: ${here.length}`} glyph="histogram" testid="plane-measures">
      {here.map(({ id, kind, text, label, lines }) => (
        <Entry key={id} label={[[label, text].find(Boolean) ?? nameOf(kind), lines[0] ?? ''].filter(Boolean).join(' · ')} icon={<Glyph name="histogram" />} onClick={() => void measures.goTo(id)} />
      ))}
    </Dropdown>
  )
}

/** Keys of shapes while the planes have the keyboard. True: it was one of them. */
export function shapeKey({ shapes }: PlaneMeasures, key: { readonly key: string; readonly ctrlKey: boolean; readonly metaKey: boolean; readonly shiftKey: boolean }): boolean {
  const { selected, draft } = shapes.state.get()
  const control = key.ctrlKey || key.metaKey
  if ((key.key === 'Delete' || key.key === 'Backspace') && (selected !== null || draft)) shapes.deleteSelected()
  else if (key.key === 'Escape' && draft) shapes.cancel()
  else if (key.key === 'Escape' && selected !== null) shapes.select(null)
  else if (control && (key.key.toLowerCase() === 'y' || (key.shiftKey && key.key.toLowerCase() === 'z'))) shapes.redo()
  else if (control && key.key.toLowerCase() === 'z') shapes.undo()
  else return false
  return true
}
