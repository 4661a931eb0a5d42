// A component whose code is loaded apart, and shown at once when it has been loaded before.
import { type ComponentType, createElement, lazy, useState } from 'react'

/**
 * React's `lazy` suspends for a moment even when the code is there, and what it then shows instead stays for 300 ms at least
 * (React's throttling of fallbacks): too long for opening a study.
 * @returns the component, to be put within a Suspense, and what loads its code; that answers when it is there
 */
export function preloadable<Props extends object>(load: () => Promise<ComponentType<Props>>): { Component: ComponentType<Props>; preload: () => Promise<void> } {
  let ready: ComponentType<Props> | undefined
  const loading = async (): Promise<{ default: ComponentType<Props> }> => {
    ready = await load()
    return { default: ready }
  }
  const Later = lazy(loading) as unknown as ComponentType<Props>
  function Component(props: Props) {
    const [Shown] = useState(() => ready ?? Later)
    return createElement(Shown, props)
  }
  const preload = async (): Promise<void> => {
    await loading()
  }
  return { Component, preload }
}
