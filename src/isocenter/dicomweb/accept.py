"""What the client will take (PS3.18 8.6 and 8.7), decided by pure functions over the Accept header and what is stored.

What is stored in an accepted form goes out as it is; else it is converted to what is wanted most. Without a `transfer-syntax`
parameter `application/dicom` and `application/octet-stream` mean Explicit VR Little Endian, unless only a lossy form is held
(PS3.18 8.7.3), and `image/*` any stored syntax of that media type; who accepts everything, or says nothing, gets what is stored.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby

from isocenter.dicom import syntaxes
from isocenter.domain.errors import Invalid, Unsupported

EXPLICIT_LITTLE = syntaxes.EXPLICIT_VR_LITTLE_ENDIAN
IMPLICIT_LITTLE = syntaxes.IMPLICIT_VR_LITTLE_ENDIAN
DICOM = "application/dicom"
DICOM_JSON = "application/dicom+json"
DICOM_XML = "application/dicom+xml"
JSON = "application/json"
OCTETS = "application/octet-stream"
MULTIPART = "multipart/related"
ZIP = "application/zip"

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
    """One entry of an Accept header; `parameters` has lower-case names and no `q`. refused: what a wildcard does not mean."""

    name: str
    parameters: Mapping[str, str] = field(hash=False)
    q: float = 1.0
    refused: frozenset[str] = frozenset()

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
        fits = wanted in ("*/*", media_type) or (wanted.endswith("/*") and media_type.startswith(wanted[:-1]))
        return fits and not (self.refused and (media_type in self.refused or f"{media_type.split('/')[0]}/*" in self.refused))


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
    """The ranges of an Accept header, most wanted first; an empty header accepts everything (RFC 9110 12.5.1).

    None when it wants nothing. What has q=0 is not acceptable, also where a wildcard would cover it (RFC 9110 12.4.2).
    """
    if len(header) > MAX_HEADER:
        raise Invalid("The Accept header is too long.", where="Accept", hint="The limit is 8 KiB.")
    ranges = sorted(_ranges(header), key=lambda media_range: -media_range.q) or [MediaRange("*/*", {})]
    unwanted = [each for each in ranges if not each.q]
    return tuple(_without(each, unwanted) if unwanted else each for each in ranges if each.q)


def _without(media_range: MediaRange, unwanted: Iterable[MediaRange]) -> MediaRange:
    """The range without what is refused by a more specific one, of one part or of several as it is."""
    refused = frozenset(
        each.part_type
        for each in unwanted
        if (media_range.name == "*/*" or each.multipart == media_range.multipart)
        and each.part_type.count("*") < media_range.part_type.count("*")
        and "transfer-syntax" not in each.parameters
    )
    return replace(media_range, refused=refused)


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
        yield MediaRange(name, parameters, q)


def _quality(text: str) -> float:
    if not re.fullmatch(r"[01](\.[0-9]{0,3})?", text):
        raise Invalid("A q value in the Accept header is malformed.", where="Accept")
    return min(float(text), 1.0)


def metadata_form(ranges: Collection[MediaRange], *, single: bool) -> Form:
    """How to answer metadata: JSON, or the Native DICOM Model, each data set a part, or alone when there is a `single` one."""
    for media_range in ranges:
        if not media_range.multipart:
            for media_type in (DICOM_JSON, JSON):
                if media_range.covers(media_type):
                    return Form(False, media_type)
        if media_range.covers(DICOM_XML) and (media_range.multipart or single):
            return Form(media_range.multipart, DICOM_XML)
    raise NotAcceptable("Metadata are answered as JSON or XML.", where="Accept",
                        hint=f'Accept {DICOM_JSON} or {MULTIPART}; type="{DICOM_XML}".')


ANY, UNSAID = "*", ""
"""Transfer syntaxes that a range may want beside UIDs: any, and the default of PS3.18 8.7.3."""


def wanted_syntaxes(media_range: MediaRange) -> tuple[str, ...]:
    """What the `transfer-syntax` parameter says, the first the dearest: UIDs (several may be given), ANY or UNSAID."""
    text = media_range.parameters.get("transfer-syntax", "")
    return tuple(part for part in re.split(r"[,\s]+", text) if part) or (UNSAID,)


def _by_quality(ranges: Iterable[MediaRange]) -> Iterator[list[MediaRange]]:
    """The ranges that are wanted alike, the dearest first."""
    for _, alike in groupby(ranges, lambda media_range: media_range.q):
        yield list(alike)


# ---- whole instances


@dataclass(frozen=True, slots=True)
class DatasetForm:
    """The shape of an answer of whole instances. syntaxes: those that are wanted alike in one tuple, the dearest first."""

    multipart: bool
    syntaxes: tuple[tuple[str, ...], ...]
    media_type: str = DICOM


def dataset_form(ranges: Collection[MediaRange], *, single: bool) -> DatasetForm:
    """How to answer whole instances; `single` if it is the one instance of a URL."""
    for alike in _by_quality(ranges):
        for media_range in alike:
            if media_range.name == ZIP:
                wanted = wanted_syntaxes(media_range)
                return DatasetForm(False, ((ANY,) if wanted == (UNSAID,) else wanted,), ZIP)
            if not media_range.covers(DICOM):
                continue
            everything = media_range.name in ("*/*", "application/*", "multipart/*")
            multipart = media_range.multipart or everything
            if multipart or single:
                shape = [each for each in ranges if each.covers(DICOM) and (each.multipart or each.name == "*/*") == multipart]
                return DatasetForm(multipart, tuple(_syntaxes(group) for group in _by_quality(shape or [media_range])))
    raise NotAcceptable(
        f"This resource is answered as {DICOM} or {ZIP}.",
        where="Accept",
        hint=f'Accept {MULTIPART}; type="{DICOM}"; transfer-syntax=*.',
    )


def _syntaxes(alike: Iterable[MediaRange]) -> tuple[str, ...]:
    """Who accepts every media type takes what is stored as it is; a media type without a syntax means its default."""
    found: list[str] = []
    for media_range in alike:
        everything = "*" in media_range.part_type and "transfer-syntax" not in media_range.parameters
        found += (ANY,) if everything else wanted_syntaxes(media_range)
    return tuple(found)


def needs_look(form: DatasetForm, stored: str) -> bool:
    """Whether an object's header is needed for `dataset_syntax`."""
    return not _as_stored(form.syntaxes[0], stored)


