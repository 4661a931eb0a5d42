// The frame around an object that is no picture: what it is, which of several, and what can be done with it.
import { type ReactNode, useEffect, useState } from 'react'
import { isGuest, may, useUser } from '../../../../api/session'
import { explain, isAbort } from '../../../../lib/http'
import { useValue } from '../../../../lib/observable'
import type { Pane } from '../../engine/pane'
import type { Frame } from '../../model/frame'
import { text } from '../../model/dataset'
import { UNKNOWN, nameOf } from '../../model/objects/kinds'
import { Tag } from '../../model/tags'
import { Glyph } from '../icons'
import './objects.css'

/** The object at the pane's place in its series; undefined until its header is here. */
export function useObject(pane: Pane): Frame | undefined {
  const { index } = useValue(pane.state)
  return pane.frames[index]
}

export type Loaded<T> = { readonly status: 'loading' } | { readonly status: 'ready'; readonly value: T } | { readonly status: 'failed'; readonly what: string; readonly hint: string }

/** Something fetched for what is shown; `key` says for what, and another one asks anew. */
export function useLoaded<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [loaded, setLoaded] = useState<{ readonly key: string; readonly result: Loaded<T> }>({ key: '', result: { status: 'loading' } })
  useEffect(() => {
    const ended = new AbortController()
    if (key === '') return
    load(ended.signal).then(
      (value) => {
        if (!ended.signal.aborted) setLoaded({ key, result: { status: 'ready', value } })
      },
      (error: unknown) => {
        if (isAbort(error) || ended.signal.aborted) return
        const { what, hint } = explain(error)
        setLoaded({ key, result: { status: 'failed', what, hint } })
      },
    )
    return () => ended.abort()
    // What is loaded is a function of the key alone.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key])
  return loaded.key === key ? loaded.result : { status: 'loading' }
}

/** An object as the archive has it, as a file. WADO-URI (PS3.18 9) answers one object as it is, without parts. */
export function downloadOf(frame: Frame): string {
  const [, study = '', series = ''] = /\/studies\/([^/]+)\/series\/([^/]+)/.exec(frame.instance.address) ?? []
  const asked = { requestType: 'WADO', studyUID: study, seriesUID: series, objectUID: frame.instance.sopInstanceUID, contentType: 'application/dicom', transferSyntax: '*' }
  return `/wado?${new URLSearchParams(asked).toString()}`
}

export function DownloadLink({ frame }: { frame: Frame }) {
  const user = useUser()
  if (isGuest() && !may(user, 'study:export')) return null // a link for looking only
  return (
    <a className="button button-small" href={downloadOf(frame)} download={`${frame.instance.sopInstanceUID}.dcm`} data-testid="object-download">
      Save the DICOM object
    </a>
  )
}

/** Which of the series' objects is shown, with a way to the others. */
function Several({ pane, index }: { pane: Pane; index: number }) {
  const count = pane.frames.length
  if (count < 2) return null
  return (
    <span className="object-several">
      <button type="button" className="tool" aria-label="Previous object" disabled={index === 0} onClick={() => pane.goTo(index - 1)}>
        <Glyph name="previous" />
      </button>
      <span>
        {index + 1} of {count}
      </span>
      <button type="button" className="tool" aria-label="Next object" disabled={index === count - 1} onClick={() => pane.goTo(index + 1)}>
        <Glyph name="next" />
      </button>
    </span>
  )
}

interface PageProps {
  pane: Pane
  frame: Frame
  title?: string | undefined
  /** Beside the title. */
  tools?: ReactNode
  children: ReactNode
  /** Whether one object of the series is shown at a time. */
  several?: boolean
  testid: string
}

export function ObjectPage({ pane, frame, title, tools, children, several = true, testid }: PageProps) {
  const { index } = useValue(pane.state)
  const kind = nameOf(text(frame.instance.dataset, Tag.SOPClassUID)) || UNKNOWN
  return (
    <section className="object" aria-label={title ?? kind} data-testid={testid}>
      <header className="object-bar">
        <strong className="object-title">{title ?? kind}</strong>
        {several && <Several pane={pane} index={index} />}
        <span className="object-tools">{tools}</span>
      </header>
      {children}
    </section>
  )
}

export function Waiting() {
  return <div className="pane-message pane-waiting" role="status" aria-label="Loading" />
}

export function Failed({ what, hint, children }: { what: string; hint?: string; children?: ReactNode }) {
  return (
    <div className="object-words" role="alert" data-testid="object-failed">
      <Glyph name="warn" size={26} />
      <p>{[what, hint].filter(Boolean).join(' ')}</p>
      <p className="object-actions">{children}</p>
    </div>
  )
}
