// The hanging protocols that come with the viewer, each on a study like those of its kind: which series, whose study, in which window.
// Mammography and PET/CT are judged by their pixels in hanging.spec.ts.
import { type Page, expect, test } from '@playwright/test'
import { element, newUid, object, short } from './dicom'
import { keepScreenshot, store } from './support'
import { csrf, open, pane } from './viewing'

const WAIT = { timeout: 45_000 }
const PLANES = { axial: '1\\0\\0\\0\\1\\0', sagittal: '0\\1\\0\\0\\0\\-1', coronal: '1\\0\\0\\0\\0\\-1' } as const
type PlaneName = keyof typeof PLANES

interface Made {
  readonly name: string
  readonly plane?: PlaneName
  readonly images?: number
  readonly view?: string
  readonly type?: string
}

interface Kind {
  readonly protocol: string
  readonly modality: string
  readonly description: string
  readonly series: readonly Made[]
  readonly earlier?: readonly Made[]
  /** Of the first stage, row by row: series, 'before' when it is of the earlier study, and the window where one is asked for. */
  readonly hangs: readonly (readonly [series: string, of?: 'before' | '', window?: string])[]
}

const CASES: readonly Kind[] = [
  {
    protocol: 'CT chest', modality: 'CT', description: 'CT Thorax',
    series: [{ name: 'Topogram', plane: 'coronal', images: 1, type: 'ORIGINAL\\PRIMARY\\LOCALIZER' }, { name: 'Lung 1.0 B70f', plane: 'axial' }, { name: 'Chest 5.0 B31f', plane: 'axial' }],
    earlier: [{ name: 'Chest old B31f', plane: 'axial' }],
    hangs: [['Chest 5.0 B31f', '', '350/50'], ['Chest old B31f', 'before', '350/50']],
  },
  {
    protocol: 'CT abdomen', modality: 'CT', description: 'CT Abdomen',
    series: [{ name: 'Native 5.0', plane: 'axial' }, { name: 'Portal venous 5.0', plane: 'axial' }, { name: 'Coronal', plane: 'coronal' }],
    earlier: [{ name: 'Portal venous old', plane: 'axial' }],
    hangs: [['Portal venous 5.0', '', '400/40'], ['Portal venous old', 'before', '400/40'], ['Coronal', '', '400/40']],
  },
  {
    protocol: 'CT brain', modality: 'CT', description: 'CT Head', series: [{ name: 'Bone H60', plane: 'axial' }, { name: 'Head 4.0 H31', plane: 'axial' }],
    hangs: [['Head 4.0 H31', '', '80/40'], ['Bone H60', '', '2500/480']],
  },
  {
    protocol: 'MR brain', modality: 'MR', description: 'MR Brain',
    series: [{ name: 'Localizer', plane: 'axial' }, { name: 'DWI b1000', plane: 'axial' }, { name: 'AX T2 FLAIR', plane: 'axial' }, { name: 'AX T2 TSE', plane: 'axial' }, { name: 'SAG T1', plane: 'sagittal' }],
    hangs: [['SAG T1'], ['AX T2 TSE'], ['AX T2 FLAIR'], ['DWI b1000']],
  },
  {
    protocol: 'MR spine', modality: 'MR', description: 'MR LWS',
    series: [{ name: 't2_tse_tra', plane: 'axial' }, { name: 't2_tirm_sag', plane: 'sagittal' }, { name: 't2_tse_sag', plane: 'sagittal' }, { name: 't1_tse_sag', plane: 'sagittal' }],
    hangs: [['t1_tse_sag'], ['t2_tse_sag'], ['t2_tirm_sag'], ['t2_tse_tra']],
  },
  {
    protocol: 'MR knee', modality: 'MR', description: 'MR Knee left',
    series: [{ name: 't1_se_cor', plane: 'coronal' }, { name: 'pd_fs_tra', plane: 'axial' }, { name: 'pd_fs_cor', plane: 'coronal' }, { name: 'pd_fs_sag', plane: 'sagittal' }],
    hangs: [['pd_fs_sag'], ['pd_fs_cor'], ['pd_fs_tra'], ['t1_se_cor']],
  },
  ...['CR', 'DX'].map((modality): Kind => ({
    protocol: `${modality} chest`, modality, description: 'Chest two views', series: [{ name: 'Side', view: 'LL', images: 1 }, { name: 'Front', view: 'PA', images: 1 }],
    earlier: [{ name: 'Front, old', view: 'PA', images: 1 }],
    hangs: [['Front'], ['Side'], ['Front, old', 'before']],
  })),
  {
    protocol: 'DX films', modality: 'DX', description: 'Hand left', series: [{ name: 'Dorsopalmar', view: 'PA', images: 1 }, { name: 'Oblique', view: 'RLO', images: 1 }],
    earlier: [{ name: 'Dorsopalmar, old', view: 'PA', images: 1 }, { name: 'Oblique, old', view: 'RLO', images: 1 }],
    hangs: [['Dorsopalmar'], ['Oblique'], ['Dorsopalmar, old', 'before'], ['Oblique, old', 'before']],
  },
  { protocol: 'Fluoroscopy', modality: 'RF', description: 'Swallow', series: [{ name: 'Lateral', images: 1 }, { name: 'AP', images: 1 }], hangs: [['Lateral']] },
  { protocol: 'Nuclear medicine', modality: 'NM', description: 'Thyroid', series: [{ name: 'Anterior', images: 1 }], hangs: [['Anterior']] },
  { protocol: 'Ultrasound', modality: 'US', description: 'Thyroid', series: [{ name: 'Right', images: 1 }, { name: 'Left', images: 1 }], hangs: [['Right']] },
  { protocol: 'Angiography', modality: 'XA', description: 'Coronary', series: [{ name: 'LCA', images: 1 }, { name: 'RCA', images: 1 }], hangs: [['LCA']] },
]

