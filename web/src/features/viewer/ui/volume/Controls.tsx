import type { ReactNode } from 'react'
import { useValue } from '../../../../lib/observable'
import { RENDER_PRESETS } from '../../model/raycast'
import type { Projection } from '../../model/resample'
import type { VolumeScene } from '../../session/volumeScene'
import { Glyph } from '../icons'

export type Mode = 'mpr' | 'curved' | 'volume' | 'fusion'

export interface Choice {
  readonly uid: string
  readonly name: string
}

const SLABS: readonly { readonly id: Projection; readonly name: string }[] = [
  { id: 'none', name: 'Thin' },
  { id: 'max', name: 'MIP' },
  { id: 'min', name: 'MinIP' },
  { id: 'mean', name: 'Mean' },
]
/** As PET is read: whole body, tumours, brain and heart. */
const SUV_TOPS = [5, 7, 10, 15] as const
const SIDES = ['across', 'down', 'through'] as const

function Slab({ scene }: { scene: VolumeScene }) {
  const { projection, thickness } = useValue(scene.state)
  return (
    <>
      <div className="volume-choice" role="group" aria-label="Slab">
        {SLABS.map(({ id, name }) => (
          <button key={id} type="button" aria-pressed={projection === id} onClick={() => scene.set({ projection: id })}>
            {name}
          </button>
        ))}
      </div>
      {projection !== 'none' && (
        <label className="volume-field">
          <span>Thickness</span>
          <input type="range" min={1} max={100} value={thickness} aria-label="Slab thickness in mm" onChange={(change) => scene.set({ thickness: Number(change.target.value) })} />
          <output>{thickness} mm</output>
        </label>
      )}
    </>
  )
}

const SCALPELS = [
  { id: 'outside', name: 'Cut away', tip: 'Draw around what is to go' },
  { id: 'inside', name: 'Keep only', tip: 'Draw around what is to stay' },
] as const

function Scalpel({ scene }: { scene: VolumeScene }) {
  const { scalpel, cuts } = useValue(scene.state)
  return (
    <>
      <div className="volume-choice" role="group" aria-label="Scalpel">
        {SCALPELS.map(({ id, name, tip }) => (
          <button key={id} type="button" aria-pressed={scalpel === id} data-tip={tip} onClick={() => scene.take(scalpel === id ? null : id)}>
            {name}
          </button>
        ))}
      </div>
      <button type="button" className="button button-small" disabled={cuts.length === 0} onClick={() => scene.uncut()}>
        Undo cut
      </button>
    </>
  )
}

function Rendering({ scene }: { scene: VolumeScene }) {
  const { preset, shift, crop, turning } = useValue(scene.state)
  const spread = 500
  return (
    <>
      <select className="volume-select" aria-label="Rendering preset" value={preset} onChange={(change) => scene.set({ preset: change.target.value, shift: 0 })}>
        {RENDER_PRESETS.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
      <button type="button" className="button button-small" aria-pressed={turning} data-testid="volume-turn" onClick={() => scene.spin(!turning)}>
        {turning ? 'Stop turning' : 'Turn by itself'}
      </button>
      <Scalpel scene={scene} />
      <label className="volume-field">
        <span>Opacity shift</span>
        <input type="range" min={-spread} max={spread} step={10} value={shift} aria-label="Opacity shift" onChange={(change) => scene.set({ shift: Number(change.target.value) })} />
        <output>{shift}</output>
      </label>
      <div className="volume-crop" role="group" aria-label="Crop">
        <span>Crop</span>
        {SIDES.map((side, axis) =>
          [0, 1].map((end) => {
            const value = Math.round((crop[axis]?.[end] ?? end) * 100)
            return (
              <input
                key={`${side}${end}`}
                type="range"
                min={0}
                max={100}
                value={value}
                aria-label={`Crop ${side}, ${end === 0 ? 'from' : 'to'}`}
                onChange={(change) => {
                  const part = Number(change.target.value) / 100
                  scene.set({ crop: crop.map((range, at) => (at !== axis ? range : end === 0 ? [Math.min(part, range[1] - 0.02), range[1]] : [range[0], Math.max(part, range[0] + 0.02)])) })
                }}
              />
            )
          }),
        )}
      </div>
    </>
  )
}

interface Props {
  readonly scene: VolumeScene
  readonly mode: Mode
  readonly choices: readonly Choice[]
  readonly over: string
  readonly unit: string
  readonly top: number
  readonly onOver: (uid: string) => void
  readonly onClose: () => void
  readonly children?: ReactNode
}

function Fusion({ scene, choices, over, unit, top, onOver }: Pick<Props, 'scene' | 'choices' | 'over' | 'unit' | 'top' | 'onOver'>) {
  const { opacity, from } = useValue(scene.state)
  return (
    <>
      <select className="volume-select" aria-label="Series laid over" value={over} onChange={(change) => onOver(change.target.value)}>
        <option value="">No overlay</option>
        {choices.map(({ uid, name }) => (
          <option key={uid} value={uid}>
            {name}
          </option>
        ))}
      </select>
      {over && (
        <>
          <label className="volume-field">
            <span>Opacity</span>
            <input type="range" min={0} max={100} value={Math.round(opacity * 100)} aria-label="Opacity of the overlay" onChange={(change) => scene.set({ opacity: Number(change.target.value) / 100 })} />
          </label>
          <label className="volume-field">
            <span>From</span>
            <input className="volume-number" type="number" min={0} step="any" value={from} aria-label={`Nothing is laid over up to, ${unit}`} onChange={(change) => Number(change.target.value) >= 0 && Number(change.target.value) < top && scene.set({ from: Number(change.target.value) })} />
          </label>
          <label className="volume-field">
            <span>to</span>
            <input className="volume-number" type="number" min={0.1} step="any" value={Number(top.toPrecision(4))} aria-label={`Top of the colours, ${unit}`} onChange={(change) => Number(change.target.value) > from && scene.set({ top: Number(change.target.value) })} />
            <output>{unit}</output>
          </label>
          {unit === 'SUVbw' && (
            <div className="volume-choice" role="group" aria-label="Range of SUV">
              {SUV_TOPS.map((most) => (
                <button key={most} type="button" aria-pressed={top === most} onClick={() => scene.set({ top: most, from: Math.min(from, most / 2) })}>
                  {`0–${most}`}
                </button>
              ))}
            </div>
          )}
        </>
      )}
    </>
  )
}

/** One dense row below the pictures. */
export function Controls(props: Props) {
  const { scene, mode, onClose } = props
  return (
    <div className="volume-bar" role="toolbar" aria-label="Volume">
      {mode === 'volume' ? <Rendering scene={scene} /> : <Slab scene={scene} />}
      {(mode === 'fusion' || mode === 'mpr') && props.choices.length > 0 && <Fusion {...props} />}
      {mode === 'curved' && (
        <button type="button" className="button button-small" onClick={() => scene.set({ path: [], pathPlane: null })}>
          New path
        </button>
      )}
      <span className="volume-spacer" />
      {props.children}
      <button type="button" className="tool" aria-label="Reset planes and view" data-tip="Reset planes and view" onClick={() => scene.reset()}>
        <Glyph name="reset" size={16} />
      </button>
      <button type="button" className="tool" aria-label="Back to the images" data-tip="Back to the images" data-testid="volume-close" onClick={onClose}>
        <Glyph name="close" size={16} />
      </button>
    </div>
  )
}
