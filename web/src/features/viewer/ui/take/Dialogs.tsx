import type { ViewerSession } from '../../session/session'
import type { Asked } from '../../session/taking'
import { PictureDialog } from './PictureDialog'
import { PrintDialog } from './PrintDialog'

/** The dialog that was asked for. */
export default function Dialogs({ session, asked, onClose }: { session: ViewerSession; asked: Asked; onClose: () => void }) {
  if (asked === 'picture') return <PictureDialog session={session} onClose={onClose} />
  if (asked === 'print') return <PrintDialog session={session} onClose={onClose} />
  return null
}