def dataset_syntax(form: DatasetForm, stored: str, possible: Callable[[str], bool], *, pixels: bool = True) -> str | None:
    """The transfer syntax in which an instance leaves; None when it cannot be had in any that is wanted.

    What was compressed with loss stays as it is where none is named, and so does what cannot be converted (PS3.18 8.7.3). An
    object without pixels has nothing that could be compressed: it leaves as Explicit VR Little Endian then.
    """
    for alike in form.syntaxes:
        if _as_stored(alike, stored):
            return stored
        for wanted in alike:
            target = EXPLICIT_LITTLE if wanted == UNSAID or not pixels else wanted
            if target == stored or possible(target):
                return target
            if wanted == UNSAID:
                return stored
    return None


def _as_stored(alike: Collection[str], stored: str) -> bool:
    syntax = syntaxes.get(stored)
    lossy = syntax is None or syntax.lossy
    return ANY in alike or stored in alike or (UNSAID in alike and (lossy or stored == EXPLICIT_LITTLE))


# ---- frames


def frame_form(
    ranges: Collection[MediaRange], stored: str, *, native: bool, single: bool, possible: Callable[[str], bool] = lambda _: False
) -> Form:
    """How to answer frames that are `stored` in this transfer syntax; `native` if they are not compressed.

    Native frames leave in little endian, which Explicit and Implicit VR Little Endian share. `single`: one frame was asked for,
    so that an answer without multipart is possible. possible: whether frames can be had in another transfer syntax. Of what is
    wanted alike the stored form goes before others.
    """
    settled = _settled(tuple(ranges), stored, native, single)
    return settled if settled is not None else _frame_form(ranges, stored, native, single, possible)


