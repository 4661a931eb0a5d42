/** A file as it was chosen, with its path inside the chosen folder. */
export interface Picked {
  file: File
  name: string
}

const PORTION = 200

/** IM2 before IM10. */
const byName = new Intl.Collator(undefined, { numeric: true })

/** What operating systems strew into folders; no person means to send it. */
const LITTER = /(^|\/)(\.DS_Store|Thumbs\.db|ehthumbs\.db|desktop\.ini|\._[^/]*|__MACOSX\/.*)$/i

export function isLitter(path: string): boolean {
  return LITTER.test(path)
}

/** Files of an <input type="file">, with or without webkitdirectory. */
export function pickedFiles(list: FileList): Picked[] {
  return [...list]
    .map((file) => ({ file, name: file.webkitRelativePath || file.name }))
    .filter(({ name }) => !isLitter(name))
    .sort((a, b) => byName.compare(a.name, b.name))
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject))
}

/** A reader gives a folder in portions (100 in Chromium) until one is empty. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader()
  const all: FileSystemEntry[] = []
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (portion.length === 0) return all
    all.push(...portion)
  }
}

/** What was dropped: an entry of the file system, or a bare file where there is none behind it (dragged out of another page). */
export type Dropped = FileSystemEntry | File

/** The top of a drop. Must be called while the drop event is being handled; afterwards the list is empty. */
export function droppedEntries(data: DataTransfer): Dropped[] {
  return [...data.items].flatMap((item) => {
    if (item.kind !== 'file') return []
    const dropped = item.webkitGetAsEntry() ?? item.getAsFile()
    return dropped ? [dropped] : []
  })
}

async function picked(dropped: Dropped): Promise<Picked | null> {
  const name = dropped instanceof File ? dropped.name : dropped.fullPath.replace(/^\//, '')
  if (isLitter(name)) return null
  return { name, file: dropped instanceof File ? dropped : await fileOf(dropped as FileSystemFileEntry) }
}

/** Everything below the entries, folders walked to the bottom, in portions so that a first file is sent before the last is found. */
export async function* walk(top: readonly Dropped[]): AsyncGenerator<Picked[]> {
  const rest = [...top].reverse()
  let portion: Picked[] = []
  for (let next = rest.pop(); next; next = rest.pop()) {
    if (!(next instanceof File) && next.isDirectory) {
      const inside = await entriesOf(next as FileSystemDirectoryEntry)
      rest.push(...inside.sort((a, b) => byName.compare(b.name, a.name)))
      continue
    }
    const file = await picked(next)
    if (file) portion.push(file)
    if (portion.length < PORTION) continue
    yield portion
    portion = []
  }
  if (portion.length > 0) yield portion
}
