"""Pictures of frames, compared with what pydicom makes of the same pixels, and with what PS3.3 says where it says nothing."""

import io
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, pixel_array

from isocenter.codecs import grayscale, lettering, presentation, profiles, rendering, state
from isocenter.codecs.presentation import Lut, Presentation
from isocenter.dicom import native, part10
from isocenter.dicom.rendered import Fraction, Region, Rendering, Viewport, Window
from isocenter.dicom.source import BytesSource
from isocenter.dicom.view import view
from objects import part10 as made_part10

FOLDERS = ("transfer-syntaxes", "us", "cr-dx", "sc", "mg", "nm", "ct/misc", "mr/misc", "pt-ct/misc", "rt", "op", "vl",
           "pathological")  # fmt: skip
PLAIN = Rendering()


def opened(content: bytes, number: int = 1) -> tuple[bytes, Presentation]:
    """A frame's bytes and its presentation."""
    source = BytesSource(content)
    header = part10.scan(source)
    shown = presentation.read(source, header, number)
    if shown.native:
        return native.frame(source, header, number - 1), shown
    if header.frames is None:
        raise part10.Malformed("no pixels")
    return b"".join(source.read_at(offset, length) for offset, length in header.frames[number - 1]), shown


def drawn(content: bytes, asked: Rendering = PLAIN, number: int = 1) -> NDArray[np.uint8]:
    return np.asarray(rendering.drawn(*opened(content, number), asked))


def readable(data: Path) -> list[tuple[Path, bytes]]:
    """Objects of the test data with pixels that can be told apart into frames."""
    found = []
    for path in sorted(path for folder in FOLDERS for path in (data / folder).rglob("*")):
        if not path.is_file() or path.suffix == ".gz":
            continue
        content = path.read_bytes()
        try:
            header = part10.scan(BytesSource(content))
            opened(content)
        except part10.Malformed:
            continue
        if header.pixels is not None and len(content) < 8 << 20:
            found.append((path, content))
    return found


def expected(dataset: pydicom.Dataset, shown: Presentation) -> NDArray[np.float64] | None:
    """What pydicom makes of the first frame, from 0 to 255; None where it has no opinion."""
    stored = pixel_array(dataset, index=0)
    gray = shown.grayscale
    if stored.ndim == 3:
        return stored.astype(np.float64) * 255 / (2.0**dataset.BitsStored - 1)
    if shown.layout.photometric == "PALETTE COLOR":
        painted = apply_color_lut(stored, dataset)
        return (painted >> 8 if painted.max() > 255 else painted).astype(np.float64)
    if "PerFrameFunctionalGroupsSequence" in dataset or (gray.window is None and gray.voi is None):
        return None
    values = apply_voi_lut(apply_modality_lut(stored, dataset), dataset, prefer_lut=True).astype(np.float64)
    if gray.voi is not None:
        low, high = 0.0, 2.0**gray.voi.bits - 1
    else:
        low, high = (-(2.0 ** (dataset.BitsStored - 1)), 2.0 ** (dataset.BitsStored - 1) - 1) if shown.layout.signed else (
            0.0, 2.0**dataset.BitsStored - 1)  # fmt: skip
        if gray.modality is not None:
            low, high = 0.0, 2.0**gray.modality.bits - 1
        elif "RescaleSlope" in dataset:
            low, high = (end * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept) for end in (low, high))
    part = np.clip((values - low) / (high - low), 0, 1)
    return (1 - part if gray.inverse else part) * 255


# A codestream whose sign contradicts the data set: pydicom believes the codestream.
ODD = {"TOSHIBA_J2K_SIZ1_PixRep0.dcm"}


