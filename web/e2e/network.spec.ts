import { createHmac } from 'node:crypto'
import { mkdtempSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { expect, test } from '@playwright/test'
import { type Subject, newUid, object } from './dicom'
import { expectAccessible, family, search } from './list'
import { keepScreenshot, signIn, store } from './support'

/** A foreign archive (Debian's Orthanc) that knows the one under test; tests/end_to_end/test_browser.py starts it. */
const ORTHANC = process.env.ORTHANC_URL ?? ''
const ORTHANC_PORT = process.env.ORTHANC_DICOM_PORT ?? ''

async function fillOrthanc(page: Page, subject: Subject, images: number): Promise<string> {
  const study = subject.study ?? newUid()
  const series = newUid()
  for (let number = 1; number <= images; number += 1) {
    const answer = await page.request.post(`${ORTHANC}/instances`, { data: object({ ...subject, study, series, instanceNumber: number }) })
    expect(answer.status(), await answer.text()).toBe(200)
  }
  return study
}

/** How many images of a study Orthanc has. */
async function inOrthanc(page: Page, study: string): Promise<number> {
  const answer = await page.request.post(`${ORTHANC}/tools/find`, { data: { Level: 'Instance', Query: { StudyInstanceUID: study } } })
  return ((await answer.json()) as string[]).length
}

async function api(page: Page, method: string, path: string, data?: unknown) {
  const { csrf_token } = (await (await page.request.get('/api/v1/session')).json()) as { csrf_token: string }
  const answer = await page.request.fetch(`/api/v1${path}`, { method, data, headers: { 'X-CSRF-Token': csrf_token } })
  expect(answer.ok(), await answer.text()).toBe(true)
  return answer
}

function row(page: Page, text: string) {
  return page.getByRole('row').filter({ hasText: text })
}

test('a peer is added with all that is known of it, asked, changed and seen', async ({ page }) => {
  await signIn(page, '/admin/peers')
  await page.getByRole('button', { name: 'Add a peer' }).first().click()
  const dialog = page.getByRole('dialog', { name: 'Add a DICOM peer' })
  await dialog.getByLabel('AE title').fill('ORTHANC')
  await dialog.getByLabel('Host name or address').fill('127.0.0.1')
  await dialog.getByLabel('Port').fill(ORTHANC_PORT)
  await dialog.getByLabel('Description').fill('Old archive')
  await dialog.getByRole('button', { name: 'Store', exact: true }).click()
  await dialog.getByRole('button', { name: 'Echo', exact: true }).click()
  await dialog.getByLabel('As an archive').selectOption('search')
  await dialog.getByLabel('Associations to it').fill('2')
  await keepScreenshot(page, 'peer-dialog')
  await expectAccessible(page)
  await dialog.getByRole('button', { name: 'Add peer' }).click()
  await expect(row(page, 'ORTHANC')).toContainText('Echo, Store')
  await row(page, 'ORTHANC').getByRole('button', { name: 'Echo' }).click()
  await expect(page.getByRole('status').filter({ hasText: 'ORTHANC answered.' })).toBeVisible()

  await page.getByRole('button', { name: 'Actions for ORTHANC' }).click()
  await page.getByRole('button', { name: 'Edit' }).click()
  const edit = page.getByRole('dialog', { name: 'DICOM peer ORTHANC' })
  await edit.getByRole('button', { name: 'Store', exact: true }).click()
  await edit.getByRole('button', { name: 'Echo', exact: true }).click()
  await edit.getByLabel('As an archive').selectOption('fetch')
  await edit.getByRole('button', { name: 'Save' }).click()
  await expect(row(page, 'ORTHANC')).toContainText('asked on a miss')
  await keepScreenshot(page, 'peers')
  await expectAccessible(page)
  const { peers } = (await (await page.request.get('/api/v1/peers')).json()) as { peers: Record<string, unknown>[] }
  expect(peers[0]).toMatchObject({ aet: 'ORTHANC', port: Number(ORTHANC_PORT), services: [], archive: 'fetch', parallel: 2, description: 'Old archive' })
})

test('another archive is searched, and a study comes from it with progress', async ({ page }) => {
  const name = family('Müller')
  const study = await fillOrthanc(page, { patientName: `${name}^Jürgen`, patientId: `${name}-7`, studyDate: '20240229', modality: 'CT', description: 'CT Becken' }, 40)
  await fillOrthanc(page, { patientName: `${name}^Jutta`, patientId: `${name}-8`, studyDate: '20230101', modality: 'US' }, 1)
  await signIn(page)
  await page.getByRole('link', { name: 'Remote' }).click()
  await expect(page.getByRole('button', { name: 'Search' })).toBeDisabled()
  await page.getByLabel('Patient name').fill(`${name}, j`)
  await page.getByLabel('Patient name').press('Enter')
  const found = row(page, `${name}, Jürgen`)
  await expect(found).toContainText('2024-02-29')
  await expect(row(page, `${name}, Jutta`)).toBeVisible()
  await expect(found).toContainText('40')
  await found.getByRole('button', { name: 'Retrieve' }).click()
  const list = page.getByRole('complementary', { name: 'Retrievals' })
  await expect(list.getByRole('listitem').first()).toContainText('40 images')
  await expect(list.getByRole('listitem').first()).toContainText(`${name}, Jürgen`)
  await expect(found).toContainText('here')
  await keepScreenshot(page, 'remote')
  await expectAccessible(page)
  await page.reload() // the address holds the search
  await expect(row(page, `${name}, Jürgen`).getByRole('link', { name: 'Open' })).toBeVisible()
  await row(page, `${name}, Jürgen`).getByRole('link', { name: 'Open' }).click()
  await expect(page).toHaveURL(new RegExp(`/viewer/${study}$`))
  await expect(page.getByTestId('viewer')).toContainText('1/40')
})

test('an archive that does not answer says so, and can be tried again', async ({ page }) => {
  await signIn(page)
  await api(page, 'POST', '/peers', { aet: 'GONE', host: '127.0.0.1', port: 1, archive: 'search' })
  await page.goto('/remote?archive=GONE&name=x')
  await expect(page.getByRole('alert')).toContainText('GONE could not be searched')
  await expect(page.getByRole('alert').getByRole('button', { name: 'Try again' })).toBeVisible()
  await keepScreenshot(page, 'remote-away')
  await api(page, 'DELETE', '/peers/GONE')
})

test('a study that is not here is fetched when it is opened, and the patient has more elsewhere', async ({ page }) => {
  const name = family('Priors')
  const common = { patientName: `${name}^Paula`, patientId: `${name}-1` }
  const study = await fillOrthanc(page, { ...common, studyDate: '20250606', description: 'CT now' }, 5)
  await fillOrthanc(page, { ...common, studyDate: '20200101', description: 'CT long ago' }, 2)
  await signIn(page, `/viewer/${study}`)
  await expect(page.getByTestId('viewer')).toContainText('1/5')
  await page.goto(`/?q=${encodeURIComponent(name)}`)
  await page.locator('.study-row').first().click()
  await page.keyboard.press('Space')
  const panel = page.getByRole('complementary', { name: 'Study details' })
  await panel.getByRole('button', { name: 'Look in other archives' }).click()
  const prior = panel.getByRole('listitem').filter({ hasText: 'CT long ago' })
  await prior.getByRole('button', { name: 'Retrieve' }).click()
  await expect(page.locator('.studies-foot')).toContainText('2 studies')
  await expect(prior).toContainText('here')
  await keepScreenshot(page, 'elsewhere')
  await expectAccessible(page)
  await page.goto('/viewer/2.25.404')
  await expect(page.getByRole('alert')).toContainText('This study is not here.')
  await expect(page.getByRole('alert')).toContainText('do not have it either')
})

test('a rule is tried on what is here, switched on, and sends what comes in', async ({ page }) => {
  const name = family('Routed')
  await signIn(page)
  await store(page, 'ct', object({ patientName: `${name}^Carl`, patientId: `${name}-1`, modality: 'CT', description: `${name} Thorax` }))
  await store(page, 'us', object({ patientName: `${name}^Ute`, patientId: `${name}-2`, modality: 'US', description: `${name} Abdomen` }))
  await page.getByRole('link', { name: 'Deliveries' }).click()
  await page.getByRole('tab', { name: 'Routing rules' }).click()
  await page.getByRole('button', { name: 'Add a rule' }).click()
  const dialog = page.getByRole('dialog', { name: 'Add a routing rule' })
  await dialog.getByLabel('Name', { exact: true }).fill(name)
  await dialog.getByRole('button', { name: 'Add a condition' }).click()
  await dialog.getByLabel('Values').first().fill('CT')
  await dialog.getByRole('button', { name: 'Add a condition' }).click()
  await dialog.getByLabel('Attribute').nth(1).fill('StudyDescription')
  await dialog.getByLabel('Values').nth(1).fill(`${name}*`)
  await dialog.getByLabel('Wait after the newest image, seconds').fill('0')
  await dialog.getByRole('group', { name: 'Where to' }).getByRole('button', { name: 'ORTHANC' }).click()
  await dialog.getByRole('button', { name: 'Try', exact: true }).click()
  await expect(dialog.getByRole('status')).toContainText(/1 study of \d+ would have been sent to ORTHANC, 1 image in all/)
  await expect(dialog.getByRole('row').filter({ hasText: `${name}, Carl` })).toContainText('1 image')
  await expect(dialog.getByRole('row').filter({ hasText: `${name}, Ute` })).toHaveCount(0)
  await dialog.getByLabel('also what it leaves').check()
  await expect(dialog.getByRole('row').filter({ hasText: `${name}, Ute` })).toContainText('nothing')
  await keepScreenshot(page, 'rule-trial')
  await expectAccessible(page)
  await dialog.getByRole('button', { name: 'Add rule' }).click()
  await expect(dialog).toHaveCount(0) // its trial has rows of the same names
  await expect(row(page, name)).toContainText(`Modality is CT, Study description is ${name}*`)
  await expect(row(page, name)).toContainText('off')
  await page.getByRole('button', { name: `Switch ${name} on` }).click()
  await expect(page.getByRole('button', { name: `Switch ${name} off` })).toBeVisible()

  const study = newUid()
  await store(page, 'new', object({ patientName: `${name}^Nina`, patientId: `${name}-3`, modality: 'CT', description: `${name} Kopf`, study }))
  await page.getByRole('tab', { name: 'Queue' }).click()
  await expect(row(page, `${name}, Nina`)).toContainText('sent')
  await expect(row(page, `${name}, Nina`)).toContainText(name)
  expect(await inOrthanc(page, study)).toBe(1)
})

test('a study is sent by hand, waits while its destination is paused, and is sent again', async ({ page }) => {
  const name = family('Sent')
  const study = newUid()
  await signIn(page)
  await store(page, 'a', object({ patientName: `${name}^Berta`, patientId: `${name}-1`, study, description: 'CT Hand' }))
  await page.goto('/deliveries/destinations')
  await page.getByRole('button', { name: 'Pause ORTHANC' }).click()
  await expect(row(page, 'ORTHANC')).toContainText('paused')
  await keepScreenshot(page, 'destinations')
  await expectAccessible(page)

  await page.goto('/')
  await search(page, name)
  await page.locator('.study-row').first().click()
  await page.keyboard.press('t')
  const dialog = page.getByRole('dialog', { name: 'Send study' })
  await dialog.getByRole('radio', { name: /ORTHANC/ }).check()
  await keepScreenshot(page, 'send')
  await expectAccessible(page)
  await dialog.getByRole('button', { name: 'Send', exact: true }).click()
  await page.getByRole('button', { name: 'See the queue' }).click()
  await expect(row(page, `${name}, Berta`)).toContainText('paused')
  expect(await inOrthanc(page, study)).toBe(0)

  await page.getByRole('tab', { name: 'Destinations' }).click()
  await page.getByRole('button', { name: 'Resume ORTHANC' }).click()
  await page.getByRole('tab', { name: 'Queue' }).click()
  await expect(row(page, `${name}, Berta`)).toContainText('1 of 1')
  expect(await inOrthanc(page, study)).toBe(1)
  await row(page, `${name}, Berta`).getByRole('button', { name: 'Details' }).click()
  const details = page.getByRole('dialog', { name: `${name}, Berta to ORTHANC` })
  await expect(details).toContainText('1 of 1 arrived')
  await expectAccessible(page)
  await details.getByRole('button', { name: 'Send everything again' }).click()
  await expect(row(page, `${name}, Berta`)).toContainText('1 of 1')
})

test('a delivery that fails shows its reason', async ({ page }) => {
  const name = family('Failed')
  const study = newUid()
  await signIn(page)
  await store(page, 'a', object({ patientName: `${name}^Rosa`, patientId: `${name}-1`, study }))
  await api(page, 'POST', '/peers', { aet: 'NOBODY', host: '127.0.0.1', port: 1 })
  await api(page, 'POST', '/deliveries', { studies: [study], destination: 'NOBODY' })
  await page.goto('/deliveries')
  await expect(page.getByText(/Nobody answers: .* Next try/)).toBeVisible()
  await keepScreenshot(page, 'queue')
  await expectAccessible(page)
  await row(page, `${name}, Rosa`).getByRole('button', { name: 'Cancel' }).click()
  await expect(row(page, `${name}, Rosa`)).toContainText('cancelled')
  await expect(row(page, `${name}, Rosa`).getByRole('button', { name: 'Resend' })).toBeVisible()
})

test('what goes to the destination of a project has a report of what was removed', async ({ page }) => {
  const name = family('Cleaned')
  const study = newUid()
  await signIn(page)
  await store(page, 'a', object({ patientName: `${name}^Nora`, patientId: `${name}-1`, study, description: 'CT Trial' }))
  await api(page, 'POST', '/destinations', { name: `Trial ${name}`, kind: 'folder', address: mkdtempSync(join(tmpdir(), 'trial-')) })
  await api(page, 'POST', '/deidentification/projects', { name: `P-${name}`, project: { destinations: [`Trial ${name}`] } })
  await api(page, 'POST', '/deliveries', { studies: [study], destination: `Trial ${name}` })
  await page.goto('/deliveries')
  await expect(row(page, `${name}, Nora`)).toContainText('1 of 1')
  await row(page, `${name}, Nora`).getByRole('button', { name: 'Details' }).click()
  const details = page.getByRole('dialog', { name: `${name}, Nora to Trial ${name}` })
  await details.getByRole('button', { name: 'What was removed' }).click()
  await expect(details.getByRole('row', { name: /PatientName/ })).toContainText('replaced by a dummy')
  await expect(details).not.toContainText('CT Trial')
  await keepScreenshot(page, 'removal-report')
  await expectAccessible(page)

  await page.goto('/admin/projects')
  await row(page, `P-${name}`).getByRole('button', { name: 'Reports' }).click()
  const left = page.getByRole('dialog', { name: `What left by P-${name}` })
  await expect(left.getByRole('row', { name: /To Trial/ })).toBeVisible()
  await left.getByRole('button', { name: 'What was removed' }).click()
  const [download] = await Promise.all([page.waitForEvent('download'), left.getByRole('button', { name: 'Save' }).click()])
  expect(readFileSync(await download.path(), 'utf8')).toContain(`P-${name}`)
  await keepScreenshot(page, 'project-reports')
})

test('a procedure is ordered, changed, and moves on', async ({ page }) => {
  const name = family('Ordered')
  await signIn(page)
  await page.getByRole('link', { name: 'Orders' }).click()
  await page.getByRole('button', { name: 'New order' }).click()
  const dialog = page.getByRole('dialog', { name: 'Order a procedure' })
  await dialog.getByLabel('Patient name').fill(`${name}, Olga`)
  await dialog.getByLabel('Patient ID').fill(`${name}-1`)
  await dialog.getByLabel('What is asked for').fill('MR knee left')
  await dialog.getByLabel('Modality').selectOption('MR')
  await dialog.getByLabel('Station AE title').fill('MR1')
  await keepScreenshot(page, 'order-dialog')
  await expectAccessible(page)
  await dialog.getByRole('button', { name: 'Order', exact: true }).click()
  const order = row(page, `${name}, Olga`)
  await expect(order).toContainText('scheduled')
  await order.getByRole('button', { name: 'Actions' }).click()
  await page.getByRole('button', { name: 'Edit' }).click()
  await page.getByRole('dialog', { name: 'Change the order' }).getByLabel('Station AE title').fill('MR1, MR2')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(order).toContainText('MR1, MR2')
  await order.getByRole('button', { name: 'Actions' }).click()
  await page.getByRole('button', { name: 'Patient has arrived' }).click()
  await expect(order).toContainText('arrived')
  await keepScreenshot(page, 'orders')
  await expectAccessible(page)
  await page.getByRole('group', { name: 'State' }).getByRole('button', { name: 'Completed' }).click()
  await expect(page.getByText('No order matches')).toBeVisible()
  await page.getByRole('group', { name: 'State' }).getByRole('button', { name: 'All' }).click()
  await order.getByRole('button', { name: 'Actions' }).click()
  await page.getByRole('button', { name: 'Cancel the order' }).click()
  await expect(order).toContainText('cancelled')
})

test('a webhook is added, tested with the secret that was shown once, and told of what arrives', async ({ page }) => {
  const messages: { genuine: (secret: string) => boolean; body: { type: string; data: { changes: { kind: string; payload: { study: string } }[] } } }[] = []
  const receiver = createServer((request, answer) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const body = Buffer.concat(parts).toString()
      const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = request.headers
      const genuine = (secret: string) =>
        `v1,${createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64')).update(`${String(id)}.${String(at)}.${body}`).digest('base64')}` === signature
      messages.push({ genuine, body: JSON.parse(body) as (typeof messages)[0]['body'] })
      answer.writeHead(204).end()
    })
  })
  await new Promise<void>((listening) => receiver.listen(0, '127.0.0.1', listening))
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
  try {
    await signIn(page, '/admin/webhooks')
    await page.getByRole('button', { name: 'Add a webhook' }).first().click()
    const dialog = page.getByRole('dialog', { name: 'Add a webhook' })
    await dialog.getByLabel('Name').fill('ris')
    await dialog.getByLabel('Address').fill(url)
    await keepScreenshot(page, 'webhook-dialog')
    await expectAccessible(page)
    await dialog.getByRole('button', { name: 'Add webhook' }).click()
    const secret = (await page.getByRole('dialog', { name: 'Secret of the webhook' }).locator('code').textContent()) ?? ''
    await page.getByRole('button', { name: 'I have kept it' }).click()

    await row(page, url).getByRole('button', { name: 'Test' }).click()
    await expect(row(page, url)).toContainText('told')
    expect(messages.map(({ body }) => body.type)).toEqual(['isocenter.test'])
    const study = newUid()
    await store(page, 'one.dcm', object({ study, series: newUid(), patientName: 'Neu^Anna', patientId: newUid().slice(-12), modality: 'CT', instanceNumber: 1 }))
    await expect.poll(() => messages.flatMap(({ body }) => body.data.changes.filter((change) => change.payload.study === study).map((change) => change.kind))).toEqual(['study.created', 'instance.stored'])
    expect(messages.every(({ genuine }) => genuine(secret))).toBe(true)
    await keepScreenshot(page, 'webhooks')
    await expectAccessible(page)

    await page.getByRole('button', { name: 'Actions for ris' }).click()
    await page.getByRole('button', { name: 'Stop' }).click()
    await expect(row(page, url)).toContainText('stopped')
    await page.getByRole('button', { name: 'Actions for ris' }).click()
    await page.getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await expect(page.getByText('No webhooks')).toBeVisible()
  } finally {
    receiver.close()
  }
})
