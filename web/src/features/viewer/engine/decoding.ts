// Compressed frames, decoded in Cornerstone's workers.
import { createImage } from '@cornerstonejs/dicom-image-loader'
import type { Frame } from '../model/frame'
import { describe, forget, startDecoding } from './core'

export type Decoded = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array

/** Stored samples of a compressed frame, at full size or halved `reduction` times. */
export async function decompressed(frame: Frame, bytes: Uint8Array, syntax: string, reduction: number): Promise<Decoded> {
  startDecoding()
  describe(frame)
  try {
    const options = { useRGBA: false, preScale: { enabled: false }, decodeLevel: reduction } as Parameters<typeof createImage>[3]
    const image = await createImage(frame.id, bytes, syntax, options)
    return (image as { getPixelData: () => Decoded }).getPixelData()
  } finally {
    forget(frame.id)
  }
}
