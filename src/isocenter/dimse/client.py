"""SCU: an association to another archive, on the same upper layer; what all requests of ours go through.

    with Association("127.0.0.1", 11112, calling="DEMO", called="ISOCENTER", contexts=contexts_of(paths)) as association:
        for path in paths:
            association.store(path)

Nothing is loaded whole. Queries and retrievals are in querying.py, sending studies in sending.py.
"""

import os
import ssl
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from isocenter.dicom import part10, uid
from isocenter.dicom.sop_classes import VERIFICATION
from isocenter.dicom.source import FileSource
from isocenter.dimse import messages
from isocenter.dimse.conversation import Answer, Cancelled, Conversation, Perform, never
from isocenter.dimse.messages import Command, CommandField
from isocenter.dimse.status import UNABLE_TO_PROCESS, Category, describe
from isocenter.dimse.tls import to_call
from isocenter.dimse.upper_layer import association as upper_layer
from isocenter.dimse.upper_layer.items import (
    ImplementationClassUID,
    ImplementationVersionName,
    MaximumLength,
    PresentationContextRQ,
    RoleSelection,
)
from isocenter.dimse.upper_layer.pdu import COMMAND, LAST, REJECT_TEXT, AssociateRQ
from isocenter.domain.errors import Away, Forbidden, Invalid, IsocenterError, Unsupported
from isocenter.service.context import Context
from isocenter.service.peers import Peer

# PS3.8 9.3.2.2: IDs are odd numbers from 1 to 255.
MAX_CONTEXTS = 128

MEDIUM_PRIORITY = 0x0000  # PS3.7 9.3.1.1

Contexts = Iterable[tuple[str, tuple[str, ...]]]
"""(abstract syntax, its transfer syntaxes in the order of our preference)"""

VERIFICATION_CONTEXTS: Contexts = ((VERIFICATION, ("1.2.840.10008.1.2",)),)


class Rejected(Forbidden):
    """The peer rejected the association; the message says with whose words."""


class Lost(Away):
    """The association ended before the answer was there: aborted, timed out, or the connection broke."""


class Unreachable(Lost):
    """There was no transport connection."""


class NotAccepted(Unsupported):
    """No accepted presentation context for the SOP class and transfer syntax of the file."""


class Refused(Away):
    """The peer answered a request with a failure. code: the status."""

    def __init__(self, operation: str, answer: Command) -> None:
        self.code = UNABLE_TO_PROCESS if answer.status is None else answer.status
        words = answer.error_comment or describe(self.code).text
        super().__init__(f"the peer answered {operation} with status {self.code:04X}H: {words}", hint="Its log has the reason.")


@dataclass(frozen=True, slots=True)
class StoreResult:
    """What the peer answered to one C-STORE."""

    sop_instance_uid: str
    status: int
    comment: str = ""

    @property
    def stored(self) -> bool:
        """Success, or a Warning: the peer has it (PS3.7 C.1, C.2)."""
        return describe(self.status).category in (Category.SUCCESS, Category.WARNING)


def contexts_of(paths: Iterable[Path]) -> list[tuple[str, tuple[str, ...]]]:
    """The presentation contexts needed to send Part 10 files as they are: one for each pair of SOP class and transfer syntax.

    One syntax a context, because a peer that is given several takes the one it likes, and we do not transcode.
    """
    pairs: dict[tuple[str, str], None] = {}
    for path in paths:
        with _opened(path) as (meta, _, _):
            pairs[meta.sop_class_uid, meta.transfer_syntax_uid] = None
    return [(sop_class, (transfer_syntax,)) for sop_class, transfer_syntax in pairs]


