// A clinical document (HL7 CDA R2) as a tree to read. Only what is named here gets through: no script, no address, no style of the document's own.
import { parseName } from '../../../../lib/names'
import { formatDateTimeText } from '../reportText'

const MOST_NODES = 20_000
const DEEPEST = 60
const NARRATIVE = 'urn:hl7-org:v3'

/** Elements of the page; `media` is a picture of the document itself. */
export type Tag = 'p' | 'span' | 'strong' | 'em' | 'u' | 'sub' | 'sup' | 's' | 'ul' | 'ol' | 'li' | 'table' | 'caption' | 'thead' | 'tbody' | 'tfoot' | 'tr' | 'th' | 'td' | 'br' | 'figure'

export interface Element_ {
  readonly tag: Tag
  readonly columns: number
  readonly rows: number
  /** A data: address of a picture, for `figure`. */
  readonly picture: string
  readonly children: readonly Piece[]
}

export type Piece = Element_ | string

export interface Section {
  readonly title: string
  readonly text: readonly Piece[]
  readonly sections: readonly Section[]
}

export interface ClinicalDocument {
  readonly title: string
  readonly facts: readonly { readonly name: string; readonly value: string }[]
  readonly sections: readonly Section[]
  /** A body that is a file of another kind, in base64. */
  readonly body: { readonly type: string; readonly data: string } | undefined
  /** It is longer than what is shown. */
  readonly cut: boolean
}

/** Why a document is not shown, in words. */
export class NotReadable extends Error {}

/** The text of an XML file, by the encoding that it declares (XML 1.0, 4.3.3). */
export function decoded(bytes: Uint8Array): string {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 200))
  const wide = bytes[0] === 0xff || bytes[0] === 0xfe
  const stated = wide ? (bytes[0] === 0xff ? 'utf-16le' : 'utf-16be') : (/^[^>]*\bencoding\s*=\s*["']([\w.-]+)["']/.exec(head)?.[1] ?? 'utf-8')
  let decoder: TextDecoder
  try {
    decoder = new TextDecoder(stated)
  } catch {
    decoder = new TextDecoder()
  }
  return decoder.decode(bytes)
}

const childrenOf = (parent: Element | undefined, name: string): Element[] => [...(parent?.children ?? [])].filter((child) => child.localName === name)
const at = (parent: Element | undefined, ...path: readonly string[]): Element | undefined => path.reduce<Element | undefined>((found, name) => childrenOf(found, name)[0], parent)
const words = (element: Element | undefined): string => (element?.textContent ?? '').replaceAll(/\s+/g, ' ').trim()

/** @throws NotReadable */
export function clinicalDocument(xml: string): ClinicalDocument {
  // Entities can grow without measure and reach for other files; no CDA has a document type.
  if (/<!(DOCTYPE|ENTITY)/i.test(xml)) throw new NotReadable('This document declares a document type, which a CDA never has. It is not shown.')
  const parsed = new DOMParser().parseFromString(xml, 'application/xml')
  const root = parsed.documentElement
  if (parsed.getElementsByTagName('parsererror').length > 0) throw new NotReadable('This document is not well-formed XML. It is not shown.')
  if (root.localName !== 'ClinicalDocument') throw new NotReadable('This XML file is no clinical document (CDA).')
  const left = { nodes: MOST_NODES }
  const structured = at(root, 'component', 'structuredBody')
  const body = at(root, 'component', 'nonXMLBody', 'text')
  const media = mediaOf(root)
  return {
    title: [words(at(root, 'title')), at(root, 'code')?.getAttribute('displayName')].find(Boolean) ?? 'Clinical document',
    facts: factsOf(root),
    sections: sectionsOf(structured, media, left, 0),
    body: body && !at(body, 'reference') ? { type: body.getAttribute('mediaType') ?? 'text/plain', data: bodyOf(body) } : undefined,
    cut: left.nodes < 0,
  }
}

/** In base64, whichever way it came (HL7 V3 data type ED). */
function bodyOf(body: Element): string {
  if (body.getAttribute('representation') === 'B64') return body.textContent.replaceAll(/\s/g, '')
  return btoa(String.fromCharCode(...new TextEncoder().encode(body.textContent.slice(0, 30_000))))
}

// --- the header

function personOf(element: Element | undefined): string {
  const name = at(element, 'name')
  if (!name) return ''
  if (name.children.length === 0) return words(name)
  const part = (each: string): string => childrenOf(name, each).map(words).join(' ')
  return parseName([part('family'), part('given'), '', part('prefix'), part('suffix')].join('^')).main
}

const timeOf = (element: Element | undefined): string => formatDateTimeText((element?.getAttribute('value') ?? '').replace(/[+-]\d{4}$/, '').slice(0, 12))

function factsOf(root: Element): ClinicalDocument['facts'] {
  const role = at(root, 'recordTarget', 'patientRole')
  const patient = at(role, 'patient')
  const authors = childrenOf(root, 'author').map((each) => personOf(at(each, 'assignedAuthor', 'assignedPerson')) || words(at(each, 'assignedAuthor', 'assignedAuthoringDevice', 'softwareName')))
  return [
    { name: 'Patient', value: personOf(patient) },
    { name: 'Patient ID', value: childrenOf(role, 'id').map((each) => each.getAttribute('extension') ?? '').filter(Boolean).join(', ') },
    { name: 'Born', value: timeOf(at(patient, 'birthTime')) },
    { name: 'Sex', value: at(patient, 'administrativeGenderCode')?.getAttribute('code') ?? '' },
    { name: 'Date', value: timeOf(at(root, 'effectiveTime')) },
    { name: 'Author', value: authors.filter(Boolean).join(', ') },
    { name: 'Signed by', value: personOf(at(root, 'legalAuthenticator', 'assignedEntity', 'assignedPerson')) },
    { name: 'Institution', value: words(at(root, 'custodian', 'assignedCustodian', 'representedCustodianOrganization', 'name')) },
  ].filter(({ value }) => value !== '')
}

// --- the narrative (CDA R2 4.3.5)

const PLAIN: Readonly<Record<string, Tag>> = {
  paragraph: 'p', content: 'span', sub: 'sub', sup: 'sup', br: 'br', list: 'ul', item: 'li', table: 'table', caption: 'caption',
  thead: 'thead', tbody: 'tbody', tfoot: 'tfoot', tr: 'tr', th: 'th', td: 'td', linkHtml: 'span', footnote: 'span', footnoteRef: 'sup', renderMultiMedia: 'figure',
}
const STYLES: readonly (readonly [RegExp, Tag])[] = [[/\bBold\b/i, 'strong'], [/\bItalics\b/i, 'em'], [/\bUnderline\b/i, 'u'], [/\bStrikethrough\b/i, 's']]
const PICTURES = new Set(['image/png', 'image/jpeg', 'image/gif'])
const BASE64 = /^[A-Za-z0-9+/]+=*$/

/** Pictures that the document carries, by the ID that its text names them with. */
function mediaOf(root: Element): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const each of root.getElementsByTagNameNS(NARRATIVE, 'observationMedia')) {
    const value = at(each, 'value')
    const type = value?.getAttribute('mediaType') ?? ''
    const data = (value?.textContent ?? '').replaceAll(/\s/g, '')
    if (PICTURES.has(type) && BASE64.test(data)) found.set(each.getAttribute('ID') ?? '', `data:${type};base64,${data}`)
  }
  return found
}

