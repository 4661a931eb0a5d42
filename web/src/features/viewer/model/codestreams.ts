// HTJ2K frames for tests: true headers, and no pixels behind them.

export interface Made {
  readonly columns: number
  readonly rows: number
  /** Bytes of each resolution. */
  readonly parts: readonly number[]
  readonly order?: number
  readonly tiles?: number
  readonly levels?: number
}

const two = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff]
const four = (value: number): number[] => [...two(value >>> 16), ...two(value)]

export function frameOf({ columns, rows, parts, order = 2, tiles = 1, levels = parts.length - 1 }: Made): Uint8Array<ArrayBuffer> {
  const size = [0xff, 0x51, ...two(41), 0x40, 0, ...four(columns), ...four(rows), ...four(0), ...four(0), ...four(columns), ...four(rows), ...four(0), ...four(0), ...two(1), 11, 1, 1]
  const coding = [0xff, 0x52, ...two(12), 0, order, ...two(1), 0, levels, 4, 4, 0x40, 1]
  const entries = parts.flatMap((part, index) => [...two(index % tiles), ...four(part)])
  const lengths = [0xff, 0x55, ...two(4 + entries.length), 0, 0x60, ...entries]
  const body = parts.flatMap((part, index) => [0xff, 0x90, ...new Array<number>(part - 2).fill(index + 1)])
  return Uint8Array.from([0xff, 0x4f, ...size, ...coding, ...lengths, ...body, 0xff, 0xd9])
}
