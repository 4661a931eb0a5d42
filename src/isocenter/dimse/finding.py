"""Query service class: C-FIND as SCP (PS3.4 C.4.1), Patient Root, Study Root and Patient/Study Only."""

from collections.abc import Mapping
from types import MappingProxyType

from isocenter.dicom import extra, identifier
from isocenter.dicom.attributes import Level
from isocenter.dicom.identifier import Answers, Identifier, InvalidIdentifier
from isocenter.dicom.sop_classes import PATIENT_ROOT_FIND as PATIENT_ROOT
from isocenter.dicom.sop_classes import PATIENT_STUDY_ONLY_FIND as PATIENT_STUDY_ONLY
from isocenter.dicom.sop_classes import STUDY_ROOT_FIND as STUDY_ROOT
from isocenter.dimse import status
from isocenter.dimse.exchange import Exchange
from isocenter.domain.errors import Away, Busy
from isocenter.service import query as search

SOP_CLASSES: Mapping[str, str] = MappingProxyType(
    {
        PATIENT_ROOT: "Patient Root Query/Retrieve Information Model - FIND",
        STUDY_ROOT: "Study Root Query/Retrieve Information Model - FIND",
        PATIENT_STUDY_ONLY: "Patient/Study Only Query/Retrieve Information Model - FIND (Retired)",
    }
)

# PS3.4 C.6.1.1, C.6.2.1 and the retired C.6.3
LEVELS: Mapping[str, tuple[Level, ...]] = MappingProxyType(
    {
        PATIENT_ROOT: (Level.PATIENT, Level.STUDY, Level.SERIES, Level.INSTANCE),
        STUDY_ROOT: (Level.STUDY, Level.SERIES, Level.INSTANCE),
        PATIENT_STUDY_ONLY: (Level.PATIENT, Level.STUDY),
    }
)


# PS3.4 Table C.5-2, byte by byte: relational queries, combined date-time matching, fuzzy matching of names (Meyer = Maier),
# timezone query adjustment, no conversion of enhanced multi-frame images, empty value and multiple value matching.
SUPPORTED = bytes((1, 1, 1, 1, 0, 1, 1))
DATE_TIME_MATCHING, FUZZY_MATCHING = 1, 2


class _Cancelled(Exception):
    """The peer has sent C-CANCEL while the index was being read."""


def extend(asked: bytes) -> bytes:
    """The answer to a requestor's extended negotiation (PS3.4 C.5.1.1): what it asks for and we can do, of the bytes it knows.

    All but these two is done for those who do not negotiate, too: it only finds more, or is in the request.
    """
    return bytes(ours if theirs == 1 else 0 for theirs, ours in zip(asked, SUPPORTED, strict=False))


def _is_agreed(exchange: Exchange, matching: int) -> bool:
    return exchange.session.extended(exchange.context.abstract_syntax)[matching : matching + 1] == b"\1"


def find(exchange: Exchange) -> None:
    """The handler of C-FIND-RQ: one pending answer for each match, then the final status."""
    limit = exchange.session.context.settings.max_find_answers
    transfer_syntax = exchange.context.transfer_syntax
    try:
        # one more than the limit, to know whether there is more
        asked = identifier.parse(exchange.data_set, transfer_syntax, LEVELS[exchange.context.abstract_syntax], limit + 1,
                                 assumed=exchange.session.character_set, combined=_is_agreed(exchange, DATE_TIME_MATCHING),
                                 fuzzy=_is_agreed(exchange, FUZZY_MATCHING),
                                 extras=extra.declared(exchange.session.context.settings.index_attributes))
    except InvalidIdentifier as error:
        code = status.NOT_OF_SOP_CLASS if error.mismatch else status.UNABLE_TO_PROCESS
        exchange.answer(code, error_comment=error.reason, offending_element=error.tags)
        return
    try:
        _send(exchange, asked, _answers(exchange, asked), limit)
    except _Cancelled:
        exchange.answer(status.CANCEL)
    except (Busy, Away) as error:
        exchange.answer(status.OUT_OF_RESOURCES, error_comment=error.message)


def _answers(exchange: Exchange, asked: Identifier) -> list[bytes]:
    """The encoded answers. All of them, before the first is sent: a slow peer must not hold a transaction of the index open."""
    session = exchange.session
    answers = Answers(asked, session.context.settings.aet, exchange.context.transfer_syntax)

    def encode(row: search.Row) -> bytes:
        if exchange.cancelled():
            raise _Cancelled
        return answers.encode(row)

    return search.gather(session.context, session.principal, asked.query, encode)


def _send(exchange: Exchange, asked: Identifier, answers: list[bytes], limit: int) -> None:
    pending = status.PENDING_UNSUPPORTED_KEYS if asked.unsupported else status.PENDING
    for answer in answers[:limit]:
        if exchange.cancelled():  # PS3.4 C.4.1.2.1: C-CANCEL is honoured at once
            raise _Cancelled
        exchange.pending(pending, answer)
    if exchange.cancelled():
        raise _Cancelled
    if len(answers) > limit:
        exchange.answer(status.LIMIT_REACHED, error_comment=f"only the first {limit} matches; narrow the query")
    else:
        exchange.answer(status.SUCCESS)
