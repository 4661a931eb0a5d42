/** The smallest objects the archive takes: Secondary Capture, Explicit VR Little Endian, 16 x 16 grey. */

const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7'
const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1'
const LONG_VRS = new Set(['OB', 'OW', 'SQ'])

export function element(group: number, number: number, vr: string, value: string | Buffer): Buffer {
  let bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value
  if (bytes.length % 2 === 1) bytes = Buffer.concat([bytes, Buffer.from([vr === 'UI' || LONG_VRS.has(vr) ? 0 : 0x20])])
  const head = Buffer.alloc(LONG_VRS.has(vr) ? 12 : 8)
  head.writeUInt16LE(group, 0)
  head.writeUInt16LE(number, 2)
  head.write(vr, 4, 'latin1')
  if (LONG_VRS.has(vr)) head.writeUInt32LE(bytes.length, 8)
  else head.writeUInt16LE(bytes.length, 6)
  return Buffer.concat([head, bytes])
}

export function short(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

/** A sequence; the elements of each item in one buffer. */
export function sequence(group: number, number: number, ...items: Buffer[]): Buffer {
  const heads = items.map((item) => {
    const head = Buffer.alloc(8)
    head.writeUInt16LE(0xfffe, 0)
    head.writeUInt16LE(0xe000, 2)
    head.writeUInt32LE(item.length, 4)
    return head
  })
  return element(group, number, 'SQ', Buffer.concat(items.flatMap((item, at) => [heads[at]!, item])))
}

let counter = 0

/** A UID nobody else has: 2.25. and a number made of the time and a counter. */
export function newUid(): string {
  counter += 1
  return `2.25.${Date.now()}${process.pid}${String(counter).padStart(4, '0')}`
}

export interface Subject {
  patientName: string
  patientId: string
  study?: string
  series?: string
  seriesNumber?: number
  instance?: string
  studyDate?: string
  modality?: string
  description?: string
  institution?: string
  seriesDescription?: string
  /** Values with backslashes between. */
  imageType?: string
  accession?: string
  instanceNumber?: number
  /** Elements of group 0018, ascending. */
  equipment?: Buffer
}

const GREY: readonly Buffer[] = [
  element(0x0028, 0x0002, 'US', short(1)),
  element(0x0028, 0x0004, 'CS', 'MONOCHROME2'),
  element(0x0028, 0x0010, 'US', short(16)),
  element(0x0028, 0x0011, 'US', short(16)),
  element(0x0028, 0x0100, 'US', short(8)),
  element(0x0028, 0x0101, 'US', short(8)),
  element(0x0028, 0x0102, 'US', short(7)),
  element(0x0028, 0x0103, 'US', short(0)),
  element(0x7fe0, 0x0010, 'OW', Buffer.from(Array.from({ length: 256 }, (_, i) => i))),
]

/** @param image the elements from group 0028 on, ascending; a grey ramp without them */
export function object(subject: Subject, image: readonly Buffer[] = GREY): Buffer {
  const instance = subject.instance ?? newUid()
  const meta = Buffer.concat([
    element(0x0002, 0x0001, 'OB', Buffer.from([0, 1])),
    element(0x0002, 0x0002, 'UI', SECONDARY_CAPTURE),
    element(0x0002, 0x0003, 'UI', instance),
    element(0x0002, 0x0010, 'UI', EXPLICIT_LITTLE_ENDIAN),
    element(0x0002, 0x0012, 'UI', '2.25.314159'),
  ])
  const length = Buffer.alloc(4)
  length.writeUInt32LE(meta.length)
  const dataset = Buffer.concat([
    element(0x0008, 0x0005, 'CS', 'ISO_IR 192'),
    ...(subject.imageType ? [element(0x0008, 0x0008, 'CS', subject.imageType)] : []),
    element(0x0008, 0x0016, 'UI', SECONDARY_CAPTURE),
    element(0x0008, 0x0018, 'UI', instance),
    element(0x0008, 0x0020, 'DA', subject.studyDate ?? '20260105'),
    element(0x0008, 0x0030, 'TM', '101500'),
    element(0x0008, 0x0050, 'SH', subject.accession ?? ''),
    element(0x0008, 0x0060, 'CS', subject.modality ?? 'OT'),
    ...(subject.institution ? [element(0x0008, 0x0080, 'LO', subject.institution)] : []),
    element(0x0008, 0x0090, 'PN', 'Curie^Marie'),
    element(0x0008, 0x1030, 'LO', subject.description ?? ''),
    ...(subject.seriesDescription ? [element(0x0008, 0x103e, 'LO', subject.seriesDescription)] : []),
    element(0x0010, 0x0010, 'PN', subject.patientName),
    element(0x0010, 0x0020, 'LO', subject.patientId),
    element(0x0010, 0x0030, 'DA', '19700401'),
    element(0x0010, 0x0040, 'CS', 'F'),
    ...(subject.equipment ? [subject.equipment] : []),
    element(0x0020, 0x000d, 'UI', subject.study ?? newUid()),
    element(0x0020, 0x000e, 'UI', subject.series ?? newUid()),
    element(0x0020, 0x0011, 'IS', String(subject.seriesNumber ?? 1)),
    element(0x0020, 0x0013, 'IS', String(subject.instanceNumber ?? 1)),
    ...image,
  ])
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), element(0x0002, 0x0000, 'UL', length), meta, dataset])
}
