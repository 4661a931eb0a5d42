// Hands an encapsulated document to the person as a file.
import { send } from '../../../lib/http'
import type { EncapsulatedDocument } from '../model/document'

async function bytesOf({ data }: EncapsulatedDocument): Promise<Uint8Array<ArrayBuffer>> {
  if (data.kind === 'bytes') return Uint8Array.from(data.bytes)
  if (data.kind === 'numbers') return Uint8Array.from(data.values)
  const address = data.address.startsWith('http') ? new URL(data.address).pathname : data.address
  const answer = await send(address, { headers: { Accept: 'application/octet-stream' } })
  return new Uint8Array(await answer.arrayBuffer())
}

export async function saveDocument(document_: EncapsulatedDocument): Promise<void> {
  const bytes = await bytesOf(document_)
  const url = URL.createObjectURL(new Blob([bytes.subarray(0, document_.length ?? bytes.length)], { type: document_.type }))
  const link = document.createElement('a')
  link.href = url
  link.download = document_.fileName
  link.click()
  // The browser has taken the file by the next turn of its loop.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
