import { describe, expect, it } from 'vitest'
import { EventParser } from './events'

const all = (chunks: string[]) => {
  const parser = new EventParser()
  return { events: chunks.flatMap((chunk) => parser.feed(chunk)), parser }
}

describe('an event stream', () => {
  it('is cut into events wherever the network cuts it', () => {
    const text = 'retry: 2000\n\nid: 7\nevent: change\ndata: {"seq":7}\n\n: still here\nid: 9\n\nid: 10\nevent: change\ndata: a\ndata: b\n\n'
    const whole = all([text]).events
    expect(whole).toEqual([
      { event: 'change', data: '{"seq":7}', id: '7' },
      { event: 'change', data: 'a\nb', id: '10' },
    ])
    for (let cut = 1; cut < text.length; cut += 1) {
      expect(all([text.slice(0, cut), text.slice(cut)]).events).toEqual(whole)
    }
  })

  it('moves on with a heartbeat that carries only a number', () => {
    expect(all([': still here\nid: 42\n\n']).parser.id).toBe('42')
  })

  it('takes every line end of the standard', () => {
    expect(all(['data: x\r\n\r\n', 'data: y\n\n', 'data: z\r\rdata']).events.map((event) => event.data)).toEqual(['x', 'y', 'z'])
  })
})
