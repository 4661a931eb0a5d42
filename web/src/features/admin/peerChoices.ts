import type { AskedWhen } from '../../api/admin'

/** The services of domain/dimse_services.py. */
export const SERVICES = [
  { name: 'verification', title: 'Echo' },
  { name: 'storage', title: 'Store' },
  { name: 'query', title: 'Query' },
  { name: 'retrieve', title: 'Retrieve' },
  { name: 'storage-commitment', title: 'Storage commitment' },
  { name: 'worklist', title: 'Worklist' },
  { name: 'procedure-step', title: 'Procedure step' },
  { name: 'ups', title: 'UPS' },
  { name: 'print', title: 'Print' },
] as const

/** Defined terms of PS3.3 C.12.1.1.2; what else a peer has (by the command line) is shown as it is. */
export const CHARACTER_SETS = [
  { term: '', title: 'As each message says' },
  { term: 'ISO_IR 192', title: 'Unicode (UTF-8)' },
  { term: 'ISO_IR 100', title: 'Western European (Latin 1)' },
  { term: 'ISO_IR 101', title: 'Central European (Latin 2)' },
  { term: 'ISO_IR 109', title: 'South European (Latin 3)' },
  { term: 'ISO_IR 110', title: 'North European (Latin 4)' },
  { term: 'ISO_IR 203', title: 'Western European (Latin 9)' },
  { term: 'ISO_IR 144', title: 'Cyrillic' },
  { term: 'ISO_IR 127', title: 'Arabic' },
  { term: 'ISO_IR 126', title: 'Greek' },
  { term: 'ISO_IR 138', title: 'Hebrew' },
  { term: 'ISO_IR 148', title: 'Turkish (Latin 5)' },
  { term: 'ISO_IR 166', title: 'Thai' },
  { term: '\\ISO 2022 IR 87', title: 'Japanese (kanji)' },
  { term: 'ISO 2022 IR 13\\ISO 2022 IR 87', title: 'Japanese (katakana, kanji)' },
  { term: '\\ISO 2022 IR 149', title: 'Korean' },
  { term: 'GB18030', title: 'Chinese (GB18030)' },
] as const

export const ARCHIVE_ROLES: readonly { value: AskedWhen; title: string }[] = [
  { value: '', title: 'It is none' },
  { value: 'search', title: 'Can be searched and fetched from' },
  { value: 'fetch', title: 'Also asked for what is not here' },
]

/** PS3.5 10 and Annex A; only syntaxes that lose nothing are worth preferring. */
export const SYNTAXES = [
  { uid: '1.2.840.10008.1.2.1', title: 'Explicit VR Little Endian' },
  { uid: '1.2.840.10008.1.2', title: 'Implicit VR Little Endian' },
  { uid: '1.2.840.10008.1.2.4.70', title: 'JPEG Lossless' },
  { uid: '1.2.840.10008.1.2.4.80', title: 'JPEG-LS Lossless' },
  { uid: '1.2.840.10008.1.2.4.90', title: 'JPEG 2000 Lossless' },
  { uid: '1.2.840.10008.1.2.4.201', title: 'HTJ2K Lossless' },
  { uid: '1.2.840.10008.1.2.5', title: 'RLE Lossless' },
] as const
