"""What the client will take (PS3.18 8.6 and 8.7), decided by pure functions over the Accept header and what is stored.

Nothing is transcoded yet, so a negotiation is a comparison: an object or a frame goes out as it is stored, or not at all. A
missing `transfer-syntax` parameter takes any stored syntax for `application/dicom`, whose file meta information says what it
is, and for `image/*`; for `application/octet-stream` it keeps the standard's default, Explicit VR Little Endian (PS3.18
8.7.3.5.2), because bytes that do not say what they are must not be a surprise.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from isocenter.dicom import syntaxes
from isocenter.domain.errors import Invalid, Unsupported

EXPLICIT_LITTLE = syntaxes.EXPLICIT_VR_LITTLE_ENDIAN
IMPLICIT_LITTLE = syntaxes.IMPLICIT_VR_LITTLE_ENDIAN
DICOM = "application/dicom"
DICOM_JSON = "application/dicom+json"
JSON = "application/json"
OCTETS = "application/octet-stream"
MULTIPART = "multipart/related"

MAX_HEADER = 8 * 1024  # what web servers allow one header line; a list of every media type of PS3.18 is under 2 KiB

# Names of older editions for what the table of transfer syntaxes calls by its present name.
_SYNONYMS = {
    "image/x-jls": "image/jls",
    "image/jpeg-ls": "image/jls",
    "image/x-dicom-rle": "image/dicom-rle",
    "video/mpeg2": "video/mpeg",
}


class NotAcceptable(Unsupported):
    """Nothing the client accepts can be answered (HTTP 406)."""


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One entry of an Accept header; `parameters` has lower-case names and no `q`."""

    name: str
    parameters: Mapping[str, str]
    q: float = 1.0

    @property
    def multipart(self) -> bool:
        return self.name in (MULTIPART, "multipart/*")

    @property
    def part_type(self) -> str:
        """The media type of the payload itself: for multipart that of its parts."""
        name = self.parameters.get("type", "*/*").lower() if self.multipart else self.name
        return _SYNONYMS.get(name, name)

    def covers(self, media_type: str) -> bool:
        """True if the payload may be of `media_type`."""
        wanted = self.part_type
        return wanted in ("*/*", media_type) or (wanted.endswith("/*") and media_type.startswith(wanted[:-1]))


@dataclass(frozen=True, slots=True)
class Form:
    """The shape of an answer: multipart or a single part, of which media type and transfer syntax."""

    multipart: bool
    media_type: str
    transfer_syntax: str = ""

    @property
    def label(self) -> str:
        """The Content-Type of one part (PS3.18 8.7.3.5.2)."""
        return f"{self.media_type}; transfer-syntax={self.transfer_syntax}" if self.transfer_syntax else self.media_type


_TOKEN = re.compile(r'\s*([^\s;,="]+)\s*')
_PARAMETER = re.compile(r'\s*;\s*([^\s;,="]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*')


def parse_media_type(text: str, position: int = 0) -> tuple[str, dict[str, str], int]:
    """(name in lower case, parameters, where it ended). Values may be quoted or not: `type=application/dicom` is common."""
    name = _TOKEN.match(text, position)
    if name is None or "/" not in name[1]:
        raise Invalid("A media type is malformed.", where="Accept" if position else "Content-Type")
    parameters: dict[str, str] = {}
    end = name.end()
    while found := _PARAMETER.match(text, end):
        quoted, bare = found[2], found[3]
        parameters[found[1].lower()] = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare
        end = found.end()
    return name[1].lower(), parameters, end


def parse_accept(header: str) -> tuple[MediaRange, ...]:
    """The ranges of an Accept header, most wanted first; an empty header accepts everything (RFC 9110 12.5.1)."""
    if len(header) > MAX_HEADER:
        raise Invalid("The Accept header is too long.", where="Accept", hint="The limit is 8 KiB.")
    return tuple(sorted(_ranges(header), key=lambda media_range: -media_range.q)) or (MediaRange("*/*", {}),)


