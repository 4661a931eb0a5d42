// Reading through a list: from study to study, and back to the list as it was.
import { expect, test } from '@playwright/test'
import { newUid, object } from './dicom'
import { signIn, store } from './support'
import { pane } from './viewing'

test('the viewer goes on to the next study of the list, and back to the list as it was', async ({ page }) => {
  const name = `Round${Date.now().toString(36)}`
  await signIn(page)
  const images = [newUid(), newUid(), newUid()]
  for (const [index, instance] of images.entries()) {
    await store(page, `${index}`, object({ patientName: `${name}^P${index}`, patientId: `${name}${index}`, instance, studyDate: `2025010${3 - index}` }))
  }
  await page.goto(`/?q=${name}`)
  const rows = page.locator('.study-row[aria-rowindex]')
  await expect(rows).toHaveCount(3)
  await rows.nth(0).dblclick()
  const first = pane(page)
  await expect(first).toHaveAttribute('data-image', images[0]!)
  await page.keyboard.press('Control+ArrowDown')
  await expect(first).toHaveAttribute('data-image', images[1]!)
  await expect(page.getByTestId('viewer-patient')).toContainText(`${name}, P1`)
  await page.keyboard.press('Control+ArrowDown')
  await expect(first).toHaveAttribute('data-image', images[2]!)
  // The list ends here.
  await page.keyboard.press('Control+ArrowDown')
  await expect(first).toHaveAttribute('data-image', images[2]!)
  await page.keyboard.press('Control+ArrowUp')
  await expect(first).toHaveAttribute('data-image', images[1]!)

  await page.keyboard.press('Escape')
  await expect(page).toHaveURL(new RegExp(`\\?q=${name}$`))
  await expect(page.getByRole('searchbox')).toHaveValue(name)
  await expect(rows).toHaveCount(3)
  await expect(rows.nth(1)).toHaveAttribute('aria-selected', 'true')
  await page.keyboard.press('Enter')
  await expect(first).toHaveAttribute('data-image', images[1]!)
  await page.goBack()
  await expect(page.getByRole('searchbox')).toHaveValue(name)
})
