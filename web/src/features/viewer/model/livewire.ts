// An outline that clings to edges between the points that a hand gives (Mortensen and Barrett, Intelligent Scissors, 1995). Pure.
import type { Point } from './geometry'
import type { Values } from './statistics'

/** Pixels around an anchor in which the way is looked for: further away the line is straight. */
const REACH = 192
/** What the plainest step costs beside the flattest place: without it a path would wander along any faint edge. */
const STEP = 0.08
const DIAGONAL = Math.SQRT2

const NEIGHBOURS: readonly (readonly [number, number, number])[] = [
  [1, 0, 1], [-1, 0, 1], [0, 1, 1], [0, -1, 1],
  [1, 1, DIAGONAL], [1, -1, DIAGONAL], [-1, 1, DIAGONAL], [-1, -1, DIAGONAL],
]

/** A binary heap of cells by what it costs to reach them. */
class Nearest {
  private readonly cells: number[] = []
  private readonly costs: number[] = []

  get size(): number {
    return this.cells.length
  }

  private swap(one: number, other: number): void {
    for (const list of [this.cells, this.costs]) [list[one], list[other]] = [list[other] ?? 0, list[one] ?? 0]
  }

  push(cell: number, cost: number): void {
    let at = this.cells.push(cell) - 1
    this.costs.push(cost)
    for (let above = (at - 1) >> 1; at > 0 && (this.costs[above] ?? 0) > (this.costs[at] ?? 0); above = (at - 1) >> 1) {
      this.swap(at, above)
      at = above
    }
  }

  pop(): number {
    this.swap(0, this.cells.length - 1)
    const cell = this.cells.pop() ?? 0
    this.costs.pop()
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      const least = right < this.size && (this.costs[right] ?? 0) < (this.costs[left] ?? 0) ? right : left
      if (least >= this.size || (this.costs[least] ?? 0) >= (this.costs[at] ?? 0)) return cell
      this.swap(at, least)
      at = least
    }
  }
}

/** The ways from one anchor to all pixels around it, found as far as they are asked for. */
export class Wire {
  private readonly anchor: Point
  private readonly left: number
  private readonly top: number
  private readonly width: number
  private readonly height: number
  private readonly price: Float32Array
  private readonly reached: Float64Array
  private readonly before: Int32Array
  private readonly settled: Uint8Array
  private readonly open = new Nearest()

  /** @param anchor in image coordinates */
  constructor(values: Values, anchor: Point) {
    this.anchor = anchor
    const [x, y] = [Math.round(anchor[0]), Math.round(anchor[1])]
    this.left = Math.max(0, x - REACH)
    this.top = Math.max(0, y - REACH)
    this.width = Math.max(0, Math.min(values.columns - 1, x + REACH) - this.left + 1)
    this.height = Math.max(0, Math.min(values.rows - 1, y + REACH) - this.top + 1)
    const count = this.width * this.height
    this.price = pricesOf(steepness(values, this.left, this.top, this.width, this.height))
    this.reached = new Float64Array(count).fill(Infinity)
    this.before = new Int32Array(count).fill(-1)
    this.settled = new Uint8Array(count)
    const start = this.cellOf(anchor)
    if (start === undefined) return
    this.reached[start] = 0
    this.open.push(start, 0)
  }

  private cellOf(point: Point): number | undefined {
    const [x, y] = [Math.round(point[0]) - this.left, Math.round(point[1]) - this.top]
    return x >= 0 && y >= 0 && x < this.width && y < this.height ? y * this.width + x : undefined
  }

  /** The way to a point, without the anchor and with the point; a straight line to what is out of reach. */
  to(point: Point): Point[] {
    const goal = this.cellOf(point)
    if (goal === undefined || this.cellOf(this.anchor) === undefined) return [point]
    while (!this.settled[goal] && this.open.size > 0) this.settle(this.open.pop())
    const found: Point[] = []
    for (let cell = this.before[goal] ?? -1; cell >= 0; cell = this.before[cell] ?? -1) {
      if ((this.before[cell] ?? -1) >= 0) found.push([this.left + (cell % this.width), this.top + Math.floor(cell / this.width)])
    }
    return [...straightened(found.reverse()), point]
  }

