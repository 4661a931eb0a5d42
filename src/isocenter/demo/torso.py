"""A torso in Hounsfield units: chest and upper abdomen in the portal venous phase, made of analytic bodies.

x to the left, y to the back, z to the head (LPS); z = 0 is about the dome of the diaphragm. Anatomy is schematic, but each thing
is where a radiologist looks for it, with its usual density.
"""

from dataclasses import dataclass, field

import numpy as np

from isocenter.demo.shapes import (
    Bundle,
    Grid,
    Image,
    Point,
    Tube,
    blur,
    branches,
    ellipsoid,
    near,
    path,
    soft,
    texture,
    tubes_distance,
)

AIR, FAT, MUSCLE, LUNG = -1000.0, -98.0, 58.0, -855.0
LIVER, SPLEEN, CORTEX, MEDULLA, BLOOD, MYOCARDIUM = 112.0, 122.0, 195.0, 130.0, 168.0, 108.0

TOP, BOTTOM = 195.0, -110.0  # mm; what `Torso` is made for
SPINE = 62.0  # y of the middle of a vertebral body
VERTEBRA = 33.0  # mm from one disc to the next
RIBS = 12


@dataclass(frozen=True, slots=True)
class Nodule:
    """A solid lung nodule."""

    centre: Point
    radius: float


@dataclass(slots=True)
class Torso:
    """One person. `slice_at` gives HU of an axial slice; the same seed gives the same vessels."""

    seed: int
    nodule: Nodule | None = None
    _lung_vessels: Bundle = field(init=False)
    _airways: Bundle = field(init=False)
    _liver_vessels: Bundle = field(init=False)

    def __post_init__(self) -> None:
        random = np.random.default_rng(self.seed)
        vessels: list[Tube] = []
        airways: list[Tube] = []
        liver: list[Tube] = []
        for side, hilum in ((-1, (-38.0, 2.0, 78.0)), (1, (42.0, 6.0, 84.0))):
            aims = ((0.5, -0.2, 1.0), (0.9, -0.7, 0.4), (1.0, 0.3, 0.2), (0.8, 0.8, 0.3), (0.8, -0.7, -0.5), (0.7, 0.3, -1.0),
                    (0.35, 0.75, -1.0), (0.25, 0.2, 1.0), (0.6, 0.75, -0.3))
            for aim in aims:
                towards = (side * aim[0], aim[1], aim[2])
                vessels += branches(random, hilum, towards, 4.4, 7, 0.8, 27)
                beside = (hilum[0] + side * 3, hilum[1] - 5, hilum[2] - 6)
                vessels += branches(random, beside, (towards[0], towards[1] - 0.3, towards[2] - 0.2), 3.6, 7, 0.9, 27)
                airways += branches(random, (hilum[0], hilum[1] + 5, hilum[2]), towards, 2.9, 1, 0.4, 20)
        airways += path([(2, 6, 230), (1, 12, 150), (0, 16, 112)], [8.8, 8.6, 8.4])
        airways += path([(0, 16, 112), (-18, 14, 96), (-40, 8, 80)], [7.6, 6.6, 5.4])
        airways += path([(0, 16, 112), (20, 16, 95), (42, 12, 84)], [7.0, 6.0, 5.0])
        for aim in ((-1.0, 0.2, 0.5), (-1.0, -0.6, 0.0), (-0.8, 0.6, -0.3), (0.8, -0.9, 0.3), (-0.6, -0.2, -1.0)):
            liver += branches(random, (-32, 0, -42), aim, 5.2, 5, 0.55, 30)
        for aim in ((-0.9, 0.1, -0.6), (-0.3, -0.8, -0.5), (-0.9, -0.5, -0.1)):
            liver += branches(random, (-22, 24, 4), aim, 4.8, 4, 0.5, 30)
        self._lung_vessels, self._airways, self._liver_vessels = Bundle(vessels), Bundle(airways), Bundle(liver)

    def slice_at(self, grid: Grid, noise: float = 14.0) -> Image:
        """HU of an axial slice. noise: standard deviation in HU inside the body; 0 for none."""
        z = float(grid.z.flat[0])
        random = np.random.default_rng([self.seed, round((z + 1000) * 10)])
        body, cage = _outline(grid, z)
        image = np.full(grid.shape, AIR, np.float32)
        _table(image, grid)
        _wall(image, grid, body, cage, z)
        lungs = self._chest(image, grid, cage, z, random)
        _abdomen(image, grid, cage, lungs, z, random, self._liver_vessels)
        _vessels_of_trunk(image, grid, z)
        _spine(image, grid, z, random)
        _rib_cage(image, grid, cage, z)
        image = blur(image, 0.55 / max(grid.fine / 0.75, 0.5))
        if noise:
            image += _noise(random, image, body, noise)
        return image

    def _chest(self, image: Image, grid: Grid, cage: Image, z: float, random: np.random.Generator) -> Image:
        """Mediastinum, heart and lungs above the diaphragm; returns where lung is (0 to 1)."""
        lungs = _lungs(grid, cage, z)
        if not lungs.any():
            return lungs
        depth = (grid.y + 100) / 200
        fine = texture(random, image.shape, 5) * 12 + texture(random, image.shape, 14) * 10
        _blend(image, lungs, LUNG - 28 + 55 * depth + fine)
        vessels = tubes_distance(grid, self._lung_vessels)
        _blend(image, lungs * soft(vessels, 1.1), 45.0)
        airway = tubes_distance(grid, self._airways)
        _blend(image, soft(airway - 0.8, 1.2), 10.0)
        _blend(image, soft(airway, 1.0), AIR + 15)
        if self.nodule is not None:
            _nodule(image, grid, self.nodule, lungs)
        return lungs


