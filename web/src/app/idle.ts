import { useEffect, useMemo } from 'react'
import { refreshSession, signOut } from '../api/session'
import { Observable, useValue } from '../lib/observable'

/** How long before the end the person is warned. */
export const WARNING_SECONDS = 60

const ACTIVITY = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const
const TICK_MS = 1_000
const CHANNEL = 'isocenter-activity'

/**
 * What the clock says: nothing to do, tell the server somebody is there, warn, or end. Reading images moves no data for minutes,
 * so the server must be told about a busy reader; an idle one must not be kept in by his open page.
 */
export function idleVerdict(secondsIdle: number, secondsSinceTold: number, idleSeconds: number): 'rest' | 'tell' | 'warn' | 'end' {
  if (secondsIdle >= idleSeconds) return 'end'
  if (secondsIdle >= idleSeconds - Math.min(WARNING_SECONDS, idleSeconds / 2)) return 'warn'
  const tellEvery = Math.min(120, idleSeconds / 4)
  return secondsSinceTold >= tellEvery && secondsIdle < tellEvery ? 'tell' : 'rest'
}

/** One page's clock. Activity in any tab of this browser counts; `left` is set while the person should be warned. */
class IdleClock {
  readonly left = new Observable<number | null>(null)
  private active = Date.now()
  private told = Date.now()
  private announced = 0
  private readonly idleSeconds: number
  private channel: BroadcastChannel | null = null
  private timer: number | undefined

  constructor(idleSeconds: number) {
    this.idleSeconds = idleSeconds
  }

  start(): void {
    this.active = Date.now()
    this.told = Date.now()
    this.channel = new BroadcastChannel(CHANNEL)
    this.channel.onmessage = () => this.isActive()
    this.timer = window.setInterval(() => this.tick(), TICK_MS)
    for (const kind of ACTIVITY) window.addEventListener(kind, this.touch, { passive: true, capture: true })
  }

  stop(): void {
    window.clearInterval(this.timer)
    this.channel?.close()
    for (const kind of ACTIVITY) window.removeEventListener(kind, this.touch, { capture: true })
  }

  /** The person answered the question. */
  stay(): void {
    this.isActive()
    this.told = Date.now()
    this.channel?.postMessage('active')
    void refreshSession()
  }

  private isActive(): void {
    this.active = Date.now()
    this.left.set(null)
  }

  private readonly touch = (): void => {
    if (this.left.get() !== null) return // a nudge of the mouse is no answer to the question on the screen
    this.active = Date.now()
    if (this.active - this.announced < 5_000) return
    this.announced = this.active
    this.channel?.postMessage('active')
  }

  private tick(): void {
    const idle = (Date.now() - this.active) / 1000
    const verdict = idleVerdict(idle, (Date.now() - this.told) / 1000, this.idleSeconds)
    if (verdict === 'tell') {
      this.told = Date.now()
      void refreshSession()
    } else if (verdict === 'warn') this.left.set(Math.ceil(this.idleSeconds - idle))
    else if (verdict === 'end') void signOut('idle').catch(() => undefined)
  }
}

/** Seconds left when the person should be warned, else null. */
export function useIdleClock(idleSeconds: number): { left: number | null; stay: () => void } {
  const clock = useMemo(() => new IdleClock(idleSeconds), [idleSeconds])
  useEffect(() => {
    clock.start()
    return () => clock.stop()
  }, [clock])
  return { left: useValue(clock.left), stay: () => clock.stay() }
}
