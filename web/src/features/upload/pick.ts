/** A file as it was chosen, with its path inside the chosen folder. */
export interface Picked {
  file: File
  name: string
}

/** What operating systems strew into folders; no person means to send it. */
const LITTER = /(^|\/)(\.DS_Store|Thumbs\.db|ehthumbs\.db|desktop\.ini|\._[^/]*|__MACOSX\/.*)$/i

export function isLitter(path: string): boolean {
  return LITTER.test(path)
}

/** Files of an <input type="file">, with or without webkitdirectory. */
export function pickedFiles(list: FileList): Picked[] {
  return [...list].map((file) => ({ file, name: file.webkitRelativePath || file.name })).filter(({ name }) => !isLitter(name))
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

/** The top entries of a drop. Must be called while the drop event is being handled; afterwards the list is empty. */
export function droppedEntries(data: DataTransfer): FileSystemEntry[] {
  return [...data.items].flatMap((item) => {
    const entry = item.kind === 'file' ? item.webkitGetAsEntry() : null
    return entry ? [entry] : []
  })
}

/** Everything below the entries, folders walked to the bottom, in portions so that a first file is sent before the last is found. */
export async function* walk(entries: readonly FileSystemEntry[]): AsyncGenerator<Picked[]> {
  const rest = [...entries].reverse()
  let portion: Picked[] = []
  for (let entry = rest.pop(); entry; entry = rest.pop()) {
    if (entry.isDirectory) {
      const inside = await entriesOf(entry as FileSystemDirectoryEntry)
      rest.push(...inside.sort((a, b) => b.name.localeCompare(a.name, undefined, { numeric: true })))
    } else if (entry.isFile) {
      const name = entry.fullPath.replace(/^\//, '')
      if (isLitter(name)) continue
      portion.push({ file: await fileOf(entry as FileSystemFileEntry), name })
      if (portion.length >= 200) {
        yield portion
        portion = []
      }
    }
  }
  if (portion.length > 0) yield portion
}
