"""Retrieve service class, SCP: C-MOVE (PS3.4 C.4.2) and C-GET (C.4.3), Patient Root, Study Root and Patient/Study Only.

C-GET stores to the requestor on its own association, where it has the SCP role for a storage SOP class (PS3.7 D.3.3.4). C-MOVE
sends to a known peer on associations of ours.
"""

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from isocenter import metrics
from isocenter.dicom import sop_classes
from isocenter.dicom.attributes import Level
from isocenter.dimse import status, suboperations
from isocenter.dimse.exchange import Exchange
from isocenter.dimse.sending import Sent, send
from isocenter.dimse.storing import Suboperations
from isocenter.dimse.suboperations import Counts
from isocenter.domain.errors import Missing
from isocenter.service import peers
from isocenter.service.sending import Stored

GET_SOP_CLASSES: Mapping[str, str] = MappingProxyType(
    {
        sop_classes.PATIENT_ROOT_GET: "Patient Root Query/Retrieve Information Model - GET",
        sop_classes.STUDY_ROOT_GET: "Study Root Query/Retrieve Information Model - GET",
        sop_classes.PATIENT_STUDY_ONLY_GET: "Patient/Study Only Query/Retrieve Information Model - GET (Retired)",
    }
)

MOVE_SOP_CLASSES: Mapping[str, str] = MappingProxyType(
    {
        sop_classes.PATIENT_ROOT_MOVE: "Patient Root Query/Retrieve Information Model - MOVE",
        sop_classes.STUDY_ROOT_MOVE: "Study Root Query/Retrieve Information Model - MOVE",
        sop_classes.PATIENT_STUDY_ONLY_MOVE: "Patient/Study Only Query/Retrieve Information Model - MOVE (Retired)",
    }
)

_EVERY = (Level.PATIENT, Level.STUDY, Level.SERIES, Level.INSTANCE)
# PS3.4 C.6.1.1, C.6.2.1 and the retired C.6.3
LEVELS: Mapping[str, tuple[Level, ...]] = MappingProxyType(
    {
        sop_classes.PATIENT_ROOT_GET: _EVERY,
        sop_classes.STUDY_ROOT_GET: _EVERY[1:],
        sop_classes.PATIENT_STUDY_ONLY_GET: _EVERY[:2],
        sop_classes.PATIENT_ROOT_MOVE: _EVERY,
        sop_classes.STUDY_ROOT_MOVE: _EVERY[1:],
        sop_classes.PATIENT_STUDY_ONLY_MOVE: _EVERY[:2],
    }
)

# What can be negotiated (PS3.4 C.5.2.1, C.5.3.1), byte by byte: relational retrieval; conversion of enhanced multi-frame images.
SUPPORTED = b"\1\0"

# Seconds without an answer after which one says that it goes on: of a large object, or a slow destination, whoever asked hears
# nothing else, and gives up.
HEARTBEAT = 5.0


def extend(asked: bytes) -> bytes:
    """The answer to a requestor's extended negotiation. Relational retrieval is done for those who do not negotiate, too."""
    return bytes(ours if theirs == 1 else 0 for theirs, ours in zip(asked, SUPPORTED, strict=False))


def move(exchange: Exchange) -> None:
    """The handler of C-MOVE-RQ: a pending answer for each instance that has been sent, then the final status."""
    levels = LEVELS[exchange.context.abstract_syntax]
    move_chosen(exchange, lambda to: suboperations.chosen(exchange, levels, to=to))


def move_chosen(exchange: Exchange, choose: Callable[[str], list[Stored] | None]) -> None:
    """C-MOVE of what `choose` finds for an AE title; it says None when that has been answered."""
    session, command = exchange.session, exchange.command
    try:
        peer = peers.get(session.context, command.move_destination or "")
    except Missing:
        exchange.answer(status.MOVE_DESTINATION_UNKNOWN, error_comment="the move destination is no known peer")
        return
    found = choose(peer.aet)
    if found is None:
        return
    counts = Counts(len(found))
    told = Heartbeat(exchange, counts)

    def on_sent(sent: Sent) -> None:
        counts.add(sent.stored, sent.status, sent.reason)
        told.pending()

    originator = (session.calling_ae_title, command.message_id or 0)
    send(session.context, peer, found, originator=originator, on_sent=on_sent, cancelled=told.cancelled)
    suboperations.finish(exchange, counts, cancelled=counts.remaining > 0)  # PS3.4 C.4.2.3.1


def get(exchange: Exchange) -> None:
    """The handler of C-GET-RQ: a C-STORE and a pending answer for each instance, then the final status."""
    found = suboperations.chosen(exchange, LEVELS[exchange.context.abstract_syntax])
    if found is not None:
        get_chosen(exchange, found)


def get_chosen(exchange: Exchange, found: list[Stored]) -> None:
    """C-GET of these."""
    counts = Counts(len(found))
    told = Heartbeat(exchange, counts)
    with Suboperations(exchange, found) as stores:
        try:
            while counts.remaining:
                told.look()
                stored, code, reason = stores.next(told.look)
                counts.add(stored, code, reason)
                metrics.sent(status.describe(code).category.lower(), exchange.session.calling_ae_title)
                told.pending()
        except Cancelled:
            pass  # PS3.4 C.4.3.2.1: no further sub-operation is begun
        suboperations.finish(exchange, counts, cancelled=counts.remaining > 0)


class Cancelled(Exception):
    """The peer has sent C-CANCEL."""


class Heartbeat:
    """Pending answers: one for each sub-operation, and others while one takes long."""

    def __init__(self, exchange: Exchange, counts: Counts) -> None:
        self._exchange = exchange
        self._counts = counts
        self._told = time.monotonic()

    def pending(self) -> None:
        """Say how far it is, unless all is done: the final answer says that."""
        self._told = time.monotonic()
        if self._counts.remaining:
            suboperations.pending(self._exchange, self._counts)

    def cancelled(self) -> bool:
        """Whether to stop; says that it goes on when nothing has been said for HEARTBEAT seconds."""
        if time.monotonic() - self._told > HEARTBEAT:
            self.pending()
        return self._exchange.cancelled()

    def look(self) -> None:
        """The same as an exception. Raises Cancelled."""
        if self.cancelled():
            raise Cancelled
