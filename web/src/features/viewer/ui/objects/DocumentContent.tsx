// Encapsulated documents (PS3.3 A.45): PDF by the browser's own viewer, CDA and text as pages of ours.
import { useEffect, useRef, useState } from 'react'
import type { Frame } from '../../model/frame'
import { type EncapsulatedDocument, documentOf } from '../../model/document'
import { fromBase64, text } from '../../model/dataset'
import { NotReadable, type ClinicalDocument, clinicalDocument, decoded } from '../../model/objects/cda'
import { Tag } from '../../model/tags'
import { saveDocument } from '../../session/documents'
import { contentOf } from '../../session/objects/bytes'
import type { PaneProps } from '../additions'
import { DownloadLink, Failed, ObjectPage, Waiting, useLoaded, useObject } from './ObjectPage'
import { ClinicalPage } from './ClinicalPage'

type Shown =
  | { readonly kind: 'pdf'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'cda'; readonly document: ClinicalDocument }
  | { readonly kind: 'text'; readonly text: string; readonly note: string }

async function load(found: EncapsulatedDocument, signal: AbortSignal): Promise<Shown> {
  const bytes = await contentOf(found, signal)
  // Senders name types freely; a PDF begins with its name (ISO 32000-1 7.5.2).
  if (found.type === 'application/pdf' || new TextDecoder('latin1').decode(bytes.subarray(0, 5)) === '%PDF-') return { kind: 'pdf', bytes }
  const source = decoded(bytes)
  if (!found.type.includes('xml')) return { kind: 'text', text: source, note: '' }
  try {
    return { kind: 'cda', document: clinicalDocument(source) }
  } catch (error) {
    if (!(error instanceof NotReadable)) throw error
    return { kind: 'text', text: source, note: `${error.message} Below is its source; nothing in it is carried out.` }
  }
}

/** A file in a frame of the browser's viewer: bytes of ours at an address that dies with the page; it is never anything but a PDF. */
function Pdf({ bytes, title }: { bytes: Uint8Array<ArrayBuffer>; title: string }) {
  const frame = useRef<HTMLIFrameElement>(null)
  const link = useRef<HTMLAnchorElement>(null)
  useEffect(() => {
    const url = URL.createObjectURL(new Blob([bytes], { type: 'application/pdf' }))
    if (frame.current) frame.current.src = `${url}#view=FitH&navpanes=0`
    if (link.current) link.current.href = url
    return () => URL.revokeObjectURL(url)
  }, [bytes])
  if (navigator.pdfViewerEnabled) return <iframe ref={frame} className="object-frame" title={title} data-testid="document-frame" />
  return (
    <Failed what="This browser shows no PDF inside a page." hint="Open it in a tab of its own, or save it.">
      <a ref={link} className="button button-primary button-small" target="_blank" rel="noreferrer">
        Open the PDF
      </a>
    </Failed>
  )
}

function Body({ shown, title }: { shown: Shown; title: string }) {
  if (shown.kind === 'pdf') return <Pdf bytes={shown.bytes} title={title} />
  if (shown.kind === 'cda') {
    const { body } = shown.document
    const file = body?.type === 'application/pdf' ? <Pdf bytes={Uint8Array.from(fromBase64(body.data))} title={title} /> : null
    if (file) return file
    return <ClinicalPage document={shown.document} plain={body?.type.startsWith('text/') ? decoded(fromBase64(body.data)) : ''} />
  }
  return (
    <div className="object-page" tabIndex={0} role="region" aria-label="Document">
      {shown.note && <p role="note">{shown.note}</p>}
      <pre className="object-source">{shown.text.slice(0, 500_000)}</pre>
    </div>
  )
}

function Document_({ frame, found, title }: { frame: Frame; found: EncapsulatedDocument; title: string }) {
  const loaded = useLoaded(frame.id, (signal) => load(found, signal))
  if (loaded.status === 'loading') return <Waiting />
  if (loaded.status === 'failed') return <Failed what={loaded.what} hint={loaded.hint}><DownloadLink frame={frame} /></Failed>
  return <Body key={frame.id} shown={loaded.value} title={title} />
}

function Save({ found }: { found: EncapsulatedDocument }) {
  const [failure, setFailure] = useState('')
  return (
    <>
      {failure && <span role="alert">{failure}</span>}
      <button type="button" className="button button-small" data-testid="save-document" onClick={() => void saveDocument(found).catch((error: unknown) => setFailure(error instanceof Error ? error.message : 'The document could not be saved.'))}>
        Save the document
      </button>
    </>
  )
}

export default function DocumentContent({ pane }: PaneProps) {
  const frame = useObject(pane)
  if (!frame) return <Waiting />
  const { dataset } = frame.instance
  const found = documentOf(dataset)
  const title = text(dataset, Tag.DocumentTitle) || undefined
  return (
    <ObjectPage pane={pane} frame={frame} title={title} tools={found && <Save key={frame.id} found={found} />} testid="document">
      {found ? (
        <Document_ frame={frame} found={found} title={title ?? 'Document'} />
      ) : (
        <Failed what={`This document is of a kind that is not shown here (${text(dataset, Tag.MIMETypeOfEncapsulatedDocument) || 'it does not say which'}).`} hint="Save the DICOM object to open it with a program that knows it.">
          <DownloadLink frame={frame} />
        </Failed>
      )}
    </ObjectPage>
  )
}
