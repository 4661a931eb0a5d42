// Hands an encapsulated document to the person as a file.
import type { EncapsulatedDocument } from '../model/document'
import { contentOf } from './objects/bytes'

export async function saveDocument(document_: EncapsulatedDocument): Promise<void> {
  const url = URL.createObjectURL(new Blob([await contentOf(document_)], { type: document_.type }))
  const link = document.createElement('a')
  link.href = url
  link.download = document_.fileName
  link.click()
  // The browser has taken the file by the next turn of its loop.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
