"""Bodies in millimetres, sampled on the pixels of one slice: ellipsoids, tubes, texture, blur.

Coordinates are LPS (PS3.3 C.7.6.2.1.1).
All functions take and return float32 arrays of one slice; a `Grid` knows where its pixels are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.floating[Any]]  # float32 wherever it matters for speed
Mask = NDArray[np.bool_]
Point = tuple[float, float, float]

# Distances are known this far from a tube, mm.
REACH = 3.0


@dataclass(frozen=True, slots=True)
class Grid:
    """The pixels of a slice: x, y, z of each, in mm; `fine` mm a pixel."""

    x: Image
    y: Image
    z: Image
    fine: float

    @classmethod
    def plane(cls, origin: Point, along_columns: Point, along_rows: Point, rows: int, columns: int, spacing: float) -> "Grid":
        """rows x columns pixels; along_columns is the direction from column to column (the first triplet of IOP)."""
        column = np.arange(columns, dtype=np.float32)[None, :] * spacing
        row = np.arange(rows, dtype=np.float32)[:, None] * spacing
        axes: list[Image] = []
        for i in range(3):
            # A direction that does not change the coordinate leaves it a row or a column, which numpy spreads for nothing.
            axis: Image = np.full((1, 1), origin[i], np.float32)
            axis = axis + column * np.float32(along_columns[i]) if along_columns[i] else axis
            axes.append(axis + row * np.float32(along_rows[i]) if along_rows[i] else axis)
        return cls(axes[0], axes[1], axes[2], spacing)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = np.broadcast_shapes(self.x.shape, self.y.shape, self.z.shape)
        return rows, columns


def near(grid: Grid, centre: Point, radii: Point, grow: float = 1.4) -> "tuple[Grid, tuple[slice, slice]] | None":
    """The part of an axial slice that a body of these radii can touch, and its rows and columns; None when there is none."""
    if abs(float(grid.z.flat[0]) - centre[2]) > radii[2] * grow:
        return None
    reach = max(radii[0], radii[1]) * grow

    def span(first: float, step: float, middle: float, length: int) -> slice:
        return slice(max(0, int((middle - reach - first) / step)), min(length, int((middle + reach - first) / step) + 2))

    rows = span(float(grid.y.flat[0]), float(grid.y.flat[1] - grid.y.flat[0]), centre[1], grid.y.shape[0])
    columns = span(float(grid.x.flat[0]), grid.fine, centre[0], grid.x.shape[1])
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return None
    return Grid(grid.x[:, columns], grid.y[rows], grid.z, grid.fine), (rows, columns)


def ellipsoid(grid: Grid, centre: Point, radii: Point, turn: float = 0.0) -> Image:
    """Squared normalised distance: below 1 inside. turn: rotation about z in degrees."""
    x, y = grid.x - np.float32(centre[0]), grid.y - np.float32(centre[1])
    if turn:
        cos, sin = np.float32(np.cos(np.radians(turn))), np.float32(np.sin(np.radians(turn)))
        x, y = x * cos + y * sin, y * cos - x * sin
    z = (grid.z - np.float32(centre[2])) / np.float32(radii[2])
    return np.asarray(np.square(x / np.float32(radii[0])) + np.square(y / np.float32(radii[1])) + np.square(z))


def soft(distance: Image, width: float) -> Image:
    """1 well inside (negative distance), 0 well outside, a ramp of `width` between: partial volume."""
    return np.asarray(np.clip(np.float32(0.5) - distance / np.float32(width), 0, 1))


@dataclass(frozen=True, slots=True)
class Tube:
    """A cone with round ends from a to b, radii ra and rb."""

    a: Point
    b: Point
    ra: float
    rb: float


def path(points: Sequence[Point], radii: Sequence[float]) -> list[Tube]:
    """Tubes through points with their radii."""
    return [Tube(points[i], points[i + 1], radii[i], radii[i + 1]) for i in range(len(points) - 1)]


class Bundle:
    """Many tubes, of which a slice finds its own at once."""

    def __init__(self, tubes: Sequence[Tube]) -> None:
        self._tubes = tuple(tubes)
        ends = np.array([(tube.a[2], tube.b[2], max(tube.ra, tube.rb) + REACH) for tube in tubes]).reshape(-1, 3)
        self._low, self._high = ends[:, :2].min(axis=1) - ends[:, 2], ends[:, :2].max(axis=1) + ends[:, 2]

    def at(self, height: float) -> list[Tube]:
        """The tubes that come near an axial plane."""
        return [self._tubes[i] for i in np.flatnonzero((self._low <= height) & (height <= self._high))]


def tubes_distance(grid: Grid, bundle: Bundle) -> Image:
    """Signed distance in mm to the nearest tube's wall on an axial slice (negative inside); 99 far away."""
    found = np.full(grid.shape, 99, np.float32)
    height = float(grid.z.flat[0])
    for tube in bundle.at(height):
        rows, columns = _window(grid, tube, max(tube.ra, tube.rb) + REACH)
        if rows.start >= rows.stop or columns.start >= columns.stop:
            continue
        patch = _tube(grid.x[..., columns], grid.y[rows], height, tube)
        np.minimum(found[rows, columns], patch, out=found[rows, columns])
    return found


