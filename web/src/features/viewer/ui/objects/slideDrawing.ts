// Draws a slide as far as its tiles are here: the coarsest level below, finer ones over it.
import { type Size, type Slide, type SlideView, type Tile, coarseness, levelFor, tilesOn } from '../../model/objects/slide'
import type { SlideTiles } from '../../session/objects/tiles'

/** Tiles for a view: all of the coarsest level on the screen first, so that there is something to see early. */
export function wantedTiles(slide: Slide, view: SlideView, size: Size): Tile[] {
  const last = slide.levels.length - 1
  const level = levelFor(slide, view.scale)
  return [...tilesOn(slide, last, view, size), ...(level < last ? tilesOn(slide, level, view, size) : [])]
}

export function drawSlide(context: CanvasRenderingContext2D, slide: Slide, tiles: SlideTiles, view: SlideView, size: Size, ratio: number): void {
  context.fillStyle = '#f4f3f1'
  context.fillRect(0, 0, size.width * ratio, size.height * ratio)
  const scale = view.scale * ratio
  for (let level = slide.levels.length - 1; level >= levelFor(slide, view.scale * ratio); level--) {
    for (const tile of tilesOn(slide, level, view, size)) drawTile(context, slide, tiles, tile, [size.width * ratio / 2 - view.x * scale, size.height * ratio / 2 - view.y * scale], scale)
  }
}

function drawTile(context: CanvasRenderingContext2D, slide: Slide, tiles: SlideTiles, tile: Tile, origin: readonly [number, number], scale: number): void {
  const picture = tiles.get(tile)
  const level = slide.levels[tile.level]
  if (!picture || !level) return
  const coarse = coarseness(slide, tile.level) * scale
  const [x, y] = [tile.column * level.tileColumns, tile.row * level.tileRows]
  // Tiles at the edges hold more than the slide does.
  const [width, height] = [Math.min(level.tileColumns, level.columns - x), Math.min(level.tileRows, level.rows - y)]
  const [left, top] = [Math.round(origin[0] + x * coarse), Math.round(origin[1] + y * coarse)]
  const [right, bottom] = [Math.round(origin[0] + (x + width) * coarse), Math.round(origin[1] + (y + height) * coarse)]
  context.imageSmoothingEnabled = coarse < 2
  context.drawImage(picture, 0, 0, width, height, left, top, right - left, bottom - top)
}