async function put(page: Page, { modality, description }: Kind, patientId: string, studyDate: string, made: readonly Made[]): Promise<string> {
  const study = newUid()
  for (const [at, { name, plane, images = 4, view, type }] of made.entries()) {
    const series = newUid()
    for (let slice = 1; slice <= images; slice++) {
      const equipment = view ? { equipment: element(0x0018, 0x5101, 'CS', view) } : {}
      const subject = { patientName: 'Usual^Case', patientId, study, series, studyDate, modality, description, seriesDescription: name, seriesNumber: at + 1, instanceNumber: slice, ...(type && { imageType: type }), ...equipment }
      const along = { axial: `0\\0\\${slice * 4}`, sagittal: `${slice * 4}\\0\\0`, coronal: `0\\${slice * 4}\\0` }
      const image = [
        ...(plane ? [element(0x0020, 0x0032, 'DS', along[plane]), element(0x0020, 0x0037, 'DS', PLANES[plane])] : []),
        element(0x0028, 0x0002, 'US', short(1)), element(0x0028, 0x0004, 'CS', 'MONOCHROME2'), element(0x0028, 0x0010, 'US', short(32)), element(0x0028, 0x0011, 'US', short(32)),
        element(0x0028, 0x0030, 'DS', '1\\1'), element(0x0028, 0x0100, 'US', short(8)), element(0x0028, 0x0101, 'US', short(8)), element(0x0028, 0x0102, 'US', short(7)), element(0x0028, 0x0103, 'US', short(0)),
        element(0x7fe0, 0x0010, 'OW', Buffer.from(Array.from({ length: 32 * 32 }, (_, pixel) => (pixel % 32) * 8))),
      ]
      expect(await store(page, name, object(subject, image))).toBe('stored')
    }
  }
  return study
}

for (const kind of CASES) {
  test(`${kind.protocol} hangs by itself`, async ({ page }) => {
    await csrf(page.request)
    const patientId = newUid().slice(-14)
    if (kind.earlier) await put(page, kind, patientId, '20240105', kind.earlier)
    await open(page, await put(page, kind, patientId, '20260105', kind.series), true)
    await expect(page.getByTestId('hanging')).toContainText(kind.protocol, WAIT)
    for (const [at, [series, of = '', window]] of kind.hangs.entries()) {
      await expect(pane(page, at)).toHaveAttribute('data-status', 'shown', WAIT)
      await expect(pane(page, at).locator('.corner-bottom-left').getByText(series)).toBeVisible(WAIT)
      await expect(pane(page, at).locator('.corner-top-right').getByText(of ? /2024-01-05/ : /2026-01-05/)).toBeVisible()
      if (window) await expect(pane(page, at)).toHaveAttribute('data-window', window)
    }
    await expect(page.getByTestId(`pane-${kind.hangs.length}`)).toHaveCount(0)
    await keepScreenshot(page, `hanging-${kind.protocol.toLowerCase().replaceAll(' ', '-')}`)
  })
}
