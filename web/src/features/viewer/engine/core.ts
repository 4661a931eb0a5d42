// The only owner of Cornerstone's globals: started once, kept warm between studies. Loaded by cornerstone.ts.
import { Enums, RenderingEngine, type Types, init as initCore, metaData, utilities } from '@cornerstonejs/core'
import { init as initLoader } from '@cornerstonejs/dicom-image-loader'
import { text } from '../model/dataset'
import type { Frame } from '../model/frame'
import { Tag } from '../model/tags'

/** Frames Cornerstone may ask about, by image id. Filled by whoever decodes or draws, emptied by the same. */
const known = new Map<string, Frame>()

export function describe(frame: Frame): void {
  known.set(frame.id, frame)
}

export function forget(id: string): void {
  known.delete(id)
}

const { MetadataModules } = Enums

/**
 * Cornerstone decodes and draws; what pixels mean stays with model/. So it is told of single-sample images that they are
 * MONOCHROME2 (palettes, inversion and modality values are applied by model/pixels) and of geometry only the shape of a pixel.
 */
const ANSWERS: Readonly<Partial<Record<string, (frame: Frame) => object>>> = {
  [MetadataModules.IMAGE_PIXEL]: ({ instance: { format }, extent }) => ({
    samplesPerPixel: format.samples,
    photometricInterpretation: format.samples === 1 ? 'MONOCHROME2' : format.photometric,
    planarConfiguration: 0, // whatever the header says of native pixels (which model/pixels reads): decoders give colour by pixel
    rows: extent.rows,
    columns: extent.columns,
    bitsAllocated: format.allocated,
    bitsStored: format.stored,
    highBit: format.stored - 1,
    pixelRepresentation: format.signed ? 1 : 0,
  }),
  [MetadataModules.IMAGE_PLANE]: ({ extent: { rows, columns, aspect } }) => ({
    rows,
    columns,
    columnPixelSpacing: aspect[0],
    rowPixelSpacing: aspect[1],
    pixelSpacing: [aspect[1], aspect[0]],
    rowCosines: [1, 0, 0],
    columnCosines: [0, 1, 0],
    imageOrientationPatient: [1, 0, 0, 0, 1, 0],
    imagePositionPatient: [0, 0, 0],
    usingDefaultValues: false,
  }),
  // "PT" would make Cornerstone choose a window of its own.
  [MetadataModules.GENERAL_SERIES]: ({ instance }) => ({ modality: 'OT', seriesInstanceUID: instance.seriesInstanceUID }),
  [MetadataModules.SOP_COMMON]: ({ instance }) => ({ sopClassUID: text(instance.dataset, Tag.SOPClassUID), sopInstanceUID: instance.sopInstanceUID }),
}

function provide(module: string, id: unknown): object | undefined {
  const frame = typeof id === 'string' ? known.get(id) : undefined
  return frame && ANSWERS[module]?.(frame)
}

function hasWebGl(): boolean {
  const probe = document.createElement('canvas').getContext('webgl2')
  if (!probe) return false
  probe.getExtension('WEBGL_lose_context')?.loseContext()
  return true
}

/** Half the cores at least one, four at most: decoding is quicker than the network beyond that. */
const workers = (): number => Math.min(4, Math.max(1, Math.ceil(navigator.hardwareConcurrency / 2)))

let decoding = false

/** Decoders in workers; must come before the first frame that needs one. */
export function startDecoding(): void {
  if (decoding) return
  decoding = true
  initLoader({ maxWebWorkers: workers() })
  metaData.addProvider(provide, 10_000)
}

let renderer: RenderingEngine | null | undefined

/** Null when this browser has no WebGL 2, or must not use it: pictures are then drawn by canvasSurface alone. */
export function startDrawing(): RenderingEngine | null {
  if (renderer !== undefined) return renderer
  startDecoding()
  const gpu = hasWebGl()
  // One context is enough for all viewports and leaves the browser's others alone.
  initCore({ rendering: { useCPURendering: !gpu, webGlContextCount: 1 } } as Parameters<typeof initCore>[0])
  renderer = gpu ? new RenderingEngine('isocenter') : null
  return renderer
}

/** A grey picture as Cornerstone's image. Values are final: no scaling is left to do. */
export function imageOf(frame: Frame, data: Types.PixelDataTypedArray, min: number, max: number): Types.IImage {
  const { columns, rows, aspect } = frame.extent
  const voxelManager = utilities.VoxelManager.createImageVoxelManager({ scalarData: data, width: columns, height: rows, numberOfComponents: 1 })
  return {
    imageId: frame.id,
    dataType: data.constructor.name as Types.PixelDataTypedArrayString,
    minPixelValue: min,
    maxPixelValue: max,
    slope: 1,
    intercept: 0,
    windowCenter: (min + max) / 2,
    // Only until gpuSurface sets the real one; LINEAR of width 1 would be an empty range.
    windowWidth: Math.max(2, max - min),
    voiLUTFunction: Enums.VOILUTFunctionType.LINEAR,
    getPixelData: () => data,
    getCanvas: () => document.createElement('canvas'),
    rows,
    columns,
    height: rows,
    width: columns,
    color: false,
    rgba: false,
    numberOfComponents: 1,
    columnPixelSpacing: aspect[0],
    rowPixelSpacing: aspect[1],
    invert: false,
    photometricInterpretation: 'MONOCHROME2',
    sizeInBytes: data.byteLength,
    voxelManager,
  }
}
