// The protocols that come with the viewer. A reader's own and the site's go before them.
import type { Cell, Fact, ImageSet, Protocol, Rule, Stage } from './protocol'

const must = (fact: Fact, is: Rule['is'], ...values: string[]): Rule => ({ fact, is, values, weight: 1, required: true })
const likes = (weight: number, fact: Fact, is: Rule['is'], ...values: string[]): Rule => ({ fact, is, values, weight, required: false })

const set = (label: string, rules: readonly Rule[], more: Partial<ImageSet> = {}): ImageSet => ({ label, prior: 0, shared: false, rules, ...more })
const before = (of: ImageSet): ImageSet => ({ ...of, label: `${of.label}, before`, prior: 1 })
const cell = (at: number, more: Partial<Cell> = {}): Cell => ({ set: at, window: '', orientation: [], justify: '', equalScale: false, as: '', over: null, ...more })
const stage = (name: string, layout: string, ...cells: readonly (Cell | null)[]): Stage => ({ name, layout, cells, screens: [] })

const NO_SCOUT = must('type', 'lacks', 'LOCALIZER')
const NO_SCOUT_NAME = must('description', 'lacks', 'SCOUT', 'LOCALIZER', 'SURVEY', 'LOC')
const THIN = likes(1, 'thickness', 'below', '3.1')

const CHEST = ['CHEST', 'THORAX', 'LUNG', 'PULMO']
const ABDOMEN = ['ABDOMEN', 'ABD', 'PELVIS', 'LIVER', 'LEBER', 'CHESTABDPELVIS']
const HEAD = ['HEAD', 'BRAIN', 'SKULL', 'NEURO', 'CRANI', 'KOPF', 'SCHAEDEL', 'SCHÄDEL', 'CEREB']
const SPINE = ['SPINE', 'CSPINE', 'TSPINE', 'LSPINE', 'LUMBAR', 'CERVICAL', 'THORACIC', 'LWS', 'BWS', 'HWS']
const KNEE = ['KNEE', 'KNIE']

const region = (...words: string[]): Rule => ({ ...must('region', 'contains', ...words), weight: 10 })
const of = (modality: string): Rule => ({ ...must('modality', 'any', modality), weight: 10 })

const ctSlices = (words: readonly string[], orientation: string): Rule[] => [of('CT'), must('region', 'contains', ...words), NO_SCOUT, likes(4, 'images', 'above', '1'), must('orientation', 'any', orientation)]
const LUNG_KERNEL = ['LUNG', 'PULM', 'SHARP', 'B60', 'B70', 'B80', 'BL57', 'BL64', 'BONE']

const chestSoft = set('Mediastinum', [...ctSlices(CHEST, 'AXIAL'), likes(4, 'description', 'contains', 'SOFT', 'MEDIAST', 'STANDARD', 'B30', 'B31', 'BR40', 'CHEST'), likes(3, 'description', 'lacks', ...LUNG_KERNEL), THIN])
const chestLung = set('Lung', [...ctSlices(CHEST, 'AXIAL'), { ...must('description', 'contains', ...LUNG_KERNEL), weight: 4 }, THIN])

const CT_CHEST: Protocol = {
  name: 'CT chest',
  description: 'Mediastinum and lung, with the earlier study',
  applies: [of('CT'), region(...CHEST)],
  sets: [chestSoft, chestLung, before(chestSoft), { ...chestSoft, label: 'Lung window', shared: true }, { ...before(chestSoft), shared: true }],
  stages: [
    stage('With the earlier study', '1x2', cell(0, { window: 'Mediastinum' }), cell(2, { window: 'Mediastinum' })),
    stage('Mediastinum and lung', '1x2', cell(0, { window: 'Mediastinum' }), cell(1, { window: 'Lung' })),
    stage('One series', '1x1', cell(0)),
    stage('Lung with the earlier study', '1x2', cell(3, { window: 'Lung' }), cell(4, { window: 'Lung' })),
    stage('Two windows', '1x2', cell(0, { window: 'Mediastinum' }), cell(3, { window: 'Lung' })),
  ],
}

