// Every object of the test data as the viewer opens it: something to read or see, or a clear word why not.
// tests/dicomweb/test_every_file.py stores the files, asks for their metadata and runs this; by itself there is nothing to open.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Series } from '../../../../api/types'
import { isReport } from '../../session/stored'
import { hasNoPictures } from '../../session/overlays/store'
import { type Dataset, text } from '../dataset'
import { documentOf } from '../document'
import type { Frame } from '../frame'
import { segmentsOf } from '../overlays/segmentation'
import { structureSetOf } from '../overlays/structures'
import { STRUCTURE_SET } from '../overlays/tags'
import { isPresentation, presentationOf } from '../presentations'
import { figureOn } from '../outlines'
import { evidenceOf, measurementsOf, outlinesIn3d, reportOf } from '../reports'
import { picturesOf } from '../series'
import { Tag } from '../tags'
import { UNKNOWN, kindOf, nameOf } from './kinds'
import { slidesOf } from './slide'
import { groupHeaders } from './waveform'

interface Stored {
  readonly path: string
  readonly dataset: Dataset
}

/** What reports of other programs draw; tests/dicomweb/test_every_file.py writes reports of it, which come as "again". */
const FOREIGN = (JSON.parse(readFileSync(new URL('./foreign.json', import.meta.url), 'utf8')) as { path: string; items: unknown[] }[])
const FILE = process.env.ISOCENTER_EVERY_OBJECT ?? ''
const STORED = FILE === '' ? [] : (JSON.parse(readFileSync(FILE, 'utf8')) as Stored[])

const seriesOf = (dataset: Dataset): Series => ({
  SeriesInstanceUID: text(dataset, Tag.SeriesInstanceUID), Modality: text(dataset, Tag.Modality), SeriesNumber: 1, SeriesDescription: '', BodyPartExamined: '', NumberOfSeriesRelatedInstances: 1,
  SOPClassUIDs: [text(dataset, Tag.SOPClassUID)],
})

/** A sentence that a person can do something with. */
const isWord = (words: string): boolean => /^[A-Z].{20,}\.$/s.test(words)

/** How an object is opened, and whether there is something in it for the person who opened it. */
function opened(dataset: Dataset): readonly [way: string, good: boolean] {
  const series = seriesOf(dataset)
  const frames = picturesOf([dataset], '1.1', series.SeriesInstanceUID)
  if (isReport(series)) return ['report', isReadable(dataset)]
  if (hasNoPictures(series)) return ['overlay', series.SOPClassUIDs[0] === STRUCTURE_SET ? structureSetOf(dataset).structures.every(({ label }) => label !== '') : segmentsOf(dataset).length > 0]
  const kind = kindOf(series, frames)
  if (kind) return [kind, isGood(kind, dataset, frames)]
  if (isPresentation(dataset)) return ['presentation', presentationOf(dataset).series.size > 0]
  const [first] = frames
  if (!first) return ['nothing', false]
  return first.reason ? ['word', isWord(first.reason)] : ['picture', first.extent.columns > 0 && first.extent.rows > 0 && frames.length >= 1]
}

function isReadable(dataset: Dataset): boolean {
  const { title, facts, nodes } = reportOf(dataset)
  return title !== '' && (nodes.length > 0 || facts.length > 0)
}

function isGood(kind: string, dataset: Dataset, frames: readonly Frame[]): boolean {
  if (kind === 'document' || kind === 'mesh') return documentOf(dataset) !== undefined
  if (kind === 'waveform') return groupHeaders(dataset).length > 0
  if (kind === 'slide') return slidesOf(frames.map(({ instance }) => instance)).slides.length > 0
  return kind === 'video' || (nameOf(text(dataset, Tag.SOPClassUID)) || UNKNOWN) !== ''
}

describe.skipIf(FILE === '')('every object of the test data', () => {
  const found = STORED.map(({ path, dataset }) => ({ path, sopClass: text(dataset, Tag.SOPClassUID), way: opened(dataset) }))

  it('opens, or says why not', () => {
    expect(STORED.length).toBeGreaterThan(250)
    expect(found.filter(({ way: [, good] }) => !good).map(({ path, way: [way] }) => `${path}: ${way}`)).toEqual([])
  })

  it('opens the way its kind is read', () => {
    const ways: Record<string, string[]> = {}
    for (const { sopClass, way: [way] } of found) ways[sopClass.replace('1.2.840.10008.5.1.4.1.1.', '')] = [...new Set([...(ways[sopClass.replace('1.2.840.10008.5.1.4.1.1.', '')] ?? []), way])].sort()
    expect(ways).toMatchObject({
      '104.1': ['document'], '9.1.1': ['waveform'], '77.1.6': ['slide'], '88.11': ['report'], '88.22': ['report'], '88.33': ['report'], '88.34': ['report'], '88.59': ['report'], '88.67': ['report'], '88.68': ['report'],
      '66.4': ['overlay'], '66.7': ['overlay'], '481.3': ['overlay'], '481.5': ['words'], '67': ['words'], '91.1': ['words'], '11.1': ['presentation'],
      '481.2': ['picture'], '30': ['picture'], '77.1.5.1': ['picture'], '12.1': ['picture'], '4.1': ['picture'], '128': ['picture'], '20': ['picture'],
    })
  })

  it.each(FOREIGN)('the report $path is taken over, and is the same when it was written and read again', ({ path, items }) => {
    for (const one of [path, `again ${path}`]) {
      const dataset = STORED.find((each) => each.path === one)?.dataset ?? {}
      const evidence = evidenceOf(dataset)
      const taken = measurementsOf(dataset, (instance) => evidence.get(instance))
      expect(taken.map(({ kind, frameId, points, label, origin }) => ({ kind, frameId, points, ...(label === undefined ? {} : { label }), ...(origin === undefined ? {} : { origin }) }))).toEqual(items)
    }
  })

  it('an outline in the patient lies on the images that it goes through', () => {
    const [outline] = outlinesIn3d(STORED.find(({ path }) => path === 'sr/sr_document_with_multiple_groups.dcm')?.dataset ?? {})
    if (!outline) throw new Error('no outline')
    // dsrdump: a point at 123.5, 234.100006, -23.7000008.
    const grid = { frameOfReference: outline.frameOfReference, row: [1, 0, 0] as const, column: [0, 1, 0] as const, origin: [100, 200, -24] as const, spacing: [0.5, 2] as const, columns: 512, rows: 512 }
    const [x, y] = figureOn(outline, grid, 1)?.points[0] ?? [0, 0]
    expect(x).toBeCloseTo(47, 4)
    expect(y).toBeCloseTo(17.05, 4)
    expect(outline.lines).toEqual(['Vertebra', 'Volume 200 cubic millimeter'])
    expect(figureOn(outline, { ...grid, origin: [100, 200, -25] }, 1)).toBeUndefined()
    expect(figureOn(outline, { ...grid, frameOfReference: '1.2' }, 1)).toBeUndefined()
  })
})
