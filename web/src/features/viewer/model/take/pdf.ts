// PDF files (ISO 32000-1) of pages with pictures and lines of text. Pictures are kept without loss. Pure but for the browser's deflate.
import type { Rect } from './sheet'

export interface Raster {
  readonly width: number
  readonly height: number
  /** 1 grey or 3 RGB, 8 bits each, row by row. */
  readonly samples: 1 | 3
  readonly data: Uint8Array<ArrayBuffer>
}

export interface Placed {
  readonly rect: Rect
  readonly raster: Raster
}

export interface Line {
  /** Of the left end of the base line; mm. */
  readonly x: number
  readonly y: number
  /** Height of the letters in points. */
  readonly size: number
  readonly text: string
  readonly bold?: boolean
}

const POINT = 72 / 25.4
const encoder = new TextEncoder()

/** cp1252 has these where Latin 1 has control characters (ISO 32000-1 D.2). */
const WIN_ANSI = '€\u0000‚ƒ„…†‡ˆ‰Š‹Œ\u0000Ž\u0000\u0000‘’“”•–—˜™š›œ\u0000žŸ'

/** A text in the encoding that every reader's Helvetica knows; null when it has letters outside of it. */
export function winAnsi(text: string): number[] | null {
  const bytes: number[] = []
  for (const letter of text) {
    const code = letter.codePointAt(0) ?? 0
    const special = WIN_ANSI.indexOf(letter)
    if ((code >= 32 && code < 127) || (code >= 160 && code < 256)) bytes.push(code)
    else if (special >= 0 && code !== 0) bytes.push(128 + special)
    else return null
  }
  return bytes
}

async function deflated(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Blob([data]).stream().pipeThrough(new CompressionStream('deflate'))
  return new Uint8Array(await new Response(packed).arrayBuffer())
}

const hex = (bytes: readonly number[]): string => bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')

/** A text string as UTF-16 with its mark (ISO 32000-1 7.9.2.2). */
function unicode(text: string): string {
  const bytes = [0xfe, 0xff]
  for (let at = 0; at < text.length; at++) bytes.push(text.charCodeAt(at) >> 8, text.charCodeAt(at) & 255)
  return `<${hex(bytes)}>`
}

const date = (at: Date): string => `(D:${at.toISOString().replace(/\D/g, '').slice(0, 14)}Z)`

/** Written page by page: one page's pixels are in memory at a time, the rest is packed. */
export class Pdf {
  private readonly pieces: Uint8Array<ArrayBuffer>[] = []
  private size = 0
  // Objects 1 (catalog), 2 (pages), 3 and 4 (fonts), 5 (info) are written by close().
  private readonly offsets: number[] = [0, 0, 0, 0, 0, 0]
  private readonly pages: number[] = []

  constructor() {
    this.put('%PDF-1.4\n%âãÏÓ\n')
  }

  /** A page of width by height mm; lines must be in winAnsi. */
  async page(width: number, height: number, pictures: readonly Placed[], lines: readonly Line[]): Promise<void> {
    const names: string[] = []
    const drawn: string[] = []
    for (const [at, { rect, raster }] of pictures.entries()) {
      names.push(`/P${at} ${await this.picture(raster)} 0 R`)
      const [x, y] = [rect.x, height - rect.y - rect.height] // PDF counts from the bottom
      drawn.push(`q ${[rect.width, 0, 0, rect.height, x, y].map((each) => (each * POINT).toFixed(3)).join(' ')} cm /P${at} Do Q`)
    }
    for (const { x, y, size, text, bold } of lines) {
      drawn.push(`BT /${bold ? 'B' : 'F'} ${size} Tf ${(x * POINT).toFixed(2)} ${((height - y) * POINT).toFixed(2)} Td <${hex(winAnsi(text) ?? [])}> Tj ET`)
    }
    const content = await this.stream('', encoder.encode(drawn.join('\n')))
    const box = `[0 0 ${(width * POINT).toFixed(2)} ${(height * POINT).toFixed(2)}]`
    this.pages.push(this.object(`<</Type /Page /Parent 2 0 R /MediaBox ${box} /Resources <</XObject <<${names.join(' ')}>> /Font <</F 3 0 R /B 4 0 R>>>> /Contents ${content} 0 R>>`))
  }

  close(title: string, at: Date): Blob {
    this.object('<</Type /Catalog /Pages 2 0 R>>', 1)
    this.object(`<</Type /Pages /Count ${this.pages.length} /Kids [${this.pages.map((page) => `${page} 0 R`).join(' ')}]>>`, 2)
    for (const [number, font] of [[3, 'Helvetica'], [4, 'Helvetica-Bold']] as const) this.object(`<</Type /Font /Subtype /Type1 /BaseFont /${font} /Encoding /WinAnsiEncoding>>`, number)
    this.object(`<</Title ${unicode(title)} /Producer (Isocenter) /CreationDate ${date(at)}>>`, 5)
    const start = this.size
    const rows = this.offsets.slice(1).map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`)
    this.put(`xref\n0 ${this.offsets.length}\n0000000000 65535 f \n${rows.join('')}`)
    this.put(`trailer <</Size ${this.offsets.length} /Root 1 0 R /Info 5 0 R>>\nstartxref\n${start}\n%%EOF\n`)
    return new Blob(this.pieces, { type: 'application/pdf' })
  }

  private picture({ width, height, samples, data }: Raster): Promise<number> {
    const space = samples === 1 ? '/DeviceGray' : '/DeviceRGB'
    return this.stream(`/Type /XObject /Subtype /Image /Width ${width} /Height ${height} /ColorSpace ${space} /BitsPerComponent 8 `, data)
  }

  private async stream(about: string, data: Uint8Array<ArrayBuffer>): Promise<number> {
    const packed = await deflated(data)
    const number = this.begin()
    this.put(`<<${about}/Filter /FlateDecode /Length ${packed.length}>>\nstream\n`)
    this.put(packed)
    this.put('\nendstream\nendobj\n')
    return number
  }

  private object(content: string, number?: number): number {
    const own = this.begin(number)
    this.put(`${content}\nendobj\n`)
    return own
  }

  private begin(number = this.offsets.push(0) - 1): number {
    this.offsets[number] = this.size
    this.put(`${number} 0 obj\n`)
    return number
  }

  private put(piece: string | Uint8Array<ArrayBuffer>): void {
    const bytes = typeof piece === 'string' ? encoder.encode(piece) : piece
    this.pieces.push(bytes)
    this.size += bytes.length
  }
}

/** The pixels of a canvas, grey when all of them are. */
export function rasterOf({ width, height, data }: { readonly width: number; readonly height: number; readonly data: Uint8ClampedArray }): Raster {
  let grey = true
  for (let at = 0; at < data.length && grey; at += 4) grey = data[at] === data[at + 1] && data[at] === data[at + 2]
  const samples = grey ? 1 : 3
  const out = new Uint8Array(width * height * samples)
  for (let pixel = 0; pixel < width * height; pixel++) for (let sample = 0; sample < samples; sample++) out[pixel * samples + sample] = data[pixel * 4 + sample] ?? 0
  return { width, height, samples, data: out }
}
