import { useState } from 'react'
import { Button } from '../../../ui/controls'
import { Dialog } from '../../../ui/overlay'
import { GROUPS, keyText } from '../model/keys'
import { useControls } from '../session/controls'
import { ControlsDialog } from './ControlsDialog'

/** As delivered. Held to docs/viewer.md by a test. */
export const HAND: readonly (readonly [string, string])[] = [
  ['Left drag', 'the chosen tool'],
  ['Middle drag', 'pan'],
  ['Right drag', 'zoom'],
  ['Left and right drag', 'scroll fast: the whole series in half a viewport'],
  ['Right click', 'menu'],
  ['Wheel', 'scroll'],
  ['Shift wheel', 'ten images at a time'],
  ['Ctrl Shift wheel', 'fifty images at a time'],
  ['Ctrl wheel, pinch', 'zoom'],
  ['Shift, Ctrl Shift drag', 'window and scroll 4, 16 times as fast'],
  ['Double click', 'this viewport alone, and back'],
  ['One finger', 'scroll, or the chosen tool'],
  ['Two fingers', 'zoom and pan'],
  ['Three fingers', 'scroll'],
  ['Long touch', 'menu'],
]

/** All keys and gestures, from the same table that makes them work. */
export function HelpSheet({ onClose }: { onClose: () => void }) {
  const [changing, setChanging] = useState(false)
  const { bindings } = useControls()
  if (changing) return <ControlsDialog onClose={() => setChanging(false)} />
  return (
    <Dialog title="Keys and gestures" onClose={onClose} wide footer={<Button onClick={() => setChanging(true)}>Change keys and mouse…</Button>}>
      <div className="keysheet">
        {GROUPS.map((group) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {bindings.filter((binding) => binding.group === group).map((binding) => (
                <div key={binding.command}>
                  <dt>{binding.label}</dt>
                  <dd>
                    {binding.keys.map((key) => (
                      <kbd key={key} className="kbd">
                        {keyText(key)}
                      </kbd>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>Mouse and fingers</h3>
          <dl>
            {HAND.map(([gesture, effect]) => (
              <div key={gesture}>
                <dt>{gesture}</dt>
                <dd>{effect}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </Dialog>
  )
}