def _tubes(image: Image, grid: Grid, bundle: Bundle, width: float, value: float, *, within: "Image | None" = None,
           grow: float = 0.0) -> None:
    """Paint tubes where a slice meets some; grow: mm added to their radius."""
    if bundle.at(float(grid.z.flat[0])):
        weight = soft(tubes_distance(grid, bundle) - grow, width)
        _blend(image, weight if within is None else weight * within, value)


def _blend(image: Image, weight: Image, value: "float | Image") -> None:
    """Mix value into the image where weight is more than nothing."""
    image += weight * (value - image)


def _curve(z: float, *points: tuple[float, float]) -> float:
    """Piecewise linear in z; points by rising z."""
    return float(np.interp(z, [p[0] for p in points], [p[1] for p in points]))


def _outline(grid: Grid, z: float) -> tuple[Image, Image]:
    """Distance from the skin (negative inside), and normalised radius of the inner side of ribs and belly wall (1 there)."""
    # The back lies on the table: the outline's middle is a little behind the origin.
    width = _curve(z, (-110, 158), (-40, 163), (60, 172), (130, 178), (165, 170), (195, 120))
    depth = _curve(z, (-110, 112), (-20, 114), (60, 116), (130, 108), (165, 98), (195, 88))
    back = grid.y - 6
    angle = np.arctan2(back / depth, grid.x / width)
    wobble = 1 + 0.018 * np.cos(2 * angle) + 0.012 * np.sin(3 * angle + 0.6) - 0.022 * np.exp(-np.square((angle - 1.57) / 0.22))
    radius = np.power(np.power(np.abs(grid.x / width), 2.5) + np.power(np.abs(back / depth), 2.5), 0.4) / wobble
    body = (radius - 1) * min(width, depth)
    inner_width = _curve(z, (-110, 122), (-40, 128), (40, 130), (110, 118), (150, 92), (175, 62), (195, 34))
    inner_depth = _curve(z, (-110, 82), (-20, 86), (60, 88), (130, 76), (170, 56), (195, 40))
    centre = _curve(z, (-110, -6), (60, -4), (195, 8))
    x, y = np.abs(grid.x / inner_width), np.abs((grid.y - centre) / inner_depth)
    cage = np.power(np.power(x, 2.25) + np.power(y, 2.25), 1 / 2.25)
    return np.asarray(body, np.float32), np.asarray(cage, np.float32)


