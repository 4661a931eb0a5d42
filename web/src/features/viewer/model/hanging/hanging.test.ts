import { describe, expect, it } from 'vitest'
import type { Series, Study } from '../../../../api/types'
import { entriesOf, priorsFor, rankedFits, turnFor } from '../../session/hanging'
import { planeOfLetters } from '../geometry'
import { type Extent, affineOf, apply, flipHorizontal, UPRIGHT, hung } from '../view'
import { DEFAULTS } from './defaults'
import { byExample, rulesOf, withStages } from './example'
import { imageFacts, orientationOf, seriesFacts, studyFacts } from './facts'
import { type DisplaySet, assign, fitOf, holds, scoreOf, screensOf } from './match'
import { type Facts, type Rule, cellsOf, parseProtocol } from './protocol'

const rule = (fact: Rule['fact'], is: Rule['is'], ...values: string[]): Rule => ({ fact, is, values, weight: 1, required: true })
const shown = (seriesInstanceUID: string, facts: Facts, prior = 0, index = 0): DisplaySet => ({ studyInstanceUID: `study-${prior}`, seriesInstanceUID, index, prior, facts })
const defaultNamed = (name: string) => DEFAULTS.find((each) => each.name === name)!

const study = (facts: Partial<Study>): Study => ({ StudyInstanceUID: '1', StudyDescription: '', ModalitiesInStudy: [], StudyDate: '20260101', StudyTime: '', ...facts }) as Study
const series = (facts: Partial<Series>): Series => ({ SeriesInstanceUID: '1.1', Modality: '', SeriesNumber: 1, SeriesDescription: '', BodyPartExamined: '', NumberOfSeriesRelatedInstances: 20, SOPClassUIDs: [], ...facts })

describe('a rule', () => {
  it('finds words where they begin', () => {
    expect(holds(rule('description', 'contains', 'T1'), { description: ['SAG_T1_TSE'] })).toBe(true)
    expect(holds(rule('description', 'contains', 'PA'), { description: ['SPACE 3D'] })).toBe(false)
    expect(holds(rule('description', 'lacks', 'bone'), { description: ['H60 Bone'] })).toBe(false)
    expect(holds(rule('description', 'contains', 'C+'), { description: ['T1 c+ (gd)'] })).toBe(true)
  })
  it('compares numbers, and none with nothing', () => {
    expect(holds(rule('thickness', 'below', '2'), { thickness: ['1.25'] })).toBe(true)
    expect(holds(rule('thickness', 'below', '2'), { thickness: [''] })).toBe(false)
    expect(holds(rule('thickness', 'above', '2'), {})).toBe(false)
  })
  it('that must hold and does not leaves nothing', () => {
    expect(scoreOf([rule('modality', 'any', 'CT')], { modality: ['MR'] })).toBeNull()
    expect(scoreOf([{ ...rule('modality', 'any', 'CT'), weight: 7 }, { ...rule('view', 'any', 'PA'), required: false }], { modality: ['ct'] })).toBe(7)
  })
})

const breast = (side: string, view: string, prior = 0) => shown(`${side}${view}${prior}`, { modality: ['MG'], laterality: [side], view: [view] }, prior)