const abdomenAxial = set('Axial', [...ctSlices(ABDOMEN, 'AXIAL'), likes(3, 'description', 'contains', 'PORTAL', 'VEN', 'PV', 'POST', 'CONTRAST'), likes(2, 'description', 'lacks', 'BONE', 'LUNG', 'ARTERIAL', 'NATIVE')])
const CT_ABDOMEN: Protocol = {
  name: 'CT abdomen',
  description: 'Axial and coronal, with the earlier study',
  applies: [of('CT'), region(...ABDOMEN)],
  sets: [abdomenAxial, set('Coronal', ctSlices(ABDOMEN, 'CORONAL')), before(abdomenAxial)],
  stages: [
    stage('Axial, earlier and coronal', '1x3', cell(0, { window: 'Soft tissue' }), cell(2, { window: 'Soft tissue' }), cell(1, { window: 'Soft tissue' })),
    stage('With the earlier study', '1x2', cell(0, { window: 'Soft tissue' }), cell(2, { window: 'Soft tissue' })),
    stage('Axial and coronal', '1x2', cell(0), cell(1)),
    stage('One series', '1x1', cell(0)),
  ],
}

const brainAxial = set('Brain', [...ctSlices(HEAD, 'AXIAL'), likes(3, 'description', 'lacks', 'BONE', 'SHARP', 'H60', 'HR60', 'KNOCHEN')])
const CT_BRAIN: Protocol = {
  name: 'CT brain',
  description: 'Brain and bone, with the earlier study',
  applies: [of('CT'), region(...HEAD)],
  sets: [brainAxial, set('Bone', [...ctSlices(HEAD, 'AXIAL'), must('description', 'contains', 'BONE', 'SHARP', 'H60', 'HR60', 'KNOCHEN')]), before(brainAxial), { ...brainAxial, label: 'Subdural window', shared: true }],
  stages: [
    stage('With the earlier study', '1x2', cell(0, { window: 'Brain' }), cell(2, { window: 'Brain' })),
    stage('Brain and bone', '1x2', cell(0, { window: 'Brain' }), cell(1, { window: 'Bone' })),
    stage('One series', '1x1', cell(0)),
    stage('Brain, subdural, stroke and bone', '2x2', cell(0, { window: 'Brain' }), cell(3, { window: 'Subdural' }), cell(3, { window: 'Stroke' }), cell(3, { window: 'Bone' })),
  ],
}

const mr = (words: readonly string[], orientation: string | null, ...named: string[]): Rule[] => [
  of('MR'), must('region', 'contains', ...words), NO_SCOUT_NAME, likes(4, 'images', 'above', '2'),
  ...(orientation ? [must('orientation', 'any', orientation)] : []),
  ...(named.length > 0 ? [{ ...must('description', 'contains', ...named), weight: 3 }] : []),
]
const FLAIR = ['FLAIR', 'T2FLAIR', 'DARK-FLUID', 'DARK FLUID']

const flair = set('FLAIR', mr(HEAD, null, ...FLAIR))
const MR_BRAIN: Protocol = {
  name: 'MR brain',
  description: 'T1, T2, FLAIR and diffusion, with the earlier study',
  applies: [of('MR'), region(...HEAD)],
  sets: [
    set('T1', mr(HEAD, null, 'T1', 'MPRAGE', 'SPGR', 'BRAVO')),
    set('T2', [...mr(HEAD, null, 'T2'), must('description', 'lacks', ...FLAIR)]),
    flair,
    set('Diffusion', mr(HEAD, null, 'DWI', 'DIFF', 'TRACE', 'B1000')),
    before(flair),
    set('Axial', [...mr(HEAD, 'AXIAL')]),
    set('Sagittal', [...mr(HEAD, 'SAGITTAL')]),
    set('ADC', mr(HEAD, null, 'ADC')),
  ],
  stages: [
    stage('T1, T2, FLAIR, diffusion', '2x2', cell(0), cell(1), cell(2), cell(3)),
    stage('T1, T2, FLAIR', '1x3', cell(0), cell(1), cell(2)),
    stage('Axial and sagittal', '1x2', cell(5), cell(6)),
    stage('FLAIR with the earlier study', '1x2', cell(2), cell(4)),
    stage('Diffusion and ADC', '1x2', cell(3), cell(7)),
    stage('One series', '1x1', cell(5)),
  ],
}

