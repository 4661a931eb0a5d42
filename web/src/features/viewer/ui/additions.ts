// What the viewer's features add to the screen, a line each. A feature lives in files of its own; this is where it is plugged in.
import type { ComponentType } from 'react'
import type { Pane } from '../engine/pane'
import type { Frame } from '../model/frame'
import type { Series } from '../../../api/types'
import type { ViewerSession } from '../session/session'
import type { Glyph } from './icons'
import { HangingMenu } from './hanging/HangingMenu'
import { AnnotationsPanel } from './annotations/AnnotationsPanel'
import { GraphicsLayer } from './annotations/GraphicsLayer'
import { ReportContent } from './annotations/ReportContent'
import { isReport } from '../session/stored'
import { PresentationLayer } from './annotations/PresentationLayer'
import { KeyLayer } from './annotations/KeyLayer'
import { MeasurementLayer } from './Measurements'
import { OBJECT_CONTENTS } from './objects'
import { OverlayContent, OverlayLayer, OverlayPanel } from './overlays'
import { PANEL as OVERLAYS, hasNoPictures } from '../session/overlays/store'
import { LensLayer } from './Lens'
import { TakeMenu } from './take/TakeMenu'
import { LinkLayer } from './linking/LinkLayer'
import { PartSign } from './linking/PartSign'
import { LinkMenu } from './linking/LinkMenu'
import { PICTURE } from './picture/name'
import { PicturePanel } from './picture/PicturePanel'
import { RulerLayer } from './picture/RulerLayer'
import { StatisticsPanel } from './StatisticsPanel'
import { LateVolume, VolumeMenu } from './volume/VolumeMenu'

export interface PaneProps {
  readonly session: ViewerSession
  readonly pane: Pane
}

/** Drawn above the picture of a viewport, from the bottom to the top. */
export const LAYERS: readonly ComponentType<PaneProps>[] = [OverlayLayer, GraphicsLayer, PresentationLayer, RulerLayer, MeasurementLayer, KeyLayer, LinkLayer, PartSign, LensLayer]

/** Shown in a viewport instead of its stack of pictures (a volume, a document, a waveform). */
export interface Content {
  readonly Component: ComponentType<PaneProps & { readonly index: number }>
  /** Whether a series is shown this way from the start; `frames` are what the viewport has of it, none until its headers are here. */
  readonly isFor?: (series: Series, frames: readonly Frame[]) => boolean
}

export const CONTENTS: Readonly<Record<string, Content>> = {
  report: { Component: ReportContent, isFor: isReport },
  overlay: { Component: OverlayContent, isFor: hasNoPictures },
  ...OBJECT_CONTENTS,
  mpr: { Component: LateVolume },
  curved: { Component: LateVolume },
  volume: { Component: LateVolume },
  fusion: { Component: LateVolume },
}

/** A panel at the right edge, one open at a time; each has a button at the end of the toolbar unless a menu opens it. */
export interface Panel {
  readonly id: string
  readonly label: string
  readonly glyph: Glyph
  readonly fromMenu?: boolean
  readonly Component: ComponentType<{ readonly session: ViewerSession }>
}

export const PANELS: readonly Panel[] = [
  { id: 'annotations', label: 'Annotations', glyph: 'star', Component: AnnotationsPanel },
  { id: OVERLAYS, label: 'Segments and dose', glyph: 'segments', Component: OverlayPanel },
  { id: 'statistics', label: 'Measurements', glyph: 'histogram', Component: StatisticsPanel },
  { id: PICTURE, label: 'Picture', glyph: 'presets', fromMenu: true, Component: PicturePanel },
]

/** Buttons and lists of features in the toolbar, behind those of the picture. */
export const TOOLBAR: readonly ComponentType<{ readonly session: ViewerSession }>[] = [VolumeMenu, HangingMenu, LinkMenu, TakeMenu]