def _table(image: Image, grid: Grid) -> None:
    """A curved carbon table: foam between two thin skins."""
    surface = 124 - np.square(grid.x) / 1500
    distance = np.abs(grid.y - surface - 9) - 9
    inside = np.abs(grid.x) < 205
    _blend(image, soft(distance, 1.0) * inside, -880.0)
    _blend(image, soft(np.abs(distance + 0.8) - 0.8, 0.8) * inside, -150.0)


def _wall(image: Image, grid: Grid, body: Image, cage: Image, z: float) -> None:
    """Skin, fat under it, muscles of chest and belly."""
    _blend(image, soft(body, 1.0), 25.0)
    fat = _curve(z, (-110, 20), (0, 14), (100, 11), (195, 9))
    _blend(image, soft(body + 2.0, 1.0), FAT)
    strands = np.sin(grid.x / 6 + np.sin(grid.y / 7) * 2) * np.sin(grid.y / 5.5)
    _blend(image, soft(body + fat, 3.0) * soft((cage - 1.0) * -90, 3.0), MUSCLE - 10 + 8 * strands)
    gap = soft(np.abs(body + fat + 9) - 0.9, 1.5) * (cage > 1.06)
    _blend(image, gap * 0.75, FAT + 20)
    for side in (-1.0, 1.0):
        # Erector spinae beside the spine, with fat around.
        part = near(grid, (side * 32, 92, z), (30, 18, 40))
        if part is not None:
            muscle = np.sqrt(ellipsoid(part[0], (side * 32, 92, z), (30, 18, 40), side * 10))
            _blend(image[part[1]], soft((muscle - 1) * 18, 3.0) * soft(body[part[1]] + 8, 3.0), 55.0)
    # The cavity: fat of peritoneum or mediastinum, on which the organs are painted.
    _blend(image, soft((cage - 1.0) * 90, 2.0), FAT + 4)


def _dome(grid: Grid) -> Image:
    """Height of the diaphragm, mm: two domes, the right one higher; it falls towards the back."""
    right = 28 - np.square((grid.x + 62) / 11.5) - np.square((grid.y + 12) / 9.2)
    left = 16 - np.square((grid.x - 66) / 11.0) - np.square((grid.y + 10) / 9.0)
    return np.asarray(np.maximum(np.maximum(right, left), -56), np.float32)


def _lungs(grid: Grid, cage: Image, z: float) -> Image:
    """Where lung is: inside the cage, above the diaphragm, beside the mediastinum."""
    half = _curve(z, (-80, 34), (0, 36), (30, 34), (70, 27), (110, 26), (150, 28), (195, 36))
    back = np.clip((grid.y - 20) / 60, 0, 1)
    front = np.clip((-grid.y - 30) / 40, 0, 1)
    middle = half * (1 - 0.35 * front) * (1 - 0.25 * back) + 2.5 * np.sin(grid.y / 17)
    beside = soft(middle - np.abs(grid.x), 2.0)
    inside = soft((cage - 0.985) * 90, 1.5)
    lungs = inside * beside * soft(_dome(grid) - z, 2.5)
    lungs *= 1 - soft((np.sqrt(_heart(grid)) - 1.03) * 50, 3.0)
    spine = np.sqrt(np.square(grid.x / 31) + np.square((grid.y - 66) / 29))
    lungs *= 1 - soft((spine - 1) * 28, 2.0)
    descending = np.hypot(grid.x - 25, grid.y - 40) - 15.5
    lungs *= 1 - soft(descending, 1.5)
    top = 183 - np.square(np.abs(grid.x) - 46) / 40 - np.square(grid.y - 14) / 60
    return np.asarray(lungs * soft(z - top, 3.0), np.float32)


