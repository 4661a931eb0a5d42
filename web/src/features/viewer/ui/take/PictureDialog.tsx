import { useEffect, useRef, useState } from 'react'
import { explain, isAbort } from '../../../../lib/http'
import { saveFile } from '../../../../lib/save'
import { useAction } from '../../../../lib/useAction'
import { Button, CheckField, SelectField, Spinner, TextField } from '../../../../ui/controls'
import { ErrorNotice } from '../../../../ui/feedback'
import { Dialog } from '../../../../ui/overlay'
import { text as textOf } from '../../model/dataset'
import type { Detail } from '../../model/overlay'
import { Tag } from '../../model/tags'
import type { ViewerSession } from '../../session/session'
import { type Look, keepWishes, keptLook, keptWishes, noted } from '../../session/taking'
import { filmOf } from '../../../../api/exports'
import { chosen } from '../../model/take/sheet'
import { fileOf } from './capture'
import { drawnFilm, isDrawnHere } from './drawnFilm'
import { filmWish } from './filming'
import { copyPicture } from './copying'
import { type Made, type Scope, pictureOf } from './pictures'

const TYPES = { png: 'image/png', jpeg: 'image/jpeg' } as const
type Type = keyof typeof TYPES

type What = Scope | 'film'

const SCOPES: readonly { readonly scope: What; readonly label: string }[] = [
  { scope: 'view', label: 'This viewport, as it is' },
  { scope: 'image', label: 'All of the image, in its own pixels' },
  { scope: 'screen', label: 'All viewports as one picture' },
  { scope: 'film', label: 'The series as a film (MP4)' },
]

type Drawn = { readonly made: Made; readonly look: Look; readonly failure: null } | { readonly made: null; readonly failure: unknown } | null

/** The picture that would leave, made anew with every choice. */
function useDrawn(session: ViewerSession, scope: Scope, { drawings, text }: Look): Drawn {
  const [held, setHeld] = useState<{ key: string; drawn: Drawn }>({ key: '', drawn: null })
  const key = `${scope} ${drawings} ${text}`
  useEffect(() => {
    const stopping = new AbortController()
    pictureOf(session, scope, { drawings, text }, stopping.signal).then(
      (made) => setHeld((now) => (stopping.signal.aborted ? now : { key, drawn: { made, look: { drawings, text }, failure: null } })),
      (failure: unknown) => {
        if (!isAbort(failure) && !stopping.signal.aborted) setHeld({ key, drawn: { made: null, failure } })
      },
    )
    return () => stopping.abort()
  }, [session, scope, drawings, text, key])
  // The one before is not what was asked for.
  return held.key === key ? held.drawn : null
}

function Preview({ drawn }: { drawn: Drawn }) {
  const box = useRef<HTMLDivElement>(null)
  const canvas = drawn?.made?.canvas
  useEffect(() => {
    if (canvas) box.current?.replaceChildren(canvas)
  }, [canvas])
  if (drawn?.failure) return <div className="take-preview" role="alert">{explain(drawn.failure).what}</div>
  return (
    <div className="take-preview" data-testid="take-preview" data-size={canvas ? `${canvas.width}x${canvas.height}` : undefined} data-made={drawn?.made ? `${drawn.look.drawings} ${drawn.look.text}` : undefined}>
      {!canvas && <Spinner label="The picture is being made" />}
      <div ref={box} role="img" aria-label="The picture as it will be" />
    </div>
  )
}

/** Words that are part of the pixels cannot be left out by us. */
export function burnedIn(session: ViewerSession): boolean {
  const { picture } = session.activePane.state.get()
  return picture !== null && textOf(picture.frame.instance.dataset, Tag.BurnedInAnnotation) === 'YES'
}

export function LookFields({ look, onChange }: { look: Look; onChange: (look: Look) => void }) {
  return (
    <>
      <CheckField label="With what is drawn" checked={look.drawings} onChange={(drawings) => onChange({ ...look, drawings })} />
      <SelectField label="Text on the picture" value={look.text} data-testid="take-text" onChange={(change) => onChange({ ...look, text: change.target.value as Detail })}>
        <option value="image">Without the patient</option>
        <option value="all">With the patient</option>
        <option value="none">None</option>
      </SelectField>
    </>
  )
}

