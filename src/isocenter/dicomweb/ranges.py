"""Byte ranges of single-part answers (RFC 9110 14): what a Range header means for a body of known size."""

import re
from collections.abc import Sequence
from itertools import pairwise

from isocenter.domain.errors import Unsupported

Span = tuple[int, int]  # first and last byte

MOST = 64  # ranges of one request; who wants more is served the whole
_RANGES = re.compile(r"bytes=([0-9,\- \t]{1,4096})", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]{0,19})-([0-9]{0,19})")


class NotSatisfiable(Unsupported):
    """No byte that is asked for is there (HTTP 416). size: of the whole."""

    def __init__(self, size: int) -> None:
        super().__init__("None of these bytes are there.", where="Range", hint=f"There are {size} bytes.")
        self.size = size


def spans(header: str, size: int) -> Sequence[Span]:
    """The spans to send, in the order in which they are asked for; none when the whole is to be sent. Raises NotSatisfiable.

    A header that is malformed, in another unit, or asks for many or overlapping ranges is ignored (RFC 9110 14.2).
    """
    found = _RANGES.fullmatch(header.strip())
    if found is None:
        return ()
    entries = [entry.strip() for entry in found[1].split(",") if entry.strip()]
    if not 0 < len(entries) <= MOST:
        return ()
    wanted: list[Span] = []
    for entry in entries:
        match = _RANGE.fullmatch(entry)
        if match is None or match[1] == match[2] == "":
            return ()
        if match[1] and match[2] and int(match[1]) > int(match[2]):
            return ()
        first = int(match[1]) if match[1] else max(size - int(match[2]), 0)
        last = min(int(match[2]), size - 1) if match[1] and match[2] else size - 1
        if first <= last and (match[1] or int(match[2])):
            wanted.append((first, last))
    if not wanted:
        raise NotSatisfiable(size)
    return wanted if len(wanted) == 1 or _apart(wanted) else ()


def _apart(wanted: Sequence[Span]) -> bool:
    ordered = sorted(wanted)
    return all(before[1] < after[0] for before, after in pairwise(ordered))
