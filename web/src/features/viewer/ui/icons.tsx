// The viewer's icons: 16 units, one stroke, like ui/icons.
import { type Layout, gridOf } from '../model/layout'

const PATHS = {
  actual: 'M3 5l1.6-1.2V12M11.2 5l1.6-1.2V12M8 6.2v.1M8 10.2v.1',
  angle: 'M13.5 12.8h-11L10.2 3M6.6 12.8a5.4 5.4 0 0 0-1.5-4',
  back: 'M9.8 3.2 5 8l4.8 4.8',
  bounce: 'M2.5 5.5h11M10.8 3l2.7 2.5L10.8 8M13.5 11h-11M5.2 8.5 2.5 11l2.7 2.5',
  chevron: 'm4.5 6.2 3.5 3.6 3.5-3.6',
  arrow: 'M13.5 2.5 3 13M3 7.5V13h5.5',
  bidirectional: 'M2.5 12.5 13 3M5.6 5.2l5 5.6',
  calibration: 'M2 11h12M2 8.5v5M14 8.5v5M5 9.8V11M8 9v2M11 9.8V11M5.5 3.5h5M9 2l1.5 1.5L9 5',
  circle: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 8l4.2-4.2',
  circle3: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 2v.1M2.8 11v.1M13.2 11v.1',
  close: 'm4 4 8 8M12 4l-8 8',
  cobb: 'M2 4.5 13 2M2 13l12-3M8 3.2v1.6M8 11.4V9.6',
  colors: 'M2.5 3h11v10h-11zM5.2 3v10M8 3v10M10.8 3v10',
  cube: 'M8 1.8 13.6 4.8v6.4L8 14.2l-5.6-3V4.8zM2.4 4.8 8 7.8l5.6-3M8 7.8v6.4',
  cursor: 'M8 1.5v5M8 9.5v5M1.5 8h5M9.5 8h5M12 3v2.5M12 3H9.5',
  document: 'M4 2h5.2L12.5 5.3V14H4zM9 2v3.5h3.5M6.2 8.5h4M6.2 11h4',
  ellipse: 'M8 12.6c3.3 0 6-2 6-4.6S11.3 3.4 8 3.4 2 5.4 2 8s2.7 4.6 6 4.6Z',
  eye: 'M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8ZM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z',
  eyeOff: 'M2.5 2.5l11 11M6 4.2A7 7 0 0 1 8 3.8C12 3.8 14.5 8 14.5 8a12 12 0 0 1-2 2.4M4 5.2A11 11 0 0 0 1.5 8S4 12.2 8 12.2c1 0 2-.3 2.800-.7',
  fit: 'M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10M5.5 5.5h5v5h-5z',
  flipHorizontal: 'M8 2v12M6 4.5 2 12h4zM10 4.5l4 7.5h-4z',
  flipVertical: 'M2 8h12M4.5 6 12 2v4zM4.5 10l7.5 4v-4z',
  fullscreen: 'M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10',
  hanging: 'M2.5 3h11v10h-11zM7 3v10M7 8h6.5M4 5.5h1.2M4 8h1.2',
  freehand: 'M4 12.5C1.5 11 2 6 4.6 4S11 1.8 12.7 4.6 13 9 10.8 10 7 14 4 12.5Z',
  help: 'M5.8 6a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6M8 12.2v.1',
  histogram: 'M2.5 13.5h11M4 13V9M6.7 13V4.5M9.3 13V6.5M12 13v-3',
  legLength: 'M5 1.800v6L4 14M11 1.800v6l1 6.200M3.500 1.800h3M9.500 1.800h3M5 7.800v.1M11 7.800v.1',
  centreEdge: 'M2 13h12M8 10.500V3M8 10.500 12.500 4M8 10.500v.1M8 5.500c1-.6 2-.6 3 0',
  acetabular: 'M1.500 11h13M6 9 2 5.500M10 9l4-3.500',
  graf: 'M8 1.500v13M8 8l4.500 5M8 8l5-4.500',
  dragProbe: 'M5.500 2v7M2 5.500h7M9 11h5M9 14h3.500',
  length: 'M2.2 10.6 10.6 2.2l3.2 3.2-8.4 8.4zM5 8l1.5 1.5M7.2 5.8l1 1M9.4 3.6l1.5 1.5',
  link: 'M6.6 9.4a2.6 2.6 0 0 1 0-3.7l2-2a2.6 2.6 0 0 1 3.7 3.7l-1 1M9.4 6.6a2.6 2.6 0 0 1 0 3.7l-2 2a2.6 2.6 0 0 1-3.7-3.7l1-1',
  loop: 'M3 7V6a2.5 2.5 0 0 1 2.5-2.5H13M10.8 1.5l2.2 2-2.2 2M13 9v1a2.5 2.5 0 0 1-2.5 2.5H3M5.2 14.5l-2.2-2 2.2-2',
  magnify: 'M8.4 12.8a5.4 5.4 0 1 0 0-10.8 5.4 5.4 0 0 0 0 10.8ZM4.6 11.2 2 14M6.5 8.6l3.8-2.4',
  marker: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM6.7 6 8.2 5v6',
  more: 'M3.5 8v.1M8 8v.1M12.5 8v.1',
  next: 'M4 3.5 9.5 8 4 12.5zM12 3.5v9',
  openAngle: 'M2 6 9 2.5M2.5 13.5l11-2.5M6.5 6.5c1 1.2 1.3 2.4 1 3.6',
  overlay: 'M2.5 3h11v10h-11zM4.5 5.2h3M4.5 7.2h2M9 10.8h2.5',
  pan: 'M8 1.8v12.4M1.8 8h12.4M6.3 3.5 8 1.8l1.7 1.7M6.3 12.5 8 14.2l1.7-1.7M3.5 6.3 1.8 8l1.7 1.7M12.5 6.3 14.2 8l-1.7 1.7',
  parallel: 'M2 5l11-2.5M3 13.5l11-2.5M7.2 4l1 8',
  height: 'M4 13.5h9M4 2.5h3M5.5 2.5v11M4 4l1.5-1.5L7 4M4 12l1.5 1.5L7 12',
  ratio: 'M4.5 6h7M4.5 4.800v2.400M11.5 4.800v2.400M2 11h12M2 9.800v2.400M14 9.800v2.400',
  directional: 'M3 3v10h10M3 3l1.500 1.500M3 3 1.500 4.500M13 13l-1.500-1.500M13 13l-1.500 1.500M5 9c1.500-5 3-5 4 0s2.500 2 4-2',
  midAngle: 'M2 3v3M9 2v3M2 4.500l7-1M3 10v3M13 12v3M3 11.500l10 2',
  oblique: 'M2.200 8.500 9 2.500l4.800 5L7 13.500z',
  vertebra: 'M4 3h6v3H4zM4 8.500h6v3H4zM10 4.500h3M10 10h3M7 13v1.500M7 1.500V3M7 6v2.500',
  etdrs: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 10.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5ZM8 8v.1M3.800 3.800l2.400 2.400M9.800 9.800l2.400 2.400M12.200 3.800 9.800 6.200M6.200 9.800l-2.400 2.400',
  perpendicular: 'M2 11l12-3M6.2 3 8 9.4M9.4 9.1 9 7.7l-1.4.4',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.2 12.5 8 5 12.8z',
  polyline: 'M2 12.5 5 5l4 5 5-7.5',
  presets: 'M2.5 4.5h6M12 4.5h1.5M10.2 3v3M2.5 8h1.5M7.5 8h6M5.8 6.5v3M2.5 11.5h7.5M13 11.5h.5M11.5 10v3',
  previous: 'M12 3.5 6.5 8l5.5 4.5zM4 3.5v9',
  copy: 'M5.5 5.5h7.500v8h-7.500zM3 10.500v-8h7.500',
  picture: 'M2.500 3h11v10h-11zM2.500 11l3.500-3.500 2.500 2.500L11 7.500l2.500 2.500M5.500 5.700v.1',
  print: 'M4.500 6V2.500h7V6M4.500 11.500h-2V6h11v5.500h-2M4.500 9.500h7v4h-7z',
  take: 'M8 2.600v7.200M5 7l3 3 3-3M2.500 10.500v3h11v-3',
  probe: 'M8 1.8v4M8 10.2v4M1.8 8h4M10.2 8h4M8 8v.1',
  rail: 'M2.5 3h11v10h-11zM6.2 3v10',
  rectangle: 'M2.5 4h11v8h-11z',
  regionWindow: 'M2.5 4h11v8h-11zM8 5.5v5a2.5 2.5 0 0 0 0-5Z',
  reset: 'M3 8a5 5 0 1 0 1.6-3.7M3 2.5v2.7h2.7',
  rotateLeft: 'M6.2 4.5H3.5V1.8M3.7 4.4A5.6 5.6 0 1 1 2.4 8.6',
  rotateRight: 'M9.8 4.5h2.7V1.8M12.3 4.4a5.6 5.6 0 1 0 1.3 4.2',
  scroll: 'M5 2.5h6v11H5zM8 4.8v2.4M2.2 6 1 8l1.2 2M13.8 6 15 8l-1.2 2',
  segments: 'M3 9.5C2 6 4.500 2.500 8 2.800c1.500.1 2.500 1.200 2.200 2.700-.3 1.600-1.700 2-2.200 3.500s-.2 3-1.800 3.300C4.500 12.600 3.500 11.200 3 9.500ZM10.500 9.500c1.200-1 3-.5 3.200 1 .2 1.600-1.200 3-2.700 2.800-1.700-.2-1.800-2.700-.5-3.800Z',
  star: 'M8 1.9l1.9 3.9 4.3.6-3.1 3 .7 4.3L8 11.7l-3.8 2 .7-4.3-3.1-3 4.3-.6z',
  spline: 'M3.2 12.2c-2-3 .8-8.6 4.2-8.8s6.4 2 5.4 5-7.2 7.4-9.6 3.8ZM3 6.8v.1M12.6 5v.1M10 11.6v.1',
  livewire: 'M3 12.500 2.500 9l2-2 .500-3 3-1.500 3 1 2.500 2.500-.500 3.500 1 2M3 12.500v.1M5 4v.1M13.500 6v.1M14 11.500v.1M6 13h5',
  text: 'M3.5 3.5h9M8 3.5v9.5M6.2 13h3.6',
  waveform: 'M1.5 9h3l1-2 1.2 6.5L9 2.5l1.5 8 .9-1.5h3.1',
  warn: 'M8 2.4 14.2 13H1.8L8 2.4ZM8 6.4v3M8 11.2v.1',
  zoom: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.3 10.3 14 14M7 5v4M5 7h4',
} as const

export type Glyph = keyof typeof PATHS | 'window' | 'invert' | Layout

const frame = 'M2.5 3h11v10h-11z'

/** A screen divided in rows and columns. */
function divided(layout: Layout): string {
  const { rows, columns } = gridOf(layout)
  const lines = (count: number, length: number, line: (at: number) => string) => Array.from({ length: count - 1 }, (_, at) => line(((at + 1) * length) / count)).join('')
  return frame + lines(columns, 11, (at) => `M${2.5 + at} 3v10`) + lines(rows, 10, (at) => `M2.5 ${3 + at}h11`)
}

export function Glyph({ name, size = 16 }: { name: Glyph; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth={size > 24 ? 0.9 : 1.3} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      {name === 'window' ? (
        <>
          <circle cx="8" cy="8" r="5.6" />
          <path d="M8 2.4a5.6 5.6 0 0 1 0 11.2z" fill="currentColor" stroke="none" />
        </>
      ) : name === 'invert' ? (
        <>
          <path d={frame} />
          <path d="M2.5 13 13.5 3v10z" fill="currentColor" stroke="none" />
        </>
      ) : (
        <path d={name in PATHS ? PATHS[name as keyof typeof PATHS] : divided(name as Layout)} />
      )}
    </svg>
  )
}