def to_peer(
    context: Context,
    peer: Peer,
    *,
    contexts: Contexts,
    roles: Iterable[tuple[str, bool, bool]] = (),
    calling: str = "",
    limits: upper_layer.Limits | None = None,
) -> "Association":
    """An association to a known peer, under our AE title unless `calling` says otherwise, with the limits of the settings.

    Over TLS where the peer wants it. Raises Broken when our certificates cannot be used.
    """
    settings = context.settings
    usual = upper_layer.Limits(settings.max_pdu, settings.artim_timeout, settings.dicom_idle_timeout)
    return Association(
        peer.host, peer.port, calling=calling or settings.aet, called=peer.aet, contexts=contexts, roles=roles,
        limits=limits or usual, tls=to_call(settings) if peer.tls else None,
    )  # fmt: skip


class Association:
    """An association we asked for. Raises Rejected, Lost; more than 128 contexts raise Invalid.

    roles: (SOP class, whether we are SCU of it, whether we are SCP), where it is not SCU only (PS3.7 D.3.3.4).
    tls: `tls.to_call`; None: in clear text.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        calling: str,
        called: str,
        contexts: Contexts = VERIFICATION_CONTEXTS,
        roles: Iterable[tuple[str, bool, bool]] = (),
        limits: upper_layer.Limits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host, self._port = host, port
        self._request = _request(calling, called, contexts, limits or upper_layer.Limits(), roles)
        self._association = upper_layer.Association(limits or upper_layer.Limits(), requestor=True, tls=tls)
        self._message_id = 0
        self._by_syntaxes: dict[tuple[str, str], int] = {}
        self._by_abstract_syntax: dict[str, list[int]] = defaultdict(list)

    def __enter__(self) -> "Association":
        try:
            self._association.associate(self._host, self._port, self._request)
        except upper_layer.Ended as end:
            raise self._error(end) from None
        for context in self._association.contexts.values():
            self._by_syntaxes[context.abstract_syntax, context.transfer_syntax] = context.context_id
            self._by_abstract_syntax[context.abstract_syntax].append(context.context_id)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if not self._association.established:
                return
            if kind is None:
                self._association.release()
            else:
                self._association.abort()
        except upper_layer.Ended as end:
            if kind is None:
                raise self._error(end) from None
        finally:
            self._association.close()

    @property
    def accepted(self) -> set[tuple[str, str]]:
        """(SOP class, transfer syntax) pairs that the peer takes."""
        return set(self._by_syntaxes)

    def echo(self) -> int:
        """C-ECHO; the status. Raises NotAccepted, Lost."""
        context_id = self._context_of(VERIFICATION)
        command = Command(
            command_field=CommandField.C_ECHO_RQ, affected_sop_class_uid=VERIFICATION, message_id=self._next_message_id()
        )
        return self._exchange(context_id, command, iter(())).status or 0

    def abort(self) -> None:
        """End the association at once: A-ABORT."""
        self._association.abort()

    def sever(self) -> None:
        """From another thread: cut the connection, whatever is in progress, which raises Lost there."""
        self._association.sever()

    def store(self, path: Path) -> StoreResult:
        """C-STORE of one Part 10 file, streamed. Raises NotAccepted, Invalid (no DICOM file), Lost."""
        with _opened(path) as (meta, descriptor, size):
            context_id = self._context_for(meta.sop_class_uid, meta.transfer_syntax_uid)
            parts = _parts(descriptor, meta.dataset_offset, size, self._association.send_length)
            return self._store(context_id, meta.sop_class_uid, meta.sop_instance_uid, parts)

    def send(
        self,
        sop_class_uid: str,
        sop_instance_uid: str,
        transfer_syntax_uid: str,
        parts: Iterable[bytes | memoryview],
        originator: tuple[str, int] | None = None,
    ) -> StoreResult:
        """C-STORE of a data set that comes in parts, each valid while the next is made. Raises NotAccepted, Lost.

        originator: AE title and Message ID of the C-MOVE that this is a sub-operation of (PS3.7 9.1.1.1.7).
        """
        context_id = self._context_for(sop_class_uid, transfer_syntax_uid)
        return self._store(context_id, sop_class_uid, sop_instance_uid, _flagged(parts), originator)

    def _store(
        self,
        context_id: int,
        sop_class_uid: str,
        sop_instance_uid: str,
        parts: Iterator[tuple[bytes | memoryview, bool]],
        originator: tuple[str, int] | None = None,
    ) -> StoreResult:
        move_aet, move_message = originator or (None, None)
        command = Command(
            command_field=CommandField.C_STORE_RQ,
            command_data_set_type=messages.DATA_SET,
            affected_sop_class_uid=sop_class_uid,
            affected_sop_instance_uid=sop_instance_uid,
            message_id=self._next_message_id(),
            priority=MEDIUM_PRIORITY,
            move_originator_application_entity_title=move_aet,
            move_originator_message_id=move_message,
        )
        answer = self._exchange(context_id, command, parts)
        code = UNABLE_TO_PROCESS if answer.status is None else answer.status
        return StoreResult(sop_instance_uid, code, answer.error_comment or "")

    def transfer_syntax(self, sop_class_uid: str) -> str:
        """The transfer syntax that was accepted for a SOP class. Raises NotAccepted."""
        return self._association.contexts[self._context_of(sop_class_uid)].transfer_syntax

    def request(self, sop_class_uid: str, command: Command, data_set: bytes) -> Command:
        """Any other request with a whole data set; its answer. command: without a message ID. Raises NotAccepted, Lost."""
        numbered = replace(command, message_id=self._next_message_id())
        return self._exchange(self._context_of(sop_class_uid), numbered, iter([(memoryview(data_set), True)]))

    def answers(
        self, sop_class_uid: str, command: Command, data_set: bytes, *, cancelled: Cancelled = never,
        perform: Perform | None = None,
    ) -> Iterator[Answer]:  # fmt: skip
        """A request that may have many answers, of which the last is not pending. Raises NotAccepted, Lost.

        cancelled: once it says so, C-CANCEL is sent; the answers then end with what the peer makes of that. perform: who performs
        requests of the peer meanwhile. Who stops before the last answer must leave the association.
        """
        context_id, numbered = self._context_of(sop_class_uid), replace(command, message_id=self._next_message_id())
        association = self._association
        conversation = Conversation(association, perform)
        cancel = Command(command_field=CommandField.C_CANCEL_RQ, message_id_being_responded_to=numbered.message_id)
        try:
            self._send(context_id, numbered, iter([(data_set, True)]))
            while True:
                answer = conversation.answer(
                    cancelled, lambda: association.send_fragments(context_id, COMMAND | LAST, cancel.encode())
                )
                self._check(numbered, answer.command)
                yield answer
                if describe(answer.status).category is not Category.PENDING:
                    return
        except upper_layer.Ended as end:
            raise self._over(end) from None
        finally:
            conversation.discard()

    def listen(self, perform: Perform, seconds: float, stop: Cancelled = never) -> None:
        """Perform requests of the peer for so long, or until `stop`. Raises Lost when it ends the association."""
        conversation = Conversation(self._association, perform)
        try:
            conversation.listen(seconds, stop)
        except upper_layer.Ended as end:
            raise self._over(end) from None
        finally:
            conversation.discard()

    def _context_for(self, sop_class_uid: str, transfer_syntax_uid: str) -> int:
        context_id = self._by_syntaxes.get((sop_class_uid, transfer_syntax_uid))
        if context_id is None:
            raise NotAccepted("the peer does not take this kind of object in this transfer syntax", where=sop_class_uid)
        return context_id

    def _context_of(self, sop_class_uid: str) -> int:
        contexts = self._by_abstract_syntax.get(sop_class_uid)
        if not contexts:
            raise NotAccepted("the peer does not offer this service", where=sop_class_uid)
        return contexts[0]

    def _next_message_id(self) -> int:
        self._message_id = self._message_id % 0xFFFF + 1
        return self._message_id

    def _exchange(self, context_id: int, command: Command, data: Iterator[tuple[bytes | memoryview, bool]]) -> Command:
        """Send a message and wait for its answer."""
        try:
            self._send(context_id, command, data)
            answer = Conversation(self._association).answer().command
            self._check(command, answer)
        except upper_layer.Ended as end:
            raise self._over(end) from None
        return answer

    def _send(self, context_id: int, command: Command, data: Iterator[tuple[bytes | memoryview, bool]]) -> None:
        self._association.send_fragments(context_id, COMMAND | LAST, command.encode())
        for part, last in data:
            self._association.send_fragments(context_id, LAST if last else 0, part)

    @staticmethod
    def _check(command: Command, answer: Command) -> None:
        if answer.message_id_being_responded_to != command.message_id:
            raise upper_layer.Ended("provider_aborted", "an answer to another message")

    def _over(self, end: upper_layer.Ended) -> IsocenterError:
        self._association.abort()
        return self._error(end)

    def _error(self, end: upper_layer.Ended) -> IsocenterError:
        where = f"{self._host}:{self._port}"
        if end.rejection:
            words = REJECT_TEXT.get((end.rejection.source, end.rejection.reason), f"reason {end.rejection.reason}")
            return Rejected(f"the peer rejected the association: {words}", where=where)
        if end.how == "unreachable":
            return Unreachable(f"nobody answers: {end.detail}", where=where)
        return Lost(f"the association ended: {end}", where=where)


def _request(
    calling: str, called: str, contexts: Contexts, limits: upper_layer.Limits, roles: Iterable[tuple[str, bool, bool]]
) -> AssociateRQ:
    proposed = tuple(
        PresentationContextRQ(2 * index + 1, abstract_syntax, transfer_syntaxes)
        for index, (abstract_syntax, transfer_syntaxes) in enumerate(contexts)
    )
    if not 1 <= len(proposed) <= MAX_CONTEXTS:
        raise Invalid(f"an association has 1 to {MAX_CONTEXTS} presentation contexts, not {len(proposed)}")
    return AssociateRQ(
        user_information=(
            MaximumLength(limits.maximum_length),
            ImplementationClassUID(uid.IMPLEMENTATION_CLASS_UID),
            *(RoleSelection(*role) for role in roles),
            ImplementationVersionName(uid.IMPLEMENTATION_VERSION_NAME),
        ),
        called_ae_title=called,
        calling_ae_title=calling,
        presentation_contexts=proposed,
    )


@contextmanager
def _opened(path: Path) -> Iterator[tuple[part10.FileMeta, int, int]]:
    """File meta information, file descriptor and size of a Part 10 file; raises Invalid when it is none."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        source = FileSource(descriptor)
        try:
            meta = part10.file_meta_of(source)
            if not (meta.sop_class_uid and meta.sop_instance_uid):  # old files leave them out of group 2
                header = part10.scan(source)
                meta = replace(meta, sop_class_uid=header.sop_class_uid, sop_instance_uid=header.sop_instance_uid)
        except part10.Malformed as error:
            raise Invalid(f"no DICOM file: {error}") from None
        if not (meta.sop_class_uid and meta.sop_instance_uid):
            raise Invalid("the object has no SOP Class UID or SOP Instance UID, which C-STORE must name")
        yield meta, descriptor, source.size
    finally:
        os.close(descriptor)


Part = TypeVar("Part")


def _flagged(parts: Iterable[Part]) -> Iterator[tuple[Part, bool]]:
    """Each part, and whether it is the last."""
    iterator = iter(parts)
    held = next(iterator)
    for part in iterator:
        yield held, False
        held = part
    yield held, True


def _parts(descriptor: int, offset: int, size: int, length: int) -> Iterator[tuple[memoryview, bool]]:
    """The bytes of a file from `offset` on, `length` at a time in one reused buffer, and whether they are the last."""
    buffer = memoryview(bytearray(length))
    while True:
        count = os.preadv(descriptor, [buffer], offset)
        offset += count
        yield buffer[:count], offset >= size or not count
        if offset >= size or not count:
            return
