"""A chest radiograph of the torso: X-rays from the back through all of it, on a flat detector."""

import numpy as np

from isocenter.demo.shapes import Grid, Image, blur, texture
from isocenter.demo.torso import Torso

COARSE = 1.25  # mm between samples of the volume along x
ALONG = 2.5  # mm along the rays
HIGH = 2.5  # mm from slice to slice
PIXEL = 0.225  # mm, of the detector
LOW, TOP = -108.0, 182.0
WATER = 0.0205  # linear attenuation of water at 60 keV, 1/mm
SIZE = (1280, 1280)  # rows, columns


def radiograph(torso: Torso, seed: int) -> Image:
    """Values of a processed PA radiograph (0 to 4095, MONOCHROME2: bone is bright), rows from head to foot."""
    heights = np.arange(TOP, LOW, -HIGH)
    columns, rows = int(380 / COARSE), int(280 / ALONG)
    lines = np.empty((len(heights), columns), np.float32)
    for i, z in enumerate(heights):
        origin = (-190.0, -140.0, float(z))
        grid = _stretched(Grid.plane(origin, (1, 0, 0), (0, 1, 0), rows, columns, COARSE), rows)
        density = np.clip((torso.slice_at(grid, noise=0) + 1000) / 1000, 0, None)
        # The table is the patient's bed on CT; here he stands. Bone absorbs more than its density at these energies.
        density[grid.y[:, 0] > 122] = 0
        density = density + 0.55 * np.clip(density - 1.12, 0, None)
        lines[i] = density.sum(axis=0) * ALONG
    # Processing lifts what is small against its surroundings, or vessels and ribs would drown in the range from lung to spine.
    absorbed = lines * WATER
    around = blur(absorbed, 9)
    shown = 0.62 * around + 1.25 * (absorbed - around)
    return _processed(_enlarged(np.asarray(shown, np.float32), HIGH, COARSE), np.random.default_rng(seed))


def _stretched(grid: Grid, rows: int) -> Grid:
    """The same columns, with rows that are ALONG apart."""
    y = np.float32(-140.0) + np.arange(rows, dtype=np.float32)[:, None] * np.float32(ALONG)
    return Grid(grid.x, y, grid.z, COARSE)


def _enlarged(lines: Image, high: float, wide: float) -> Image:
    """Cubic interpolation (Catmull-Rom) to the detector's pixels."""
    for axis, step in ((0, high), (1, wide)):
        length = lines.shape[axis]
        at = (np.arange(SIZE[axis]) - SIZE[axis] / 2) * PIXEL / step + length / 2
        low = np.floor(at).astype(int)
        t = (at - low).astype(np.float32)
        square, cube = t * t, t * t * t
        weights = (square - (t + cube) / 2, 1 - 2.5 * square + 1.5 * cube, t / 2 + 2 * square - 1.5 * cube, (cube - square) / 2)
        total = np.zeros((SIZE[0], lines.shape[1]) if axis == 0 else (lines.shape[0], SIZE[1]), np.float32)
        for k, weight in enumerate(weights):
            taken = np.take(lines, np.clip(low + k - 1, 0, length - 1), axis=axis)
            total += taken * (weight[:, None] if axis == 0 else weight[None, :])
        lines = total
    return lines


def _processed(absorbed: Image, random: np.random.Generator) -> Image:
    """What a detector makes of it: quantum noise, grey levels, the border of the collimator."""
    noise = random.standard_normal(absorbed.shape, dtype=np.float32) * 0.012 * np.exp(np.clip(absorbed, 0, 4) / 3)
    fine = texture(random, (SIZE[0], SIZE[1]), 3) * 0.008
    low, high = 0.35, 3.9
    level = np.clip((absorbed + noise + fine - low) / (high - low), 0, 1)
    image = 200 + 3500 * np.power(level, 0.92)
    edge = 26
    image[:edge] = image[-edge:] = 60
    image[:, :edge] = image[:, -edge:] = 60
    _letter(image)
    return np.asarray(image, np.float32)


def _letter(image: Image) -> None:
    """A lead L at the patient's left, which is on the right side of the picture."""
    top, left = 70, SIZE[1] - 150
    image[top : top + 70, left : left + 13] = 4000
    image[top + 57 : top + 70, left : left + 46] = 4000