def _heart(grid: Grid) -> Image:
    return ellipsoid(grid, (22, -30, 38), (68, 50, 56), 28)


def _nodule(image: Image, grid: Grid, nodule: Nodule, lungs: Image) -> None:
    """A lobulated ball with a few spicules."""
    x, y = grid.x - nodule.centre[0], grid.y - nodule.centre[1]
    height = float(grid.z.flat[0]) - nodule.centre[2]
    angle = np.arctan2(y, x)
    lobes = 1 + 0.10 * np.cos(5 * angle + height) + 0.07 * np.cos(3 * angle - 1.3)
    distance = np.sqrt(x * x + y * y + height * height) - nodule.radius * lobes
    spicules = 0.5 * np.exp(-np.clip(distance, 0, 99) / (0.4 * nodule.radius)) * (np.cos(9 * angle + 0.7 * height) > 0.72)
    weight = np.maximum(soft(distance, 1.6), spicules * (distance > 0)) * (lungs > 0.1)
    _blend(image, np.asarray(weight, np.float32), 38.0)


def _abdomen(image: Image, grid: Grid, cage: Image, lungs: Image, z: float, random: np.random.Generator,
             liver_vessels: Bundle) -> None:
    """Heart and the organs below the diaphragm."""
    free = (1 - lungs) * soft((cage - 0.975) * 90, 2.0)
    if z > -25:
        _paint_heart(image, grid, free)
    if z > 40:
        return
    below = soft(z - _dome(grid) + 3, 2.5) * free
    muscle = soft(np.abs(z - _dome(grid)) - 2.5, 2.0) * free
    _blend(image, muscle * 0.7, 45.0)
    _stomach(image, grid, below, z)
    part = near(grid, (103, 42, -22), (32, 50, 48))
    if part is not None:
        local, window = part
        spleen = np.sqrt(ellipsoid(local, (103, 42, -22), (32, 50, 48), -24)) + 0.05 * np.sin(local.y / 9)
        _blend(image[window], below[window] * soft((spleen - 1) * 36, 1.5), SPLEEN + texture(random, spleen.shape, 18) * 4)
    _paint_liver(image, grid, below, z, random, liver_vessels)
    for side, low in ((-1.0, -80.0), (1.0, -70.0)):
        _kidney(image, grid, side, low, random)
    _bowel(image, grid, below, z)


def _paint_heart(image: Image, grid: Grid, free: Image) -> None:
    heart = np.sqrt(_heart(grid))
    _blend(image, free * soft((heart - 1.06) * 50, 2.0), FAT + 25)
    _blend(image, free * soft((heart - 0.95) * 50, 2.0), MYOCARDIUM)
    chambers: tuple[tuple[Point, Point, float], ...] = (
        ((44, -28, 26), (31, 21, 32), 28.0), ((8, -58, 30), (38, 17, 34), 34.0),
        ((18, 8, 58), (32, 17, 26), 8.0), ((-28, -20, 42), (19, 29, 34), 14.0),
    )
    for centre, radii, turn in chambers:
        part = near(grid, centre, radii)
        if part is not None:
            chamber = np.sqrt(ellipsoid(part[0], centre, radii, turn))
            _blend(image[part[1]], free[part[1]] * soft((chamber - 1) * 22, 2.0), BLOOD)