const MR_SPINE: Protocol = {
  name: 'MR spine',
  description: 'Sagittal T1, T2 and STIR, axial T2',
  applies: [of('MR'), region(...SPINE)],
  sets: [
    set('Sagittal T1', mr(SPINE, 'SAGITTAL', 'T1')),
    set('Sagittal T2', [...mr(SPINE, 'SAGITTAL', 'T2'), must('description', 'lacks', 'STIR', 'TIRM')]),
    set('Sagittal STIR', mr(SPINE, 'SAGITTAL', 'STIR', 'TIRM')),
    set('Axial T2', mr(SPINE, 'AXIAL', 'T2')),
    before(set('Sagittal T2', mr(SPINE, 'SAGITTAL', 'T2'))),
    set('Sagittal', mr(SPINE, 'SAGITTAL')),
  ],
  stages: [
    stage('Sagittal T1, T2, STIR, axial T2', '2x2', cell(0), cell(1), cell(2), cell(3)),
    stage('Sagittal T1, T2, axial T2', '1x3', cell(0), cell(1), cell(3)),
    stage('Sagittal and axial T2', '1x2', cell(1), cell(3)),
    stage('Sagittal T2 with the earlier study', '1x2', cell(1), cell(4)),
    stage('One series', '1x1', cell(5)),
  ],
}

const FAT_SAT = ['PD', 'FS', 'STIR', 'TIRM', 'FATSAT', 'SPAIR']
const MR_KNEE: Protocol = {
  name: 'MR knee',
  description: 'Proton density in three planes and T1',
  applies: [of('MR'), region(...KNEE)],
  sets: [
    set('Sagittal', [...mr(KNEE, 'SAGITTAL'), likes(3, 'description', 'contains', ...FAT_SAT)]),
    set('Coronal', [...mr(KNEE, 'CORONAL'), likes(3, 'description', 'contains', ...FAT_SAT)]),
    set('Axial', [...mr(KNEE, 'AXIAL'), likes(3, 'description', 'contains', ...FAT_SAT)]),
    set('T1', mr(KNEE, null, 'T1')),
  ],
  stages: [
    stage('Three planes and T1', '2x2', cell(0), cell(1), cell(2), cell(3)),
    stage('Three planes', '1x3', cell(0), cell(1), cell(2)),
    stage('Sagittal and coronal', '1x2', cell(0), cell(1)),
    stage('One series', '1x1', cell(0)),
  ],
}

/** A plain film of the chest; its images may be in one series or in two. */
function chestFilm(modality: string): Protocol {
  const film = (label: string, ...views: string[]): ImageSet => set(label, [of(modality), must('region', 'contains', ...CHEST), must('view', 'any', ...views)])
  const front = film('Frontal', 'PA', 'AP', 'FRONTAL')
  const side = film('Lateral', 'LATERAL')
  return {
    name: `${modality} chest`,
    description: 'Frontal and lateral, with the earlier study',
    applies: [of(modality), region(...CHEST)],
    sets: [front, side, before(front), before(side)],
    stages: [
      stage('Frontal, lateral and the earlier frontal', '1x3', cell(0), cell(1), cell(2)),
      stage('Frontal with the earlier', '1x2', cell(0), cell(2)),
      stage('Frontal and lateral', '1x2', cell(0), cell(1)),
      stage('Lateral with the earlier', '1x2', cell(1), cell(3)),
      stage('Frontal', '1x1', cell(0)),
    ],
  }
}

/** Plain films of whatever is not the chest: the views in the order they were made, those of the earlier study below. */
function films(modality: string): Protocol {
  const view = set('View', [of(modality), NO_SCOUT])
  return {
    name: `${modality} films`,
    description: 'Two views with those of the earlier study',
    applies: [of(modality)],
    sets: [view, view, before(view), before(view), view, view],
    stages: [
      stage('Two views with the earlier two', '2x2', cell(0), cell(1), cell(2), cell(3)),
      stage('Two views with the earlier', '1x3', cell(0), cell(1), cell(2)),
      stage('Two views', '1x2', cell(0), cell(1)),
      stage('With the earlier', '1x2', cell(0), cell(2)),
      stage('One view', '1x1', cell(0)),
      stage('Four views', '2x2', cell(0), cell(1), cell(4), cell(5)),
    ],
  }
}

