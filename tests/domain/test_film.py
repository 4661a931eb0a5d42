"""Sheets of film: sizes, boxes and how images lie in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.domain.errors import Invalid
from isocenter.domain.film import MOST_IMAGES, WHOLE, Fit, Rect, annotations, cells, placed, sheet_size

CELL = Rect(10, 20, 100, 200)


@pytest.mark.parametrize(
    ("size", "orientation", "expected"),
    [
        ("8INX10IN", "PORTRAIT", (203.2, 254.0)), ("8INX10IN", "LANDSCAPE", (254.0, 203.2)), ("24CMX30CM", "", (240.0, 300.0)),
        ("8_5INX11IN", "PORTRAIT", (215.9, 279.4)), ("A4", "PORTRAIT", (210.0, 297.0)), ("", "", (355.6, 431.8)),
    ],
)  # fmt: skip
def test_sizes(size: str, orientation: str, expected: tuple[float, float]) -> None:
    assert sheet_size(size, orientation) == pytest.approx(expected)


@pytest.mark.parametrize("size", ["B17", "14INX", "1INX1IN", "999CMX999CM", "14inches"])
def test_no_size(size: str) -> None:
    with pytest.raises(Invalid):
        sheet_size(size, "")


def test_the_order_of_positions() -> None:
    """PS3.3 C.13.5: STANDARD and ROW count along rows, COL along columns."""
    standard = cells("STANDARD\\3,2", 300, 200)
    assert len(standard) == 6
    assert standard[0].y == standard[2].y < standard[3].y and standard[0].x == standard[3].x < standard[1].x
    column = cells("COL\\2,1", 300, 200)
    assert column[0].x == column[1].x < column[2].x and column[0].y < column[1].y and column[2].height > column[0].height
    row = cells("ROW\\1,2", 300, 200)
    assert row[0].width > row[1].width and row[1].y == row[2].y > row[0].y
    assert len(cells("SLIDE", 300, 200)) == 20


@pytest.mark.parametrize(
    "display_format",
    ["", "STANDARD", "STANDARD\\2", "STANDARD\\2,2,2", "STANDARD\\0,1", "ROW\\", "ROW\\1,-2", "COL\\1,x", "CUSTOM\\1",
     f"STANDARD\\{MOST_IMAGES},2", "STANDARD\\\u0662,1"],
)  # fmt: skip
def test_no_display_format(display_format: str) -> None:
    with pytest.raises(Invalid):
        cells(display_format, 300, 200)


@given(st.integers(1, 12), st.integers(1, 12), st.sampled_from(["8INX10IN", "14INX17IN", "A4"]), st.booleans())
def test_boxes_lie_on_the_sheet_and_not_over_each_other(columns: int, rows: int, size: str, annotated: bool) -> None:
    width, height = sheet_size(size, "")
    made = cells(f"STANDARD\\{columns},{rows}", width, height, annotated=annotated)
    assert len(made) == columns * rows
    for cell in made:
        assert cell.x >= 0 and cell.y >= 0 and cell.x + cell.width <= width and cell.y + cell.height <= height
    for first in made:
        for second in made:
            apart = (first.x + first.width < second.x or second.x + second.width < first.x
                     or first.y + first.height < second.y or second.y + second.height < first.y)  # fmt: skip
            assert first is second or apart


@given(st.integers(1, 5000), st.integers(1, 5000), st.floats(0.2, 5), st.just(0.0) | st.floats(1, 500), st.booleans(),
       st.sampled_from([Fit.DECIMATE, Fit.CROP]))  # fmt: skip
def test_an_image_keeps_its_shape_and_its_box(
    rows: int, columns: int, aspect: float, requested: float, magnified: bool, fit: Fit
) -> None:
    found = placed(CELL, rows, columns, aspect=aspect, requested_width=requested, magnified=magnified, fit=fit)
    rect, shown = found.rect, found.shown
    assert rect.x >= CELL.x - 1e-6 and rect.x + rect.width <= CELL.x + CELL.width + 1e-6
    assert rect.y >= CELL.y - 1e-6 and rect.y + rect.height <= CELL.y + CELL.height + 1e-6
    shape = rect.height / rect.width
    assert shape == pytest.approx(rows * shown.height * aspect / (columns * shown.width), rel=1e-6)
    assert fit is Fit.CROP or shown == WHOLE


def test_what_is_asked_for() -> None:
    assert placed(CELL, 100, 100, requested_width=50).rect == Rect(35, 95, 50, 50)
    assert placed(CELL, 100, 100, magnified=False).rect.width == pytest.approx(100 * 25.4 / 300)
    cropped = placed(CELL, 100, 100, requested_width=200, fit=Fit.CROP)
    assert (cropped.rect, cropped.shown, cropped.too_large) == (Rect(10, 20, 100, 200), Rect(0.25, 0, 0.5, 1), True)
    with pytest.raises(Invalid):
        placed(CELL, 100, 100, requested_width=101, fit=Fit.FAIL)


def test_places_of_annotations() -> None:
    assert annotations("", 300, 200) == ()
    (label,) = annotations("label", 300, 200)
    assert (label.x, label.align) == (150, 0.5) and label.y > 180
    assert len(annotations("SIX", 300, 200)) == 6
