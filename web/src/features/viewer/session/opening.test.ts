import { beforeEach, expect, test, vi } from 'vitest'
import { openingOf } from './opening'

const asked = vi.fn<(path: string) => Response>()

function answer(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } })
}

beforeEach(() => {
  asked.mockReset()
  vi.stubGlobal('fetch', vi.fn((path: string) => Promise.resolve(asked(path))))
})

test('a study is asked for once in one click', async () => {
  asked.mockReturnValue(answer(200, { series: [] }))
  const first = openingOf('2.25.1', '')
  expect(openingOf('2.25.1', '')).toBe(first)
  await first.study
  expect(openingOf('2.25.1', '')).toBe(first)
  expect(asked).toHaveBeenCalledTimes(1)
})

test('a study that was not here is asked for again at once: it may have come from another archive', async () => {
  asked.mockReturnValueOnce(answer(404, { title: 'there is no such study' }))
  await expect(openingOf('2.25.2', '').study).rejects.toThrow()
  asked.mockReturnValue(answer(200, { StudyInstanceUID: '2.25.2', series: [] }))
  expect(await openingOf('2.25.2', '').study).toMatchObject({ StudyInstanceUID: '2.25.2' })
})