const breast = (side: 'R' | 'L', view: string): ImageSet =>
  set(`${side} ${view}`, [of('MG'), must('laterality', 'any', side), must('view', 'any', view), likes(2, 'type', 'lacks', 'SECONDARY'), likes(1, 'description', 'lacks', 'PROCESSING')])
// The right breast looks to the left, so that the chest walls meet (EUREF, IHE MAMMO): posterior at the edge in the middle.
const right = (at: number): Cell => cell(at, { justify: 'right', orientation: ['P', 'X'], equalScale: true })
const left = (at: number): Cell => cell(at, { justify: 'left', orientation: ['A', 'X'], equalScale: true })
const VIEWS = [breast('R', 'CC'), breast('L', 'CC'), breast('R', 'MLO'), breast('L', 'MLO')]

const MAMMOGRAPHY: Protocol = {
  name: 'Mammography',
  description: 'Four views, chest walls together, equal scale, with the earlier study',
  applies: [of('MG')],
  sets: [...VIEWS, ...VIEWS.map(before)],
  stages: [
    stage('Four views', '2x2', right(0), left(1), right(2), left(3)),
    stage('Four views with the earlier', '2x4', right(0), left(1), right(2), left(3), right(4), left(5), right(6), left(7)),
    stage('CC', '1x2', right(0), left(1)),
    stage('MLO', '1x2', right(2), left(3)),
    stage('CC with the earlier', '2x2', right(0), left(1), right(4), left(5)),
    stage('MLO with the earlier', '2x2', right(2), left(3), right(6), left(7)),
    stage('Right', '1x2', right(0), right(2)),
    stage('Left', '1x2', left(1), left(3)),
  ],
}

/** Clips and pictures in the order they were made. */
function inOrder(name: string, modality: string, count: number, layout: string): Protocol {
  const any = set('Image', [of(modality)])
  const cells = Array.from({ length: count }, (_, at) => cell(at))
  return {
    name,
    description: 'The images as they were made',
    applies: [of(modality)],
    sets: [...cells.map(() => any), before(any)],
    stages: [stage('One', '1x1', cell(0)), stage('Two', '1x2', cell(0), cell(1)), stage(`${count}`, layout, ...cells), stage('With the earlier study', '1x2', cell(0), cell(count))],
  }
}

const PET_CT: Protocol = {
  name: 'PET/CT',
  description: 'CT, PET, the one over the other and a PET body, with the earlier PET',
  applies: [{ ...of('PT'), weight: 15 }, { ...of('CT'), weight: 15 }],
  sets: [
    set('CT', [of('CT'), NO_SCOUT, must('orientation', 'any', 'AXIAL'), likes(4, 'images', 'above', '1')]),
    set('PET', [of('PT'), must('orientation', 'any', 'AXIAL'), likes(3, 'description', 'lacks', 'NAC', 'UNCORR', 'NO AC'), likes(2, 'description', 'contains', 'AC', 'CORR', 'WB')]),
    before(set('PET', [of('PT'), must('orientation', 'any', 'AXIAL')])),
  ],
  stages: [
    stage('CT, PET, fusion and PET projection', '2x2', cell(0, { window: 'Soft tissue' }), cell(1), cell(0, { as: 'fusion', over: 1 }), cell(1, { as: 'volume' })),
    stage('CT, PET and the earlier PET', '1x3', cell(0), cell(1), cell(2)),
    stage('CT and PET', '1x2', cell(0), cell(1)),
  ],
}

export const DEFAULTS: readonly Protocol[] = [
  CT_CHEST, CT_ABDOMEN, CT_BRAIN, MR_BRAIN, MR_SPINE, MR_KNEE, chestFilm('CR'), chestFilm('DX'), films('CR'), films('DX'), MAMMOGRAPHY,
  inOrder('Ultrasound', 'US', 4, '2x2'), inOrder('Angiography', 'XA', 4, '2x2'), inOrder('Fluoroscopy', 'RF', 4, '2x2'), inOrder('Nuclear medicine', 'NM', 4, '2x2'), PET_CT,
]
