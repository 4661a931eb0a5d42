import type { UploadResult } from '../../api/types'
import type { Count, Item } from './queue'

/** One line of the list: a file, or an entry of a ZIP below it. */
export interface Line {
  item: Item
  result: UploadResult | null
  /** An entry of the ZIP above it. */
  inner: boolean
}

export type Filter = 'all' | 'problems' | Count

const PROBLEMS = new Set<Count>(['quarantined', 'refused', 'failed', 'version'])

function statusOf(line: Line): Count {
  if (line.result) return line.result.status
  return line.item.state === 'done' ? 'stored' : line.item.state
}

function passes(line: Line, filter: Filter): boolean {
  if (filter === 'all') return true
  const isZip = !line.inner && line.item.results.length > 1
  if (isZip) return false // its entries speak for themselves
  const status = statusOf(line)
  return filter === 'problems' ? PROBLEMS.has(status) : status === filter
}

export function linesOf(items: readonly Item[], filter: Filter): Line[] {
  const lines: Line[] = []
  for (const item of items) {
    const several = item.results.length > 1
    const own: Line = { item, result: several ? null : (item.results[0] ?? null), inner: false }
    if (passes(own, filter)) lines.push(own)
    if (!several) continue
    for (const result of item.results) {
      const line: Line = { item, result, inner: true }
      if (passes(line, filter)) lines.push(line)
    }
  }
  return lines
}

export const STATUS_WORD: Record<Count, string> = {
  stored: 'Stored',
  duplicate: 'Already there',
  version: 'New version',
  quarantined: 'Quarantined',
  refused: 'Refused',
  failed: 'Failed',
  cancelled: 'Cancelled',
  waiting: 'Waiting',
  sending: 'Sending',
}

export const STATUS_TONE: Record<Count, 'ok' | 'plain' | 'warn' | 'danger' | 'info'> = {
  stored: 'ok',
  duplicate: 'plain',
  version: 'warn',
  quarantined: 'warn',
  refused: 'danger',
  failed: 'danger',
  cancelled: 'plain',
  waiting: 'plain',
  sending: 'info',
}

/** What to say beside the status when the server gave no reason. */
export const STATUS_REASON: Partial<Record<Count, string>> = {
  duplicate: 'The archive holds exactly this object; nothing was stored twice.',
  version: 'The archive holds another object with the same identity; both are kept.',
  quarantined: 'Kept aside; see Exceptions.',
}
