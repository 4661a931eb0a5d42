"""Unified Procedure Step service class as SCP (PS3.4 Annex CC): UPS Push, Pull, Watch and Query. UPS Event: `ups_reports`.

Whatever context a request comes on, its SOP class is UPS Push, of which all steps are instances (CC.3.1): the context says which
requests are allowed, and the table OPERATIONS which those are.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pydicom.dataset import Dataset

from isocenter.dicom import datasets, keys
from isocenter.dicom.attributes import tag_of
from isocenter.dicom.query import InvalidKey
from isocenter.dicom.sop_classes import UPS_EVENT, UPS_PULL, UPS_PUSH, UPS_QUERY, UPS_WATCH
from isocenter.dimse import status
from isocenter.dimse.exchange import Exchange, Handler
from isocenter.dimse.messages import CommandField
from isocenter.domain.errors import Away, Busy
from isocenter.domain.ups import Reason, Refused
from isocenter.service import ups, ups_reports

SOP_CLASSES: Mapping[str, str] = MappingProxyType(
    {
        UPS_PUSH: "Unified Procedure Step - Push SOP Class",
        UPS_WATCH: "Unified Procedure Step - Watch SOP Class",
        UPS_PULL: "Unified Procedure Step - Pull SOP Class",
        UPS_QUERY: "Unified Procedure Step - Query SOP Class",
    }
)

# Every Reason, and what an SCU is told (PS3.4 Tables CC.2.1-2, CC.2.2-2, CC.2.3-3, CC.2.5-1, CC.2.6-1 and CC.2.7-1).
STATUS: Mapping[Reason, int] = MappingProxyType(
    {
        Reason.DUPLICATE: status.DUPLICATE_SOP_INSTANCE,
        Reason.NO_SUCH_STEP: status.UPS_NO_SUCH_INSTANCE,
        Reason.NO_LONGER_UPDATED: status.UPS_NO_LONGER_UPDATED,
        Reason.WRONG_TRANSACTION: status.UPS_WRONG_TRANSACTION_UID,
        Reason.ALREADY_IN_PROGRESS: status.UPS_ALREADY_IN_PROGRESS,
        Reason.ONLY_CREATED_SCHEDULED: status.UPS_SCHEDULED_BY_N_CREATE_ONLY,
        Reason.FINAL_STATE_NOT_MET: status.UPS_FINAL_STATE_NOT_MET,
        Reason.UNKNOWN_RECEIVER: status.UPS_UNKNOWN_RECEIVING_AE,
        Reason.NOT_CREATED_SCHEDULED: status.UPS_NOT_CREATED_SCHEDULED,
        Reason.NOT_IN_PROGRESS: status.UPS_NOT_IN_PROGRESS,
        Reason.ALREADY_COMPLETED_NO_CANCEL: status.UPS_ALREADY_COMPLETED,
        Reason.PERFORMER_UNREACHABLE: status.UPS_PERFORMER_UNREACHABLE,
        Reason.WRONG_ACTION: status.UPS_WRONG_ACTION,
        Reason.MISSING_ATTRIBUTE: status.MISSING_ATTRIBUTE,
        Reason.MISSING_VALUE: status.MISSING_ATTRIBUTE_VALUE,
        Reason.INVALID_VALUE: status.INVALID_ATTRIBUTE_VALUE,
        Reason.CREATED_WITH_MODIFICATIONS: status.UPS_CREATED_WITH_MODIFICATIONS,
        Reason.ALREADY_CANCELED: status.UPS_ALREADY_CANCELED,
        Reason.ALREADY_COMPLETED: status.UPS_ALREADY_IN_STATE_COMPLETED,
    }
)

# PS3.4 Tables CC.2.1-1, CC.2.2-1 and CC.2.3-1: Action Type ID
CHANGE_STATE, REQUEST_CANCEL, SUBSCRIBE, UNSUBSCRIBE, SUSPEND = 1, 2, 3, 4, 5

# PS3.4 CC.3.1: as for the Modality Worklist (K.5.1): two reserved bytes, fuzzy matching of names, timezone query adjustment.
SUPPORTED = bytes((1, 1, 1, 1))
_FUZZY = 2

Action = Callable[[Exchange, Dataset], Reason | None]


class _Cancelled(Exception):
    """The peer has sent C-CANCEL while steps were being read."""


def extend(asked: bytes) -> bytes:
    """The answer to a requestor's extended negotiation: what it asks for and we can do, of the bytes it knows."""
    return bytes(ours if theirs == 1 else 0 for theirs, ours in zip(asked, SUPPORTED, strict=False))