def test_pictures_are_those_of_pydicom(data: Path) -> None:
    """Every format, depth, sign, palette and colour space of the test data; within one of 255 steps."""
    compared = set()
    for path, content in readable(data):
        frame, shown = opened(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                wanted = expected(pydicom.dcmread(io.BytesIO(content), force=True), shown)
            except Exception:  # noqa: BLE001  what pydicom cannot decode is compared elsewhere
                continue
        if wanted is None or path.name in ODD:
            continue
        try:
            got = np.asarray(rendering.drawn(frame, shown, Rendering())).astype(np.float64)
        except part10.Malformed:
            continue
        difference = np.abs(got - wanted)
        if shown.padding is not None:
            values = pixel_array(pydicom.dcmread(io.BytesIO(content), force=True), index=0)
            difference = difference[(values < shown.padding[0]) | (values > shown.padding[1])]
        assert difference.size == 0 or difference.max() <= 1.01, (path, difference.max())
        compared.add((shown.transfer_syntax, shown.layout.photometric))
    assert len(compared) > 24, compared
    assert {photometric for _, photometric in compared} >= {"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL"}


@pytest.mark.parametrize(("function", "where", "wanted"), [
    # PS3.3 C.11.2.1.2.1, the example of its note: center 2048, width 4096 is y = x of 12 bits
    ("LINEAR", (2048, 4096), {0: 0.0, 4095: 1.0, 2048: 2048 / 4095}),
    ("LINEAR", (0, 1), {-1: 0.0, 0: 1.0}),
    ("LINEAR_EXACT", (100, 50), {75: 0.0, 100: 0.5, 125: 1.0, 200: 1.0}),
    ("SIGMOID", (10, 4), {10: 0.5, 14: 1 / (1 + np.exp(-4)), -10000: 0.0}),
])  # fmt: skip
def test_window_functions(function: str, where: tuple[float, float], wanted: dict[float, float]) -> None:
    values = np.array(list(wanted), dtype=np.float64)
    found = grayscale.windowed(values, Window(*where, function))
    assert np.allclose(found, list(wanted.values()), atol=1e-6)


def gradient(**values: str | int) -> bytes:
    """16 by 16 pixels, 0 to 255, of 16 bits."""
    plain = made_part10(512, **values)
    return plain[: -512] + np.arange(256, dtype="<u2").tobytes()


def test_without_a_window_all_values_are_shown() -> None:
    assert np.array_equal(drawn(gradient()).reshape(-1), np.arange(256))
    assert np.array_equal(drawn(gradient(PhotometricInterpretation="MONOCHROME1")).reshape(-1), 255 - np.arange(256))


def test_a_window_that_is_asked_for_comes_first() -> None:
    own = gradient(WindowCenter="10", WindowWidth="20")
    assert drawn(own).reshape(-1)[30] == 255
    asked = drawn(own, Rendering(window=Window(128, 256)))
    assert np.array_equal(asked.reshape(-1), np.arange(256))


def test_padding_is_black_and_does_not_count() -> None:
    padded = gradient(PixelPaddingValue=0, PixelPaddingRangeLimit=99, PhotometricInterpretation="MONOCHROME1")
    found = drawn(padded).reshape(-1)
    assert not found[:100].any() and found[100] == 255 and found[255] == 0


def test_regions_and_viewports() -> None:
    content = gradient()
    half = drawn(content, Rendering(region=Region(8, 0)))
    assert np.array_equal(half, np.arange(256, dtype=np.uint8).reshape(16, 16)[:, 8:])
    turned = drawn(content, Rendering(region=Region(8, 4, 4, 2, mirrored=True, flipped=True)))
    assert np.array_equal(turned, np.arange(256, dtype=np.uint8).reshape(16, 16)[4:6, 8:12][::-1, ::-1])
    assert drawn(content, Rendering(viewport=Viewport(64, 32))).shape == (32, 32)
    assert drawn(content, Rendering(viewport=Viewport(64, 32), region=Region(0, 0, 16, 4))).shape == (16, 64)
    assert drawn(content, Rendering(viewport=Viewport(0, 32), region=Fraction(0.5, 0, 1, 1))).shape == (32, 16)
    with pytest.raises(ValueError, match="outside"):
        drawn(content, Rendering(region=Region(16, 0)))


def test_pixels_that_are_not_square_are_shown_undistorted() -> None:
    tall = gradient(PixelAspectRatio="2\\1")
    assert drawn(tall).shape == (16, 16)  # PS3.18 8.3.5.1.3: the matrix of the source when nothing is scaled
    assert drawn(tall, Rendering(viewport=Viewport(100, 100))).shape == (100, 50)


def test_overlays_come_with_annotations(data: Path) -> None:
    content = (data / "mr/misc/examples_overlay.dcm").read_bytes()
    plain, annotated = drawn(content), drawn(content, Rendering(annotations=("technique",)))
    plane = pydicom.dcmread(data / "mr/misc/examples_overlay.dcm").overlay_array(0x6000)
    assert plane.any() and (annotated[plane == 1] == 255).mean() > 0.95
    assert (annotated[:100][plane[:100] == 0] == plain[:100][plane[:100] == 0]).all()  # the text is below


def test_annotation_is_in_the_picture() -> None:
    content = made_part10(512 * 512 * 2, Rows=512, Columns=512)
    empty = drawn(content)
    upper = drawn(content, Rendering(annotations=("patient",)))
    lower = drawn(content, Rendering(annotations=("technique",)))
    assert not empty.any()
    assert upper[:256].any() and not upper[256:].any() and lower[256:].any() and not lower[:256].any()


def test_names_in_other_alphabets() -> None:
    """A font of this machine, where there is one; never an empty box, and no error."""
    assert lettering.fitting("Müller, Jürgen", 12)[0] == "Müller, Jürgen"
    text, font = lettering.fitting("Διονυσιος", 12)
    assert text in ("Διονυσιος", "?????????")
    if text != "?????????":
        assert bytes(font.getmask("Δ")) != bytes(font.getmask("\u0378"))
    assert lettering.fitting("ab\u0378\0c", 12)[0] in ("abc", "ab?c")


def test_segmented_tables() -> None:
    """PS3.3 C.7.9.2: discrete, linear, indirect (which begins at the word after the first two segments)."""
    words = np.array([0, 1, 0, 1, 4, 400, 0, 2, 7, 9, 2, 1, 12, 0], "<u2")
    assert grayscale.entries(Lut(9, 0, 16, words.tobytes(), True)).tolist() == [0, 100, 200, 300, 400, 7, 9, 7, 9]
    with pytest.raises(part10.Malformed):
        grayscale.entries(Lut(9, 0, 16, np.array([5, 1, 0], "<u2").tobytes(), True))
    with pytest.raises(part10.Malformed):  # an indirect segment that leads to itself
        grayscale.entries(Lut(9, 0, 16, np.array([0, 1, 0, 2, 1, 6, 0], "<u2").tobytes(), True))


@pytest.mark.parametrize("name", ["srgb", "adobergb", "rommrgb", "displayp3"])
def test_colour_spaces(name: str) -> None:
    """Our profiles are read by Little CMS; white and black stay what they are, and red is seen alike in each space."""
    image = Image.new("RGB", (4, 1))
    image.putdata([(0, 0, 0), (255, 255, 255), (128, 128, 128), (200, 30, 40)])
    moved, profile = profiles.applied(image, b"", name)
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    assert ImageCms.getProfileDescription(opened).strip()
    assert moved.getpixel((0, 0)) == (0, 0, 0) and min(moved.getpixel((1, 0))) >= 254
    assert max(moved.getpixel((2, 0))) - min(moved.getpixel((2, 0))) <= 1
    back = ImageCms.profileToProfile(moved, opened, ImageCms.createProfile("sRGB"), renderingIntent=1)
    assert back is not None and np.abs(np.asarray(back).astype(int) - np.asarray(image)).max() <= 3


def test_profiles_are_embedded(data: Path) -> None:
    colour = opened((data / "us/examples_rgb_color.dcm").read_bytes())
    for media_type in (rendering.JPEG, rendering.PNG):
        for asked, there in (("no", False), ("yes", True), ("adobergb", True)):
            image = Image.open(io.BytesIO(rendering.rendered(*colour, Rendering(profile=asked), media_type)))
            assert bool(image.info.get("icc_profile")) is there, (media_type, asked)
    grey = Image.open(io.BytesIO(rendering.rendered(*opened(gradient()), Rendering(profile="yes"), rendering.PNG)))
    assert grey.mode == "L" and grey.info["icc_profile"][16:20] == b"GRAY"


def test_the_object_s_own_profile_is_used(data: Path) -> None:
    frame, shown = opened((data / "us/examples_rgb_color.dcm").read_bytes())
    own = profiles.profile("adobergb")
    shown = replace(shown, icc=own)
    image = Image.open(io.BytesIO(rendering.rendered(frame, shown, Rendering(profile="yes"), rendering.PNG)))
    assert image.info["icc_profile"] == own
    moved = np.asarray(Image.open(io.BytesIO(rendering.rendered(frame, shown, Rendering(profile="srgb"), rendering.PNG))))
    assert np.abs(moved.astype(int) - np.asarray(image)).max() > 5


def test_every_media_type_can_be_read_again() -> None:
    frame, shown = opened(gradient())
    for media_type in rendering.WRITERS:
        image = Image.open(io.BytesIO(rendering.rendered(frame, shown, Rendering(quality=100), media_type)))
        assert image.size == (16, 16) and Image.MIME[image.format or ""] == media_type
        assert np.abs(np.asarray(image.convert("L")).astype(int).reshape(-1) - np.arange(256)).max() <= 2, media_type


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_objects_are_malformed_or_shown(data: Path, chosen: st.DataObject) -> None:
    """Whatever arrives: Malformed or a picture, and no other error."""
    names = ("us/examples_palette.dcm", "enhanced/emri_small.dcm", "mr/misc/examples_overlay.dcm",
             "cr-dx/CR-ModalitySequenceLUT.dcm")  # fmt: skip
    content = bytearray(small(data / chosen.draw(st.sampled_from(names))))
    for _ in range(chosen.draw(st.integers(1, 6))):
        content[chosen.draw(st.integers(132, len(content) - 1))] = chosen.draw(st.integers(0, 255))
    try:
        frame, shown = opened(bytes(content))
        asked = Rendering(viewport=Viewport(16, 16), annotations=("patient", "technique"))
        rendering.rendered(frame, shown, asked, rendering.PNG)
    except part10.Malformed:
        pass


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damaged_states_are_malformed_or_applied(data: Path, chosen: st.DataObject) -> None:
    content = bytearray((data / "pr" / chosen.draw(st.sampled_from(["lut/prLUTs.dcm", "overlay/prOverlay.dcm"]))).read_bytes())
    for _ in range(chosen.draw(st.integers(1, 5))):
        content[chosen.draw(st.integers(132, len(content) - 1))] = chosen.draw(st.integers(0, 255))
    frame, shown = opened(gradient())
    try:
        source = BytesSource(bytes(content))
        found = view(source, part10.scan(source))
        named = [uid for _, uid, _ in state.references(found)]
        if named:
            asked = Rendering(viewport=Viewport(16, 16))
            rendering.rendered(frame, state.applied(shown, found, named[0]), asked, rendering.PNG)
    except part10.Malformed:
        pass


_small: dict[Path, bytes] = {}


def small(path: Path) -> bytes:
    """The object with few pixels, so that most damage meets its header."""
    if path not in _small:
        dataset = pydicom.dcmread(path)
        frames = int(dataset.get("NumberOfFrames", 1))
        dataset.Rows, dataset.Columns = 8, 8
        dataset.PixelData = bytes(64 * dataset.BitsAllocated // 8 * dataset.SamplesPerPixel * frames)
        out = io.BytesIO()
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
        dataset["PixelData"].is_undefined_length = False
        dataset.save_as(out, implicit_vr=False, little_endian=True)
        _small[path] = out.getvalue()
    return _small[path]