def _window(grid: Grid, tube: Tube, reach: float) -> tuple[slice, slice]:
    """The rows and columns that a tube can touch on an axial slice."""
    first_x, first_y = float(grid.x.flat[0]), float(grid.y.flat[0])

    def span(low: float, high: float, first: float, step: float, length: int) -> slice:
        return slice(max(0, int((low - reach - first) / step)), min(length, int((high + reach - first) / step) + 2))

    step_y = float(grid.y.flat[1]) - first_y
    return (span(min(tube.a[1], tube.b[1]), max(tube.a[1], tube.b[1]), first_y, step_y, grid.y.shape[0]),
            span(min(tube.a[0], tube.b[0]), max(tube.a[0], tube.b[0]), first_x, grid.fine, grid.x.shape[1]))


def _tube(x: Image, y: Image, z: float, tube: Tube) -> Image:
    ax, ay, az = tube.a
    dx, dy, dz = (tube.b[i] - tube.a[i] for i in range(3))
    length = max(dx * dx + dy * dy + dz * dz, 1e-6)
    px, py, pz = x - np.float32(ax), y - np.float32(ay), np.float32(z - az)
    t = np.clip((px * np.float32(dx) + py * np.float32(dy) + pz * np.float32(dz)) / np.float32(length), 0, 1)
    square = np.square(px - t * np.float32(dx)) + np.square(py - t * np.float32(dy)) + np.square(pz - t * np.float32(dz))
    return np.asarray(np.sqrt(square) - (np.float32(tube.ra) + t * np.float32(tube.rb - tube.ra)))


def branches(random: np.random.Generator, start: Point, towards: Point, radius: float, depth: int, spread: float,
             length: float) -> list[Tube]:
    """A tree of vessels: each tube parts in two that are thinner and shorter, and lean aside by about `spread`."""
    direction = np.array(towards, dtype=float)
    direction /= np.linalg.norm(direction)
    end = np.array(start) + direction * length
    thinner = radius * 0.78
    found = [Tube(start, (float(end[0]), float(end[1]), float(end[2])), radius, thinner)]
    if depth:
        aside = random.normal(size=3)
        aside -= aside.dot(direction) * direction
        aside /= max(float(np.linalg.norm(aside)), 1e-6)
        for sign, factor in ((1.0, 0.8), (-0.7, 0.95)):
            turned = direction + aside * sign * spread * random.uniform(0.6, 1.3)
            next_radius, next_length = thinner * random.uniform(0.75, 1.0), length * factor * random.uniform(0.75, 1.05)
            found += branches(random, found[0].b, (turned[0], turned[1], turned[2]), next_radius, depth - 1, spread, next_length)
    return found


def texture(random: np.random.Generator, shape: tuple[int, int], grain: int) -> Image:
    """Smooth random pattern with a standard deviation of 1 and spots of about `grain` pixels."""
    coarse = random.standard_normal((shape[0] // grain + 3, shape[1] // grain + 3), dtype=np.float32)
    rows, columns = np.arange(shape[0]) / grain, np.arange(shape[1]) / grain
    i, j = rows.astype(int), columns.astype(int)
    u = _smooth(rows - i)[:, None]
    v = _smooth(columns - j)[None, :]
    top = coarse[i][:, j] * (1 - v) + coarse[i][:, j + 1] * v
    bottom = coarse[i + 1][:, j] * (1 - v) + coarse[i + 1][:, j + 1] * v
    pattern = top * (1 - u) + bottom * u
    return np.asarray(pattern / pattern.std(), np.float32)


def _smooth(t: NDArray[np.float64]) -> Image:
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def blur(image: Image, sigma: float) -> Image:
    """Gaussian blur, sigma in pixels; the edge is continued."""
    reach = max(1, int(np.ceil(3 * sigma)))
    weights = np.exp(-0.5 * np.square(np.arange(-reach, reach + 1) / sigma))
    weights = (weights / weights.sum()).astype(np.float32)
    for axis in (0, 1):
        padded = np.pad(image, [(reach, reach) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        size = image.shape[axis]
        image = np.asarray(sum(_shifted(padded, k, size, axis) * weight for k, weight in enumerate(weights)), np.float32)
    return image


def _shifted(padded: Image, start: int, size: int, axis: int) -> Image:
    return padded[start : start + size] if axis == 0 else padded[:, start : start + size]
