// The bytes of a value that came inside a header, or lies at an address of the archive.
import { send } from '../../../../lib/http'
import type { Binary } from '../../model/dataset'
import type { EncapsulatedDocument } from '../../model/document'

export async function bytesOf(data: Binary, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  if (data.kind === 'bytes') return Uint8Array.from(data.bytes)
  if (data.kind === 'numbers') return Uint8Array.from(data.values)
  const address = data.address.startsWith('http') ? new URL(data.address).pathname : data.address
  const answer = await send(address, { headers: { Accept: 'application/octet-stream' }, signal })
  return new Uint8Array(await answer.arrayBuffer())
}

/** A document without the padding of its value. */
export async function contentOf({ data, length }: EncapsulatedDocument, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await bytesOf(data, signal)
  return bytes.subarray(0, length ?? bytes.length)
}
