// Frames of an instance as text: "1-3,7". Pure.

export function framesOfText(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number)
    return first > 0 && last >= first ? Array.from({ length: last - first + 1 }, (_, at) => first + at) : []
  })
}

export function textOfFrames(frames: ReadonlySet<number>): string {
  const ranges: [number, number][] = []
  for (const frame of [...frames].sort((a, b) => a - b)) {
    const last = ranges[ranges.length - 1]
    if (last?.[1] === frame - 1) last[1] = frame
    else ranges.push([frame, frame])
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',')
}
