// What has no picture here: a clear word of what it is and what can be done with it; of a plan its beams.
import { fullName, item, items, number, numbers, text } from '../../model/dataset'
import type { Dataset } from '../../model/dataset'
import { UNKNOWN, nameOf } from '../../model/objects/kinds'
import { pictureless } from '../../model/reasons'
import { formatDateTimeText } from '../../model/reportText'
import { Tag } from '../../model/tags'
import type { PaneProps } from '../additions'
import { DownloadLink, ObjectPage, Waiting, useObject } from './ObjectPage'

type Fact = readonly [name: string, value: string]

function factsOf(dataset: Dataset): Fact[] {
  const facts: Fact[] = [
    ['Patient', fullName(dataset, Tag.PatientName)],
    ['Description', text(dataset, Tag.SeriesDescription)],
    ['Label', text(dataset, '300A0002') || text(dataset, '00700080')],
    ['Name', text(dataset, '300A0003')],
    ['Date', formatDateTimeText(text(dataset, '300A0006') || text(dataset, Tag.ContentDate) || text(dataset, Tag.SeriesDate))],
    ['Intent', text(dataset, '300A000A').toLowerCase()],
    ['Approved', text(dataset, '300E0002').toLowerCase()],
    ['Made by', [text(dataset, Tag.Manufacturer), text(dataset, Tag.ManufacturerModelName)].filter(Boolean).join(' ')],
    ['SOP class', text(dataset, Tag.SOPClassUID)],
  ]
  return facts.filter(([, value]) => value !== '')
}

/** Prescriptions, fractions and beams of an RT plan (PS3.3 C.8.8.10, C.8.8.13, C.8.8.14). */
function Plan({ dataset }: { dataset: Dataset }) {
  const groups = items(dataset, '300A0070')
  const beams = [...items(dataset, '300A00B0'), ...items(dataset, '300A03A2')]
  const references = new Map(groups.flatMap((group) => items(group, '300C0004').map((each) => [number(each, '300C0006'), each] as const)))
  const targets = items(dataset, '300A0010').filter((each) => number(each, '300A0026') !== undefined)
  return (
    <>
      {targets.map((each, index) => (
        <p key={index}>
          {text(each, '300A0016') || `Dose reference ${index + 1}`}: {number(each, '300A0026')} Gy prescribed
        </p>
      ))}
      {groups.map((group, index) => (
        <p key={index}>
          Fraction group {text(group, '300A0071')}: {text(group, '300A0078') || '?'} fractions, {text(group, '300A0080') || 0} beams
        </p>
      ))}
      {beams.length > 0 && (
        <table data-testid="plan-beams">
          <thead>
            <tr>
              {['Beam', 'Type', 'Radiation', 'Machine', 'Energy', 'Gantry', 'Meterset'].map((name) => (
                <th key={name}>{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {beams.map((beam, index) => {
              const [first] = [...items(beam, '300A0111'), ...items(beam, '300A03A8')]
              const reference = references.get(number(beam, '300A00C0'))
              const cells = [
                [text(beam, '300A00C0'), text(beam, '300A00C2')].filter(Boolean).join(' · '),
                text(beam, '300A00C4').toLowerCase(),
                text(beam, '300A00C6').toLowerCase(),
                text(beam, '300A00B2'),
                first ? numbers(first, '300A0114').map((energy) => `${energy} MV`).join('') : '',
                first ? numbers(first, '300A011E').map((angle) => `${angle}°`).join('') : '',
                reference ? numbers(reference, '300A0086').map((dose) => `${Number(dose.toPrecision(5))} ${text(beam, '300A00B3')}`).join('') : '',
              ]
              return (
                <tr key={index}>
                  {cells.map((cell, at) => (
                    <td key={at}>{cell}</td>
                  ))}
                </tr>
              )
            })}
          </tbody>
        </table>
      )}
    </>
  )
}

const MORE: Readonly<Record<string, string>> = {
  'Raw data': 'It is what a device keeps to work on again, in a form that only its maker reads.',
  'Microscopy annotations': 'It holds points and outlines drawn on a whole slide. They are not drawn here.',
  'Surface segmentation': 'Its shapes are not drawn here.',
}

export default function WordsContent({ pane }: PaneProps) {
  const frame = useObject(pane)
  if (!frame) return <Waiting />
  const { dataset } = frame.instance
  const sopClass = text(dataset, Tag.SOPClassUID)
  const name = nameOf(sopClass) || UNKNOWN
  const said = [pictureless(sopClass) || `${name}: there is no picture in it.`, MORE[name]].filter(Boolean).join(' ')
  return (
    <ObjectPage pane={pane} frame={frame} testid="words">
      <div className="object-page" tabIndex={0} role="region" aria-label={name}>
        <article className="cda">
          <h2>{text(item(dataset, '0040A043') ?? {}, '00080104') || name}</h2>
          <p className="object-said">{said}</p>
          <dl>
            {factsOf(dataset).map(([fact, value]) => (
              <div key={fact}>
                <dt>{fact}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
          <div className="cda-text">
            <Plan dataset={dataset} />
          </div>
          <p className="object-actions">
            <DownloadLink frame={frame} />
          </p>
          <p className="object-said">It is kept in the archive as it came, and is sent and exported with its study.</p>
        </article>
      </div>
    </ObjectPage>
  )
}
