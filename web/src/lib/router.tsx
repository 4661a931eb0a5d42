import type { AnchorHTMLAttributes, MouseEvent } from 'react'
import { Observable, useValue } from './observable'

/** Where the browser is: path and search string, as in `window.location`. */
export interface Place {
  path: string
  search: string
}

function here(): Place {
  return { path: window.location.pathname, search: window.location.search }
}

const place = new Observable<Place>(here())

window.addEventListener('popstate', () => place.set(here()))

export function usePlace(): Place {
  return useValue(place)
}

/** Client-side navigation. `replace` leaves no entry in the history (typing in a search box). */
export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (options.replace) window.history.replaceState(null, '', to)
  else window.history.pushState(null, '', to)
  place.set(here())
  if (!options.replace) window.scrollTo(0, 0)
}

/** An ordinary link that stays inside the page; modified clicks (new tab, new window) stay the browser's. */
export function Link({ to, onClick, ...rest }: { to: string } & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'>) {
  const go = (click: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(click)
    if (click.defaultPrevented || click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return
    click.preventDefault()
    navigate(to)
  }
  return <a href={to} onClick={go} {...rest} />
}
