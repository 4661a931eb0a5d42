import { useValue } from '../../../../lib/observable'
import { RULES, type Rule } from '../../session/overlays/editState'
import type { Editing } from '../../session/overlays/editing'

const WORDS: Readonly<Record<Rule, { label: string; tip: string }>> = {
  range: { label: 'Values in a range', tip: 'Of the image: HU, Bq/ml …' },
  suv: { label: 'From a SUV on', tip: 'SUVbw; for tumour volumes usually 4 or 2.5' },
  share: { label: 'From a share of the highest on', tip: 'Of the highest value within the radius around the click; usually 41 %' },
  liver: { label: 'Above the liver (PERCIST)', tip: '1.5 × mean + 2 SD of the measured region that is selected' },
}

function Figure({ value, take, testid, label }: { value: number; take: (value: number) => void; testid: string; label: string }) {
  const onChange = (text: string) => {
    const next = Number(text)
    if (text !== '' && Number.isFinite(next)) take(next)
  }
  return (
    <label>
      <span>{label}</span>
      <input type="number" step="any" className="input overlay-number" value={value} onChange={(change) => onChange(change.target.value)} data-testid={testid} />
    </label>
  )
}

export function Range({ editing }: { editing: Editing }) {
  const [low, high] = useValue(editing.state).range
  return (
    <span className="overlay-look">
      <Figure label="Values from" value={low} take={(value) => editing.set({ range: [value, high] })} testid="edit-low" />
      <Figure label="to" value={high} take={(value) => editing.set({ range: [low, value] })} testid="edit-high" />
    </span>
  )
}

/** What hangs together, for growing by a click or on all images. */
export function GrowBy({ editing }: { editing: Editing }) {
  const { rule, suv, share, growing } = useValue(editing.state)
  return (
    <>
      <label className="overlay-look">
        <span>Takes</span>
        <select className="input overlay-type" value={rule} title={WORDS[rule].tip} onChange={(change) => editing.set({ rule: change.target.value as Rule })} data-testid="grow-rule">
          {RULES.map((each) => (
            <option key={each} value={each}>
              {WORDS[each].label}
            </option>
          ))}
        </select>
      </label>
      {rule === 'range' && <Range editing={editing} />}
      {rule === 'suv' && <Figure label="SUVbw from" value={suv} take={(value) => editing.set({ suv: value })} testid="grow-suv" />}
      {rule === 'share' && <Figure label="Percent of the highest" value={share} take={(value) => editing.set({ share: value })} testid="grow-share" />}
      <p className="overlay-note">{rule === 'liver' ? WORDS.liver.tip : 'Click into a lesion; what hangs together there is marked on all images.'}</p>
      <button type="button" className="button button-small" onClick={() => (growing ? editing.stop() : editing.markAll())} data-tip="All voxels of all images, whether they hang together or not" data-testid="grow-all">
        {growing ? 'Stop' : 'Mark all of it'}
      </button>
    </>
  )
}
