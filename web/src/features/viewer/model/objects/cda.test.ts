// @vitest-environment jsdom
import { describe, expect, it } from 'vitest'
import { type Piece, NotReadable, clinicalDocument, decoded } from './cda'

const document_ = (body: string, header = ''): string => `<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><title>Letter</title>${header}<component><structuredBody><component><section><title>One</title><text>${body}</text></section></component></structuredBody></component></ClinicalDocument>`

const textOf = (body: string): readonly Piece[] => clinicalDocument(document_(body)).sections[0]?.text ?? []

const tags = (pieces: readonly Piece[]): string[] => pieces.flatMap((piece) => (typeof piece === 'string' ? [] : [piece.tag, ...tags(piece.children)]))
const words = (pieces: readonly Piece[]): string => pieces.map((piece) => (typeof piece === 'string' ? piece : words(piece.children))).join('')

describe('a clinical document', () => {
  it('is read with who, when and by whom', () => {
    const header = '<effectiveTime value="20260105143012+0100"/><recordTarget><patientRole><id extension="7"/><patient><name><given>Ada</given><family>Lovelace</family></name></patient></patientRole></recordTarget>'
    expect(clinicalDocument(document_('x', header)).facts).toEqual([
      { name: 'Patient', value: 'Lovelace, Ada' },
      { name: 'Patient ID', value: '7' },
      { name: 'Date', value: '2026-01-05 14:30' },
    ])
  })

  it('keeps paragraphs, lists, tables with spans and emphasis', () => {
    const pieces = textOf('<paragraph>a <content styleCode="Bold Italics">b</content></paragraph><list listType="ordered"><item>c</item></list><table><tbody><tr><td colspan="2">d</td></tr></tbody></table>')
    expect(tags(pieces)).toEqual(['p', 'span', 'em', 'strong', 'ol', 'li', 'table', 'tbody', 'tr', 'td'])
    expect(words(pieces)).toBe('a bcd')
    const cell = JSON.stringify(pieces)
    expect(cell).toContain('"columns":2')
  })

  it('lets nothing through but words', () => {
    const pieces = textOf('<script>hurt()</script><style>p{}</style><linkHtml href="javascript:hurt()">link</linkHtml><paragraph onclick="hurt()"><img src="x" onerror="hurt()"/><iframe src="y">z</iframe></paragraph>')
    expect(words(pieces)).toBe('linkz')
    expect(tags(pieces)).toEqual(['span', 'p'])
    expect(JSON.stringify(pieces)).not.toMatch(/hurt|javascript|onerror|src/)
  })

  it('shows pictures only that it carries itself, of kinds that hold no scripts', () => {
    const media = (type: string) => `<renderMultiMedia referencedObject="M"/></text><entry><observationMedia ID="M"><value mediaType="${type}">QUJD</value></observationMedia></entry><text>`
    expect(textOf(media('image/png'))).toMatchObject([{ tag: 'figure', picture: 'data:image/png;base64,QUJD' }])
    expect(textOf(media('image/svg+xml'))).toEqual(['[picture]'])
  })

  it('refuses what could grow without measure, and what is no document', () => {
    expect(() => clinicalDocument('<!DOCTYPE x [<!ENTITY a "aaaa">]><ClinicalDocument>&a;</ClinicalDocument>')).toThrow(NotReadable)
    expect(() => clinicalDocument('<ClinicalDocument>')).toThrow('well-formed')
    expect(() => clinicalDocument('<other/>')).toThrow('no clinical document')
    const deep = `${'<content>'.repeat(5000)}deep${'</content>'.repeat(5000)}`
    expect(words(textOf(deep))).toBe('')
    expect(clinicalDocument(document_('<br/>'.repeat(30_000))).cut).toBe(true)
  })

  it('is decoded as it declares', () => {
    expect(decoded(Uint8Array.from([...new TextEncoder().encode('<?xml version="1.0" encoding="ISO-8859-1"?><a>'), 0xe9]))).toContain('é')
    expect(decoded(new TextEncoder().encode('<a>é'))).toBe('<a>é')
  })
})