  private settle(cell: number): void {
    if (this.settled[cell]) return
    this.settled[cell] = 1
    const [x, y] = [cell % this.width, Math.floor(cell / this.width)]
    for (const [dx, dy, length] of NEIGHBOURS) {
      const [nextX, nextY] = [x + dx, y + dy]
      if (nextX < 0 || nextY < 0 || nextX >= this.width || nextY >= this.height) continue
      const next = nextY * this.width + nextX
      const cost = (this.reached[cell] ?? 0) + length * (this.price[next] ?? 1)
      if (this.settled[next] || cost >= (this.reached[next] ?? Infinity)) continue
      this.reached[next] = cost
      this.before[next] = cell
      this.open.push(next, cost)
    }
  }
}

/** Of a grey value or the sum of a pixel's colours; what lies outside of a volume is as its neighbour. */
function steepness(values: Values, left: number, top: number, width: number, height: number): Float32Array {
  const { data, columns, rows, color } = values
  const at = (x: number, y: number): number => {
    const index = Math.min(rows - 1, Math.max(0, y)) * columns + Math.min(columns - 1, Math.max(0, x))
    return color ? (data[index * 3] ?? 0) + (data[index * 3 + 1] ?? 0) + (data[index * 3 + 2] ?? 0) : (data[index] ?? 0)
  }
  const grey = new Float32Array((width + 2) * (height + 2))
  for (let y = 0; y < height + 2; y++) for (let x = 0; x < width + 2; x++) grey[y * (width + 2) + x] = at(left + x - 1, top + y - 1)
  const found = new Float32Array(width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const near = (dx: number, dy: number): number => grey[(y + 1 + dy) * (width + 2) + x + 1 + dx] ?? 0
      // Sobel's operator.
      const across = near(1, -1) + 2 * near(1, 0) + near(1, 1) - near(-1, -1) - 2 * near(-1, 0) - near(-1, 1)
      const down = near(-1, 1) + 2 * near(0, 1) + near(1, 1) - near(-1, -1) - 2 * near(0, -1) - near(1, -1)
      const steep = Math.hypot(across, down)
      found[y * width + x] = steep === steep ? steep : 0
    }
  }
  return found
}

/** Steep places are cheap, measured by what is usual around here: one bone must not make all soft tissue look flat. */
function pricesOf(steep: Float32Array): Float32Array {
  const usual = steep.reduce((sum, each) => sum + each, 0) / Math.max(1, steep.length)
  return steep.map((each) => STEP + (usual > 0 ? 1 / (1 + (each / usual) ** 2) : 1))
}

/** Without the points on a straight run: a path has as many points as it has bends. */
export function straightened(points: readonly Point[]): Point[] {
  return points.filter((point, index) => {
    const [before, after] = [points[index - 1], points[index + 1]]
    return !before || !after || (point[0] - before[0]) * (after[1] - point[1]) !== (point[1] - before[1]) * (after[0] - point[0])
  })
}

/** A livewire that is being drawn: what stands, and the way to where the pointer is. */
export class LivePath {
  private readonly values: Values
  /** What the hand has settled: each with the way to it. */
  private parts: readonly (readonly Point[])[]
  private wire: Wire

  constructor(values: Values, start: Point) {
    this.values = values
    this.parts = [[start]]
    this.wire = new Wire(values, start)
  }

  private get fixed(): readonly Point[] {
    return this.parts.flat()
  }

  to(point: Point): Point[] {
    return [...this.fixed, ...this.wire.to(point)]
  }

  /** The way to a point stands. */
  settle(point: Point): void {
    this.parts = [...this.parts, this.wire.to(point)]
    this.wire = new Wire(this.values, point)
  }

  /** Takes the last point back. False: only the first is left. */
  drop(): boolean {
    if (this.parts.length < 2) return false
    this.parts = this.parts.slice(0, -1)
    this.wire = new Wire(this.values, this.fixed.at(-1) ?? [0, 0])
    return true
  }

  /** The whole outline, back to where it began; undefined when the hand gave less than three points. */
  closed(): readonly Point[] | undefined {
    const [start] = this.fixed
    return start && this.parts.length > 2 ? [...this.fixed, ...this.wire.to(start).slice(0, -1)] : undefined
  }
}
