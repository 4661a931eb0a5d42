import { describe, expect, it } from 'vitest'
import { idleVerdict } from './idle'
import { routeOf, safeReturn } from './routes'

describe('addresses', () => {
  it.each([
    ['/', { page: 'studies' }],
    ['/viewer/1.2.840', { page: 'viewer', study: '1.2.840' }],
    ['/viewer/', { page: 'unknown' }],
    ['/viewer/<script>', { page: 'unknown' }],
    ['/upload', { page: 'upload' }],
    ['/admin', { page: 'admin', tab: 'users' }],
    ['/admin/peers', { page: 'admin', tab: 'peers' }],
    ['/upload/x', { page: 'unknown' }],
    ['/nothing', { page: 'unknown' }],
  ])('%s', (path, route) => {
    expect(routeOf(path)).toEqual(route)
  })

  it.each([
    ['/viewer/1.2', '/viewer/1.2'],
    ['/?q=doe', '/?q=doe'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['https://evil.example', '/'],
    ['/login?to=/', '/'],
    [null, '/'],
  ])('after the login %s leads to %s', (to, place) => {
    expect(safeReturn(to)).toBe(place)
  })
})

describe('the idle clock, 15 minutes', () => {
  const idle = 900
  it('rests while the server knows', () => expect(idleVerdict(10, 30, idle)).toBe('rest'))
  it('tells the server about a reader whose images need no requests', () => expect(idleVerdict(10, 130, idle)).toBe('tell'))
  it('does not keep an idle page signed in', () => expect(idleVerdict(500, 400, idle)).toBe('rest'))
  it('warns a minute before', () => expect(idleVerdict(841, 841, idle)).toBe('warn'))
  it('ends in time', () => expect(idleVerdict(900, 900, idle)).toBe('end'))
})
