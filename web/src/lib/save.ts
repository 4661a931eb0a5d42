/** Hands a file to the person, as a download of the browser. */
export function saveFile(file: Blob, name: string): void {
  const url = URL.createObjectURL(file)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser has taken the file by the next turn of its loop.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

/** The same with a plain text. */
export function saveText(text: string, name: string): void {
  saveFile(new Blob([text], { type: 'text/plain' }), name)
}
