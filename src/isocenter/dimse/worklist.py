"""Basic worklist management: C-FIND of the modality worklist as SCP (PS3.4 Annex K). Orders are its source.

What is asked for is matched by the database, and only what is asked for is answered. Keys of one code sequence must be met by one
of its items, which is looked at afterwards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from isocenter.dicom import attributes, datasets, keys
from isocenter.dicom.match import Match, Universal
from isocenter.dicom.query import InvalidKey, parse_match
from isocenter.dicom.sop_classes import MODALITY_WORKLIST_FIND
from isocenter.dicom.worklist import BY_PLACE, KEYS, NEVER_VALUED, Key
from isocenter.dicom.worklist_answers import Answers, is_met
from isocenter.dimse import status
from isocenter.dimse.exchange import Exchange
from isocenter.domain.errors import Away, Busy
from isocenter.service import ordering

SOP_CLASSES: Mapping[str, str] = {MODALITY_WORKLIST_FIND: "Modality Worklist Information Model - FIND"}

# PS3.4 Table K.4-1


@dataclass(slots=True)
class _Asked:
    """A request. keys: to be answered; empty: sequences that are answered without items; matches: what must hold.

    charsets: in which it is written.
    """

    keys: list[Key] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    matches: list[tuple[Key, Match]] = field(default_factory=list)
    charsets: str = ""
    has_unsupported: bool = False


def find(exchange: Exchange) -> None:
    """The handler of C-FIND-RQ: one pending answer for each scheduled procedure step, then the final status."""
    session = exchange.session
    try:
        request = datasets.decode(exchange.data_set, exchange.context.transfer_syntax, assumed=session.character_set)
        asked = _read(request)
    except (datasets.InvalidDataSet, InvalidKey) as error:
        exchange.answer(status.UNABLE_TO_PROCESS, error_comment=str(error), offending_element=_offending(error))
        return
    limit = session.context.settings.max_find_answers
    try:
        # Items of sequences are looked at afterwards, so then the database cannot know how many it will be.
        most = None if any(key.sequence for key, _ in asked.matches) else limit + 1
        found = ordering.find(session.context, session.principal, asked.matches, most)
    except (Busy, Away) as error:
        exchange.answer(status.OUT_OF_RESOURCES, error_comment=error.message)
        return
    _send(exchange, asked, found, limit)


def _send(exchange: Exchange, asked: _Asked, found: Sequence[Mapping[str, str]], limit: int) -> None:
    pending = status.PENDING_UNSUPPORTED_KEYS if asked.has_unsupported else status.PENDING
    answers = Answers(asked.keys, asked.empty, asked.charsets, exchange.context.transfer_syntax)
    for sent, row in enumerate(row for row in found if is_met(asked.matches, row)):
        if exchange.cancelled():
            exchange.answer(status.CANCEL)
            return
        if sent == limit:
            exchange.answer(status.LIMIT_REACHED, error_comment=f"only the first {limit} matches; narrow the query")
            return
        exchange.pending(pending, answers.encode(row))
    exchange.answer(status.CANCEL if exchange.cancelled() else status.SUCCESS)


def _offending(error: Exception) -> tuple[int, ...]:
    tag = attributes.tag_of(error.keyword) if isinstance(error, InvalidKey) else None
    return () if tag is None else (tag,)


def _read(request: Dataset) -> _Asked:
    asked = _Asked(charsets=keys.charsets_of(request))
    _take(request, (), asked)
    asked.keys = list(dict.fromkeys(asked.keys))
    return asked


def _take(dataset: Dataset, path: tuple[str, ...], asked: _Asked) -> None:
    """The keys of a data set, of which the sequences in `path` lead here. Raises InvalidKey."""
    for element in dataset:
        if element.VR == "SQ":
            _take_sequence(element, path, asked)
        elif element.keyword not in keys.NO_KEYS:
            key = BY_PLACE.get((path, element.keyword))
            if key is None:
                asked.has_unsupported = True
                continue
            asked.keys.append(key)
            match = parse_match(key, keys.text_of(element))
            if match != Universal():
                asked.matches.append((key, match))


def _take_sequence(element: DataElement, path: tuple[str, ...], asked: _Asked) -> None:
    """PS3.4 C.2.2.2.6: the keys of the one item; without an item, or with an empty one, all that is known is asked for."""
    inside = (*path, element.keyword)
    known = [key for key in KEYS if key.path[: len(inside)] == inside]
    if not known:
        if element.keyword in NEVER_VALUED and not path:
            asked.empty.append(element.keyword)
        else:
            asked.has_unsupported = True
        return
    if not element.value or not len(element.value[0]):
        asked.keys += known
        return
    _take(element.value[0], inside, asked)
