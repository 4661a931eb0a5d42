// What is no stack of pictures: documents, waveforms, videos, models, slides. Each is loaded when somebody opens one.
import { type ComponentType, type LazyExoticComponent, Suspense, lazy } from 'react'
import type { Series } from '../../../../api/types'
import type { Frame } from '../../model/frame'
import { type Kind, kindOf } from '../../model/objects/kinds'
import type { PaneProps } from '../additions'

type ContentProps = PaneProps & { readonly index: number }

function late(Content: LazyExoticComponent<ComponentType<ContentProps>>): ComponentType<ContentProps> {
  return function Late(props: ContentProps) {
    return (
      <Suspense fallback={<div className='pane-message pane-waiting' role='status' aria-label='Loading' />}>
        <Content {...props} />
      </Suspense>
    )
  }
}

const is = (kind: Kind) => (series: Series, frames: readonly Frame[]): boolean => kindOf(series, frames) === kind

export const OBJECT_CONTENTS = {
  document: { Component: late(lazy(() => import('./DocumentContent'))), isFor: is('document') },
  waveform: { Component: late(lazy(() => import('./WaveformContent'))), isFor: is('waveform') },
  video: { Component: late(lazy(() => import('./VideoContent'))), isFor: is('video') },
  mesh: { Component: late(lazy(() => import('./MeshContent'))), isFor: is('mesh') },
  slide: { Component: late(lazy(() => import('./SlideContent'))), isFor: is('slide') },
  words: { Component: late(lazy(() => import('./WordsContent'))), isFor: is('words') },
} as const
