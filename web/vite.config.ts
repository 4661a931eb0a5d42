import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

const server = process.env.ISOCENTER_URL ?? 'http://127.0.0.1:8080'

// SharedArrayBuffer (volumes, decoders) needs a cross-origin isolated page; the server sends the same two headers.
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

export default defineConfig({
  plugins: [react()],
  // vtk.js under Cornerstone imports Node's `events`; without the package Vite would put an empty module there and the viewer would
  // only fail in the browser. Named like this, its absence stops the build.
  resolve: { alias: { events: 'events/events.js' } },
  optimizeDeps: {
    exclude: ['@cornerstonejs/dicom-image-loader'], // its workers and wasm must stay real files
    include: [
      'dicom-parser',
      '@cornerstonejs/dicom-image-loader > pako',
      '@cornerstonejs/dicom-image-loader > @cornerstonejs/jpeg-lossless-decoder-js',
      '@cornerstonejs/dicom-image-loader > @cornerstonejs/codec-charls/decodewasmjs',
      '@cornerstonejs/dicom-image-loader > @cornerstonejs/codec-openjpeg/decodewasmjs',
      '@cornerstonejs/dicom-image-loader > @cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs',
      '@cornerstonejs/dicom-image-loader > @cornerstonejs/codec-openjph/wasmjs',
    ],
  },
  worker: { format: 'es' },
  build: {
    target: 'es2023',
    outDir: '../src/isocenter/web_client',
    emptyOutDir: true,
    // A strict CSP allows no data: scripts or styles, and small assets are cheap as files.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4000, // the viewer chunk is large by nature and loaded on its own
  },
  server: {
    port: 5173,
    headers: isolation,
    proxy: Object.fromEntries(
      ['/api', '/dicom-web', '/wado', '/healthz', '/readyz'].map((path) => [path, { target: server, changeOrigin: false }]),
    ),
  },
  preview: { headers: isolation },
  test: {
    restoreMocks: true,
    testTimeout: 30_000, // beside everything else on two cores
    // A page is made for components only: making one takes longer than most tests. Others ask for it in their first line.
    projects: [
      { extends: true, test: { name: 'code', environment: 'node', include: ['src/**/*.test.ts'] } },
      { extends: true, test: { name: 'components', environment: 'jsdom', include: ['src/**/*.test.tsx'] } },
    ],
  },
})