def _ranges(header: str) -> Iterator[MediaRange]:
    position = 0
    while position < len(header):
        if header[position] in ", \t":
            position += 1
            continue
        try:
            name, parameters, position = parse_media_type(header, position)
        except Invalid:
            raise Invalid("The Accept header is malformed.", where="Accept") from None
        if position < len(header) and header[position] != ",":
            raise Invalid("The Accept header is malformed.", where="Accept")
        q = _quality(parameters.pop("q", "1"))
        if q > 0:
            yield MediaRange(name, parameters, q)


def _quality(text: str) -> float:
    if not re.fullmatch(r"[01](\.[0-9]{0,3})?", text):
        raise Invalid("A q value in the Accept header is malformed.", where="Accept")
    return min(float(text), 1.0)


def json_form(ranges: Collection[MediaRange]) -> str:
    """The Content-Type for JSON answers: DICOM JSON unless only plain JSON is accepted."""
    for media_range in ranges:
        for media_type in (DICOM_JSON, JSON):
            if not media_range.multipart and media_range.covers(media_type):
                return media_type
    raise NotAcceptable("This resource is answered as JSON only.", where="Accept", hint=f"Accept {DICOM_JSON}.")


def dataset_form(ranges: Collection[MediaRange], stored: Collection[str], *, single: bool) -> Form:
    """How to answer whole instances that are `stored` in these transfer syntaxes; `single` if it is the one instance of a URL.

    Every stored syntax must be acceptable: an answer that leaves images out silently is worse than none.
    """
    for media_range in ranges:
        if not media_range.covers(DICOM):
            continue
        wanted = media_range.parameters.get("transfer-syntax", "*")
        if wanted != "*" and any(syntax != wanted for syntax in stored):
            continue
        if media_range.multipart or media_range.name in ("*/*", "application/*"):
            return Form(True, DICOM)
        if single:
            return Form(False, DICOM)
    raise NotAcceptable(
        f"The instances are stored as {', '.join(sorted(stored))} and are not converted.",
        where="Accept",
        hint=f'Accept {MULTIPART}; type="{DICOM}"; transfer-syntax=*.',
    )


def frame_form(ranges: Collection[MediaRange], stored: str, *, native: bool, single: bool) -> Form:
    """How to answer frames that are `stored` in this transfer syntax; `native` if they are not compressed.

    Native frames leave in little endian, which Explicit and Implicit VR Little Endian share. `single`: one frame was asked for,
    so that an answer without multipart is possible.
    """
    syntax = syntaxes.get(stored)
    media_type = OCTETS if native or syntax is None else syntax.media_type
    for media_range in ranges:
        multipart = media_range.multipart or media_range.name == "*/*"
        if not (multipart or single):
            continue
        answer = _native_answer(media_range) if native else _encapsulated_answer(media_range, media_type, stored)
        if answer is not None:
            return Form(multipart, *answer)
    raise NotAcceptable(
        f"The frames are stored as {media_type}; transfer-syntax={EXPLICIT_LITTLE if native else stored} and are not converted.",
        where="Accept",
        hint=f'Accept {MULTIPART}; type="{media_type}" or {MULTIPART}; type="{OCTETS}"; transfer-syntax=*.',
    )


def _native_answer(media_range: MediaRange) -> tuple[str, str] | None:
    wanted = media_range.parameters.get("transfer-syntax", "*")
    if not media_range.covers(OCTETS) or wanted not in ("*", EXPLICIT_LITTLE, IMPLICIT_LITTLE):
        return None
    return OCTETS, IMPLICIT_LITTLE if wanted == IMPLICIT_LITTLE else EXPLICIT_LITTLE


def _encapsulated_answer(media_range: MediaRange, media_type: str, stored: str) -> tuple[str, str] | None:
    if media_range.part_type == OCTETS:  # without a syntax it means Explicit VR Little Endian (see above)
        return (OCTETS, stored) if media_range.parameters.get("transfer-syntax") in ("*", stored) else None
    fits = media_range.covers(media_type) and media_range.parameters.get("transfer-syntax", "*") in ("*", stored)
    return (media_type, stored) if fits else None