def _paint_liver(image: Image, grid: Grid, below: Image, z: float, random: np.random.Generator, vessels: Bundle) -> None:
    right = np.sqrt(ellipsoid(grid, (-62, 0, -36), (86, 84, 92), 6))
    left = np.sqrt(ellipsoid(grid, (6, -44, -18), (66, 32, 46), -10))
    notch = soft((np.sqrt(ellipsoid(grid, (-18, 34, -52), (40, 34, 60))) - 1) * 30, 6.0)
    liver = np.maximum(soft((right - 1) * 80, 2.0) * (1 - notch), soft((left - 1) * 40, 2.0))
    liver = below * liver * soft(_curve(z, (-110, 22), (-96, 0), (40, -60)) - (grid.x + 135) / 8, 4.0)
    _blend(image, liver, LIVER + texture(random, image.shape, 22) * 3.5 + texture(random, image.shape, 7) * 2.5)
    _tubes(image, grid, vessels, 2.0, BLOOD, within=np.asarray(liver, np.float32))
    gall: tuple[tuple[Point, Point, float], ...] = (((-52, -44, -66), (15, 22, 26), 20.0), ((-96, 22, -34), (9, 9, 9), 0.0))
    for centre, radii, turn in gall:  # the bladder with its wall; a cyst has next to none
        part = near(grid, centre, radii)
        if part is not None:
            inside = np.sqrt(ellipsoid(part[0], centre, radii, turn))
            _blend(image[part[1]], below[part[1]] * soft((inside - 1 - turn * 0.006) * radii[1], 1.5), 70.0)
            _blend(image[part[1]], below[part[1]] * soft((inside - 1) * radii[1], 1.5), 7.0)


def _stomach(image: Image, grid: Grid, below: Image, z: float) -> None:
    part = near(grid, (64, -26, -30), (46, 40, 46))
    if part is None:
        return
    grid, window = part
    image, below = image[window], below[window]
    folds = 0.02 * np.sin(grid.x / 5 + np.sin(grid.y / 8)) * np.sin(grid.y / 6 + z / 9)
    stomach = np.sqrt(ellipsoid(grid, (64, -26, -30), (46, 40, 46), 24)) + folds
    _blend(image, below * soft((stomach - 1.0) * 40, 2.0), 78.0)
    inside = below * soft((stomach - 0.89) * 40, 1.5)
    _blend(image, inside, 14.0)
    _blend(image, inside * soft(grid.y + 40, 1.2), AIR + 30)


def _kidney(image: Image, grid: Grid, side: float, low: float, random: np.random.Generator) -> None:
    part = near(grid, (side * 64, 52, low), (29, 24, 52), 1.6)
    if part is None:
        return
    grid, window = part
    image = image[window]
    kidney = np.sqrt(ellipsoid(grid, (side * 64, 52, low), (29, 24, 52), side * -28))
    fat = soft((kidney - 1.3) * 26, 4.0) * (grid.y > 20)
    _blend(image, fat * 0.9, FAT)
    _blend(image, soft((kidney - 1) * 26, 1.5), CORTEX)
    angle = np.arctan2(grid.y - 52, grid.x - side * 64)
    fan = np.clip(np.cos(angle * 5 + grid.z / 6) * 2 + 0.6, 0, 1)
    pyramids = soft((kidney - 0.8) * 26, 2.0) * soft((0.42 - kidney) * 26, 2.0) * fan
    _blend(image, np.asarray(pyramids * 0.8, np.float32), MEDULLA)
    hilum = np.sqrt(ellipsoid(grid, (side * 52, 44, low), (19, 11, 26), side * -28))
    _blend(image, soft((hilum - 1) * 15, 3.0), FAT + 8)
    pelvis = np.sqrt(ellipsoid(grid, (side * 53, 45, low), (9, 4, 14), side * -28))
    _blend(image, soft((pelvis - 1) * 6, 2.0), 12.0)


