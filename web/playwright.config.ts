import { defineConfig } from '@playwright/test'

// Debian's Chromium without a GPU: SwiftShader draws WebGL2 in software (WEB.md, "Chromium in tests").
const flags = [
  '--no-sandbox',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--ignore-gpu-blocklist',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results/artifacts',
  // Generous: on a busy machine with two cores a wait costs nothing when it is not needed.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  // A second try for what a busy machine breaks; the list and the report call such a test flaky, so that it is mended.
  retries: 1,
  workers: 1, // one server, one archive: the tests tell one story in order
  fullyParallel: false,
  reporter: [['list'], ['json', { outputFile: 'test-results/report.json' }]],
  use: {
    baseURL: process.env.ISOCENTER_URL ?? 'http://127.0.0.1:8080',
    viewport: { width: 1280, height: 800 },
    contextOptions: { reducedMotion: 'reduce' }, // software draws every frame of an animation
    headless: true,
    screenshot: 'only-on-failure',
    trace: 'on-first-retry', // a trace of every test costs a third of the time
    launchOptions: {
      executablePath: process.env.ISOCENTER_CHROMIUM ?? '/usr/bin/chromium',
      args: ['--headless=new', ...flags],
    },
  },
})