function sectionsOf(parent: Element | undefined, media: ReadonlyMap<string, string>, left: { nodes: number }, depth: number): Section[] {
  if (depth > DEEPEST) return []
  return childrenOf(parent, 'component').flatMap((component) => {
    const section = at(component, 'section')
    if (!section || left.nodes-- <= 0) return []
    const narrative = at(section, 'text')
    return [{ title: words(at(section, 'title')) || (at(section, 'code')?.getAttribute('displayName') ?? ''), text: narrative ? piecesOf(narrative, media, left, 0) : [], sections: sectionsOf(section, media, left, depth + 1) }]
  })
}

const IN_TABLES: ReadonlySet<string> = new Set(['table', 'thead', 'tbody', 'tfoot', 'tr', 'ul', 'ol'])

function piecesOf(parent: Element, media: ReadonlyMap<string, string>, left: { nodes: number }, depth: number): Piece[] {
  if (depth > DEEPEST) return []
  return [...parent.childNodes].flatMap((node): Piece[] => {
    if (left.nodes-- <= 0) return []
    if (node.nodeType === 3 || node.nodeType === 4) {
      const value = (node.nodeValue ?? '').replaceAll(/\s+/g, ' ')
      return value === '' || (value === ' ' && IN_TABLES.has(PLAIN[parent.localName] ?? '')) ? [] : [value]
    }
    return node.nodeType === 1 ? pieceOf(node as Element, media, left, depth) : []
  })
}

const span = (element: Element, name: string): number => Math.min(100, Math.max(1, Number.parseInt(element.getAttribute(name) ?? '1', 10) || 1))

function pieceOf(element: Element, media: ReadonlyMap<string, string>, left: { nodes: number }, depth: number): Piece[] {
  const known = PLAIN[element.localName]
  const children = piecesOf(element, media, left, depth + 1)
  // What the schema does not know is read all the same, as its words; columns are only layout.
  if (known === undefined) return ['col', 'colgroup', 'script', 'style'].includes(element.localName) ? [] : children
  const style = element.getAttribute('styleCode') ?? ''
  const tag = known === 'ul' && element.getAttribute('listType') === 'ordered' ? 'ol' : known
  const inner = tag === 'figure' ? [] : STYLES.reduce<readonly Piece[]>((pieces, [code, wrapped]) => (code.test(style) && !IN_TABLES.has(tag) ? [make(wrapped, pieces)] : pieces), children)
  const picture = tag === 'figure' ? (element.getAttribute('referencedObject') ?? '').split(/\s+/).map((id) => media.get(id) ?? '').find(Boolean) : ''
  if (tag === 'figure' && !picture) return ['[picture]']
  return [{ ...make(tag, inner), columns: span(element, 'colspan'), rows: span(element, 'rowspan'), picture: picture ?? '' }]
}

const make = (tag: Tag, children: readonly Piece[]): Element_ => ({ tag, columns: 1, rows: 1, picture: '', children })
