"""From the values of a print job to brightness."""

from dataclasses import dataclass

import pytest

from isocenter.domain.errors import Invalid
from isocenter.domain.printing import Image, Lut, grey_of, jnd_index, linear_density, p_values


@dataclass
class Bytes:
    size: int

    def read(self, offset: int, length: int) -> bytes:
        return bytes(length)

    def pieces(self):  # type: ignore[no-untyped-def]
        yield bytes(self.size)


def image(**values: object) -> Image:
    facts: dict[str, object] = {
        "sop_instance_uid": "1.2.3", "number": 1, "rows": 2, "columns": 3, "samples": 1, "allocated": 8, "stored": 8,
        "planar": False, "inverse": False, "pixels": Bytes(6),
    }  # fmt: skip
    return Image(**{**facts, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "values",
    [{"rows": 0}, {"columns": 70000}, {"samples": 2}, {"samples": 3, "allocated": 16}, {"allocated": 12}, {"stored": 9},
     {"stored": 1}, {"aspect": (0, 1)}, {"pixels": Bytes(5)}, {"allocated": 16}],
)  # fmt: skip
def test_no_image(values: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        image(**values)


def test_polarity_comes_before_the_presentation_lut() -> None:
    assert p_values(image()).values == tuple(range(256))
    assert p_values(image(inverse=True)).values == tuple(range(255, -1, -1))
    lut = Lut(10, 12, (7, 8, 9))
    assert p_values(image(lut=lut)).values[:14] == (7,) * 11 + (8, 9, 9)
    assert p_values(image(lut=lut, inverse=True)).values[-14:] == (9, 9, 8) + (7,) * 11


def test_linear_density_becomes_brightness_as_people_see_it() -> None:
    """Equal steps of density are no equal steps of the Grayscale Standard Display Function."""
    made = linear_density(8, 20, 320, 2000, 10)
    assert (made.values[0], made.values[255], made.bits) == (0, 4095, 12)
    assert list(made.values) == sorted(made.values)
    darkest, brightest = jnd_index(10 + 2000 * 10**-3.2), jnd_index(10 + 2000 * 10**-0.2)
    for value in (64, 128, 192):
        luminance = 10 + 2000 * 10 ** -(3.2 - 3.0 * value / 255)
        assert made.values[value] == pytest.approx((jnd_index(luminance) - darkest) / (brightest - darkest) * 4095, abs=1)
    assert made.values[128] < 1500, "half way between the densities is dark"


def test_the_standard_display_function() -> None:
    """PS3.14 7.1: from index 1 at 0.05 cd/m2 to 1023 at 3993.404."""
    assert jnd_index(0.05) == pytest.approx(1, abs=0.05) and jnd_index(3993.404) == pytest.approx(1023, abs=0.1)


DENSITIES = [("BLACK", 0.0), ("WHITE", 1.0), ("", 0.0), ("20", 1.0), ("320", 0.04), ("x", 0.0)]


@pytest.mark.parametrize(("density", "expected"), DENSITIES)
def test_grounds(density: str, expected: float) -> None:
    assert grey_of(density) == pytest.approx(expected, abs=0.01)
