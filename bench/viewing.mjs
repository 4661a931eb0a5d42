// One viewer in one browser, fresh: the clicks of a person, and when pictures are on the screen. Prints one line of JSON.
//   node viewing.mjs isocenter|ohif ADDRESS PASSWORD SERIES_STUDY_NAME SLICES OTHER_STUDIES
// SERIES_STUDY_NAME: the patient's family name of the study of SLICES images; the others are called Other00, Other01, ...
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const { chromium } = createRequire(path.resolve(import.meta.dirname, '../web/package.json'))('playwright-core')
const [kind, address, password, family, slices, others] = process.argv.slice(2)
const FLAGS = ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
const LONG = 120_000

/** Runs in the page: notes when a large canvas first holds a picture, which is anything but one colour. */
function watch() {
  const small = new OffscreenCanvas(24, 24)
  const context = small.getContext('2d', { willReadFrequently: true })
  const holdsPicture = (canvas) => {
    if (canvas.width < 300 || canvas.height < 300 || !canvas.isConnected) return false
    context.clearRect(0, 0, 24, 24)
    context.drawImage(canvas, 0, 0, 24, 24)
    const { data } = context.getImageData(0, 0, 24, 24)
    const greys = new Set()
    for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 0) greys.add(data[at])
    return greys.size > 8
  }
  window.picture = 0
  window.looking = false
  const look = () => {
    if (window.looking && window.picture === 0 && [...document.querySelectorAll('canvas')].some(holdsPicture)) window.picture = Date.now()
    requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
}

/** OHIF's list: a row opens, and holds the button of each mode. */
async function choose(page, name) {
  await page.getByText(name, { exact: false }).first().click({ timeout: LONG })
  await page.getByRole('button', { name: 'Basic Viewer' }).first().waitFor({ timeout: LONG })
}

const viewers = {
  isocenter: {
    list: async (page, name) => {
      await page.goto(`${address}/?q=${name}`)
      await page.locator('.study-row[aria-rowindex]', { hasText: name }).first().waitFor({ timeout: LONG })
    },
    open: (page, name) => page.locator('.study-row[aria-rowindex]', { hasText: name }).first().dblclick(),
    back: (page) => page.getByRole('button', { name: 'Back to the study list' }).click(),
    search: async (page, name) => {
      await page.getByRole('searchbox').first().fill(name)
      await page.waitForURL((url) => url.searchParams.get('q') === name)
      await page.locator('.studies-list[aria-busy=false]').waitFor({ timeout: LONG }) // until then the rows are those of before
      await page.locator('.study-row[aria-rowindex]', { hasText: name }).first().waitFor({ timeout: LONG })
    },
  },
  ohif: {
    list: async (page, name) => {
      await page.goto(`${address}/?patientName=${name}`)
      await choose(page, name)
    },
    open: (page) => page.getByRole('button', { name: 'Basic Viewer' }).first().click(),
    back: (page) => page.locator('[data-cy=return-to-work-list]').click(),
    search: async (page, name) => {
      await page.goto(`${address}/?patientName=${name}`)
      await choose(page, name)
    },
  },
}

/** Proportional set size of the page's process, MB. */
async function memory(browser) {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  const sizes = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => Number(/Pss:\s+(\d+)/.exec(readFileSync(`/proc/${id}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024)
  return Math.max(...sizes)
}

async function first(page, action) {
  await page.evaluate(() => {
    window.picture = 0
    window.looking = true
    // The press itself, not the moment in which a robot decided on it.
    window.pressed = 0
    addEventListener('pointerdown', () => { window.pressed = Date.now() }, { capture: true })
  })
  await action()
  await page.waitForFunction(() => window.picture > 0, undefined, { timeout: LONG, polling: 20 })
  return page.evaluate(() => window.picture - window.pressed)
}

const browser = await chromium.launch({ executablePath: process.env.ISOCENTER_CHROMIUM ?? '/usr/bin/chromium', headless: true, args: ['--headless=new', ...FLAGS] })
const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
await context.addInitScript(watch)
const page = await context.newPage()
await page.request.post(`${address}/api/v1/session`, { data: { username: 'admin', password } })
let frames = 0
let whole = 0
page.on('requestfinished', (request) => {
  if (!request.url().includes('/frames/')) return
  frames += 1
  if (frames === Number(slices)) whole = Date.now()
})
const viewer = viewers[kind]
await viewer.list(page, family)
await page.waitForTimeout(1000) // what the list still does for itself is not the viewer's
frames = 0
const firstImage = await first(page, () => viewer.open(page, family))
const pressed = await page.evaluate(() => window.pressed)
const deadline = Date.now() + LONG
while (whole === 0 && Date.now() < deadline) await page.waitForTimeout(50)
const figures = { first: firstImage, whole: whole ? whole - pressed : null, frames }
const skip = page.getByText('Skip all') // OHIF's tour
if (await skip.count()) await skip.click()
for (let number = 0; number < Number(others); number += 1) {
  const name = `Other${String(number).padStart(2, '0')}`
  await viewer.back(page)
  await viewer.search(page, name)
  await first(page, () => viewer.open(page, name))
  await page.waitForTimeout(1000)
}
figures.memory = await memory(browser)
console.log(JSON.stringify(figures))
await browser.close()
