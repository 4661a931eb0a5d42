import { cleanup, render, screen } from '@testing-library/react'
import { Suspense } from 'react'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { preloadable } from './preloadable'

afterEach(cleanup)

const made = () => {
  const load = vi.fn(() => Promise.resolve(({ name }: { name: string }) => <p>{name}</p>))
  return { load, ...preloadable<{ name: string }>(load) }
}

describe('a component that is loaded apart', () => {
  it('is there at once when it was loaded before, with nothing else shown first', async () => {
    const { Component, preload } = made()
    await preload()
    const waiting = vi.fn(() => null)
    const Waiting = waiting as () => null
    render(<Suspense fallback={<Waiting />}><Component name="Study" /></Suspense>)
    expect(screen.getByText('Study')).toBeTruthy()
    expect(waiting).not.toHaveBeenCalled()
  })

  it('is waited for when it was not, and stays the same component when it has come meanwhile', async () => {
    const { Component, load } = made()
    const { rerender } = render(<Suspense fallback={<p>Wait</p>}><Component name="Study" /></Suspense>)
    expect(screen.getByText('Wait')).toBeTruthy()
    const shown = await screen.findByText('Study')
    rerender(<Suspense fallback={<p>Wait</p>}><Component name="Other" /></Suspense>)
    expect(shown.textContent).toBe('Other')
    expect(load).toHaveBeenCalledTimes(1)
  })
})