describe('mammography', () => {
  const four = [breast('L', 'MLO'), breast('R', 'CC'), breast('L', 'CC'), breast('R', 'MLO')]
  it('hangs four views with the chest walls together, and the earlier ones below', () => {
    const fit = fitOf(defaultNamed('Mammography'), { modality: ['MG'] }, [...four, ...['R', 'L'].flatMap((side) => ['CC', 'MLO'].map((view) => breast(side, view, 1)))])!
    const first = fit.stages[0]!
    expect(first.cells.map((cell, at) => cell && [first.shown[at]?.seriesInstanceUID, cell.justify, cell.equalScale])).toEqual([
      ['RCC0', 'right', true], ['LCC0', 'left', true], ['RMLO0', 'right', true], ['LMLO0', 'left', true],
    ])
    expect(fit.stages[1]!.layout).toBe('2x4')
    expect(fit.stages[1]!.shown.slice(4).map((each) => each?.seriesInstanceUID)).toEqual(['RCC1', 'LCC1', 'RMLO1', 'LMLO1'])
  })
  it('offers only stages whose images are there', () => {
    const fit = fitOf(defaultNamed('Mammography'), { modality: ['MG'] }, [breast('R', 'CC'), breast('L', 'CC')])!
    expect(fit.stages.map((stage) => stage.name)).toEqual(['CC'])
  })
  it('turns a picture so that the chest wall lies in the middle', () => {
    const right = { plane: planeOfLetters(['P', 'L'])! }
    expect(turnFor(right, ['P', 'X'])).toEqual(UPRIGHT)
    expect(turnFor({ plane: planeOfLetters(['A', 'L'])! }, ['P', 'X'])).toEqual(flipHorizontal(UPRIGHT))
    expect(turnFor({ plane: undefined }, ['P', 'X'])).toEqual(UPRIGHT)
  })
  it('lies at the edge, no larger than asked', () => {
    const extent: Extent = { columns: 100, rows: 200, aspect: [1, 1] }
    const size = { width: 400, height: 400 }
    const corner = (justify: '' | 'left' | 'right', largest: number, at: readonly [number, number]) => apply(affineOf(hung(extent, size, UPRIGHT, { justify, largest }), extent, size), at)
    // Edges of pixels are half a pixel off their centres.
    expect(corner('left', 99, [-0.5, -0.5])).toEqual([0, 0])
    expect(corner('right', 99, [99.5, 199.5])).toEqual([400, 400])
    expect(corner('right', 1, [99.5, 99.5])).toEqual([400, 200])
    expect(corner('', 1, [-0.5, -0.5])).toEqual([150, 100])
  })
})

describe('earlier studies', () => {
  const front = { modality: ['CR'], region: ['CHEST'], view: ['PA'] }
  it('count only when they have such images', () => {
    const protocol = defaultNamed('CR chest')
    const all = [shown('now', front), shown('hand', { modality: ['CR'], region: ['HAND'], view: ['PA'] }, 1), shown('before', front, 2)]
    const fit = fitOf(protocol, { modality: ['CR'], region: ['CHEST PA'] }, all)!
    expect(fit.stages[0]!.name).toBe('Frontal with the earlier')
    expect(fit.stages[0]!.shown.map((each) => each?.seriesInstanceUID)).toEqual(['now', 'before'])
  })
  it('are the newest before this one, of the same kind', () => {
    const others = [study({ StudyInstanceUID: 'later', StudyDate: '20270101', ModalitiesInStudy: ['CR'] }), study({ StudyInstanceUID: 'old', StudyDate: '20200101', ModalitiesInStudy: ['CR'] }), study({ StudyInstanceUID: 'mr', StudyDate: '20250101', ModalitiesInStudy: ['MR'] }), study({ StudyInstanceUID: 'last', StudyDate: '20251231', ModalitiesInStudy: ['CR', 'SR'] })]
    expect(priorsFor(study({ ModalitiesInStudy: ['CR'] }), others, [defaultNamed('CR chest')]).map((each) => each.StudyInstanceUID)).toEqual(['last', 'old'])
    expect(priorsFor(study({ ModalitiesInStudy: ['CR'] }), others, [])).toEqual([])
  })
  it('are those of the same part of the body where the server knows of one, still the newest first', () => {
    const prior = (uid: string, date: string, score: number) => study({ StudyInstanceUID: uid, StudyDate: date, ModalitiesInStudy: ['CR'], relevance: { score, reason: '' } })
    const others = [prior('hand', '20251231', 12), prior('chest', '20230101', 75), prior('lungs', '20250101', 70)]
    const hungWith = (all: readonly Study[]) => priorsFor(study({ ModalitiesInStudy: ['CR'] }), all, [defaultNamed('CR chest')]).map((each) => each.StudyInstanceUID)
    expect(hungWith(others)).toEqual(['lungs', 'chest'])
    // Where nothing speaks for any of them, all are worth a look.
    expect(hungWith(others.slice(0, 1))).toEqual(['hand'])
  })
})

