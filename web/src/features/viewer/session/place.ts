// Which window of the viewer this page is, by its address; small, since the viewer's door asks before the rest is loaded.
import { userName } from '../../../api/session'
import { type WindowPlace, parsePlace } from '../model/screens'

export const CHANNEL = 'isocenter-viewer-1' // the number changes with the messages: two versions of the page may be open at once
export const PARAMETER = 'window'

/** null for the first window. */
export const placeNow = (): WindowPlace | null => parsePlace(new URLSearchParams(window.location.search).get(PARAMETER))

/** From a further window: the first one goes on to the next study of the list, and all follow it. */
export function askStep(by: 1 | -1): void {
  const place = placeNow()
  if (!place) return
  const channel = new BroadcastChannel(CHANNEL)
  channel.postMessage({ user: userName(), family: place.family, from: place.number, said: { kind: 'step', by } })
  channel.close()
}
