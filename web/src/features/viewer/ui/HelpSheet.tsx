import { Dialog } from '../../../ui/overlay'
import { BINDINGS, keyText } from '../model/keys'

const GROUPS = ['Images', 'Tools', 'Window', 'Measurements', 'Picture', 'Screen'] as const

const HAND: readonly (readonly [string, string])[] = [
  ['Left drag', 'the chosen tool'],
  ['Middle drag', 'pan'],
  ['Right drag', 'zoom'],
  ['Right click', 'menu'],
  ['Wheel', 'scroll, with Shift five at a time, with Ctrl zoom'],
  ['Double click', 'this viewport alone, and back'],
  ['One finger', 'scroll, or the chosen tool'],
  ['Two fingers', 'zoom and pan'],
]

/** All keys and gestures, from the same table that makes them work. */
export function HelpSheet({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys and gestures" onClose={onClose} wide>
      <div className="keysheet">
        {GROUPS.map((group) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {BINDINGS.filter((binding) => binding.group === group).map((binding) => (
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
