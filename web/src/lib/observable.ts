import { useSyncExternalStore } from 'react'

/** A value with one owner who sets it and any number of readers; components read it with `useValue`. */
export class Observable<T> {
  private value: T
  private readonly listeners = new Set<() => void>()

  constructor(initial: T) {
    this.value = initial
  }

  readonly get = (): T => this.value

  set(next: T): void {
    if (Object.is(next, this.value)) return
    this.value = next
    for (const listener of [...this.listeners]) listener()
  }

  update(change: (now: T) => T): void {
    this.set(change(this.value))
  }

  /** Returns the function that ends the subscription. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => {
      this.listeners.delete(listener)
    }
  }
}

export function useValue<T>(source: Observable<T>): T {
  return useSyncExternalStore(source.subscribe, source.get)
}
