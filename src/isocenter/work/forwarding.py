"""A delivery's round: what has not arrived yet is sent to its destination, and each answer is noted.

It may be cut off anywhere and begun again: what was noted is not sent a second time.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

from isocenter.dicomweb import storing
from isocenter.dimse import sending as dimse
from isocenter.dimse.throttle import Throttle
from isocenter.domain.delivery import Kind
from isocenter.domain.errors import Away, IsocenterError
from isocenter.service import deidentifying, deliveries, peers, rejections, sending
from isocenter.service.context import Context
from isocenter.service.deliveries import ROUTER, Round
from isocenter.service.sending import Stored
from isocenter.work import cleaning, folders

log = logging.getLogger(__name__)

Channel = Callable[[Context, Round, Sequence[Stored]], None]
"""Sends, noting each answer; raises an IsocenterError when the destination cannot be reached. Ends soon when unwanted."""


def deliver(context: Context, stop: threading.Event, delivery_id: int, round_: int) -> None:
    """Do a round. stop: the process is to end."""
    task = deliveries.begin(context, delivery_id, round_)
    if task is None:
        return
    task.stop = stop
    try:
        error = _send(context, task)
    except IsocenterError as failure:
        error = failure.message
    except Exception:
        log.exception("a delivery failed", extra={"facts": {"delivery": delivery_id}})
        error = "the archive failed; its log has the reason"
    task.end(error)


def _send(context: Context, task: Round) -> str:
    """Why not all could be tried; "" when it was, or when it was not wanted any more."""
    missing = set(task.task.instances)
    if not missing:
        return ""
    study = task.task.study_instance_uid
    # What a delivery sends is in the log by the delivery's own rows: when it begins, and how it ended.
    held = sending.chosen(context, ROUTER, studies=(study,), instances=task.task.instances, noted=False)
    held += rejections.notes(context, study, missing - {each.sop_instance_uid for each in held})
    task.gone(sorted(missing - {each.sop_instance_uid for each in held}))
    if held:
        channel = CHANNELS[task.destination.kind]
        project = deidentifying.of_destination(context, task.destination.name)
        if project is None:
            channel(context, task, held)
        else:
            cleaning.send(context, task, project, held, channel)
    return ""


def to_peer(context: Context, task: Round, held: Sequence[Stored]) -> None:
    """C-STORE to a known peer, with its own rate."""
    lost: list[str] = []

    def on_sent(sent: dimse.Sent) -> None:
        if sent.answered:
            task.note(sent.stored.sop_instance_uid, sent.status, sent.reason, arrived=sent.ok)
        else:
            lost.append(sent.reason)

    peer = peers.get(context, task.destination.address)
    dimse.send(context, peer, held, on_sent=on_sent, cancelled=task.unwanted)
    if lost:
        raise Away(lost[-1], where=peer.aet)


def to_service(context: Context, task: Round, held: Sequence[Stored]) -> None:
    """STOW-RS to a DICOMweb service."""
    place = task.destination
    service = storing.Service(place.address, place.username, place.secret)
    storing.store(context, service, held, note=task.note, unwanted=task.unwanted, pieces=_paced(task))


def to_folder(context: Context, task: Round, held: Sequence[Stored]) -> None:
    """Files in a folder."""
    folders.store(context, task, held, _paced(task))


def _paced(task: Round) -> Callable[[bytes], Iterator[bytes | memoryview]]:
    """As fast as the destination is to be sent to."""
    throttle = Throttle.of(task.destination.name, task.destination.throttle)
    return lambda data: throttle.pieces(data, task.stop)


CHANNELS: Mapping[Kind, Channel] = {Kind.DICOM: to_peer, Kind.DICOMWEB: to_service, Kind.FOLDER: to_folder}
