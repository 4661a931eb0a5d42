import { describe, expect, it, vi } from 'vitest'
import type { PageRequest } from '../../api/studies'
import type { Study, StudyPage } from '../../api/types'
import { PAGE, StudyPages } from './studyPages'

const study = (n: number, images = 1) => ({ StudyInstanceUID: `1.${n}`, NumberOfStudyRelatedInstances: images }) as Study

/** An archive of studies 0, 1, 2, ...; a cursor is the index to go on from. */
function archive(size: number) {
  const held = Array.from({ length: size }, (_, n) => study(n))
  const asked: PageRequest[] = []
  const load = vi.fn((page: PageRequest): Promise<StudyPage> => {
    asked.push(page)
    const from = page.cursor ? Number(page.cursor) : (page.offset ?? 0)
    const studies = held.slice(from, from + page.limit)
    const next = from + page.limit < held.length ? String(from + page.limit) : null
    return Promise.resolve({ studies, next, total: held.length, total_is_estimate: true, latest_change: 0 })
  })
  return { held, asked, load }
}

const settle = () => new Promise((resolve) => setTimeout(resolve))

describe('pages as the table asks for them', () => {
  it('loads only what is in view, and each page once', async () => {
    const { asked, load } = archive(1000)
    const pages = new StudyPages(load)
    pages.need(0, 40)
    pages.need(5, 45)
    await settle()
    expect(asked).toEqual([{ limit: PAGE }])
    expect(pages.at(39)?.StudyInstanceUID).toBe('1.39')
    expect(pages.at(PAGE)).toBeUndefined()
    expect(pages.facts.get()).toMatchObject({ loading: false, total: 1000, estimate: true, error: null })
  })

  it('goes on after the last row when it can, and jumps when it must', async () => {
    const { asked, load } = archive(1000)
    const pages = new StudyPages(load)
    pages.need(0, 40)
    await settle()
    pages.need(90, 130)
    await settle()
    pages.need(750, 790)
    await settle()
    expect(asked.slice(1)).toEqual([
      { limit: PAGE, cursor: '100' },
      { limit: PAGE, offset: 700 },
    ])
    expect(pages.at(777)?.StudyInstanceUID).toBe('1.777')
  })

  it('knows the exact number once the end was seen', async () => {
    const { load } = archive(130)
    const pages = new StudyPages((page) => load(page).then((answer) => ({ ...answer, total: 999 })))
    pages.need(0, 20)
    await settle()
    expect(pages.facts.get().total).toBe(999)
    pages.need(100, 140)
    await settle()
    expect(pages.facts.get()).toMatchObject({ total: 130, estimate: false })
  })

  it('keeps a few thousand rows however far one scrolls', async () => {
    const { load } = archive(10_000)
    const pages = new StudyPages(load)
    for (let page = 0; page < 60; page += 1) {
      pages.need(page * PAGE, page * PAGE + 40)
      await settle()
    }
    const held = Array.from({ length: 60 }, (_, page) => pages.at(page * PAGE)).filter(Boolean)
    expect(held.length).toBeLessThanOrEqual(40)
    expect(pages.at(59 * PAGE)).toBeDefined()
  })

  it('tells an error, keeps the rows, and asks again', async () => {
    const { load } = archive(500)
    const pages = new StudyPages(load)
    pages.need(0, 40)
    await settle()
    load.mockRejectedValueOnce(new Error('away'))
    pages.need(100, 140)
    await settle()
    expect(pages.facts.get().error).toBeInstanceOf(Error)
    expect(pages.at(0)).toBeDefined()
    pages.retry()
    await settle()
    expect(pages.facts.get().error).toBeNull()
    expect(pages.at(120)).toBeDefined()
  })
})

describe('live changes', () => {
  it('shows new rows after a refresh, and the old ones until then', async () => {
    const { held, load } = archive(250)
    const pages = new StudyPages(load)
    pages.need(0, 40)
    await settle()
    held.unshift(study(9999))
    const refreshed = pages.refresh()
    expect(pages.at(0)?.StudyInstanceUID).toBe('1.0')
    expect(await refreshed).toBe(true)
    expect(pages.at(0)?.StudyInstanceUID).toBe('1.9999')
    expect(pages.indexOf('1.0')).toBe(1)
  })

  it('replaces a row in place', async () => {
    const { load } = archive(10)
    const pages = new StudyPages(load)
    pages.need(0, 10)
    await settle()
    const { version } = pages.facts.get()
    expect(pages.replace(study(3, 77))).toBe(true)
    expect(pages.at(3)?.NumberOfStudyRelatedInstances).toBe(77)
    expect(pages.facts.get().version).toBeGreaterThan(version)
    expect(pages.replace(study(4242))).toBe(false)
  })

  it('tells the error of a refresh that overtook the first load', async () => {
    const { load } = archive(10)
    const pages = new StudyPages(load)
    load.mockImplementation(() => Promise.reject(new Error('away')))
    pages.need(0, 10)
    expect(await pages.refresh()).toBe(false)
    expect(pages.facts.get()).toMatchObject({ loading: false, total: 0 })
    expect(pages.facts.get().error).toBeInstanceOf(Error)
  })

  it('keeps the rows when a refresh fails', async () => {
    const { load } = archive(10)
    const pages = new StudyPages(load)
    pages.need(0, 10)
    await settle()
    load.mockRejectedValueOnce(new Error('away'))
    expect(await pages.refresh()).toBe(false)
    expect(pages.at(9)).toBeDefined()
  })
})
