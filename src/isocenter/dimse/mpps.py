"""Modality performed procedure step, SCP (PS3.4 F.7), and its retrieval (F.8): N-CREATE, N-SET, N-GET."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pydicom.dataset import Dataset

from isocenter.dicom import datasets, keys
from isocenter.dicom.sop_classes import MODALITY_PERFORMED_PROCEDURE_STEP as MPPS
from isocenter.dicom.sop_classes import MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE as MPPS_RETRIEVE
from isocenter.dicom.uid import new_uid
from isocenter.dimse import status
from isocenter.dimse.exchange import Exchange
from isocenter.domain.errors import Missing
from isocenter.service import procedures
from isocenter.service.procedures import Refused, Wrong

SOP_CLASSES: Mapping[str, str] = MappingProxyType({MPPS: "Modality Performed Procedure Step SOP Class"})
RETRIEVE_SOP_CLASSES: Mapping[str, str] = MappingProxyType(
    {MPPS_RETRIEVE: "Modality Performed Procedure Step Retrieve SOP Class"}
)

# Each instance is named in the last N-SET: 100 bytes and more, for a hundred thousand of them.
MAX_DATA_SET = datasets.MAX_DATA_SET

# PS3.4 Table F.7.2-3: Error ID of 0110, the step has been completed or discontinued

_STATUS = MappingProxyType(
    {
        Wrong.MISSING: status.MISSING_ATTRIBUTE,
        Wrong.EMPTY: status.MISSING_ATTRIBUTE_VALUE,
        Wrong.INVALID: status.INVALID_ATTRIBUTE_VALUE,
        Wrong.ENDED: status.PROCESSING_FAILURE,
    }
)


def create(exchange: Exchange) -> None:
    """The handler of N-CREATE-RQ: Success when the performed step is durable and the scheduled one has moved."""
    command, session = exchange.command, exchange.session
    if command.affected_sop_class_uid != MPPS:
        exchange.answer(status.NO_SUCH_SOP_CLASS)
        return
    dataset = _decoded(exchange)
    if dataset is None:
        return
    instance = command.affected_sop_instance_uid or new_uid()  # PS3.7 10.1.5.1.4: the SCP names what the SCU did not
    try:
        procedures.create(session.context, session.principal, instance, dataset)
    except Refused as refused:
        _refuse(exchange, refused)
        return
    exchange.answer(status.SUCCESS, affected_sop_instance_uid=instance)


def change(exchange: Exchange) -> None:
    """The handler of N-SET-RQ. What cannot be set any more is left as it is, with a warning (PS3.7 10.1.3.1.8)."""
    command, session = exchange.command, exchange.session
    if command.requested_sop_class_uid != MPPS:
        exchange.answer(status.NO_SUCH_SOP_CLASS)
        return
    dataset = _decoded(exchange)
    if dataset is None:
        return
    try:
        ignored = procedures.update(
            session.context, session.principal, command.requested_sop_instance_uid or "", dataset
        )
    except Refused as refused:
        _refuse(exchange, refused)
        return
    if ignored:
        exchange.answer(status.ATTRIBUTE_LIST_ERROR, attribute_identifier_list=ignored)
    else:
        exchange.answer(status.SUCCESS)


def get(exchange: Exchange) -> None:
    """The handler of N-GET-RQ: the attributes that are asked for, or all of them."""
    command, session = exchange.command, exchange.session
    try:
        held = procedures.get(session.context, session.principal, command.requested_sop_instance_uid or "")
    except Missing as missing:  # PS3.4 F.8.1
        exchange.answer(status.NO_SUCH_INSTANCE, error_comment=missing.message)
        return
    answer, unknown = _selected(held, command.attribute_identifier_list or ())
    # PS3.4 Table F.8.2-2: 0001, attributes that are not there were asked for
    code = status.ATTRIBUTES_NOT_SUPPORTED if unknown else status.SUCCESS
    exchange.answer(code, keys.encode(answer, exchange.context.transfer_syntax))


def _selected(held: Dataset, tags: Iterable[int]) -> tuple[Dataset, bool]:
    wanted = list(tags)
    if not wanted:
        return held, False
    answer = Dataset()
    for tag in wanted:
        if tag in held:
            answer.add(held[tag])
    return answer, len(answer) < len(set(wanted))


def _decoded(exchange: Exchange) -> Dataset | None:
    """The data set of a request; None when it is none, which has been answered then."""
    syntax, assumed = exchange.context.transfer_syntax, exchange.session.character_set
    try:
        return datasets.decode(exchange.data_set, syntax, assumed=assumed)
    except datasets.InvalidDataSet as error:
        exchange.answer(status.INVALID_ATTRIBUTE_VALUE, error_comment=str(error))
        return None


def _refuse(exchange: Exchange, refused: Refused) -> None:
    error_id = status.MPPS_NO_LONGER_UPDATED if refused.wrong is Wrong.ENDED else None
    exchange.answer(
        _STATUS[refused.wrong], error_comment=refused.reason, error_id=error_id, attribute_identifier_list=refused.tags or None
    )
