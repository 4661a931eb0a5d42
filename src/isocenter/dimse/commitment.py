"""Storage commitment, push model, SCP (PS3.4 Annex J): N-ACTION takes a request, N-EVENT-REPORT tells what came of it.

The report goes out on the association that asked when its peer keeps that open and quiet, else on one of our own (PS3.4 J.3.3
leaves it to the SCP), where it is repeated until it arrives.
"""

from dataclasses import replace
from functools import partial

from pydicom.dataset import Dataset

from isocenter.dicom import datasets, syntaxes
from isocenter.dicom.sop_classes import STORAGE_COMMITMENT_PUSH_MODEL as STORAGE_COMMITMENT
from isocenter.dimse import client, status
from isocenter.dimse.exchange import Crossed, Exchange
from isocenter.dimse.messages import DATA_SET, Command, CommandField
from isocenter.dimse.status import Category
from isocenter.dimse.upper_layer.association import Association, Limits
from isocenter.domain.errors import Broken, Busy, Forbidden
from isocenter.service import commitment
from isocenter.service.commitment import Commitment, Reference
from isocenter.service.context import Context
from isocenter.service.peers import Peer

SOP_CLASSES = {STORAGE_COMMITMENT: "Storage Commitment Push Model SOP Class"}
WELL_KNOWN_INSTANCE = "1.2.840.10008.1.20.1.1"  # PS3.4 J.3.5

REQUEST = 1  # PS3.4 Table J.3-1, Action Type ID
ALL_COMMITTED, FAILURES_EXIST = 1, 2  # PS3.4 Table J.3-2, Event Type ID

PATIENCE = 20.0  # for each step of a report (seconds)
# A peer that does nothing for so long after its request waits for the report on the same association (seconds).
QUIET = 1.0
MESSAGE_ID = 1  # of the only request of ours on an association of the peer's


def act(exchange: Exchange) -> None:
    """The handler of N-ACTION-RQ: Success when the request is durable."""
    command, session = exchange.command, exchange.session
    if command.requested_sop_instance_uid != WELL_KNOWN_INSTANCE:
        exchange.answer(status.NO_SUCH_INSTANCE, error_comment="storage commitment has one well-known instance")
        return
    if command.action_type_id != REQUEST:
        exchange.answer(status.NO_SUCH_ACTION, action_type_id=command.action_type_id)
        return
    if session.peer is None:
        raise Forbidden("only known peers: where to report is not known")
    try:
        dataset = datasets.decode(exchange.data_set, exchange.context.transfer_syntax)
    except datasets.InvalidDataSet as error:
        exchange.answer(status.INVALID_ARGUMENT, error_comment=str(error))
        return
    references = [
        Reference(str(item.get("ReferencedSOPClassUID", "")), str(item.get("ReferencedSOPInstanceUID", "")))
        for item in dataset.get("ReferencedSOPSequence") or ()
    ]
    transaction_uid = str(dataset.get("TransactionUID") or "")
    number = commitment.ask(session.context, session.principal, session.peer.aet, transaction_uid, references)
    try:
        exchange.answer(status.SUCCESS, action_type_id=REQUEST)
        in_use = session.association.readable(QUIET) or _is_in_use(session.association)
    except BaseException:
        commitment.leave(session.context, number)
        raise
    if in_use:  # most release now, or go on with the next
        commitment.leave(session.context, number)
    else:
        interrupted = partial(_is_in_use, session.association)
        commitment.answer(session.context, number, partial(_report_here, exchange), interrupted)


def _is_in_use(association: Association) -> bool:
    return association.stopping or association.readable()


def _report_here(exchange: Exchange, judged: Commitment) -> None:
    """Tell the peer on the association that it asked on. Raises Busy when it is used otherwise, Broken when it refuses."""
    association, context = exchange.session.association, exchange.context
    if _is_in_use(association):
        raise Busy("the association is used for something else")
    command = replace(_command(judged), message_id=MESSAGE_ID)
    exchange.request(context.context_id, command, [(datasets.encode(_report(judged), context.transfer_syntax), True)])
    if not association.readable(PATIENCE):
        raise Busy("no answer to the report came")
    try:
        _check(judged.peer_aet, exchange.answer_to(MESSAGE_ID))
    except Crossed:
        raise Busy("the association is used for something else") from None


def report(context: Context, peer: Peer, judged: Commitment) -> None:
    """Tell a peer what came of its request, on a new association. Raises Rejected, Lost, NotAccepted; Broken when it refuses.

    We are the SCP on an association that we ask for, which takes role selection (PS3.4 J.3.3, PS3.7 D.3.3.4).
    """
    limits = Limits(artim_timeout=PATIENCE, idle_timeout=PATIENCE)
    contexts = ((STORAGE_COMMITMENT, syntaxes.OF_MESSAGES),)
    roles = ((STORAGE_COMMITMENT, False, True),)
    with client.to_peer(context, peer, contexts=contexts, roles=roles, limits=limits) as association:
        data_set = datasets.encode(_report(judged), association.transfer_syntax(STORAGE_COMMITMENT))
        answer = association.request(STORAGE_COMMITMENT, _command(judged), data_set)
    _check(peer.aet, answer)


def _command(judged: Commitment) -> Command:
    failures = any(each.failure for each in judged.references)
    return Command(
        command_field=CommandField.N_EVENT_REPORT_RQ,
        command_data_set_type=DATA_SET,
        affected_sop_class_uid=STORAGE_COMMITMENT,
        affected_sop_instance_uid=WELL_KNOWN_INSTANCE,
        event_type_id=FAILURES_EXIST if failures else ALL_COMMITTED,
    )


def _check(aet: str, answer: Command) -> None:
    code = status.PROCESSING_FAILURE if answer.status is None else answer.status
    if status.describe(code).category not in (Category.SUCCESS, Category.WARNING):
        raise Broken(f"the peer answered the report with status {code:04X}H", where=aet)


def _report(judged: Commitment) -> Dataset:
    """The event information (PS3.4 Table J.3-2)."""
    dataset = Dataset()
    dataset.TransactionUID = judged.transaction_uid
    good = [item_of(each) for each in judged.references if not each.failure]
    bad = [item_of(each) for each in judged.references if each.failure]
    if good:
        dataset.ReferencedSOPSequence = good
    if bad:
        dataset.FailedSOPSequence = bad
    return dataset


def item_of(reference: Reference) -> Dataset:
    """One item of Referenced or Failed SOP Sequence."""
    item = Dataset()
    item.ReferencedSOPClassUID = reference.sop_class_uid
    item.ReferencedSOPInstanceUID = reference.sop_instance_uid
    if reference.failure:
        item.FailureReason = reference.failure
    return item
