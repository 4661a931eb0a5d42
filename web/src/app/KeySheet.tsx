import { Kbd } from '../ui/controls'
import { Dialog } from '../ui/overlay'

const SHEETS: { title: string; keys: [string[], string][] }[] = [
  {
    title: 'Everywhere',
    keys: [
      [['?'], 'This sheet'],
      [['g', 's'], 'Studies'],
      [['g', 'r'], 'Remote archives'],
      [['g', 'o'], 'Orders'],
      [['g', 'u'], 'Upload'],
      [['g', 'd'], 'Deliveries'],
      [['g', 'e'], 'Exceptions'],
    ],
  },
  {
    title: 'Study list',
    keys: [
      [['/'], 'Search'],
      [['↑', '↓'], 'Previous, next study (also k, j)'],
      [['Page ↑', 'Page ↓'], 'A screen up, down'],
      [['Home', 'End'], 'First, last study'],
      [['Enter'], 'Open the images'],
      [['t'], 'Send the study to a peer'],
      [['Space'], 'Details: series and other studies'],
      [['x', 'Ctrl click'], 'Mark the study, to take several away'],
      [['Esc'], 'Close details, then selection, then search'],
    ],
  },
]

/** The keys of the shell; the viewer has its own sheet. */
export function KeySheet({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      {SHEETS.map((sheet) => (
        <section key={sheet.title} className="key-sheet">
          <h3>{sheet.title}</h3>
          <dl>
            {sheet.keys.map(([keys, what]) => (
              <div key={what}>
                <dt>
                  {keys.map((key) => (
                    <Kbd key={key}>{key}</Kbd>
                  ))}
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  )
}
