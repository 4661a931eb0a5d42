"""Frames for slow lines: from the instance's copy for viewing (HTJ2K in RPCL order) when the client would rather have it.

A client asks for it by name: `image/jphc`, or `application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.202`. The beginning
of such a frame is a smaller picture: byte ranges get it, and so does `fsiz=256,256` (JPIP, ISO/IEC 15444-9 C.4.2), which spares
the client to know where a resolution ends; the answer says in JPIP-fsiz which size it has.
"""

from array import array
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache

from isocenter.codecs import codestream
from isocenter.dicom import syntaxes
from isocenter.dicom.elements import Malformed
from isocenter.dicom.resolutions import FrameSize, Resolutions
from isocenter.dicomweb.accept import ANY, OCTETS, UNSAID, MediaRange, NotAcceptable, frame_form, wanted_syntaxes
from isocenter.dicomweb.exchange import Exchange
from isocenter.domain.errors import Invalid
from isocenter.service.retrieve import Frames, Retrieval

_RPCL = syntaxes.HTJ2K_LOSSLESS_RPCL
_JPHC = "image/jphc"  # PS3.18 Table 8.7.3-5

_HEAD = 4096  # bytes that hold a main header

Headers = tuple[tuple[bytes, bytes], ...]


async def chosen(retrieval: Retrieval, exchange: Exchange, found: Frames, numbers: Sequence[int]) -> tuple[Frames, Headers]:
    """The frames to be answered, the original's or its copy's, reduced when that was asked for; and headers about them."""
    ranges, single = exchange.accepted(), len(numbers) == 1
    if found.instance.transfer_syntax_uid == _RPCL:  # it needs no copy
        wish = _frame_size(exchange)
        if wish is None or not _accepts_stored(ranges, found, single=single):
            return found, ()
        return _reduced(replace(found, resolutions=await exchange.run(_resolutions, found, numbers)), wish) or (found, ())
    if not _named(ranges) or not _preferred(ranges, found, single=single):
        return found, ()
    known = retrieval.known_copy(found)
    copy = await exchange.run(retrieval.copy_of, found) if known == "unknown" else known
    return (found, ()) if copy is None else _reduced(copy, _frame_size(exchange)) or (copy, ())


def _resolutions(found: Frames, numbers: Sequence[int]) -> Resolutions | None:
    """Of frames that came as HTJ2K in RPCL order: the header of each tells where its resolutions end. None when one does not."""
    known: Resolutions | None = None
    for number in numbers:
        (offset, length), *others = found.place(number)
        head = found.file.read_at(offset, min(length, _HEAD))
        try:
            frame, ends = codestream.jpeg2000(head), codestream.resolutions(head)
        except Malformed:
            return None
        levels = len(ends) - 1
        known = known or Resolutions(frame.rows, frame.columns, levels, array("I", bytes(4 * max(0, levels) * found.count)))
        alike = (known.rows, known.columns, known.decompositions) == (frame.rows, frame.columns, levels)
        if others or levels < 1 or not alike or ends[-1] > length:
            return None
        known.prefixes[(number - 1) * levels : number * levels] = array("I", ends[:-1])
    return known


@lru_cache(maxsize=512)
def _named(ranges: tuple[MediaRange, ...]) -> bool:
    return any(map(_by_name, ranges))


def _by_name(media_range: MediaRange) -> bool:
    wanted = wanted_syntaxes(media_range)
    if media_range.part_type == _JPHC and (ANY in wanted or UNSAID in wanted):
        return True
    return _RPCL in wanted and media_range.part_type in (_JPHC, OCTETS)


def _preferred(ranges: Collection[MediaRange], found: Frames, *, single: bool) -> bool:
    """Whether HTJ2K is named before anything that what is stored would do for."""
    for media_range in ranges:
        if _by_name(media_range) and (single or media_range.multipart):
            return True
        try:
            frame_form((media_range,), found.instance.transfer_syntax_uid, native=found.native, single=single)
        except NotAcceptable:
            continue
        return False
    return False


def _accepts_stored(ranges: Collection[MediaRange], found: Frames, *, single: bool) -> bool:
    try:
        form = frame_form(ranges, found.instance.transfer_syntax_uid, native=False, single=single)
    except NotAcceptable:
        return False
    return form.transfer_syntax == found.instance.transfer_syntax_uid


def _reduced(frames: Frames, wish: FrameSize | None) -> tuple[Frames, Headers] | None:
    if wish is None or frames.resolutions is None:
        return None
    reduction = frames.resolutions.reduction(wish)
    columns, rows = frames.resolutions.size(reduction)
    return replace(frames, reduction=reduction), ((b"jpip-fsiz", f"{columns},{rows}".encode()),)


def _frame_size(exchange: Exchange) -> FrameSize | None:
    if not exchange.scope.get("query_string"):
        return None
    for name, value in exchange.query():
        if name == "fsiz":
            try:
                return FrameSize.parse(value)
            except ValueError:
                hint = "Write columns and rows: fsiz=256,256."
                raise Invalid("The frame size is malformed.", where="fsiz", hint=hint) from None
    return None