class _Undecided(Exception):
    """It depends on what is possible."""


def _ask(target: str) -> bool:
    raise _Undecided


@lru_cache(maxsize=1024)  # viewers send the same few headers all day
def _settled(ranges: tuple[MediaRange, ...], stored: str, native: bool, single: bool) -> Form | None:
    """The form, when it is one that needs no conversion whatever is possible."""
    try:
        return _frame_form(ranges, stored, native, single, _ask)
    except (_Undecided, NotAcceptable):
        return None


def _frame_form(
    ranges: Collection[MediaRange], stored: str, native: bool, single: bool, possible: Callable[[str], bool]
) -> Form:
    syntax = syntaxes.get(stored)
    media_type = OCTETS if native or syntax is None else syntax.media_type
    for alike in _by_quality(ranges):
        shaped = [each for each in alike if single or each.multipart or each.name == "*/*"]
        for media_range in shaped:
            answer = _native_answer(media_range) if native else _encapsulated_answer(media_range, media_type, stored)
            if answer is not None:
                return Form(_is_multipart(media_range), *answer)
        for media_range in shaped:
            for answer in _converted_answers(media_range):
                if possible(answer[1]):
                    return Form(_is_multipart(media_range), *answer)
    raise NotAcceptable(
        f"The frames are stored as {media_type}; transfer-syntax={EXPLICIT_LITTLE if native else stored} and cannot be had in a "
        "form that is accepted.",
        where="Accept",
        hint=f'Accept {MULTIPART}; type="{media_type}" or {MULTIPART}; type="{OCTETS}"; transfer-syntax=*.',
    )


def _is_multipart(media_range: MediaRange) -> bool:
    return media_range.multipart or media_range.name == "*/*"


def _native_answer(media_range: MediaRange) -> tuple[str, str] | None:
    if not media_range.covers(OCTETS):
        return None
    for wanted in wanted_syntaxes(media_range):
        if wanted in (ANY, UNSAID, EXPLICIT_LITTLE, IMPLICIT_LITTLE):
            return OCTETS, IMPLICIT_LITTLE if wanted == IMPLICIT_LITTLE else EXPLICIT_LITTLE
    return None


def _encapsulated_answer(media_range: MediaRange, media_type: str, stored: str) -> tuple[str, str] | None:
    wanted = wanted_syntaxes(media_range)
    if media_range.part_type == OCTETS:  # without a syntax it means Explicit VR Little Endian (see above)
        return (OCTETS, stored) if ANY in wanted or stored in wanted else None
    fits = media_range.covers(media_type) and (ANY in wanted or UNSAID in wanted or stored in wanted)
    return (media_type, stored) if fits else None


# The default of each media type (PS3.18 Table 8.7.3-5), none of them lossy: who wants that names it.
_DEFAULTS = tuple("1.2.840.10008.1.2." + number for number in ("4.70", "4.80", "4.90", "4.201", "5"))


def _converted_answers(media_range: MediaRange) -> Iterator[tuple[str, str]]:
    """(media type, transfer syntax) of what a range means, the dearest first."""
    wanted = wanted_syntaxes(media_range)
    if media_range.covers(OCTETS):
        yield from ((OCTETS, EXPLICIT_LITTLE if each == UNSAID else each) for each in wanted if each != ANY)
    for each in wanted:
        for candidate in _DEFAULTS if each in (ANY, UNSAID) else (each,):
            syntax = syntaxes.get(candidate)
            if syntax is not None and syntax.encapsulated and media_range.covers(syntax.media_type):
                yield syntax.media_type, candidate
