// What a viewport tells the page.
import { type Effects, NO_EFFECTS } from '../model/effects'
import type { Loop } from '../model/cine'
import type { Mask } from '../model/subtraction'
import * as views from '../model/view'
import type { Window } from '../model/windows'
import type { Picture } from './picture'

export interface PaneState {
  readonly seriesInstanceUID: string | null
  readonly count: number
  /** The image asked for, and the one on the screen (-1: none); they differ while one is on its way. */
  readonly index: number
  readonly shown: number
  readonly status: 'empty' | 'opening' | 'loading' | 'shown' | 'failed'
  readonly reason: string
  readonly again: boolean
  readonly picture: Picture | null
  /** Somebody wanted to measure before the picture had its full resolution. */
  readonly refused: boolean
  readonly window: Window | null
  readonly presetId: string
  readonly inverted: boolean
  readonly flipped: boolean
  readonly effects: Effects
  /** What is subtracted from each frame (DSA); null: nothing. */
  readonly mask: Mask | null
  readonly view: views.View
  readonly size: views.Size
  readonly playing: boolean
  readonly rate: number
  readonly loop: Loop
  /** Grows whenever images of this series arrive or leave memory. */
  readonly loaded: number
}

export const NO_VIEW: views.View = { turn: views.UPRIGHT, scale: 1, centre: [0, 0], fitted: true }

export const EMPTY: PaneState = {
  seriesInstanceUID: null,
  count: 0,
  index: 0,
  shown: -1,
  status: 'empty',
  reason: '',
  again: false,
  picture: null,
  refused: false,
  window: null,
  presetId: '',
  inverted: false,
  flipped: false,
  effects: NO_EFFECTS,
  mask: null,
  view: NO_VIEW,
  size: { width: 0, height: 0 },
  playing: false,
  rate: 15,
  loop: 'loop',
  loaded: 0,
}