describe('the protocols of the viewer', () => {
  const ct = (uid: string, description: string, orientation: string, more: Facts = {}, prior = 0) => shown(uid, { modality: ['CT'], region: ['CHEST', description], description: [description], orientation: [orientation], images: ['100'], type: ['ORIGINAL', 'PRIMARY', 'AXIAL'], ...more }, prior)
  const first = (name: string, facts: Facts, all: readonly DisplaySet[]) => {
    const fit = fitOf(defaultNamed(name), facts, all)
    const stage = fit?.stages[0]
    return stage && [stage.layout, ...stage.cells.map((cell, at) => cell && `${stage.shown[at]?.seriesInstanceUID}${typeof cell.window === 'string' && cell.window ? ` ${cell.window}` : ''}`)]
  }
  it('CT chest: scouts never, soft beside lung, the earlier study first', () => {
    const all = [ct('scout', 'Topogram', 'CORONAL', { type: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'] }), ct('lung', 'Lung 1.0 B70f', 'AXIAL'), ct('soft', 'Chest 5.0 B31f', 'AXIAL')]
    expect(first('CT chest', { modality: ['CT'], region: ['CHEST'] }, all)).toEqual(['1x2', 'soft Mediastinum', 'lung Lung'])
    expect(first('CT chest', { modality: ['CT'], region: ['CHEST'] }, [...all, ct('before', 'Chest 5.0 B31f', 'AXIAL', {}, 1)])).toEqual(['1x2', 'soft Mediastinum', 'before Mediastinum'])
    expect(first('CT chest', { modality: ['CT'], region: ['HEAD'] }, all)).toBeUndefined()
  })
  it('MR brain: by what the series are called', () => {
    const mr = (uid: string, description: string) => shown(uid, { modality: ['MR'], region: ['BRAIN', description], description: [description], images: ['20'], orientation: ['AXIAL'] })
    expect(first('MR brain', { modality: ['MR'], region: ['BRAIN'] }, [mr('loc', 'Localizer'), mr('dwi', 'DWI b1000'), mr('flair', 'AX T2 FLAIR'), mr('t2', 'AX T2 TSE'), mr('t1', 'SAG T1')])).toEqual(['2x2', 't1', 't2', 'flair', 'dwi'])
  })
  it('MR brain: what another stage looks for is not taken away', () => {
    const mr = (uid: string, description: string, orientation: string) => shown(uid, { modality: ['MR'], region: ['BRAIN', description], description: [description], images: ['20'], orientation: [orientation] })
    expect(first('MR brain', { modality: ['MR'], region: ['BRAIN'] }, [mr('a', 'BRAIN_STRYKER/t1_AX', 'AXIAL'), mr('s', 'BRAIN_STRYKER/T1_SAG_GAD', 'SAGITTAL')])).toEqual(['1x2', 'a', 's'])
  })
  it('all are what the server and the parser take', () => {
    for (const protocol of DEFAULTS) expect(parseProtocol(JSON.parse(JSON.stringify(protocol)))).toEqual(protocol)
    for (const { stages, sets } of DEFAULTS) for (const { layout, cells } of stages) {
      expect(cells.length).toBe(Number(layout[0]) * Number(layout[2]))
      for (const cell of cells) if (cell) expect(sets[cell.set]).toBeDefined()
    }
  })
  it('exist for what the hospital sees most', () => {
    const applying = (modality: string, ...region: string[]) => DEFAULTS.filter((each) => scoreOf(each.applies, { modality: [modality], region }) !== null).map((each) => each.name)
    expect([applying('CT', 'CHEST'), applying('CT', 'ABDOMEN'), applying('CT', 'HEAD'), applying('MR', 'BRAIN'), applying('MR', 'LSPINE'), applying('MR', 'KNEE'), applying('CR', 'CHEST'), applying('DX', 'CHEST'), applying('MG'), applying('US'), applying('XA'), applying('DX', 'HAND'), applying('CR', 'KNEE'), applying('RF'), applying('NM')].map((names) => names[0])).toEqual(
      ['CT chest', 'CT abdomen', 'CT brain', 'MR brain', 'MR spine', 'MR knee', 'CR chest', 'DX chest', 'Mammography', 'Ultrasound', 'Angiography', 'DX films', 'CR films', 'Fluoroscopy', 'Nuclear medicine'])
    expect(DEFAULTS.filter((each) => scoreOf(each.applies, { modality: ['CT', 'PT'] }) !== null).map((each) => each.name)).toEqual(['PET/CT'])
  })
})

describe('images', () => {
  it('tell plane, view and side', () => {
    expect(orientationOf({ row: [1, 0, 0], column: [0, 1, 0], position: [0, 0, 0] })).toBe('AXIAL')
    expect(orientationOf({ row: [0, 1, 0], column: [0, 0, -1], position: [0, 0, 0] })).toBe('SAGITTAL')
    expect(orientationOf({ row: [1, 0, 0], column: [0, 0.6, -0.8], position: [0, 0, 0] })).toBe('OBLIQUE')
    const code = { vr: 'SQ', Value: [{ '00080100': { vr: 'SH', Value: ['R-10226'] } }] }
    expect(imageFacts({ '00540220': code, '00200062': { vr: 'CS', Value: ['L'] } })).toMatchObject({ view: ['MLO'], laterality: ['L'] })
    expect(imageFacts({ '00185101': { vr: 'CS', Value: ['LL'] } }).view).toEqual(['LATERAL'])
    expect(imageFacts({ '0008103E': { vr: 'LO', Value: ['Thorax p.a. PA'] } }).view).toEqual(['PA'])
    const film = (...letters: string[]) => imageFacts({ '00080060': { vr: 'CS', Value: ['CR'] }, '00200020': { vr: 'CS', Value: letters } }).view
    expect([film('L', 'F'), film('A', 'F'), film('L', 'P'), film()]).toEqual([['FRONTAL'], ['LATERAL'], [], []])
    expect(studyFacts(study({ StudyDescription: 'CT Chest' }), [series({ SeriesDescription: 'Lung' })]).region).toEqual(['CT Chest', 'Lung'])
  })
})

describe('by example', () => {
  it('what was on the screen is found again, and nothing else', () => {
    const facts = (description: string, orientation: string, thickness: string): Facts => ({ ...seriesFacts(study({ StudyDescription: 'Knee' }), series({ Modality: 'MR', SeriesDescription: description })), orientation: [orientation], thickness: [thickness], type: ['ORIGINAL'] })
    const sagittal = shown('s', facts('PD FS sag', 'SAGITTAL', '3'))
    const coronal = shown('c', facts('PD FS cor', 'CORONAL', '3'))
    const before = shown('p', facts('PD FS sag', 'SAGITTAL', '3'), 1)
    const look = { window: '', orientation: [], justify: '' as const, equalScale: false, as: '' as const, over: null }
    const protocol = byExample('Mine', [rule('modality', 'any', 'MR')], '2x2', [{ shown: coronal, ...look }, { shown: sagittal, ...look, window: { center: 5, width: 10 } }, { shown: before, ...look }, null])
    expect(parseProtocol(JSON.parse(JSON.stringify(protocol)))).toEqual(protocol)
    const other = [shown('x', facts('T1 sag', 'SAGITTAL', '3')), shown('S', facts('PD FS sag knee', 'SAGITTAL', '3.5')), shown('C', facts('PD cor', 'CORONAL', '3')), shown('P', facts('PD sag', 'SAGITTAL', '4'), 1)]
    expect(assign(protocol, protocol.stages[0]!, other).map((each) => each?.seriesInstanceUID ?? null)).toEqual(['C', 'S', 'P', null])
    expect(fitOf(protocol, { modality: ['CT'] }, other)).toBeNull()
    expect(rulesOf(sagittal.facts).filter((each) => each.required).map((each) => each.fact)).toEqual(['modality', 'orientation'])
  })
  it('a fusion is found again with what lies over it, and a further stage changes nothing of those before', () => {
    const facts = (modality: string): Facts => ({ modality: [modality], orientation: ['AXIAL'], description: [`${modality} body`], type: ['ORIGINAL'] })
    const [ct, pt] = [shown('c', facts('CT')), shown('p', facts('PT'))]
    const look = { window: '', orientation: [], justify: '' as const, equalScale: false, as: '' as const, over: null }
    const fused = byExample('Fused', [], '1x1', [{ ...look, shown: ct, as: 'fusion', over: pt }])
    const both = byExample('Both', [], '1x2', [{ ...look, shown: pt, as: 'volume' }, { ...look, shown: ct, as: 'fusion', over: pt }])
    expect([fused.stages[0]!.cells[0], both.stages[0]!.cells[1]]).toMatchObject([{ set: 0, over: 1 }, { set: 1, over: 0 }])
    const protocol = withStages(fused, both)
    expect(parseProtocol(JSON.parse(JSON.stringify(protocol)))).toEqual(protocol)
    const hangs = (all: readonly DisplaySet[]) => fitOf(protocol, {}, all)?.stages.map((stage) => stage.cells.map((cell, at) => [cell?.as, stage.shown[at]?.seriesInstanceUID, stage.laid[at]?.seriesInstanceUID]))
    expect(hangs([shown('C', facts('CT')), shown('P', facts('PT'))])).toEqual([[['fusion', 'C', 'P']], [['volume', 'P', undefined], ['fusion', 'C', 'P']]])
    // Only within one frame of reference, and not without anything to lay over it.
    const placed = (one: string, other: string) => hangs([{ ...shown('C', facts('CT')), frameOfReference: one }, { ...shown('P', facts('PT')), frameOfReference: other }])
    expect([placed('1.2', '1.2')?.length, placed('1.2', '1.3'), placed('', '')]).toEqual([2, undefined, undefined])
    expect(hangs([shown('C', facts('CT'))])).toBeUndefined()
    expect(byExample('Alone', [], '1x1', [{ ...look, shown: ct, as: 'fusion' }]).stages[0]!.cells[0]).toMatchObject({ as: 'mpr', over: null })
  })
  it('on several screens: what lies on each is found again there, and all of it must be', () => {
    const facts = (description: string, orientation: string): Facts => ({ modality: ['MR'], orientation: [orientation], description: [description], type: ['ORIGINAL'] })
    const [sagittal, axial, before] = [shown('s', facts('PD', 'SAGITTAL')), shown('a', facts('PD', 'AXIAL')), shown('b', facts('PD', 'AXIAL'), 1)]
    const look = { window: '', orientation: [], justify: '' as const, equalScale: false, as: '' as const, over: null }
    const hung = (...all: DisplaySet[]) => all.map((each) => ({ ...look, shown: each }))
    const protocol = byExample('Wide', [], '1x1', hung(sagittal), [{ layout: '1x1', hung: [null] }, { layout: '1x2', hung: [...hung(axial), null] }, { layout: '1x1', hung: hung(before) }])
    expect(parseProtocol(JSON.parse(JSON.stringify(protocol)))).toEqual(protocol)
    const screens = (all: readonly DisplaySet[]) => fitOf(protocol, {}, all)?.stages.map((stage) => screensOf(stage).map((each) => [each.layout, ...each.shown.map((one) => one?.seriesInstanceUID ?? null)]))
    const now = [shown('A', facts('PD', 'AXIAL')), shown('S', facts('PD', 'SAGITTAL'))]
    expect(screens([...now, shown('B', facts('PD', 'AXIAL'), 1)])).toEqual([[['1x1', 'S'], ['1x2', 'A', null], ['1x1', 'B']]])
    expect(screens(now)).toBeUndefined()
    const both = withStages(byExample('One', [], '1x1', hung(axial)), protocol)
    expect(both.stages.map((stage) => cellsOf(stage).map((cell) => cell?.set ?? null))).toEqual([[0], [1, 2, null, 3]])
    // No more than the viewer has windows, and none without anything on it.
    const many = { ...protocol, stages: [{ ...protocol.stages[0]!, screens: [{ layout: '1x1', cells: [null] }, ...Array.from({ length: 9 }, () => protocol.stages[0]!.screens[1]!)] }] }
    expect(parseProtocol(many)?.stages[0]?.screens).toEqual(many.stages[0]!.screens.slice(1, 6))
  })
  it('one’s own goes before the site’s, and that before the viewer’s', () => {
    const kept = (id: number, shared: boolean) => ({ id, name: `${id}`, shared, owner: 'a', mine: true, changed_at: '', protocol: { name: `${id}`, sets: [{ rules: [rule('modality', 'any', 'US')] }], stages: [{ layout: '1x1', cells: [{ set: 0 }] }] } })
    const ranked = rankedFits(entriesOf([kept(1, true), kept(2, false)]), { modality: ['US'] }, [shown('u', { modality: ['US'] })])
    expect(ranked.map((each) => each.protocol.name)).toEqual(['2', '1', 'Ultrasound'])
  })
})
