"""Texts of rendering parameters: whatever arrives is a value within its bounds or a ValueError that says what to write."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.dicom import rendered
from isocenter.dicom.rendered import Fraction, Region, Viewport, Window

TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="0123456789.,-+eE ", max_size=40),
    st.lists(st.one_of(st.integers(-9999, 9999), st.floats(allow_nan=True), st.sampled_from(["", "linear", "sigmoid"])),
             max_size=7).map(lambda parts: ",".join(map(str, parts))),
)  # fmt: skip


@given(TEXTS)
def test_any_text(text: str) -> None:
    readers: tuple[Callable[[str], Any], ...] = (
        rendered.window, rendered.viewport, rendered.fraction, rendered.quality, rendered.annotations, rendered.profile,
        rendered.side, rendered.frame, rendered.decimal,
    )  # fmt: skip
    for reader in readers:
        try:
            found = reader(text)
        except ValueError as error:
            assert str(error)
            continue
        if isinstance(found, Window):
            assert found.width > 0 and abs(found.center) < float("inf")
        elif isinstance(found, Fraction):
            assert 0 <= found.left < found.right <= 1 and 0 <= found.top < found.bottom <= 1
        elif reader is rendered.viewport:
            size, region = found
            assert 1 <= size.width <= rendered.MAX_SIDE and 1 <= size.height <= rendered.MAX_SIDE
            assert region is None or (region.x >= 0 and region.width != 0 and region.height != 0)
        elif reader is rendered.quality:
            assert 1 <= found <= 100


@pytest.mark.parametrize(("text", "size", "region"), [
    ("512,512", Viewport(512, 512), None),
    ("512,512,,,512,512", Viewport(512, 512), Region(0, 0, 512, 512)),  # the example of PS3.18 8.3.5.1.3
    ("10, 20,-1.5,2", Viewport(10, 20), Region(1.5, 2)),
    ("10,20,,,-5,-6", Viewport(10, 20), Region(0, 0, 5, 6, mirrored=True, flipped=True)),
])  # fmt: skip
def test_viewports(text: str, size: Viewport, region: Region | None) -> None:
    assert rendered.viewport(text) == (size, region)


def test_windows() -> None:
    assert rendered.window("40,400,linear") == Window(40, 400, "LINEAR")
    assert rendered.window("-600.5,1e3,linear-exact") == Window(-600.5, 1000, "LINEAR_EXACT")
    assert rendered.window("1,0.5,sigmoid") == Window(1, 0.5, "SIGMOID")
    with pytest.raises(ValueError, match="at least 1"):
        rendered.window("1,0.5,linear")