def _bowel(image: Image, grid: Grid, below: Image, z: float) -> None:
    """Pancreas, then loops of colon and small bowel in the lower slices."""
    if _PANCREAS.at(z):
        _blend(image, below * soft(tubes_distance(grid, _PANCREAS) + 0.8 * np.sin(grid.x / 3), 2.0), 92.0)
    loops: tuple[tuple[Point, Point, float], ...] = (
        ((108, -18, -78), (17, 20, 40), 0.6), ((-102, -18, -104), (20, 22, 22), 0.7), ((20, -62, -84), (44, 15, 16), 0.8),
        ((62, 2, -98), (22, 18, 24), 0.0), ((16, -22, -104), (26, 18, 24), 0.25), ((74, -48, -96), (24, 16, 22), 0.0),
        ((46, -14, -78), (18, 14, 16), 0.0), ((86, 6, -88), (15, 19, 20), 0.0), ((36, 20, -88), (17, 13, 16), 0.0),
        ((-22, -48, -98), (24, 15, 18), 0.2), ((52, -40, -70), (20, 12, 12), 0.0), ((-52, -30, -112), (22, 18, 16), 0.0),
    )
    _tubes(image, grid, _MESENTERY, 1.4, 120.0, within=below)
    for centre, radii, air in loops:
        part = near(grid, centre, radii)
        if part is None:
            continue
        local, window = part
        loop = np.sqrt(ellipsoid(local, centre, radii)) + 0.04 * np.sin(local.x / 4) * np.sin(local.y / 5)
        _blend(image[window], below[window] * soft((loop - 1) * radii[1], 1.5), 84.0)
        inner = below[window] * soft((loop - 0.82) * radii[1], 1.5)
        _blend(image[window], inner, 28.0)
        if air:
            _blend(image[window], inner * soft(local.y - (centre[1] - radii[1] * (0.8 - air)), 1.2), AIR + 40)


def _both(points: "list[Point]", radii: list[float]) -> Bundle:
    """A path and its mirror image on the other side."""
    return Bundle([*path(points, radii), *path([(-x, y, z) for x, y, z in points], radii)])


_AORTA = Bundle(path(
    [(6, -18, 52), (-8, -34, 84), (-4, -30, 112), (10, -8, 128), (24, 24, 124), (27, 38, 104), (25, 40, 40), (12, 36, -20),
     (7, 32, -70), (6, 30, -125)], [15, 15, 14.5, 13.5, 12.5, 12, 11.5, 11, 10, 9.5]))
_PULMONARY = Bundle([
    *path([(14, -44, 62), (22, -30, 90), (6, -4, 92), (-30, 2, 82)], [14, 13.5, 11.5, 8.5]),
    *path([(22, -30, 90), (32, -8, 92), (44, 4, 86)], [13, 11.5, 8.5]),
])
_VEINS = Bundle([
    *path([(-27, -12, 44), (-28, -20, 88), (-25, -24, 128), (-16, -26, 160), (-30, -18, 196)], [10, 10, 9.5, 7.5, 6]),
    *path([(-25, -24, 132), (4, -38, 142), (40, -24, 162)], [7, 6.5, 5.5]),
    *path([(-22, 18, 22), (-24, 20, -30), (-22, 25, -80), (-20, 26, -125)], [12.5, 12, 11.5, 11]),
    *path([(-30, 2, -46), (-10, 4, -60), (6, -2, -78)], [6.5, 6.5, 5]),
    *path([(-8, 4, -60), (40, 14, -50), (84, 34, -34)], [4.5, 4, 3.5]),
])
_NECK = Bundle([
    *path([(-6, -8, 124), (-24, 0, 160), (-40, 4, 200)], [6, 5.5, 4.5]),
    *path([(12, -4, 126), (26, 4, 160), (34, 6, 200)], [4.5, 4.2, 4]),
    *path([(8, -10, 122), (18, 10, 126), (40, 30, 172)], [5, 5, 4.5]),
    *path([(7, 32, -60), (22, 26, -62), (54, 46, -70)], [4, 3.5, 3]),
    *path([(7, 32, -64), (-20, 40, -72), (-52, 46, -80)], [4, 3.5, 3]),
    *path([(8, 30, -44), (6, 14, -52), (4, 2, -90)], [4.5, 4, 3.5]),
])
_OESOPHAGUS = Bundle(path([(4, 32, 200), (6, 34, 120), (10, 30, 40), (20, 16, -8), (36, -4, -18)], [7, 7, 7.5, 8, 8]))
_PANCREAS = Bundle(path([(-34, 4, -70), (-6, -4, -62), (34, 8, -52), (72, 28, -42)], [12, 9, 9, 7]))
_ADRENALS = _both([(34, 34, -26), (40, 40, -38), (46, 34, -48)], [2.4, 2.8, 2])
_CRURA = _both([(12, 34, 6), (15, 40, -40), (14, 44, -110)], [4, 4.5, 3.5])
_PSOAS = _both([(25, 58, -52), (36, 56, -125)], [6, 15])
_COLLAR = _both([(20, -56, 168), (70, -44, 180), (128, -8, 190)], [8, 6, 6.5])


