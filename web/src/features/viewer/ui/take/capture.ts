// What an element shows, as one picture: its canvases, images, vector graphics and words, one above the other as on the page.

/** What is there to be used, not to be looked at. `data-take="no"` says so of anything else. */
const TOOLS = 'button, input, select, textarea, [data-take="no"], .scrollbar, .cine, .pane-busy, .pane-message, .measure-hit, .measure-grip, .measure-handle'

/** What must be written into a copy of an SVG, since no style sheet goes with it. */
const STYLES = ['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-opacity', 'stroke-dasharray', 'stroke-linejoin', 'stroke-linecap', 'paint-order', 'opacity', 'visibility', 'display', 'font-family', 'font-size', 'font-weight', 'font-style', 'text-anchor', 'dominant-baseline', 'white-space', 'letter-spacing'] as const

interface Sheet {
  readonly context: CanvasRenderingContext2D
  readonly scale: number
  readonly left: number
  readonly top: number
}

type Box = Pick<DOMRect, 'left' | 'top' | 'width' | 'height'>

function placed({ scale, left, top }: Sheet, box: Box): [number, number, number, number] {
  return [(box.left - left) * scale, (box.top - top) * scale, box.width * scale, box.height * scale]
}

/** A copy of an SVG that looks the same without the page's style sheets. */
function standalone(svg: SVGSVGElement, scale: number): string {
  const copy = svg.cloneNode(true) as SVGSVGElement
  const originals = [svg, ...svg.querySelectorAll<SVGElement>('*')]
  const copies = [copy, ...copy.querySelectorAll<SVGElement>('*')]
  for (const [index, original] of originals.entries()) {
    const target = copies[index]
    if (!target) continue
    if (original !== svg && original.matches(TOOLS)) {
      target.setAttribute('display', 'none')
      continue
    }
    const style = getComputedStyle(original)
    target.setAttribute('style', STYLES.map((name) => `${name}:${style.getPropertyValue(name)}`).join(';'))
    target.removeAttribute('class')
  }
  const { width, height } = svg.getBoundingClientRect()
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  if (!copy.hasAttribute('viewBox')) copy.setAttribute('viewBox', `0 0 ${width} ${height}`)
  copy.setAttribute('width', String(width * scale))
  copy.setAttribute('height', String(height * scale))
  return new XMLSerializer().serializeToString(copy)
}

async function drawSvg(sheet: Sheet, svg: SVGSVGElement): Promise<void> {
  const box = svg.getBoundingClientRect()
  if (box.width === 0 || box.height === 0) return
  const image = new Image()
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(svg, sheet.scale))}`
  await image.decode()
  sheet.context.drawImage(image, ...placed(sheet, box))
}

/** A text line by line, where and as the page shows it. */
function drawText({ context, scale, left, top }: Sheet, node: Text): void {
  const parent = node.parentElement
  if (!parent || node.data.trim() === '') return
  const style = getComputedStyle(parent)
  const range = document.createRange()
  range.selectNodeContents(node)
  const lines = [...range.getClientRects()].filter((line) => line.width > 0 && line.height > 0)
  const [line] = lines
  if (!line) return
  const size = Number.parseFloat(style.fontSize) * scale
  context.save()
  // Words that the page cuts off are cut off here, too.
  const bounds = parent.getBoundingClientRect()
  if (style.overflow !== 'visible') {
    context.beginPath()
    context.rect((bounds.left - left) * scale, (bounds.top - top) * scale, bounds.width * scale, bounds.height * scale)
    context.clip()
  }
  context.font = `${style.fontStyle} ${style.fontWeight} ${size}px ${style.fontFamily}`
  context.fillStyle = style.color
  context.textBaseline = 'middle'
  if (style.textShadow !== 'none') {
    context.strokeStyle = 'rgb(0 0 0 / 80%)'
    context.lineWidth = size / 5
    context.lineJoin = 'round'
  }
  const folded = (words: string): string => (style.whiteSpace.startsWith('pre') ? words : words.trim().replace(/\s+/g, ' '))
  const words = lines.length === 1 ? [folded(node.data)] : brokenAt(node, lines).map(folded)
  for (const [index, each] of lines.entries()) {
    const at: [string, number, number] = [words[index] ?? '', (each.left - left) * scale, (each.top + each.height / 2 - top) * scale]
    if (style.textShadow !== 'none') context.strokeText(...at)
    context.fillText(...at)
  }
  context.restore()
}

/** The words of each line of a text that the page has broken. */
function brokenAt(node: Text, lines: readonly DOMRect[]): string[] {
  const range = document.createRange()
  const words = lines.map(() => '')
  for (let at = 0; at < node.length; at++) {
    range.setStart(node, at)
    range.setEnd(node, at + 1)
    const { top, height } = range.getBoundingClientRect()
    const line = lines.findIndex((each) => Math.abs(each.top - top) < height / 2 + 1)
    if (line >= 0) words[line] = (words[line] ?? '') + (node.data[at] ?? '')
  }
  return words
}

async function drawElement(sheet: Sheet, element: Element): Promise<void> {
  if (element.matches(TOOLS)) return
  const style = getComputedStyle(element)
  if (style.display === 'none' || style.visibility === 'hidden' || style.opacity === '0') return
  if (element instanceof SVGSVGElement) return drawSvg(sheet, element)
  if (element instanceof HTMLCanvasElement || element instanceof HTMLImageElement) {
    const empty = element instanceof HTMLCanvasElement ? element.width === 0 || element.height === 0 : !element.complete
    sheet.context.globalAlpha = Number(style.opacity)
    if (!empty) sheet.context.drawImage(element, ...placed(sheet, element.getBoundingClientRect()))
    sheet.context.globalAlpha = 1
    return
  }
  if (style.backgroundColor !== 'rgba(0, 0, 0, 0)') {
    sheet.context.fillStyle = style.backgroundColor
    sheet.context.fillRect(...placed(sheet, element.getBoundingClientRect()))
  }
  for (const child of element.childNodes) {
    if (child instanceof Text) drawText(sheet, child)
    else if (child instanceof Element) await drawElement(sheet, child)
  }
}

/** @param scale canvas pixels per CSS pixel */
export async function capture(root: Element, scale: number): Promise<HTMLCanvasElement> {
  const box = root.getBoundingClientRect()
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.round(box.width * scale))
  canvas.height = Math.max(1, Math.round(box.height * scale))
  const context = canvas.getContext('2d')
  if (!context) throw new Error('This browser has no memory left for a picture of that size.')
  context.imageSmoothingQuality = 'high'
  context.fillStyle = '#000'
  context.fillRect(0, 0, canvas.width, canvas.height)
  await drawElement({ context, scale, left: box.left, top: box.top }, root)
  return canvas
}

export async function fileOf(canvas: HTMLCanvasElement, type: 'image/png' | 'image/jpeg'): Promise<Blob> {
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, type, 0.95))
  if (!blob) throw new Error('This browser has no memory left for a picture of that size.')
  return blob
}
