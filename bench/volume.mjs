// A CT of many slices as a volume in a page of 2 GB, and what scrolling and turning cost. Prints one line of JSON.
//   node volume.mjs ADDRESS PASSWORD FAMILY SLICES LIMIT_MB
// Where this process may, the page's process is put into a memory cgroup of LIMIT_MB: it is killed when it takes more.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const { chromium } = createRequire(path.resolve(import.meta.dirname, '../web/package.json'))('playwright-core')
const [address, password, family, slices, limit] = process.argv.slice(2)
const FLAGS = ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
const LONG = 480_000
const GROUP = `/sys/fs/cgroup/memory/isocenter-bench-${process.pid}`

const browser = await chromium.launch({ executablePath: process.env.ISOCENTER_CHROMIUM ?? '/usr/bin/chromium', headless: true, args: ['--headless=new', ...FLAGS] })
const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage()
const system = await browser.newBrowserCDPSession()

async function renderers() {
  const { processInfo } = await system.send('SystemInfo.getProcessInfo')
  return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
}

const sizeOf = (id) => Number(/Pss:\s+(\d+)/.exec(readFileSync(`/proc/${id}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024
async function memory() {
  return Math.max(0, ...(await renderers()).map((id) => { try { return sizeOf(id) } catch { return 0 } }))
}

/** The page's process gets no more than the limit; false where cgroups are not ours to make. */
async function confine() {
  try {
    mkdirSync(GROUP)
    writeFileSync(`${GROUP}/memory.limit_in_bytes`, String(Number(limit) * 1024 * 1024))
    for (const id of await renderers()) appendFileSync(`${GROUP}/cgroup.procs`, String(id))
    return true
  } catch {
    return false
  }
}

const metrics = await page.context().newCDPSession(page)
await metrics.send('Performance.enable')
/** Milliseconds that the page's own thread has worked so far. */
async function worked() {
  const { metrics: found } = await metrics.send('Performance.getMetrics')
  return (found.find(({ name }) => name === 'TaskDuration')?.value ?? 0) * 1000
}

/** Does something so many times, one step for each picture of the screen; milliseconds of the page's thread a step, and steps a second. */
async function cost(steps, step) {
  const [before, begun] = [await worked(), Date.now()]
  for (let n = 0; n < steps; n += 1) await step(n)
  return { step: ((await worked()) - before) / steps, rate: (steps * 1000) / (Date.now() - begun) }
}

await page.request.post(`${address}/api/v1/session`, { data: { username: 'admin', password } })
await page.goto(`${address}/?q=${family}`)
await page.locator('.study-row[aria-rowindex]', { hasText: family }).first().waitFor({ timeout: LONG })
const figures = { limited: await confine() }
let most = 0
let looking = true
const watching = (async () => {
  while (looking) {
    most = Math.max(most, await memory().catch(() => 0))
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
})()
let frames = 0
page.on('requestfinished', (request) => { frames += request.url().includes('/frames/') ? 1 : 0 })
let crashed = false
page.on('crash', () => { crashed = true })
await page.locator('.study-row[aria-rowindex]', { hasText: family }).first().dblclick()
await page.locator('[data-testid=pane-0][data-status=shown]').waitFor({ timeout: LONG })

// Scrolling through 300 images that are in memory.
const patience = Date.now() + LONG
while (frames < 330 && frames < Number(slices) && Date.now() < patience) await page.waitForTimeout(200)
const box = await page.getByTestId('pane-0').boundingBox()
await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
const drawn = () => page.evaluate(() => Number(document.querySelector('[data-testid=pane-0] .pane-host')?.dataset.drawn ?? 0))
const drawnBefore = await drawn()
const scrolling = await cost(300, () => page.mouse.wheel(0, 120))
await page.waitForTimeout(500)
figures.scrollStep = scrolling.step
figures.scrollRate = (((await drawn()) - drawnBefore) / 300) * scrolling.rate

const begun = Date.now()
await page.getByTestId('volume-menu').click()
await page.getByRole('menuitem', { name: 'MPR: three planes' }).click()
await page.locator('[data-testid=plane-coronal] canvas[data-drawn=fine]').waitFor({ timeout: LONG })
figures.early = Date.now() - begun
await page.locator('[data-testid=volume-notes][data-status=ready]').waitFor({ state: 'attached', timeout: LONG }) // without a note it has no size
figures.volume = Date.now() - begun
figures.notes = await page.getByTestId('volume-notes').textContent()
const plane = await page.getByTestId('plane-axial').boundingBox()
await page.mouse.move(plane.x + plane.width / 2, plane.y + plane.height / 2)
figures.planesStep = (await cost(60, () => page.mouse.wheel(0, 120))).step

await page.getByTestId('volume-menu').click()
await page.getByRole('menuitem', { name: 'Volume rendering' }).click()
const body = page.locator('[data-testid=volume-render] canvas')
await page.locator('[data-testid=volume-render] canvas[data-drawn=fine]').waitFor({ timeout: LONG })
await page.mouse.move(box.x + 400, box.y + 300)
await page.mouse.down()
const took = []
const turning = await cost(60, async (n) => {
  await page.mouse.move(box.x + 400 + n * 4, box.y + 300 + n)
  took.push(Number(await body.getAttribute('data-took')))
})
await page.mouse.up()
await page.locator('[data-testid=volume-render] canvas[data-drawn=fine]').waitFor({ timeout: LONG })
figures.turnStep = turning.step
figures.turnPicture = took.filter(Boolean).sort((a, b) => a - b)[took.length >> 1] ?? null
figures.fine = Number(await body.getAttribute('data-fine-took'))
looking = false
await watching
figures.memory = most
figures.crashed = crashed
console.log(JSON.stringify({ slices: Number(slices), limit: Number(limit), ...figures }))
await browser.close()
if (existsSync(GROUP)) try { rmdirSync(GROUP) } catch { /* the kernel takes it away when its last process has ended */ }