def _mesentery() -> Bundle:
    random = np.random.default_rng(3)
    aims = ((0.9, -0.6, -0.7), (0.2, -1.0, -0.8), (-0.8, -0.7, -0.8), (1.0, -0.1, -0.3), (0.6, -1.0, -0.3))
    return Bundle([tube for aim in aims for tube in branches(random, (5, 8, -60), aim, 2.6, 4, 0.5, 20)])


_MESENTERY = _mesentery()


def _vessels_of_trunk(image: Image, grid: Grid, z: float) -> None:
    """Aorta with arch, pulmonary arteries, caval veins, portal vein; oesophagus, thyroid, adrenals, crura and psoas too."""
    for tubes, value in ((_VEINS, BLOOD - 12), (_PULMONARY, BLOOD), (_NECK, BLOOD + 8), (_AORTA, BLOOD + 6)):
        _tubes(image, grid, tubes, 1.6, value)
    _tubes(image, grid, _OESOPHAGUS, 1.5, 48.0)
    _tubes(image, grid, _OESOPHAGUS, 1.5, 0.0, grow=-5.6)
    for side in (-1.0, 1.0):
        part = near(grid, (side * 17, -6, 197), (9, 13, 22))
        if part is not None:
            thyroid = np.sqrt(ellipsoid(part[0], (side * 17, -6, 197), (9, 13, 22)))
            _blend(image[part[1]], soft((thyroid - 1) * 10, 1.5), 150.0)
    for tubes, value in ((_ADRENALS, 70.0), (_CRURA, 60.0), (_PSOAS, 60.0)):
        _tubes(image, grid, tubes, 1.8, value)


def _spine(image: Image, grid: Grid, z: float, random: np.random.Generator) -> None:
    """Body with cortical rim, disc between two bodies, arch with canal, processes."""
    phase = (z + 400) % VERTEBRA
    disc = phase < 6.5
    size = _curve(z, (-110, 1.12), (60, 1.0), (195, 0.82))
    waist = 1 - 0.07 * np.sin(np.pi * min(max((phase - 6.5) / (VERTEBRA - 6.5), 0), 1))
    flat = np.where(grid.y > SPINE + 2, 1.25, 1.0)
    body = np.sqrt(np.square(grid.x / (21 * size * waist)) + np.square((grid.y - SPINE) / (16.5 * size * waist) * flat))
    distance = (body - 1) * 16.5 * size
    trabecular = 205 + texture(random, image.shape, 3) * 26 + texture(random, image.shape, 9) * 20
    if disc:
        _blend(image, soft(distance, 1.2), 88.0)
    else:
        plate = 1.0 if phase < 8.3 or phase > VERTEBRA - 1.8 else 0.0
        _blend(image, soft(distance, 1.0), 620.0)
        _blend(image, soft(distance + 1.9, 1.2) * (1 - 0.7 * plate), trabecular)
    centre = SPINE + 16.5 * size + 9
    canal = np.hypot(grid.x / 1.15, grid.y - centre) - 9.2
    arch = 0.35 if disc else 1.0
    ring = np.hypot(grid.x / 1.15, grid.y - centre) - 14.5
    _blend(image, soft(ring, 1.2) * arch * (grid.y > centre - 12), 560.0)
    _blend(image, soft(np.abs(ring + 2.8) - 1.2, 1.0) * 0.6 * arch, 320.0)
    tilt = _curve(z, (-110, 0.0), (195, 1.0))
    spinous = np.maximum(np.abs(grid.x) - 2.8, np.abs(grid.y - centre - 20) - 8.5 + 2 * tilt)
    _blend(image, soft(spinous, 1.5) * (0.5 if disc else 1.0), 520.0)
    _blend(image, soft(spinous + 1.7, 1.2) * (0.4 if disc else 0.9), 260.0)
    if 12 < phase < 24:
        for side in (-1.0, 1.0):
            transverse = np.sqrt(ellipsoid(grid, (side * 29, centre + 2, z), (17, 4.6, 9), side * 22))
            _blend(image, soft((transverse - 1) * 4.6, 1.2), 540.0)
            _blend(image, soft((transverse - 0.62) * 4.6, 1.2), 240.0)
    _blend(image, soft(canal, 1.5), 22.0)
    cord = np.hypot(grid.x / 1.3, grid.y - centre) - 4.6
    _blend(image, soft(cord, 1.5), 42.0)


