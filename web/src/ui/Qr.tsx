import './qr.css'

/**
 * For a phone that is held before the screen. Always dark on light: readers expect it.
 * @param rows of lib/qr: true is dark
 */
export function Qr({ rows, label }: { rows: readonly (readonly boolean[])[]; label: string }) {
  const side = rows.length + 8 // a quiet zone of four modules
  const path = rows.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x + 4} ${y + 4}h1v1h-1z`] : []))).join('')
  return (
    <svg className="qr" viewBox={`0 0 ${side} ${side}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <rect width={side} height={side} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  )
}
