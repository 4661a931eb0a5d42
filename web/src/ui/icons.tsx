/** Our own small set: 16 units, one stroke, drawn for 16 px. Decorative unless a label is given. */
const PATHS = {
  account: 'M8 8.2a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4ZM2.8 13.4c.7-2.4 2.7-3.6 5.2-3.6s4.5 1.2 5.2 3.6',
  alert: 'M8 2.4 14.2 13H1.8L8 2.4ZM8 6.4v3M8 11.2v.1',
  arrowDown: 'M8 3v10M4.2 9.2 8 13l3.8-3.8',
  arrowUp: 'M8 13V3M4.2 6.8 8 3l3.8 3.8',
  back: 'M13 8H3M6.8 4.2 3 8l3.8 3.8',
  check: 'm3 8.6 3.3 3.3L13 4.6',
  chevronDown: 'm4 6 4 4 4-4',
  chevronRight: 'm6 4 4 4-4 4',
  clock: 'M8 13.8A5.8 5.8 0 1 0 8 2.2a5.8 5.8 0 0 0 0 11.6ZM8 4.8V8l2.2 1.6',
  close: 'm4 4 8 8M12 4l-8 8',
  copy: 'M5.5 5.5h7v7h-7zM10.5 3.5h-7v7',
  download: 'M8 2.6v7.8M4.8 7.4 8 10.6l3.2-3.2M2.5 10.5v3h11v-3',
  file: 'M4 2h5.2L12.5 5.3V14H4zM9 2v3.5h3.5',
  filter: 'M2 4h12M4.5 8h7M6.8 12h2.4',
  folder: 'M2 4h4.2l1.4 1.6H14V13H2z',
  help: 'M5.8 6a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6M8 12.2v.1',
  info: 'M8 13.8A5.8 5.8 0 1 0 8 2.2a5.8 5.8 0 0 0 0 11.6ZM8 7.2v3.6M8 5.1v.1',
  link: 'M6.6 9.4a2.6 2.6 0 0 1 0-3.7l2-2a2.6 2.6 0 0 1 3.7 3.7l-1 1M9.4 6.6a2.6 2.6 0 0 1 0 3.7l-2 2a2.6 2.6 0 0 1-3.7-3.7l1-1',
  list: 'M2.5 4h11M2.5 8h11M2.5 12h11',
  lock: 'M4 7.2h8v6.3H4zM5.5 7V5.2a2.5 2.5 0 0 1 5 0V7',
  open: 'M3 3h10v10H3zM6.8 5.8 10.2 8l-3.4 2.2z',
  panel: 'M2.5 3h11v10h-11zM10 3v10',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.2 12.5 8 5 12.8z',
  orders: 'M3.5 3h9v10.5h-9zM6 2v2M10 2v2M6 7h4M6 10h2.5',
  remote: 'M2.5 3h5v4.5h-5zM8.5 8.5h5V13h-5zM10 3.5h2.5V6M6 12.5H3.5V10',
  retry: 'M13 8a5 5 0 1 1-1.6-3.7M13 2.5v2.7h-2.7',
  search: 'M7.2 11.9a4.7 4.7 0 1 0 0-9.4 4.7 4.7 0 0 0 0 9.4ZM10.7 10.7 14 14',
  send: 'M2.2 7.6 13.8 2.4 9.4 13.8 7.4 8.8z',
  settings: 'M2 4.5h7M13 4.5h1M2 11.5h1M7 11.5h7M11 6.2a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4ZM5 13.2a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4Z',
  shield: 'M8 2 3 4v4c0 3 2.1 5 5 6 2.9-1 5-3 5-6V4z',
  stop: 'M4 4h8v8H4z',
  studies: 'M2.5 3h4.8v4.3H2.5zM8.7 3h4.8v4.3H8.7zM2.5 8.7h4.8V13H2.5zM8.7 8.7h4.8V13H8.7z',
  upload: 'M8 10.5V2.8M4.8 5.8 8 2.6l3.2 3.2M2.5 10.5v3h11v-3',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth={size > 24 ? 0.9 : 1.4} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  )
}

/** The mark: a beam's circle, four axes, and the point where they meet. */
export function Mark({ size = 20 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" aria-hidden="true">
      <g stroke="var(--accent)" strokeWidth="1.6" strokeLinecap="round">
        <circle cx="12" cy="12" r="6.4" />
        <path d="M12 1.8v5M12 17.2v5M1.8 12h5M17.2 12h5" />
      </g>
      <circle cx="12" cy="12" r="1.9" fill="var(--text-1)" />
    </svg>
  )
}
