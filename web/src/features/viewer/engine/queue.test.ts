import { describe, expect, it } from 'vitest'
import { LATER, NEARBY, Queue } from './queue'

interface Run {
  id: string
  signal: AbortSignal
  done: (value: string) => void
  fail: (error: Error) => void
}

function bench(limit: number, held: ReadonlySet<string> = new Set(), beside = Infinity) {
  const runs: Run[] = []
  const queue = new Queue<string>(
    (id, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')))
        runs.push({ id, signal, done: resolve, fail: reject })
      }),
    (id) => held.has(id),
    limit,
    () => beside,
  )
  return { queue, runs, ids: () => runs.map((run) => run.id) }
}

const wishes = (...ids: string[]) => ids.map((id) => ({ id, rank: NEARBY }))
const settled = () => new Promise((resolve) => setTimeout(resolve))

describe('queue', () => {
  it('runs few at a time, in the order of the plan', async () => {
    const { queue, runs, ids } = bench(2)
    queue.plan('pane', [{ id: 'far', rank: LATER }, ...wishes('a', 'b', 'c')])
    expect(ids()).toEqual(['a', 'b'])
    runs[0]?.done('A')
    await settled()
    expect(ids()).toEqual(['a', 'b', 'c'])
  })

  it('leaves a slow line to somebody who waits, and to what is near', async () => {
    const { queue, runs, ids } = bench(4, new Set(), NEARBY)
    queue.plan('pane', [...wishes('near'), { id: 'far', rank: LATER }, { id: 'farther', rank: LATER }])
    const wanted = queue.want('now')
    expect(ids()).toEqual(['near', 'far', 'farther', 'now'])
    expect(runs.map((run) => run.signal.aborted)).toEqual([false, true, true, false])
    runs[0]?.done('NEAR')
    await settled()
    expect(ids().length).toBe(4) // nothing begins beside what is waited for
    runs[3]?.done('NOW')
    expect(await wanted).toBe('NOW')
    await settled()
    expect(ids().slice(4)).toEqual(['far', 'farther'])
  })

  it('lets somebody who waits go first, at the cost of the least urgent', async () => {
    const { queue, runs, ids } = bench(2)
    queue.plan('pane', [...wishes('a'), { id: 'far', rank: LATER }])
    const wanted = queue.want('now')
    expect(ids()).toEqual(['a', 'far', 'now'])
    expect(runs[1]?.signal.aborted).toBe(true)
    expect(runs[0]?.signal.aborted).toBe(false)
    runs[2]?.done('NOW')
    expect(await wanted).toBe('NOW')
    await settled()
    expect(ids()).toEqual(['a', 'far', 'now', 'far']) // it gets its turn again
  })

  it('loads a thing once for all who want it', async () => {
    const { queue, runs } = bench(3)
    queue.plan('one', wishes('a'))
    queue.plan('two', wishes('a'))
    const both = Promise.all([queue.want('a'), queue.want('a')])
    expect(runs).toHaveLength(1)
    runs[0]?.done('A')
    expect(await both).toEqual(['A', 'A'])
  })

  it('forgets what is no longer wished, and what is there already', () => {
    const { queue, ids } = bench(1, new Set(['held']))
    queue.plan('pane', wishes('a', 'b', 'held'))
    queue.plan('pane', wishes('c'))
    expect(ids()).toEqual(['a'])
    queue.plan('pane', [])
    expect(ids()).toEqual(['a'])
  })

  it('does not ask again in the background for what failed, but does for a person', async () => {
    const { queue, runs, ids } = bench(1)
    queue.plan('pane', wishes('bad'))
    runs[0]?.fail(new Error('no'))
    await settled()
    queue.plan('pane', wishes('bad'))
    expect(ids()).toEqual(['bad'])
    const again = queue.want('bad')
    runs[1]?.done('fine')
    expect(await again).toBe('fine')
  })

  it('withdraws with its signal', async () => {
    const { queue, ids } = bench(1)
    void queue.want('a').catch(() => undefined)
    const gone = new AbortController()
    const second = queue.want('b', gone.signal)
    gone.abort()
    await expect(second).rejects.toThrow()
    expect(ids()).toEqual(['a'])
  })

  it('ends everything on close', async () => {
    const { queue, runs, ids } = bench(1)
    const first = queue.want('a')
    queue.plan('pane', wishes('b'))
    queue.close()
    await expect(first).rejects.toThrow()
    expect(runs[0]?.signal.aborted).toBe(true)
    await settled()
    expect(ids()).toEqual(['a'])
  })
})
