"""Frames for slow lines: from the instance's copy for viewing (HTJ2K in RPCL order) when the client would rather have it.

A client asks for it by name: `image/jphc`, or `application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.202`. The beginning
of such a frame is a smaller picture: byte ranges get it, and so does `fsiz=256,256` (JPIP, ISO/IEC 15444-9 C.4.2), which spares
the client to know where a resolution ends; the answer says in JPIP-fsiz which size it has.
"""

from collections.abc import Collection
from dataclasses import replace
from functools import lru_cache

from isocenter.dicom import syntaxes
from isocenter.dicom.resolutions import FrameSize
from isocenter.dicomweb.accept import ANY, OCTETS, UNSAID, MediaRange, NotAcceptable, frame_form, wanted_syntaxes
from isocenter.dicomweb.exchange import Exchange
from isocenter.domain.errors import Invalid
from isocenter.service.retrieve import Frames, Retrieval

_RPCL = syntaxes.HTJ2K_LOSSLESS_RPCL
_JPHC = "image/jphc"  # PS3.18 Table 8.7.3-5

Headers = tuple[tuple[bytes, bytes], ...]


async def chosen(retrieval: Retrieval, exchange: Exchange, found: Frames, *, single: bool) -> tuple[Frames, Headers]:
    """The frames to be answered, the original's or its copy's, reduced when that was asked for; and headers about them."""
    ranges = exchange.accepted()
    if not _named(ranges) or not _preferred(ranges, found, single=single):
        return found, ()
    known = retrieval.known_copy(found)
    copy = await exchange.run(retrieval.copy_of, found) if known == "unknown" else known
    return (found, ()) if copy is None else _reduced(exchange, copy)


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


def _reduced(exchange: Exchange, copy: Frames) -> tuple[Frames, Headers]:
    wish = _frame_size(exchange)
    if wish is None or copy.resolutions is None:
        return copy, ()
    reduction = copy.resolutions.reduction(wish)
    columns, rows = copy.resolutions.size(reduction)
    return replace(copy, reduction=reduction), ((b"jpip-fsiz", f"{columns},{rows}".encode()),)


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
