"""UPS Event SOP class as SCP (PS3.4 CC.2.4): N-EVENT-REPORTs on an association of our own, so that they can be repeated."""

import logging
from collections.abc import Callable

from isocenter.dicom import keys, syntaxes
from isocenter.dicom.sop_classes import UPS_EVENT, UPS_PUSH
from isocenter.dimse import client, status
from isocenter.dimse.messages import DATA_SET, Command, CommandField
from isocenter.dimse.status import Category
from isocenter.dimse.upper_layer.association import Limits
from isocenter.service.context import Context
from isocenter.service.peers import Peer
from isocenter.service.ups_reports import Batch, Waiting

log = logging.getLogger(__name__)

PATIENCE = 10.0  # for each step (seconds); all of a batch are answered or given up within the receiver's lease


def report(context: Context, peer: Peer, batch: Batch, told: Callable[[Waiting], None]) -> None:
    """Tell a subscriber of events, in their order. told: called for each that was answered. Raises Rejected, Lost, NotAccepted.

    We are the SCP on an association that we ask for, which takes role selection (PS3.7 D.3.3.4). An event that is answered with a
    failure has been told: it would be answered so again, and those after it would never be told.
    """
    with client.to_peer(
        context, peer, contexts=((UPS_EVENT, syntaxes.OF_MESSAGES),), roles=((UPS_EVENT, False, True),),
        limits=Limits(artim_timeout=PATIENCE, idle_timeout=PATIENCE),
    ) as association:  # fmt: skip
        transfer_syntax = association.transfer_syntax(UPS_EVENT)
        for each in batch.waiting:
            command = Command(
                command_field=CommandField.N_EVENT_REPORT_RQ,
                command_data_set_type=DATA_SET,
                affected_sop_class_uid=UPS_PUSH,  # CC.3.1: of all steps
                affected_sop_instance_uid=each.sop_instance_uid,
                event_type_id=int(each.report.type),
            )
            information = keys.encode(each.report.information, transfer_syntax, peer.character_set)
            answer = association.request(UPS_EVENT, command, information)
            told(each)
            code = status.PROCESSING_FAILURE if answer.status is None else answer.status
            if status.describe(code).category not in (Category.SUCCESS, Category.WARNING):
                facts = {"peer": peer.aet, "status": f"{code:04X}", "event_type": int(each.report.type)}
                log.warning("a subscriber refused an event", extra={"facts": {**facts, "sop_instance": each.sop_instance_uid}})
