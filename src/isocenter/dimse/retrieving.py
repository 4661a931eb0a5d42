"""Retrieve service class, SCP: C-MOVE (PS3.4 C.4.2) and C-GET (C.4.3), Patient Root, Study Root and Patient/Study Only.

C-GET stores to the requestor on its own association, where it has the SCP role for a storage SOP class (PS3.7 D.3.3.4). C-MOVE
sends to a known peer on associations of ours.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from types import MappingProxyType

from isocenter.dicom import sop_classes
from isocenter.dicom.attributes import Level
from isocenter.dimse import messages, status, suboperations
from isocenter.dimse.dispatch import ProtocolError
from isocenter.dimse.exchange import Exchange
from isocenter.dimse.messages import Command, CommandField
from isocenter.dimse.sending import Sent, send
from isocenter.dimse.suboperations import Counts
from isocenter.dimse.upper_layer.negotiation import PresentationContext
from isocenter.domain.errors import IsocenterError, Missing, Unsupported
from isocenter.service import peers, sending
from isocenter.service.sending import Outgoing, Stored

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

# Seconds without an answer after which one says that it goes on: of a large object, or a slow destination, whoever asked hears
# nothing else, and gives up.
HEARTBEAT = 5.0


def move(exchange: Exchange) -> None:
    """The handler of C-MOVE-RQ: a pending answer for each instance that has been sent, then the final status."""
    session, command = exchange.session, exchange.command
    try:
        peer = peers.get(session.context, command.move_destination or "")
    except Missing:
        exchange.answer(status.MOVE_DESTINATION_UNKNOWN, error_comment="the move destination is no known peer")
        return
    found = suboperations.chosen(exchange, LEVELS[exchange.context.abstract_syntax], to=peer.aet)
    if found is None:
        return
    counts = Counts(len(found))
    told = time.monotonic()

    def pending() -> None:
        nonlocal told
        told = time.monotonic()
        if counts.remaining:
            suboperations.pending(exchange, counts)

    def on_sent(sent: Sent) -> None:
        counts.add(sent.stored, sent.status, sent.reason)
        pending()

    def cancelled() -> bool:
        if time.monotonic() - told > HEARTBEAT:
            pending()
        return exchange.cancelled()

    originator = (session.calling_ae_title, command.message_id or 0)
    send(session.context, peer, found, originator=originator, on_sent=on_sent, cancelled=cancelled)
    suboperations.finish(exchange, counts, cancelled=counts.remaining > 0)  # PS3.4 C.4.2.3.1


def get(exchange: Exchange) -> None:
    """The handler of C-GET-RQ: a C-STORE and a pending answer for each instance, then the final status."""
    found = suboperations.chosen(exchange, LEVELS[exchange.context.abstract_syntax])
    if found is None:
        return
    counts, storing = Counts(len(found)), _Storing(exchange)
    for stored in found:
        if exchange.cancelled():  # PS3.4 C.4.3.2.1: no further sub-operation is begun
            suboperations.finish(exchange, counts, cancelled=True)
            return
        counts.add(stored, *storing.store(stored))
        if counts.remaining:
            suboperations.pending(exchange, counts)
    suboperations.finish(exchange, counts)


class _Storing:
    """C-STORE to the requestor of an exchange, on its association."""

    def __init__(self, exchange: Exchange) -> None:
        session = exchange.session
        self._exchange = exchange
        self._message_id = 0
        self._preferred = session.peer.preferred_syntaxes if session.peer else ()
        self._contexts: dict[str, list[PresentationContext]] = defaultdict(list)
        for context in session.association.contexts.values():
            if context.abstract_syntax in session.association.scp_roles_of_peer:
                self._contexts[context.abstract_syntax].append(context)

    def store(self, stored: Stored) -> tuple[int, str]:
        """The status of its C-STORE, and why when we did not get so far."""
        contexts = self._contexts.get(stored.sop_class_uid)
        if not contexts:
            return status.SOP_CLASS_NOT_SUPPORTED, "the SCP role for a SOP class was not proposed"
        accepted = sorted((context.transfer_syntax for context in contexts), key=self._rank)
        with ExitStack() as stack:
            try:
                outgoing = stack.enter_context(sending.outgoing(self._exchange.session.context, stored, accepted))
            except Unsupported as error:
                return status.SOP_CLASS_NOT_SUPPORTED, error.message
            except IsocenterError as error:
                return status.PROCESSING_FAILURE, error.message
            context = next(each for each in contexts if each.transfer_syntax == outgoing.transfer_syntax_uid)
            return self._send(context, stored, outgoing)

    def _rank(self, transfer_syntax: str) -> int:
        """The place in the peer's ladder; those that are not on it come after, in their own order."""
        return self._preferred.index(transfer_syntax) if transfer_syntax in self._preferred else len(self._preferred)

    def _send(self, context: PresentationContext, stored: Stored, outgoing: Outgoing) -> tuple[int, str]:
        self._message_id = self._message_id % 0xFFFF + 1
        command = Command(
            command_field=CommandField.C_STORE_RQ,
            command_data_set_type=messages.DATA_SET,
            affected_sop_class_uid=stored.sop_class_uid,
            affected_sop_instance_uid=stored.sop_instance_uid,
            message_id=self._message_id,
            priority=self._exchange.command.priority or 0,
        )
        try:
            self._exchange.request(context.context_id, command, _marked(outgoing))
        except IsocenterError as error:  # in the middle of the data set: nothing can be said on this association any more
            raise ProtocolError(f"an object could not be sent to its end: {error.message}") from error
        answer = self._exchange.answer_to(self._message_id)
        return status.UNABLE_TO_PROCESS if answer.status is None else answer.status, answer.error_comment or ""


def _marked(outgoing: Outgoing) -> Iterator[tuple[bytes, bool]]:
    """The parts of an object, each with whether it is the last."""
    left = outgoing.size
    for part in outgoing.parts():
        left -= len(part)
        yield part, not left