def _answering(handler: Handler) -> Handler:
    """A handler whose refusals are answered with the status codes of this service class."""

    def perform(exchange: Exchange) -> None:
        try:
            asked = exchange.command.requested_sop_class_uid or exchange.command.affected_sop_class_uid
            if asked not in (*SOP_CLASSES, UPS_EVENT):
                exchange.answer(status.CLASS_INSTANCE_CONFLICT, error_comment="not a SOP class of procedure steps")
                return
            handler(exchange)
        except Refused as refused:
            tags = status.offending_element(refused)
            exchange.answer(STATUS[refused.reason], error_comment=refused.message, offending_element=tags)
        except datasets.InvalidDataSet as error:
            exchange.answer(status.INVALID_ARGUMENT, error_comment=str(error))
        except InvalidKey as error:
            tag = tag_of(error.keyword)
            exchange.answer(status.INVALID_ATTRIBUTE_VALUE, error_comment=str(error), offending_element=(tag,) if tag else ())

    return perform


@_answering
def create(exchange: Exchange) -> None:
    """The handler of N-CREATE-RQ (CC.2.5). The answer has the attributes that we supplied."""
    session, command = exchange.session, exchange.command
    given = _data_set(exchange)
    created = ups.create(session.context, session.principal, given, command.affected_sop_instance_uid or "")
    code = status.SUCCESS if created.warning is None else STATUS[created.warning]
    supplied = keys.encode(created.supplied, exchange.context.transfer_syntax, keys.charsets_of(given))
    exchange.answer(code, supplied, affected_sop_class_uid=UPS_PUSH, affected_sop_instance_uid=created.sop_instance_uid)


@_answering
def get(exchange: Exchange) -> None:
    """The handler of N-GET-RQ (CC.2.7): the attributes that are listed, all without a list; never the lock."""
    session, wanted = exchange.session, exchange.command.attribute_identifier_list
    step = ups.get(session.context, session.principal, exchange.command.requested_sop_instance_uid or "")
    if not wanted:
        exchange.answer(status.SUCCESS, keys.encode(step, exchange.context.transfer_syntax, session.character_set))
        return
    found = Dataset()
    for tag in wanted:
        if tag in step:
            found.add(step[tag])
    # The character set is no attribute of the step: it goes with how the answer is encoded.
    unknown = tuple(tag for tag in wanted if tag not in step and tag != tag_of("SpecificCharacterSet"))
    code = status.ATTRIBUTES_NOT_SUPPORTED if unknown else status.SUCCESS
    data_set = keys.encode(found, exchange.context.transfer_syntax, session.character_set) if len(found) else b""
    exchange.answer(code, data_set, attribute_identifier_list=unknown or None)


@_answering
def change(exchange: Exchange) -> None:
    """The handler of N-SET-RQ (CC.2.6)."""
    session, command = exchange.session, exchange.command
    ups.update(session.context, session.principal, command.requested_sop_instance_uid or "", _data_set(exchange))
    exchange.answer(status.SUCCESS)


def act(*allowed: int) -> Handler:
    """The handler of N-ACTION-RQ on a context that allows these actions."""

    @_answering
    def perform(exchange: Exchange) -> None:
        action = exchange.command.action_type_id
        if action not in allowed:
            exchange.answer(status.NO_SUCH_ACTION, action_type_id=action)
            return
        information = _data_set(exchange) if exchange.data_set else Dataset()
        warning = _ACTIONS[action](exchange, information)
        exchange.answer(status.SUCCESS if warning is None else STATUS[warning], action_type_id=action)

    return perform


def _change_state(exchange: Exchange, information: Dataset) -> Reason | None:
    session, uid = exchange.session, exchange.command.requested_sop_instance_uid or ""
    wanted, transaction_uid = _text(information, "ProcedureStepState"), _text(information, "TransactionUID")
    return ups.change_state(session.context, session.principal, uid, wanted, transaction_uid)


def _request_cancel(exchange: Exchange, information: Dataset) -> Reason | None:
    session, uid = exchange.session, exchange.command.requested_sop_instance_uid or ""
    return ups.request_cancel(session.context, session.principal, uid, information, session.principal.name)


def _subscribe(exchange: Exchange, information: Dataset) -> Reason | None:
    session, uid = exchange.session, exchange.command.requested_sop_instance_uid or ""
    aet, lock = _receiver(information), _text(information, "DeletionLock")
    if lock not in ("TRUE", "FALSE"):
        raise Refused(Reason.INVALID_VALUE if lock else Reason.MISSING_VALUE, "DeletionLock")
    matching = Dataset()
    for element in information:
        if element.keyword not in ("ReceivingAE", "DeletionLock", *keys.NO_KEYS):
            matching.add(element)
    ups_reports.subscribe(
        session.context, session.principal, uid, ups_reports.Subscriber(aet), deletion_lock=lock == "TRUE", matching=matching
    )  # fmt: skip
    return None


