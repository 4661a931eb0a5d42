// Video (PS3.5 8.2.5 on): played by the browser from byte ranges; where it cannot, picture by picture.
import { useRef, useState } from 'react'
import { useValue } from '../../../../lib/observable'
import { number, text } from '../../model/dataset'
import type { Frame } from '../../model/frame'
import { seriesTitle } from '../../model/rail'
import { Tag } from '../../model/tags'
import type { PaneProps } from '../additions'
import { Glyph } from '../icons'
import { DownloadLink, ObjectPage, Waiting, useObject } from './ObjectPage'

const SPEEDS = [0.1, 0.25, 0.5, 1, 2] as const

/** Frames a second as the object says (PS3.3 C.7.6.5.1.2), else of television. */
function rateOf({ instance: { dataset } }: Frame): number {
  const time = number(dataset, Tag.FrameTime)
  return number(dataset, Tag.CineRate) ?? (time ? 1000 / time : undefined) ?? number(dataset, Tag.RecommendedDisplayFrameRate) ?? 25
}

function Player({ frame, onFailed }: { frame: Frame; onFailed: () => void }) {
  const video = useRef<HTMLVideoElement>(null)
  const [at, setAt] = useState(0)
  const [speed, setSpeed] = useState(1)
  const rate = rateOf(frame)
  const shown = Math.min(frame.instance.frames, Math.floor(at * rate + 1e-6) + 1)
  const step = (by: number) => {
    const element = video.current
    if (!element) return
    element.pause()
    // Into the middle of the picture, so that rounding does not show the one before.
    element.currentTime = Math.max(0, Math.min(element.duration - 0.5 / rate, (Math.floor(element.currentTime * rate + 1e-6) + by + 0.5) / rate))
  }
  return (
    <>
      <video
        ref={video}
        className="object-video"
        controls
        playsInline
        preload="auto"
        src={`${frame.instance.address}/rendered?accept=${encodeURIComponent('video/mp4')}`}
        onTimeUpdate={(event) => setAt(event.currentTarget.currentTime)}
        onSeeked={(event) => setAt(event.currentTarget.currentTime)}
        onError={onFailed}
        data-testid="video"
        aria-label="Video"
      />
      <div className="object-bar ecg-foot">
        <button type="button" className="tool" aria-label="Previous picture" onClick={() => step(-1)}>
          <Glyph name="previous" />
        </button>
        <span data-testid="video-frame">
          Picture {shown} of {frame.instance.frames}
        </span>
        <button type="button" className="tool" aria-label="Next picture" onClick={() => step(1)}>
          <Glyph name="next" />
        </button>
        <select
          className="object-select"
          aria-label="Speed"
          value={speed}
          onChange={(change) => {
            setSpeed(Number(change.target.value))
            if (video.current) video.current.playbackRate = Number(change.target.value)
          }}
        >
          {SPEEDS.map((each) => (
            <option key={each} value={each}>
              {each} ×
            </option>
          ))}
        </select>
        <span className="ecg-hint">{Number(rate.toFixed(2))} pictures a second</span>
      </div>
    </>
  )
}

/** The archive draws single pictures of what the browser does not play. */
function Stills({ frame }: { frame: Frame }) {
  const [shown, setShown] = useState(1)
  const [failed, setFailed] = useState(false)
  return (
    <>
      <p className="object-note" role="note">
        This browser does not play this kind of video{text(frame.instance.dataset, Tag.AvailableTransferSyntaxUID).startsWith('1.2.840.10008.1.2.4.10') ? ' (H.265 needs one that does, or hardware)' : ''}. Its pictures are shown one by one.
      </p>
      {failed ? <p className="object-words" role="alert">The archive cannot draw this picture either. Save the object to play it with another program.</p> : <img className="object-video" src={`${frame.instance.address}/frames/${shown}/rendered`} alt={`Picture ${shown}`} data-testid="video-still" onError={() => setFailed(true)} onLoad={() => setFailed(false)} />}
      <label className="object-bar ecg-foot">
        <span data-testid="video-frame">
          Picture {shown} of {frame.instance.frames}
        </span>
        <input className="object-wide" type="range" min={1} max={frame.instance.frames} value={shown} aria-label="Picture" onChange={(change) => setShown(Number(change.target.value))} />
      </label>
    </>
  )
}

export default function VideoContent({ session, pane }: PaneProps) {
  const frame = useObject(pane)
  const { seriesInstanceUID } = useValue(pane.state)
  const [unplayable, setUnplayable] = useState<string | null>(null)
  if (!frame) return <Waiting />
  const series = seriesInstanceUID === null ? undefined : session.seriesOf(seriesInstanceUID)
  return (
    <ObjectPage pane={pane} frame={frame} title={series && seriesTitle(series)} tools={<DownloadLink frame={frame} />} testid="video-page">
      {unplayable === frame.id ? <Stills key={frame.id} frame={frame} /> : <Player key={frame.id} frame={frame} onFailed={() => setUnplayable(frame.id)} />}
    </ObjectPage>
  )
}
