"""DICOM files (PS3.10) as the archive sees them: one bounded pass gives header, place of the pixels and frame table."""

from collections.abc import Mapping
from dataclasses import dataclass

from . import fragments, syntaxes
from .attributes import Attribute, keyword_of
from .elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    LONG_VRS,
    SHORT_VRS,
    Encoding,
    Malformed,
    Window,
    guess,
    name,
    truncated,
)
from .extra import NONE, Extras, values_of
from .frames import FrameTable
from .inflate import InflatedSource
from .meta import FileMeta, ae_titles, file_meta, file_meta_of, read
from .source import Source
from .values import integer, plain, text_in, text_of, texts
from .walk import CHARACTER_SET, ISSUER_QUALIFIERS, PHOTOMETRIC_INTERPRETATION, SAMPLES_PER_PIXEL, Found, PixelData, walk

__all__ = [
    "Beginning",
    "FileMeta",
    "Header",
    "Malformed",
    "PixelData",
    "ae_titles",
    "bare_syntax",
    "begin",
    "data_set",
    "encoding_of",
    "file_meta",
    "file_meta_of",
    "scan",
]


@dataclass(frozen=True, slots=True)
class Header:
    """What the archive needs to know of one object; see `scan`.

    sop_class_uid, sop_instance_uid: of the data set, of the file meta information only where the data set lacks them.
    dataset_offset: where the data set's bytes begin in the file. values: keyword -> text of every attribute of the attribute
    table that is present; multiple values joined by backslashes, a PN with its groups joined by "=", numbers as text.
    frames: None without pixel data, and for a deflated data set, whose frames have no place in the file.
    number_of_frames: 1 when the object has pixel data and does not say, 0 without pixel data.
    warnings: faults that were tolerated, short sentences without patient data. extras: (declared attribute, text) likewise.
    universal_issuer: Universal Entity ID (0040,0032) in the Issuer of Patient ID Qualifiers Sequence, "" without it.
    """

    transfer_syntax_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    media_storage_sop_class_uid: str
    media_storage_sop_instance_uid: str
    dataset_offset: int
    values: Mapping[str, str]
    study_instance_uid: str
    series_instance_uid: str
    pixels: PixelData | None
    frames: FrameTable | None
    number_of_frames: int
    rows: int
    columns: int
    samples_per_pixel: int
    bits_allocated: int
    photometric_interpretation: str
    specific_character_set: str
    warnings: tuple[str, ...]
    extras: tuple[tuple[Attribute, str], ...] = ()
    universal_issuer: str = ""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What was found in the beginning of an object that is still arriving; see `begin`. told: the warnings of its texts.

    base, head: the bytes from `base` that were read then, so that `scan` need not fetch them again while the sender waits.
    """

    meta: FileMeta
    encoding: Encoding
    found: Found
    values: Mapping[str, str]
    told: tuple[str, ...]
    number_of_values: int
    base: int
    head: bytes


def begin(source: Source, extras: Extras = NONE) -> Beginning | None:
    """Return what there is in the part of an object that has arrived, for `scan` to go on from; None when that is too little.

    So the header is read while its pixels are still on their way, and not while the sender waits for its answer.
    extras: what is wanted besides the attribute table, the same as of `scan`.
    """
    try:
        window = Window(source)
        meta = read(window)
        syntax = syntaxes.get(meta.transfer_syntax_uid)
        if syntax is None or syntax.deflated:
            return None
        encoding, warning = encoding_of(window, meta.dataset_offset, syntax)
        found = walk(window, meta.dataset_offset, encoding, partly=True, wanted=extras.wanted)
    except Malformed:
        return None
    if found.stopped is None or found.stopped[0] == meta.dataset_offset:
        return None  # nothing of the data set is there: what we took for its beginning may be the rest of group 2
    found.warnings[:0] = [*meta.warnings, *warning]
    told: list[str] = []
    values = texts(found.values, plain(found.values.get(CHARACTER_SET)), encoding, told)
    return Beginning(meta, encoding, found, values, tuple(told), len(found.values), window.base, window.buffer)


def scan(source: Source, beginning: Beginning | None = None, extras: Extras = NONE) -> Header:
    """Return the header of the object in `source`. The whole object must be there; `beginning`: of this very object.

    Malformed when it is no DICOM Part 10 file, is cut short (truncated=True), or cannot be read to its end.
    """
    window = Window(source)
    if beginning is not None:
        meta, encoding = beginning.meta, beginning.encoding
        window.base, window.buffer = beginning.base, beginning.head
        found = walk(window, meta.dataset_offset, encoding, begun=beginning.found, wanted=extras.wanted)
        values = beginning.values if len(found.values) == beginning.number_of_values else None
        if values is not None:
            found.warnings.extend(beginning.told)
        return _header(meta, window, encoding, found, syntaxes.get(meta.transfer_syntax_uid), values, extras)
    meta = read(window)
    syntax = syntaxes.get(meta.transfer_syntax_uid)
    start = meta.dataset_offset
    if syntax is not None and syntax.deflated:
        window, start = Window(InflatedSource(source, start)), 0
    encoding, warning = encoding_of(window, start, syntax)
    found = walk(window, start, encoding, wanted=extras.wanted)
    found.warnings[:0] = [*meta.warnings, *warning]
    return _header(meta, window, encoding, found, syntax, None, extras)


def data_set(source: Source, header: Header) -> tuple[Source, int, Encoding]:
    """Return the source in which the data set's offsets count, where it begins there, and how its elements are encoded.

    That source is `source` itself unless the data set is deflated.
    """
    syntax = syntaxes.get(header.transfer_syntax_uid)
    if syntax is not None and syntax.deflated:
        source = InflatedSource(source, header.dataset_offset)
        start = 0
    else:
        start = header.dataset_offset
    encoding, _ = encoding_of(Window(source, start), start, syntax)
    return source, start, encoding


def encoding_of(window: Window, start: int, syntax: syntaxes.TransferSyntax | None) -> tuple[Encoding, tuple[str, ...]]:
    """Return how the data set is really written; an unknown transfer syntax is taken for explicit VR little endian."""
    if syntax is None or (syntax.explicit_vr and syntax.little_endian):
        declared = EXPLICIT_LITTLE
    else:
        declared = EXPLICIT_BIG if syntax.explicit_vr else IMPLICIT_LITTLE
    at = window.seek(start)
    actual = guess(window.buffer[at : at + 8], declared)
    if actual is declared:
        return declared, ()
    return actual, ("the data set is not encoded as its transfer syntax says",)


def bare_syntax(source: Source) -> str | None:
    """Return the transfer syntax of a data set that has neither preamble nor group 2, or None when this is no such data set.

    Only what reads without a fault to its last byte is taken for one: ascending tags from group 0008 on, every VR known.
    """
    window = Window(source)
    window.seek(0)
    head = window.buffer[:8]
    group = int.from_bytes(head[:2], "little")
    uid, encoding = syntaxes.IMPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_LITTLE
    if head[4:6] in SHORT_VRS or head[4:6] in LONG_VRS:
        uid, encoding = syntaxes.EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_LITTLE
        if group > 0xFF:
            uid, encoding = syntaxes.EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_BIG
            group = int.from_bytes(head[:2], "big")
    if not 4 <= group <= 8 or group % 2:
        return None
    try:
        tag = window.element(0, encoding)[0]
        found = walk(window, 0, encoding)
    except Malformed:
        return None
    known = tag & 0xFFFF == 0 or keyword_of(tag) != ""
    return uid if known and found.values and not found.warnings else None


_UNIVERSAL_ENTITY_ID = 0x00400032
_COLORS = ("RGB", "YBR_")  # PS3.3 C.7.6.3.1.2: three samples a pixel


def _header(
    meta: FileMeta, window: Window, encoding: Encoding, found: Found, syntax: syntaxes.TransferSyntax | None,
    known: Mapping[str, str] | None, extras: Extras,
) -> Header:
    raw, warnings = found.values, found.warnings
    charsets = plain(raw.get(CHARACTER_SET))
    values = texts(raw, charsets, encoding, warnings) if known is None else known
    number_of_frames = max(integer(values.get("NumberOfFrames", "")), 1 if found.pixels else 0)
    rows, columns, bits = (integer(values.get(keyword, "")) for keyword in ("Rows", "Columns", "BitsAllocated"))
    photometric = plain(raw.get(PHOTOMETRIC_INTERPRETATION))
    samples = integer(text_of(raw[SAMPLES_PER_PIXEL], "US", "", encoding)[0]) if SAMPLES_PER_PIXEL in raw else 0
    samples = samples or (3 if photometric.upper().startswith(_COLORS) else 1)  # frame grabbers leave it out
    frames: FrameTable | None = None
    if found.pixels is not None and not (syntax is not None and syntax.deflated):
        geometry = _Geometry(rows, columns, samples, bits, photometric, number_of_frames)
        frames = _frames(window, found, geometry, syntax)
    if found.items is not None and syntax is not None and not syntax.encapsulated:
        warnings.append("pixel data is encapsulated though the transfer syntax is not")
    elif found.items is None and found.pixels is not None and syntax is not None and syntax.encapsulated:
        warnings.append("pixel data is not encapsulated though the transfer syntax is")
    return Header(
        transfer_syntax_uid=meta.transfer_syntax_uid,
        sop_class_uid=values.get("SOPClassUID", "") or meta.sop_class_uid,
        sop_instance_uid=values.get("SOPInstanceUID", "") or meta.sop_instance_uid,
        media_storage_sop_class_uid=meta.sop_class_uid,
        media_storage_sop_instance_uid=meta.sop_instance_uid,
        dataset_offset=meta.dataset_offset,
        values=values,
        study_instance_uid=values.get("StudyInstanceUID", ""),
        series_instance_uid=values.get("SeriesInstanceUID", ""),
        pixels=found.pixels,
        frames=frames,
        number_of_frames=number_of_frames,
        rows=rows,
        columns=columns,
        samples_per_pixel=samples,
        bits_allocated=bits,
        photometric_interpretation=photometric,
        specific_character_set=charsets,
        warnings=tuple(warnings),
        extras=values_of(extras, raw, charsets, encoding) if extras.attributes else (),
        universal_issuer=text_in(raw.get(ISSUER_QUALIFIERS), _UNIVERSAL_ENTITY_ID, "UT", encoding),
    )


@dataclass(frozen=True, slots=True)
class _Geometry:
    rows: int
    columns: int
    samples: int
    bits: int
    photometric: str
    number_of_frames: int


def _frames(window: Window, found: Found, geometry: _Geometry, syntax: syntaxes.TransferSyntax | None) -> FrameTable:
    """Return the frame table; Malformed when encapsulated pixel data ends without its delimiter in the middle of a frame."""
    items, pixels = found.items, found.pixels
    assert pixels is not None
    if items is None:
        bits = {0x7FE00008: 32, 0x7FE00009: 64}.get(pixels.tag, geometry.bits)  # PS3.3 C.7.6.24, C.7.6.25
        table, warnings = fragments.native_table(
            pixels.offset,
            pixels.length or 0,
            rows=geometry.rows,
            columns=geometry.columns,
            samples=geometry.samples,
            bits=bits,
            photometric=geometry.photometric,
            number_of_frames=geometry.number_of_frames,
        )
    else:
        table, warnings = fragments.encapsulated_table(
            window,
            items,
            geometry.number_of_frames,
            stream=syntax is not None and syntax.video,
            rle=syntax is not None and syntax.uid == syntaxes.RLE_LOSSLESS,
            extended_offsets=found.extended_offsets,
        )
        if not items.closed:
            complete = not table.addressable or len(table) >= geometry.number_of_frames
            if not (complete and fragments.ends_whole(window, items)):
                raise truncated(name(pixels.tag))
            found.warnings.append("the delimiter after the pixel data is missing")
    found.warnings.extend(warnings)
    return table
