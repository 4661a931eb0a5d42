// All that imports Cornerstone, as one part of the code: see cornerstone.ts.
export { decompressed } from './decoding'
export { GpuSurface } from './gpuSurface'
export { startDrawing } from './core'