/** The film of the series in the active viewport. Throws in words what cannot be filmed. */
async function filmed(session: ViewerSession, images: string, rate: number, look: Look, progress: (done: number) => void, signal: AbortSignal): Promise<Blob> {
  const pane = session.activePane
  const { seriesInstanceUID } = pane.state.get()
  const study = seriesInstanceUID === null ? undefined : session.studyOf(seriesInstanceUID)
  if (seriesInstanceUID === null || study === undefined) throw new Error('There is no series in this viewport.')
  const stack = await session.imagesOf(seriesInstanceUID)
  const there = stack.frames.flatMap((frame, index) => (frame.reason ? [] : [index]))
  const wanted = chosen(images, there.length)
  if (!wanted || wanted.length === 0) throw new Error('Which images? Write numbers and ranges, as in 1-20, 25.')
  const indices = wanted.map((at) => there[at] ?? 0)
  if (isDrawnHere(session, pane, look)) return drawnFilm(session, pane, stack, indices, rate, look, progress, signal)
  return filmOf(study, filmWish(session, pane, stack, indices, rate, look), signal)
}

export function PictureDialog({ session, onClose }: { session: ViewerSession; onClose: () => void }) {
  const [scope, setScope] = useState<What>('view')
  const [images, setImages] = useState('')
  const [rate, setRate] = useState(() => session.activePane.state.get().rate)
  const [done, setDone] = useState(0)
  const [stopping] = useState(() => new AbortController())
  const [look, setLook] = useState<Look>(keptLook)
  const [type, setType] = useState<Type>(keptWishes().type === 'jpeg' ? 'jpeg' : 'png')
  const film = scope === 'film'
  const drawn = useDrawn(session, film ? 'view' : scope, look)
  const saving = useAction()
  const copying = useAction()
  useEffect(() => () => stopping.abort(), [stopping])
  const choose = (next: Look) => {
    setLook(next)
    keepWishes({ ...next })
  }
  const made = drawn?.made
  const failure = saving.failure ?? copying.failure
  const save = async (picture: Made) => {
    const file = await fileOf(picture.canvas, TYPES[type])
    await noted(session, picture.series, { form: 'picture', count: 1, ...look })
    saveFile(file, `${picture.name}.${type === 'png' ? 'png' : 'jpg'}`)
    onClose()
  }
  const saveFilm = async (picture: Made) => {
    saveFile(await filmed(session, images, rate, look, setDone, stopping.signal), `${picture.name.replace(/-image\d+$/, '')}.mp4`)
    onClose()
  }
  const copy = async () => {
    await copyPicture(session, film ? 'view' : scope, look)
    onClose()
  }
  return (
    <Dialog
      title="Save as a picture or film"
      wide
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button disabled={!made || copying.busy || film} onClick={() => copying.run(copy)}>
            Copy
          </Button>
          <Button look="primary" disabled={!made || saving.busy} data-testid="take-save" onClick={() => made && saving.run(() => (film ? saveFilm(made) : save(made)))}>
            {film && saving.busy ? `The film is being made…${done > 0 ? ` ${done}` : ''}` : 'Save'}
          </Button>
        </>
      }
    >
      <div className="take">
        <Preview drawn={drawn} />
        <div className="take-choices">
          <SelectField label="What" value={scope} data-testid="take-scope" onChange={(change) => setScope(change.target.value as What)}>
            {SCOPES.map((each) => (
              <option key={each.scope} value={each.scope}>
                {each.label}
              </option>
            ))}
          </SelectField>
          {film ? (
            <div className="take-pair">
              <TextField label="Images" placeholder="all, or 1-20" value={images} data-testid="film-images" onChange={(change) => setImages(change.target.value)} />
              <TextField label="Frames a second" type="number" min={1} max={60} value={rate} data-testid="film-rate" onChange={(change) => setRate(Math.min(60, Math.max(1, Number(change.target.value) || 1)))} />
            </div>
          ) : (
          <SelectField
            label="Format"
            value={type}
            data-testid="take-type"
            onChange={(change) => {
              setType(change.target.value as Type)
              keepWishes({ type: change.target.value })
            }}
          >
            <option value="png">PNG (every pixel as it is)</option>
            <option value="jpeg">JPEG (smaller)</option>
          </SelectField>
          )}
          <LookFields look={look} onChange={choose} />
          {look.text === 'all' && <p className="take-warning">The picture names the patient.</p>}
          {burnedIn(session) && <p className="take-warning">The device has written words into the pixels of this image. They stay, and may name the patient.</p>}
          {film && <p className="take-note">{isDrawnHere(session, session.activePane, look) ? 'The film shows every image as this viewport does, with segments and colours.' : 'The server makes the film: window, turn and part of the picture as in this viewport, measurements drawn in white.'}</p>}
          {made && !film && (
            <p className="take-note">
              {made.canvas.width} × {made.canvas.height} pixels
            </p>
          )}
          {failure && <ErrorNotice error={failure} />}
        </div>
      </div>
    </Dialog>
  )
}
