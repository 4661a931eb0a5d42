"""Storage commitment, push model, SCU (PS3.4 Annex J): a peer is asked by N-ACTION, and reports by N-EVENT-REPORT.

The report comes on the association that asked, while that is open, or on one of the peer's (PS3.4 J.3.3): `take` is its handler
on both.
"""

from pydicom.dataset import Dataset

from isocenter.dicom import datasets, syntaxes
from isocenter.dicom.sop_classes import STORAGE_COMMITMENT_PUSH_MODEL as STORAGE_COMMITMENT
from isocenter.dimse import client, commitment, status
from isocenter.dimse.client import Lost, Refused
from isocenter.dimse.commitment import WELL_KNOWN_INSTANCE
from isocenter.dimse.dispatch import Operation, Request
from isocenter.dimse.exchange import Exchange, Session, whole
from isocenter.dimse.messages import DATA_SET, Command, CommandField
from isocenter.dimse.status import Category
from isocenter.dimse.upper_layer.association import Limits
from isocenter.domain.access import Role, by_role
from isocenter.domain.errors import Forbidden
from isocenter.service import commitment_requests
from isocenter.service.commitment_requests import CommitmentRequest
from isocenter.service.context import Context
from isocenter.service.peers import Peer

# The association is kept open for a report so long (seconds): some peers report nowhere else, most on one of their own.
KEPT_OPEN = 10.0


def ask(context: Context, peer: Peer, request: CommitmentRequest) -> None:
    """Ask a peer to commit, and hear a report that comes at once. Raises Rejected, Lost, NotAccepted, Refused."""
    limits = Limits(artim_timeout=commitment.PATIENCE, idle_timeout=commitment.PATIENCE)
    contexts = ((STORAGE_COMMITMENT, syntaxes.OF_MESSAGES),)
    command = Command(
        command_field=CommandField.N_ACTION_RQ,
        command_data_set_type=DATA_SET,
        requested_sop_class_uid=STORAGE_COMMITMENT,
        requested_sop_instance_uid=WELL_KNOWN_INSTANCE,
        action_type_id=commitment.REQUEST,
    )
    principal = by_role(peer.aet, Role.SERVICE, "peer", "dicom", peer.host)

    def perform(received: Request) -> Operation:
        session = Session(context, principal, peer.aet, context.settings.aet, received.association, peer)
        return whole(session, take)(received)

    with client.to_peer(context, peer, contexts=contexts, limits=limits) as association:
        data_set = datasets.encode(_request(request), association.transfer_syntax(STORAGE_COMMITMENT))
        # Some report before they have answered.
        for answer in association.answers(STORAGE_COMMITMENT, command, data_set, perform=perform):
            if status.describe(answer.status).category not in (Category.SUCCESS, Category.WARNING):
                raise Refused("the request for storage commitment", answer.command)
        try:
            association.listen(perform, KEPT_OPEN, lambda: not commitment_requests.is_open(context, request.id))
        except Lost:
            return  # it has closed: the report will come on an association of the peer's


def take(exchange: Exchange) -> None:
    """The handler of N-EVENT-REPORT-RQ: Success when the report is durable."""
    command, session = exchange.command, exchange.session
    if command.affected_sop_instance_uid != WELL_KNOWN_INSTANCE:
        exchange.answer(status.NO_SUCH_INSTANCE, error_comment="storage commitment has one well-known instance")
        return
    if command.event_type_id not in (commitment.ALL_COMMITTED, commitment.FAILURES_EXIST):
        exchange.answer(status.NO_SUCH_EVENT_TYPE, event_type_id=command.event_type_id)
        return
    if session.peer is None:
        raise Forbidden("only known peers report: anybody could say that something is safe")
    try:
        report = datasets.decode(exchange.data_set, exchange.context.transfer_syntax)
    except datasets.InvalidDataSet as error:
        exchange.answer(status.INVALID_ARGUMENT, error_comment=str(error))
        return
    committed = [str(item.get("ReferencedSOPInstanceUID", "")) for item in report.get("ReferencedSOPSequence") or ()]
    failures = {
        str(item.get("ReferencedSOPInstanceUID", "")): int(item.get("FailureReason") or status.PROCESSING_FAILURE)
        for item in report.get("FailedSOPSequence") or ()
    }
    transaction_uid = str(report.get("TransactionUID") or "")
    commitment_requests.answered(session.context, session.principal, transaction_uid, committed, failures)
    exchange.answer(status.SUCCESS, event_type_id=command.event_type_id)


def _request(request: CommitmentRequest) -> Dataset:
    """The action information (PS3.4 Table J.3-1)."""
    dataset = Dataset()
    dataset.TransactionUID = request.transaction_uid
    dataset.ReferencedSOPSequence = [commitment.item_of(each) for each in request.references]
    return dataset