def _unsubscribe(exchange: Exchange, information: Dataset) -> Reason | None:
    session, uid = exchange.session, exchange.command.requested_sop_instance_uid or ""
    ups_reports.unsubscribe(session.context, session.principal, uid, _receiver(information))
    return None


def _suspend(exchange: Exchange, information: Dataset) -> Reason | None:
    session, uid = exchange.session, exchange.command.requested_sop_instance_uid or ""
    ups_reports.suspend(session.context, session.principal, uid, _receiver(information))
    return None


_ACTIONS: Mapping[int, Action] = MappingProxyType(
    {
        CHANGE_STATE: _change_state,
        REQUEST_CANCEL: _request_cancel,
        SUBSCRIBE: _subscribe,
        UNSUBSCRIBE: _unsubscribe,
        SUSPEND: _suspend,
    }
)


@_answering
def find(exchange: Exchange) -> None:
    """The handler of C-FIND-RQ (CC.2.8): steps by any of their attributes, the earliest first."""
    session = exchange.session
    limit, transfer_syntax = session.context.settings.max_find_answers, exchange.context.transfer_syntax
    asked = _data_set(exchange)
    fuzzy = session.extended(exchange.context.abstract_syntax)[_FUZZY : _FUZZY + 1] == b"\1"
    charsets = keys.charsets_of(asked)

    def encode(step: Dataset) -> bytes:
        if exchange.cancelled():
            raise _Cancelled
        answer = keys.answer(asked, step)
        answer.SOPClassUID, answer.SOPInstanceUID = step.SOPClassUID, step.SOPInstanceUID
        if zone := keys.zone_of(step):
            answer.TimezoneOffsetFromUTC = zone  # in which the step's times are
        return keys.encode(answer, transfer_syntax, charsets)

    try:
        # All before the first is sent: a slow peer must not hold a transaction open.
        _send(exchange, ups.search(session.context, session.principal, asked, encode, limit + 1, fuzzy=fuzzy), limit)
    except _Cancelled:
        exchange.answer(status.CANCEL)
    except InvalidKey as error:
        exchange.answer(status.UNABLE_TO_PROCESS, error_comment=str(error), offending_element=_tags(error.keyword))
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


def _data_set(exchange: Exchange) -> Dataset:
    """The data set of a request; one that names no character set is in the peer's."""
    data, transfer_syntax, assumed = exchange.data_set, exchange.context.transfer_syntax, exchange.session.character_set
    dataset = datasets.decode(data, transfer_syntax)
    if not assumed or keys.charsets_of(dataset):
        return dataset
    named = Dataset()
    named.SpecificCharacterSet = assumed.split("\\")
    return datasets.decode(datasets.encode(named, transfer_syntax) + data, transfer_syntax)


def _text(information: Dataset, keyword: str) -> str:
    return keys.text_of(information[keyword]).strip() if keyword in information else ""


def _receiver(information: Dataset) -> str:
    aet = _text(information, "ReceivingAE")
    if not aet:
        raise Refused(Reason.MISSING_VALUE, "ReceivingAE")
    return aet


def _tags(keyword: str) -> tuple[int, ...]:
    tag = tag_of(keyword)
    return () if tag is None else (tag,)


# What may be asked on a context of each SOP class (PS3.4 Tables CC.1.1-1 and CC.2-1).
OPERATIONS: Mapping[str, Mapping[CommandField, Handler]] = MappingProxyType(
    {
        UPS_PUSH: {
            CommandField.N_CREATE_RQ: create,
            CommandField.N_GET_RQ: get,
            CommandField.N_ACTION_RQ: act(REQUEST_CANCEL),
        },
        UPS_WATCH: {
            CommandField.C_FIND_RQ: find,
            CommandField.N_GET_RQ: get,
            CommandField.N_ACTION_RQ: act(REQUEST_CANCEL, SUBSCRIBE, UNSUBSCRIBE, SUSPEND),
        },
        UPS_PULL: {
            CommandField.C_FIND_RQ: find,
            CommandField.N_GET_RQ: get,
            CommandField.N_SET_RQ: change,
            CommandField.N_ACTION_RQ: act(CHANGE_STATE),
        },
        UPS_QUERY: {CommandField.C_FIND_RQ: find},
    }
)
