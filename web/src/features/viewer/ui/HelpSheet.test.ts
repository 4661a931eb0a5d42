import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { BINDINGS, keyText } from '../model/keys'
import { HAND } from './HelpSheet'

const lines = new Set(readFileSync('../docs/viewer.md', 'utf8').split('\n'))

it('is what docs/viewer.md says, key by key and gesture by gesture', () => {
  const keys = BINDINGS.map(({ label, keys }) => `| ${label} | ${keys.map((key) => `\`${keyText(key)}\``).join(' or ')} |`)
  const gestures = HAND.map(([gesture, effect]) => `| ${gesture} | ${effect} |`)
  expect([...keys, ...gestures].filter((line) => !lines.has(line))).toEqual([])
})