def _rib_cage(image: Image, grid: Grid, cage: Image, z: float) -> None:
    """Ribs that run down from back to front, so that a slice cuts several of them; sternum, shoulder blades, collar bones."""
    angle = np.arctan2(np.abs(grid.x), grid.y + 4)  # 0 at the back, pi in front
    turn = angle / np.pi
    fall = 112 * np.power(np.clip(turn, 0, 1), 1.1) - 8 * np.sin(turn * np.pi)
    spacing = 24.5
    number = (196 - z - fall) / spacing
    nearest = np.round(number)
    across = (number - nearest) * spacing
    radial = (cage - 1.075) * 88
    rib = np.sqrt(np.square(across / 6.4) + np.square(radial / 4.3))
    last_front = np.where(nearest < 10, 0.86, 0.55)
    present = (nearest >= 0) & (nearest < RIBS) & (turn > 0.10) & (turn < last_front) & (np.abs(radial) < 9)
    cartilage = turn > np.where(nearest < 7, 0.74, 0.64)
    distance = (rib - 1) * 4.3
    _blend(image, soft(distance, 1.0) * present, np.where(cartilage, 115.0, 780.0).astype(np.float32))
    _blend(image, soft(distance + 1.5, 1.0) * present * ~cartilage, 230.0)
    if 15 < z < 150:
        width = _curve(z, (15, 9), (40, 17), (110, 19), (150, 27))
        front = -_curve(z, (-20, 96), (60, 96), (130, 76), (170, 58)) - 3
        sternum = np.sqrt(ellipsoid(grid, (0, front, z), (width, 6.2, 10)))
        _blend(image, soft((sternum - 1) * 6.2, 1.2), 520.0)
        _blend(image, soft((sternum - 0.72) * 6.2, 1.2), 175.0)
    if z > 78:
        for side in (-1.0, 1.0):
            points = [(side * 84, 78, z), (side * 118, 50, z), (side * 142, 22, z)]
            blade = tubes_distance(grid, Bundle(path(points, [2.2, 2.4, 4.0 + (z - 78) / 30])))
            _blend(image, soft(blade, 1.2), 600.0)
            _blend(image, soft(blade + 1.4, 1.2) * 0.8, 260.0)
    _tubes(image, grid, _COLLAR, 1.2, 640.0)
    _tubes(image, grid, _COLLAR, 1.2, 250.0, grow=-1.8)


def _noise(random: np.random.Generator, image: Image, body: Image, level: float) -> Image:
    """Quantum noise: stronger in the middle of the body, weaker in air, correlated by the reconstruction kernel."""
    white = random.standard_normal(image.shape, dtype=np.float32)
    shaped = blur(white, 0.75)
    shaped -= 0.35 * blur(white, 1.8)
    shaped /= shaped.std()
    depth = np.clip(-body / 90, 0, 1)
    return np.asarray(shaped * level * (0.45 + 0.75 * depth), np.float32)
