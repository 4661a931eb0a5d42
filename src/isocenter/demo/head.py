"""A head as MR sees it: tissues in millimetres (LPS), and their signal in T1- and T2-weighted sequences.

Schematic but recognisable: scalp, skull with marrow, folded cortex, white matter, ventricles, deep nuclei, brain stem, cerebellum
with its leaves, eyes, nose and neck. One bright spot of white matter on T2 is there to be found.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from isocenter.demo.shapes import Grid, Image, Point, blur, ellipsoid, texture

# Tissue -> signal (T1 spin echo, T2 turbo spin echo), on a scale where air is 0.
SIGNAL: dict[str, tuple[float, float]] = {
    "fat": (1000, 640), "muscle": (420, 210), "bone": (60, 40), "marrow": (620, 300), "csf": (150, 1050), "grey": (480, 520),
    "white": (690, 370), "nucleus": (545, 430), "vitreous": (170, 1080), "lens": (480, 180), "mucosa": (400, 760),
    "vessel": (60, 40), "lesion": (400, 860), "cartilage": (350, 300), "cord": (650, 380), "tongue": (460, 260),
}


Paint = Callable[[Image, str], None]
"""(where, from 0 to 1, and what) is mixed over what is there."""


@dataclass(frozen=True, slots=True)
class Head:
    """One head. `slice_at` gives the signal of a slice in any plane; the same seed gives the same folds and noise."""

    seed: int

    def slice_at(self, grid: Grid, weighting: str, number: int) -> Image:
        """Signal (about 0 to 1400) of a slice. weighting: "T1" or "T2"; number: of the slice, for its noise."""
        random = np.random.default_rng([self.seed, number, 1 if weighting == "T1" else 2])
        image: Image = np.zeros(grid.shape, np.float32)
        which = 0 if weighting == "T1" else 1

        def paint(where: Image, tissue: str) -> None:
            nonlocal image
            image = image + np.clip(where, 0, 1) * (SIGNAL[tissue][which] - image)

        _outside(grid, paint)
        _brain(grid, paint)
        _face(grid, paint)
        # A surface coil is more sensitive near it; magnitude images have Rician noise.
        image = image * (1 + 0.10 * (grid.y / 100) + 0.06 * (grid.z / 100))
        image = blur(np.asarray(image * (1 + 0.02 * texture(random, grid.shape, 6)), np.float32), 0.6)
        level = 17.0
        real = image + level * random.standard_normal(grid.shape, dtype=np.float32)
        return np.asarray(np.hypot(real, level * random.standard_normal(grid.shape, dtype=np.float32)), np.float32)


def _inside(radius: Image, scale: float, width: float = 1.6) -> Image:
    """From a normalised radius (1 at the surface): 1 inside, 0 outside; scale is mm for a radius of 1."""
    return np.asarray(np.clip(np.float32(0.5) - (radius - 1) * np.float32(scale / width), 0, 1))


def _ball(grid: Grid, centre: Point, radii: Point, turn: float = 0.0) -> Image:
    return np.sqrt(ellipsoid(grid, centre, radii, turn))


def _skull(grid: Grid, grow: float) -> Image:
    """Normalised radius of the cranium: narrower in front, flattened below."""
    front = np.clip(-grid.y / 95, 0, 1)
    x = grid.x / (70 + grow - 7 * front)
    y = (grid.y - 2) / (90 + grow)
    z = np.where(grid.z > 0, grid.z / (80 + grow), grid.z / (66 + grow))
    total = np.power(np.abs(x), 2.2) + np.power(np.abs(y), 2.2) + np.power(np.abs(z), 2.2)
    return np.asarray(np.power(total, 1 / 2.2), np.float32)


def _outside(grid: Grid, paint: Paint) -> None:
    """Scalp, neck, and the cranium with its two tables."""
    neck_middle = 22 - 0.10 * (grid.z + 60)
    neck = np.sqrt(np.square(grid.x / 56) + np.square((grid.y - neck_middle) / 58))
    in_neck = _inside(neck, 56) * (grid.z < -42)
    paint(_inside(_skull(grid, 13), 80), "fat")
    paint(in_neck, "fat")
    paint(_inside(neck * 1.10, 56) * (grid.z < -46), "muscle")
    for side in (-1, 1):
        paint(_inside(_ball(grid, (side * 68, -20, -22), (9, 30, 34)), 9), "muscle")
        for level in (-60, -85, -110, -135):
            paint(_inside(_ball(grid, (side * 26, 50, level), (19, 21, 16)), 16), "muscle")
    skull = _skull(grid, 7)
    paint(_inside(skull, 80), "bone")
    paint(_inside(_skull(grid, 5), 80) * (1 - _inside(_skull(grid, 2.6), 80)) * (grid.z > -40), "marrow")
    paint(_inside(_skull(grid, 0), 80), "csf")


def _folds(grid: Grid) -> Image:
    """A surface that is folded everywhere (a warped gyroid): zero along the sulci."""
    x, y, z = grid.x, grid.y, grid.z
    u = (x + 7 * np.sin(y / 19 + 0.4) + 5 * np.sin(z / 16)) / 5.6
    v = (y + 7 * np.sin(z / 17 + 1.1) + 5 * np.sin(np.abs(x) / 14)) / 6.2
    w = (z + 6 * np.sin(x / 18 + 2.0) + 5 * np.sin(y / 21)) / 5.9
    return np.asarray(np.sin(u) * np.cos(v) + np.sin(v) * np.cos(w) + np.sin(w) * np.cos(u), np.float32)


def _brain(grid: Grid, paint: Paint) -> None:
    """Cerebrum, ventricles, nuclei, stem, cerebellum."""
    radius = _skull(grid, -2.5)
    # The cerebrum ends at the tentorium behind, at the floors of the middle and the front fossa before it.
    tent = -14 - 0.32 * np.clip(np.abs(grid.x) - 8, 0, 40) - 0.10 * (grid.y - 10)
    temporal = np.clip((np.abs(grid.x) - 17) / 4, 0, 1) * np.clip((grid.y + 52) / 8, 0, 1)
    floor = np.where(grid.y > 12, tent, -27 - 22 * temporal - 11 * np.clip((-grid.y - 22) / 6, 0, 1))
    above = np.clip((grid.z - floor) / 2.5, 0, 1)
    cerebrum = _inside(radius, 76) * above
    # Cortex also follows the fissure between the hemispheres, except where the corpus callosum joins them.
    arch = np.sqrt(np.square(grid.y / 40) + np.square((grid.z - 2) / 26))
    beside = 1.7 * np.abs(grid.x) - 1.5 + 40 * np.clip(1.10 - arch, 0, 1)
    depth = np.minimum((1 - radius) * 76, beside)
    folds = _folds(grid)
    near = np.clip(1 - depth / 24, 0, 1)
    paint(cerebrum, "white")
    ribbon = np.clip((0.62 - np.abs(folds)) * 5, 0, 1) * np.clip((21 - depth) / 5, 0, 1)
    paint(cerebrum * np.maximum(ribbon, np.clip((3.6 - depth) / 1.2, 0, 1)), "grey")
    sulcus = np.clip((0.17 * (0.35 + near) - np.abs(folds)) * 9, 0, 1) * np.clip((17 - depth) / 4, 0, 1)
    paint(cerebrum * sulcus, "csf")
    _midline(grid, cerebrum, paint)
    _deep(grid, paint)
    _behind_and_below(grid, _inside(radius, 76) * (1 - above), paint)


def _midline(grid: Grid, cerebrum: Image, paint: Paint) -> None:
    """Fissure between the hemispheres with cortex on both sides; corpus callosum under it."""
    arch = np.sqrt(np.square((grid.y - 0) / 40) + np.square((grid.z - 2) / 26))
    outside = np.clip((arch - 1.06) * 14, 0, 1)
    width = np.abs(grid.x) - 0.35 * np.abs(np.sin(grid.y / 13))
    paint(cerebrum * outside * np.clip((3.2 - width) / 1.2, 0, 1), "grey")
    paint(cerebrum * outside * np.clip((1.7 - width) / 0.9, 0, 1), "csf")
    for side in (-1, 1):
        # Sylvian fissure and insula.
        lateral = np.abs(grid.x) - (39 - 0.004 * np.square(grid.y + 6) + 1.2 * np.sin(grid.y / 5))
        mine = (grid.x * side > 0) * np.clip((27 - np.abs(grid.y + 6)) / 4, 0, 1)
        insula = np.abs(lateral) + 3 * np.clip(np.abs(grid.z - 2) - 13, 0, 9)
        fissure = np.abs(grid.z + 3 - 0.62 * (grid.y + 6) - 2 * np.sin(grid.x / 6)) * 0.85 + 3 * np.clip(-lateral, 0, 9)
        cleft = np.minimum(insula, fissure)
        paint(cerebrum * mine * np.clip((4.6 - cleft) / 1.5, 0, 1), "grey")
        paint(cerebrum * mine * np.clip((1.5 - cleft) / 1.0, 0, 1), "csf")
    callosum = np.clip((0.19 - np.abs(arch - 0.94)) * 12, 0, 1) * np.clip((17 - np.abs(grid.x)) / 3, 0, 1)
    paint(callosum * (grid.z > -6 + 0.1 * grid.y), "white")


_VENTRICLE: tuple[tuple[Point, Point, float, float], ...] = (
    ((7, -34, 6), (10, -16, 17), 5.2, 5.6), ((10, -16, 17), (15, 12, 21), 5.6, 6.0), ((15, 12, 21), (25, 36, 10), 6.0, 8.0),
    ((25, 36, 10), (24, 58, 3), 6.5, 3.6), ((25, 36, 8), (33, 14, -16), 4.5, 3.6), ((33, 14, -16), (32, -8, -22), 3.2, 2.2),
)


def _capsule(grid: Grid, a: Point, b: Point, ra: float, rb: float) -> Image:
    d = [b[i] - a[i] for i in range(3)]
    p = (grid.x - a[0], grid.y - a[1], grid.z - a[2])
    t = np.clip((p[0] * d[0] + p[1] * d[1] + p[2] * d[2]) / sum(k * k for k in d), 0, 1)
    distance = np.sqrt(sum(np.square(p[i] - t * d[i]) for i in range(3)))
    return np.asarray(np.clip(0.5 - (distance - (ra + t * (rb - ra))) / 1.4, 0, 1))


def _deep(grid: Grid, paint: Paint) -> None:
    """Nuclei, then the ventricles beside and between them, then the lesion."""
    for side in (-1.0, 1.0):
        paint(_inside(_ball(grid, (side * 12, 6, 4), (10, 17, 11), side * -16), 11), "nucleus")
        paint(_inside(_ball(grid, (side * 26, -6, 2), (7, 20, 12), side * 12), 8), "nucleus")
        paint(_capsule(grid, (side * 15, -28, 8), (side * 19, 10, 24), 6.0, 3.0), "nucleus")
        paint(_inside(_ball(grid, (side * 25, -2, -24), (9, 17, 7)), 7), "grey")
    for side in (-1.0, 1.0):
        for a, b, ra, rb in _VENTRICLE:
            paint(_capsule(grid, (side * a[0], a[1], a[2]), (side * b[0], b[1], b[2]), ra, rb), "csf")
    third = np.maximum(np.abs(grid.x) / 2.6, np.sqrt(np.square((grid.y - 0) / 15) + np.square((grid.z - 1) / 13)))
    paint(_inside(third, 3, 1.0), "csf")
    septum = np.clip((1.1 - np.abs(grid.x)) / 0.8, 0, 1) * _inside(_ball(grid, (0, -14, 15), (6, 22, 8)), 8)
    paint(septum * 0.8, "white")
    paint(_inside(_ball(grid, (27, -22, 28), (6.5, 8, 6)), 6, 2.5), "lesion")
    paint(_inside(_ball(grid, (-30, 24, 27), (2.6, 3.2, 2.6)), 2.6, 1.8), "lesion")


def _behind_and_below(grid: Grid, fossa: Image, paint: Paint) -> None:
    """Cerebellum, which fills the posterior fossa; brain stem, spinal cord, fourth ventricle, great vessels."""
    radius = _ball(grid, (0, 46, -40), (58, 44, 36))
    inside = fossa * _inside(_ball(grid, (0, 46, -38), (56, 42, 34)), 34) * np.clip((grid.y - 8) / 4, 0, 1)
    for side in (-1.0, 1.0):
        paint(_capsule(grid, (side * 14, -2, -38), (side * 62, 20, -34), 6.0, 8.0), "bone")  # petrous ridges
    paint(inside, "grey")
    leaves = np.sin((np.hypot(grid.y - 26, (grid.z + 42) * 1.25) + 0.10 * np.abs(grid.x)) / 1.2)
    paint(inside * np.clip((leaves - 0.6) * 3, 0, 1) * np.clip((radius - 0.5) * 6, 0, 1) * 0.7, "csf")
    for side in (-1.0, 1.0):
        paint(_inside(_ball(grid, (side * 22, 42, -42), (20, 18, 12)), 11, 3), "white")
    tree = np.clip((np.abs(leaves) - 0.86) * 7, 0, 1) * inside * (radius < 0.86)
    paint(tree * 0.8, "white")
    vermis = np.clip((1.3 - np.abs(np.abs(grid.x) - 8)) / 1.0, 0, 1) * inside * (grid.z < -48)
    paint(vermis * 0.6, "csf")
    paint(_capsule(grid, (0, 10, -20), (0, 4, -44), 15, 16.5), "white")
    paint(_capsule(grid, (0, 8, -46), (0, 21, -78), 11, 7.5), "white")
    # Spinal canal below the skull, then the cord in it.
    paint(_capsule(grid, (0, 22, -74), (0, 30, -150), 10.5, 10), "csf")
    paint(_capsule(grid, (0, 20, -70), (0, 29, -150), 6.6, 5.6), "cord")
    paint(_inside(np.maximum(np.abs(grid.x) / 9, _ball(grid, (0, 24, -44), (30, 7, 13))), 7, 1.4), "csf")
    paint(_capsule(grid, (0, 22, -30), (0, 20, -16), 1.6, 1.5), "csf")
    paint(_capsule(grid, (0, -13, -34), (0, -11, -64), 2.2, 2.0), "vessel")
    for side in (-1.0, 1.0):
        paint(_capsule(grid, (side * 12, -20, -34), (side * 26, -6, -80), 2.8, 3.0), "vessel")
        paint(_capsule(grid, (side * 26, -6, -80), (side * 24, 0, -150), 3.2, 3.4), "vessel")
    paint(_inside(_ball(grid, (0, -18, -36), (6, 5, 4)), 5), "nucleus")  # pituitary
    paint(_capsule(grid, (0, 84, 10), (0, 50, 78), 3.6, 3.0) * 0.9, "vessel")  # superior sagittal sinus
    for level in range(-95, -155, -17):
        paint(_inside(np.maximum(np.hypot(grid.x, grid.y - 8) / 9, np.abs(grid.z - level) / 6.5), 7, 1.5), "marrow")
        paint(_inside(np.maximum(np.hypot(grid.x, grid.y - 8) / 9, np.abs(grid.z - level + 8.5) / 1.9), 3, 1.5), "cartilage")


def _face(grid: Grid, paint: Paint) -> None:
    """What lies before and below the cranium: face, nose, orbits with eyes, sinuses, tongue, throat."""
    below = np.clip((-34 - grid.z - 0.25 * (grid.y + 40)) / 3, 0, 1)
    face = _inside(_ball(grid, (0, -46, -78), (58, 52, 58)), 54) * below
    paint(face, "fat")
    paint(_inside(_ball(grid, (0, -44, -80), (51, 45, 52)), 46) * below, "muscle")
    paint(_inside(_ball(grid, (0, -95, -58), (10, 15, 20)), 12), "fat")
    paint(_inside(_ball(grid, (0, -66, -100), (34, 30, 26)), 28) * (grid.z < -78), "tongue")
    palate = np.clip((3 - np.abs(grid.z + 76 + 0.02 * np.square(grid.x / 4))) / 2, 0, 1)
    paint(palate * _inside(_ball(grid, (0, -60, -76), (28, 36, 12)), 20), "bone")
    jaw = np.abs(_ball(grid, (0, -50, -116), (44, 46, 60)) - 1) * 44
    paint(np.clip((5.5 - jaw) / 2, 0, 1) * np.clip((-98 - grid.z) / 3, 0, 1) * np.clip((20 - grid.y - 28) / 4, 0, 1), "bone")
    paint(np.clip((3 - jaw) / 2, 0, 1) * np.clip((-99 - grid.z) / 3, 0, 1) * np.clip((18 - grid.y - 28) / 4, 0, 1), "marrow")
    for side in (-1.0, 1.0):
        paint(_inside(_ball(grid, (side * 32, -62, -38), (20, 30, 18), side * 18), 18), "fat")
        paint(_capsule(grid, (side * 32, -66, -38), (side * 14, -28, -34), 2.6, 2.2), "white")
        for up in (-9.0, 9.0):
            paint(_capsule(grid, (side * 33, -72, -38 + up), (side * 16, -34, -35 + up / 3), 2.4, 1.8), "muscle")
        paint(_inside(_ball(grid, (side * 33, -79, -38), (13.4, 13.4, 13.4)), 13), "muscle")
        paint(_inside(_ball(grid, (side * 33, -79, -38), (12, 12, 12)), 12), "vitreous")
        paint(_inside(_ball(grid, (side * 33, -88, -38), (5, 3, 5)), 4), "lens")
        for where in (_ball(grid, (side * 30, -52, -64), (15, 20, 14)), _ball(grid, (side * 8, -56, -44), (6, 24, 13)),
                      _ball(grid, (side * 13, -82, -16), (14, 5, 9)), _ball(grid, (side * 8, -22, -46), (7, 9, 8))):
            paint(_inside(where * 0.88, 12), "mucosa")
            paint(_inside(where, 12), "vessel")  # air: no signal
    throat: tuple[tuple[Point, Point, float, float], ...] = (
        ((0, -70, -62), (0, -14, -66), 7, 8), ((0, -12, -64), (0, -16, -104), 7.5, 7), ((0, -16, -104), (0, -16, -150), 6.5, 8),
    )
    for a, b, ra, rb in throat:
        paint(_capsule(grid, a, b, ra, rb), "vessel")
    paint(_capsule(grid, (0, -4, -66), (0, -1, -150), 3, 2.6) * 0.9, "mucosa")
