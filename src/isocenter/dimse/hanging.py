"""Hanging Protocol query/retrieve as SCP (PS3.4 Annex U): one level, found by their attributes, retrieved by SOP Instance UID.

What peers have stored here is answered as it came, and what was published in the web client as the object it is written as.
"""

from collections.abc import Mapping

from pydicom.dataset import Dataset

from isocenter.dicom import datasets, keys, sop_classes
from isocenter.dicom.attributes import tag_of
from isocenter.dicom.query import InvalidKey
from isocenter.dimse import retrieving, status, suboperations
from isocenter.dimse.exchange import Exchange
from isocenter.domain.errors import Away, Busy
from isocenter.service import hanging
from isocenter.service.sending import Stored

FIND_SOP_CLASSES: Mapping[str, str] = {sop_classes.HANGING_PROTOCOL_FIND: "Hanging Protocol Information Model - FIND"}
MOVE_SOP_CLASSES: Mapping[str, str] = {sop_classes.HANGING_PROTOCOL_MOVE: "Hanging Protocol Information Model - MOVE"}
GET_SOP_CLASSES: Mapping[str, str] = {sop_classes.HANGING_PROTOCOL_GET: "Hanging Protocol Information Model - GET"}

# PS3.4 Table U.6-1: path, Matching Key Type (U, R, - not asked for by the standard), Return Key Type.
KEYS: tuple[tuple[str, str, str], ...] = (
    ("SOPClassUID", "R", "1"), ("SOPInstanceUID", "U", "1"), ("HangingProtocolName", "R", "1"),
    ("HangingProtocolDescription", "-", "1"), ("HangingProtocolLevel", "R", "1"), ("HangingProtocolCreator", "-", "1"),
    ("HangingProtocolCreationDateTime", "-", "1"), ("HangingProtocolDefinitionSequence", "R", "1"),
    ("HangingProtocolDefinitionSequence/Modality", "R", "2"),
    ("HangingProtocolDefinitionSequence/AnatomicRegionSequence", "R", "2"),
    ("HangingProtocolDefinitionSequence/Laterality", "R", "2"),
    ("HangingProtocolDefinitionSequence/ProcedureCodeSequence", "R", "2"),
    ("HangingProtocolDefinitionSequence/ReasonForRequestedProcedureCodeSequence", "R", "2"),
    ("NumberOfPriorsReferenced", "R", "1"), ("HangingProtocolUserIdentificationCodeSequence", "R", "2"),
    ("HangingProtocolUserGroupName", "R", "3"), ("NumberOfScreens", "R", "2"), ("NominalScreenDefinitionSequence", "-", "2"),
)  # fmt: skip


class _Cancelled(Exception):
    """The peer has sent C-CANCEL while the answers were being made."""


def find(exchange: Exchange) -> None:
    """The handler of C-FIND-RQ: one pending answer for each protocol, by any of its attributes, then the final status."""
    session = exchange.session
    limit, transfer_syntax = session.context.settings.max_find_answers, exchange.context.transfer_syntax

    def encode(found: Dataset) -> bytes:
        if exchange.cancelled():
            raise _Cancelled
        answer = keys.answer(asked, found)
        answer.SOPClassUID, answer.SOPInstanceUID = found.SOPClassUID, found.SOPInstanceUID
        return keys.encode(answer, transfer_syntax, keys.charsets_of(asked))

    try:
        asked = datasets.decode(exchange.data_set, transfer_syntax, assumed=session.character_set)
        # All before the first is sent: a slow peer must not hold a transaction open.
        _send(exchange, hanging.search(session.context, session.principal, asked, encode, limit + 1), limit)
    except _Cancelled:
        exchange.answer(status.CANCEL)
    except InvalidKey as error:
        tag = tag_of(error.keyword)
        offending = () if tag is None else (tag,)
        exchange.answer(status.UNABLE_TO_PROCESS, error_comment=str(error), offending_element=offending)
    except datasets.InvalidDataSet as error:
        exchange.answer(status.UNABLE_TO_PROCESS, error_comment=str(error))
    except (Busy, Away) as error:
        exchange.answer(status.OUT_OF_RESOURCES, error_comment=error.message)


def _send(exchange: Exchange, answers: list[bytes], limit: int) -> None:
    for answer in answers[:limit]:
        if exchange.cancelled():
            raise _Cancelled
        exchange.pending(status.PENDING, answer)
    if len(answers) > limit:
        exchange.answer(status.LIMIT_REACHED, error_comment=f"only the first {limit} matches; narrow the query")
    else:
        exchange.answer(status.SUCCESS)


def move(exchange: Exchange) -> None:
    """The handler of C-MOVE-RQ (U.4.2)."""
    retrieving.move_chosen(exchange, lambda to: _chosen(exchange))


def get(exchange: Exchange) -> None:
    """The handler of C-GET-RQ (U.4.3)."""
    found = _chosen(exchange)
    if found is not None:
        retrieving.get_chosen(exchange, found)


def _chosen(exchange: Exchange) -> list[Stored] | None:
    """The protocols that are named; None when the request cannot be done, which has been answered.

    U.4.2: SOP Instance UID is the only unique key. A level, which has no meaning here, is not looked at.
    """
    session = exchange.session
    try:
        asked = datasets.decode(exchange.data_set, exchange.context.transfer_syntax)
        uids = suboperations.values_of(asked, "SOPInstanceUID")
        if uids:
            return list(hanging.located(session.context, session.principal, uids))
        missing = tag_of("SOPInstanceUID") or 0
        exchange.answer(status.NOT_OF_SOP_CLASS, error_comment="SOPInstanceUID is missing", offending_element=(missing,))
    except datasets.InvalidDataSet as error:
        exchange.answer(status.UNABLE_TO_PROCESS, error_comment=str(error))
    except (Busy, Away) as error:
        exchange.answer(status.CANNOT_COUNT_MATCHES, error_comment=error.message)
    return None
