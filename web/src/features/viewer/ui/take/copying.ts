// The picture of a viewport into the clipboard.
import type { ViewerSession } from '../../session/session'
import { type Look, keptLook, noted, takingOf } from '../../session/taking'
import { fileOf } from './capture'
import { type Scope, pictureOf } from './pictures'

/** Throws in words what the browser does not let pages do. */
export async function copyPicture(session: ViewerSession, scope: Scope, look: Look): Promise<void> {
  if (typeof ClipboardItem === 'undefined' || !window.isSecureContext) {
    throw new Error('This browser lets no page copy pictures that does not come over HTTPS. Save the picture as a file instead.')
  }
  const picture = async (): Promise<Blob> => {
    const { canvas, series } = await pictureOf(session, scope, look, new AbortController().signal)
    await noted(session, series, { form: 'copy', count: 1, ...look })
    return fileOf(canvas, 'image/png')
  }
  const made = picture()
  // Given as a promise, since Safari lets a page copy only while the click lasts. Its own words for a failure are better than the browser's.
  await Promise.all([made, navigator.clipboard.write([new ClipboardItem({ 'image/png': made })])])
}

export async function copyNow(session: ViewerSession): Promise<void> {
  const taking = takingOf(session)
  const look = keptLook()
  try {
    await copyPicture(session, 'view', look)
    const words = [look.drawings ? 'with what is drawn' : 'without what is drawn', look.text === 'all' ? 'with the patient' : 'without the patient'].join(', ')
    taking.tell(`The image is in the clipboard, ${words}.`)
  } catch (error) {
    taking.fail(error)
  }
}
