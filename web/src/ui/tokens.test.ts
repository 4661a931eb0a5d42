// Contrast of the tokens, worked out from the file as WCAG 2.2 defines it (1.4.3: 4.5 for text).
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

type Rgb = readonly [number, number, number]

const file = readFileSync(`${import.meta.dirname}/tokens.css`, 'utf8')

function tokensOf(selector: string): Map<string, string> {
  const body = file.slice(file.indexOf(selector)).split('{')[1]?.split('}')[0] ?? ''
  return new Map([...body.matchAll(/--([a-z0-9-]+): ([^;]+);/g)].map(([, name = '', value = '']) => [name, value]))
}

function colour(text: string, over: Rgb = [0, 0, 0]): Rgb {
  const hex = /^#([0-9a-f]{6})$/.exec(text)?.[1]
  if (hex) return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb
  const [, red, green, blue, percent] = /^rgb\((\d+) (\d+) (\d+) \/ (\d+)%\)$/.exec(text) ?? []
  const alpha = Number(percent) / 100
  return [red, green, blue].map((value, at) => Number(value) * alpha + over[at]! * (1 - alpha)) as unknown as Rgb
}

function luminance(rgb: Rgb): number {
  const [red, green, blue] = rgb.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4)) as unknown as Rgb
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(one: Rgb, other: Rgb): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (light! + 0.05) / (dark! + 0.05)
}

it('works contrast out as WCAG does', () => {
  expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21, 5)
  expect(contrast([119, 119, 119], [255, 255, 255])).toBeCloseTo(4.48, 2)
})

it.each([
  ['dark', ':root,\n:is('],
  ['light', ":root[data-theme='light']"],
])('%s: every text can be read on every ground, also on the tint of its own tone', (_, selector) => {
  const tokens = tokensOf(selector)
  const of = (name: string, over?: Rgb): Rgb => colour(tokens.get(name) ?? '', over)
  const grounds = ['bg-0', 'bg-1', 'bg-2', 'bg-3', 'bg-4'].map((name) => of(name))
  const short: string[] = []
  const check = (text: string, ground: Rgb, least: number) => {
    const found = contrast(of(text), ground)
    if (!(found >= least)) short.push(`${text} ${found.toFixed(2)}`)
  }
  for (const ground of grounds) {
    check('text-1', ground, 11)
    for (const text of ['text-2', 'text-3', 'accent-2', 'ok', 'warn', 'danger', 'info']) check(text, ground, 4.5)
  }
  for (const ground of grounds.slice(0, 4)) {
    for (const tone of ['ok', 'warn', 'danger', 'info']) check(tone, of(`${tone}-soft`, ground), 4.5)
    check('accent-2', of('accent-soft', ground), 4.5)
    for (const modality of ['ct', 'mr', 'us', 'xr', 'xa', 'mg', 'nm']) {
      const own = of(modality)
      check(modality, own.map((value, at) => value * 0.12 + ground[at]! * 0.88) as unknown as Rgb, 4.5)
    }
    // What is drawn, not written: 1.4.11 asks for 3.
    check('accent', ground, 3)
  }
  expect(contrast(of('accent-ink'), of('accent'))).toBeGreaterThanOrEqual(4.5)
  expect(short).toEqual([])
})
