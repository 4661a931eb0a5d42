"""The door: every object that comes into the archive passes `begin`, `write`, `finish`, whoever sends it.

Order of things in `finish`: scan, admit, bytes durable under a key of ours, rows and change row in one transaction, and only then
the answer. A crash at any point leaves either no answer, or the instance: bytes without a row are harmless (the sender tries
again, `isocenter verify` finds them), a row without bytes cannot come to be.

Where the name in incoming/ is as durable as the bytes (`Blobs.is_told`), it stays until SQLite's log is on the disk, and the
sender does not wait for that: after a power cut the next start makes the row again, from the file and the note in the name.
"""

import logging
import os
import time
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import cast

from isocenter import metrics
from isocenter.dicom import extra, part10
from isocenter.dicom.alike import Alike
from isocenter.dicom.part10 import Header
from isocenter.dicom.source import READ_AHEAD, Arriving, FileSource
from isocenter.domain import access
from isocenter.domain import patient as patients
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Busy, Conflict, Invalid, IsocenterError, Missing, NoSpace
from isocenter.domain.imaging import Accept, Arrival, Library, Outcome, Quarantine, Refuse, Source, Status, admit
from isocenter.service.context import Context
from isocenter.store import arriving, exceptions, hanging_objects, uploads
from isocenter.store.arriving import Added, Arrived, Held, Origin
from isocenter.store.blobs import Incoming, instance_key
from isocenter.store.database import InDoubt
from isocenter.store.digest import Digest
from isocenter.store.open_files import OpenFile
from isocenter.store.uploads import Upload

_log = logging.getLogger(__name__)

_SPACE_EVERY = 16 << 20  # bytes between two looks at the free space
_BEGINNING = 32 << 10  # bytes in which the header of an image usually ends
_COMPARED_AT_ONCE = 1 << 18  # bytes of each of two data sets in memory while they are compared
_MADE = ("stored", "version")  # there is a new row
_NOTHING_KEPT = "Nothing was kept."
_ON_DISK = "It is safe on that node's disk."


def begin(
    context: Context, principal: Principal, *, source: Source, calling_aet: str = "", called_aet: str = "", issuer: str = "",
    alike: Alike | None = None,
) -> "Reception":  # fmt: skip
    """Open the door for one object. issuer: of Patient IDs without one. Raises Forbidden, NoSpace, Broken.

    alike: of whoever sends many objects, one after the other; they are read more quickly.
    """
    access.require(principal, Permission.STUDY_STORE)
    return Reception(context, principal, source, calling_aet, called_aet, issuer, alike or Alike())


class Reception:
    """One object coming in: a Part 10 file, written in pieces. `finish` takes it in; `discard` (or `with`) ends it in any case.

    header: what the object says of itself; known after `finish` has scanned it, also when `finish` raised; None when unreadable.
    """

    def __init__(
        self, context: Context, principal: Principal, source: Source, calling_aet: str, called_aet: str, issuer: str, alike: Alike
    ) -> None:
        self.header: Header | None = None
        self._context = context
        self._principal = principal
        self._source: Source = source
        self._calling_aet = calling_aet
        self._called_aet = called_aet
        self._issuer = issuer
        self._alike = alike
        self._looked_at_space = 0
        self._extras = extra.declared(context.settings.index_attributes)
        self._is_begun = False
        self._beginning: part10.Beginning | None = None
        self._ended = False
        self._ended_as: tuple[str, float] | None = None  # outcome and seconds of `finish`
        self._need_space()
        self._incoming = context.blobs.open_incoming(self._origin.note)
        self._digest = Digest(self._incoming.fd)
        self._put_key = ""  # what it is kept under, so far
        self._held_keys: tuple[str, ...] = ()  # of what is held already, when nothing was kept
        self._is_kept = False
        self._is_left = False  # to whom discards it when the row is durable

    def __enter__(self) -> "Reception":
        return self

    def __exit__(self, *unused: object) -> None:
        self.discard()

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._incoming.size

    def write(self, *buffers: bytes | bytearray | memoryview) -> None:
        """Append bytes to the file. Raises NoSpace or Broken; nothing is kept then."""
        self._incoming.write(*buffers)
        self._digest.update(*buffers)
        if not self._is_begun and self._incoming.size >= _BEGINNING:
            self._is_begun = True
            beginning = Arriving(self._incoming.fd, self._incoming.size, self._head(buffers))
            self._beginning = self._alike.begin(beginning, self._extras)
        if self._incoming.size - self._looked_at_space >= _SPACE_EVERY:
            self._need_space()
            self._looked_at_space = self._incoming.size

    def _head(self, buffers: tuple[bytes | bytearray | memoryview, ...]) -> bytes:
        """What of the file's beginning is in memory: buffers, when nothing came before them."""
        if sum(map(len, buffers)) < self._incoming.size:
            return b""
        head, left = [], READ_AHEAD
        for buffer in buffers:
            head.append(buffer[:left])
            left -= len(head[-1])
            if not left:
                break
        return b"".join(head)

    def refuse(self, reason: str) -> IsocenterError:
        """Note that what came is no object, which its sender's edge has seen before it was written. Returns the error for it."""
        self._ended_as = "refused", 0.0
        return self._refusal(Refuse(reason, ""))

    def discard(self) -> None:
        """Tidy up; what `finish` has kept stays. To be called in the end in any case, best after the sender has its answer."""
        if self._ended:
            return
        self._ended = True
        size = self._incoming.size
        self._close()
        if self._ended_as is not None:
            label, seconds = self._ended_as
            metrics.instance(self._source, label, peer=self._calling_aet, size=size, seconds=seconds)

    def _close(self) -> None:
        self._digest.close()
        if not self._is_left:
            self._incoming.discard()

    def finish(
        self,
        *,
        command_sop_class_uid: str | None = None,
        command_sop_instance_uid: str | None = None,
        study_instance_uid: str | None = None,
    ) -> Outcome:
        """Take the object in and say what became of it; on return it is durable.

        command_*: what the C-STORE command named. study_instance_uid: the study that the sender said it stores to (STOW-RS).
        Raises Invalid (not DICOM, truncated, no UIDs), Conflict (not what the command named), NoSpace, Busy, Broken.
        Nothing is kept then, unless it is InDoubt (a Broken): then the commit broke, and sending again is safe. So it is after
        Away and Busy of an object store, which has not got yet what is kept.
        """
        began = time.perf_counter()
        label = "failed"
        try:
            self._digest.finish()
            verdict = self._judge(command_sop_class_uid, command_sop_instance_uid, study_instance_uid)
            if isinstance(verdict, Refuse):
                label = "refused"
                raise self._refusal(verdict)
            outcome = self._keep(verdict, cast(Header, self.header))
            label = outcome.status
            self._secure()
            return outcome
        finally:
            self._ended_as = label, time.perf_counter() - began

    def _judge(
        self, sop_class_uid: str | None, sop_instance_uid: str | None, study_instance_uid: str | None
    ) -> "Accept | Quarantine | Refuse":
        try:
            self.header = self._scan()
        except part10.Malformed as fault:
            return Refuse(fault.reason, fault.where)
        return admit(
            Arrival(
                principal=self._principal, header=self.header, size=self._incoming.size, source=self._source,
                calling_aet=self._calling_aet, called_aet=self._called_aet,
                command_sop_class_uid=sop_class_uid, command_sop_instance_uid=sop_instance_uid,
                target_study_instance_uid=study_instance_uid,
            )
        )

    def _scan(self) -> Header:
        """The header of what came. A file that is a bare data set gets a Part 10 header of ours in front; raises Malformed."""
        source = FileSource(self._incoming.fd, self._incoming.size)
        try:
            return part10.scan(source, self._beginning, self._extras)
        except part10.Malformed:
            # A C-STORE always comes with the header that the edge wrote; files of old archives and exports may lack it.
            transfer_syntax_uid = None if self._source == "dimse" else part10.bare_syntax(source)
            if transfer_syntax_uid is None:
                raise
        unnamed = part10.scan(_Joined(part10.file_meta("", "", transfer_syntax_uid), source))
        meta = part10.file_meta(unnamed.sop_class_uid, unnamed.sop_instance_uid, transfer_syntax_uid)
        self._digest.close()
        bare, self._incoming = self._incoming, self._context.blobs.open_incoming(self._origin.note)
        self._digest = Digest(self._incoming.fd)
        try:
            self.write(meta)
            for start in range(0, bare.size, _COMPARED_AT_ONCE):
                self.write(_read(bare.fd, min(_COMPARED_AT_ONCE, bare.size - start), start))
        finally:
            bare.discard()
        header = part10.scan(FileSource(self._incoming.fd, self._incoming.size), extras=self._extras)
        return replace(header, warnings=(*header.warnings, "had no Part 10 header"))

    def _need_space(self) -> None:
        blobs, needed = self._context.blobs, self._context.settings.min_free_space
        if blobs.free_space() >= needed:
            return
        self._context.cache.give_way(needed + _SPACE_EVERY)  # an original goes before what can be made again
        if blobs.free_space() < needed:
            raise NoSpace("the disk is nearly full", kept=_NOTHING_KEPT,
                          hint="Free some space, or lower min_free_space; then send again.")

    @property
    def _origin(self) -> Origin:
        principal = self._principal
        return Origin(self._source, self._calling_aet, principal.name, principal.address, self._called_aet)

    def _refusal(self, refuse: Refuse) -> IsocenterError:
        """Note the refusal in the change log, and make the error for the sender."""
        note = partial(arriving.refuse, reason=refuse.reason, where=refuse.where, origin=self._origin, at=self._context.clock())
        try:
            self._context.database.write(note)
        except IsocenterError as error:
            _log.warning("a refusal could not be noted", extra={"facts": {"kind": error.kind.value}})
        kind = Conflict if refuse.mismatch else Invalid
        return kind(refuse.reason, where=refuse.where, kept=_NOTHING_KEPT)

    def _keep(self, verdict: Accept | Quarantine, header: Header) -> Outcome:
        now = self._context.clock()
        try:
            if isinstance(verdict, Library):
                return self._file(header, now)
            if isinstance(verdict, Quarantine):
                return self._quarantine(verdict, header, now)
            return self._archive(verdict, header, now)
        except InDoubt:
            self._is_kept = True  # perhaps: then its row is there, and must not be without bytes
            raise
        finally:
            if self._put_key and not self._is_kept:
                self._drop(self._put_key)

    def _secure(self) -> None:
        """Where two places are asked for: the second, before the sender is answered. Raises Away, Busy, Broken."""
        blobs, database = self._context.blobs, self._context.database
        if not blobs.node or self._context.settings.storage_safe_in < 2:
            return
        if self._is_kept:
            left = [Upload(self._put_key, blobs.node, self._digest.hexdigest(), self._incoming.size)]
        else:
            left = database.read(partial(uploads.waiting, keys=self._held_keys)) if self._held_keys else []
        for each in left:
            if each.node != blobs.node:
                raise Busy("another node holds this and has not copied it into the object store yet", kept=_ON_DISK,
                           hint="Send it again later.")  # fmt: skip
            try:
                blobs.upload(each.key, each.size, each.sha256)
            except IsocenterError:
                database.write(partial(uploads.again, keys=(each.key,), at=self._context.clock()))  # by the worker, now
                raise

    def _archive(self, verdict: Accept, header: Header, now: datetime) -> Outcome:
        self._put_as(self._key("archive", now, header))
        added = self._add(header, now)
        if added.status == "elsewhere":
            return self._quarantine(Quarantine(added.reason, added.where), header, now)
        self._is_kept = added.status in _MADE
        status: Status = "stored" if added.status == "stored" else "version" if added.status == "version" else "duplicate"
        return _outcome(status, header, warnings=verdict.warnings)

    def _file(self, header: Header, now: datetime) -> Outcome:
        """Keep an object of no patient: its bytes are in its row, which is durable when this returns."""
        content = _read(self._incoming.fd, self._incoming.size, 0)
        syntax, offset = header.transfer_syntax_uid, header.dataset_offset
        status = self._context.database.write(
            lambda connection: hanging_objects.add(
                connection, header.sop_instance_uid, content, syntax, offset, self._origin, now
            )
        )
        return _outcome(status, header)

    def _quarantine(self, verdict: Quarantine, header: Header, now: datetime) -> Outcome:
        self._put_as(self._key("quarantine", now, header))
        arrived = self._arrived(header, now)
        self._is_kept = self._context.database.write(
            lambda connection: arriving.quarantine(connection, arrived, verdict.reason, verdict.where)
        )
        if not self._is_kept and self._context.blobs.node:
            held = self._context.database.read(partial(exceptions.find, fingerprint=f"quarantined:{arrived.sha256}"))
            self._held_keys = (held["blob_key"],) if held is not None else ()
        return _outcome("quarantined", header, reason=verdict.reason)

    def _put_as(self, key: str) -> None:
        """Keep the bytes under this key, and no longer under the one before."""
        before = self._put_key
        self._context.blobs.put(self._incoming, key)
        self._put_key = key
        if before:
            self._drop(before)

    def _arrived(self, header: Header, now: datetime) -> Arrived:
        node = self._context.blobs.node
        # Who receives for two places copies it at once, and the worker only when that does not come to an end.
        at_once = node and self._context.settings.storage_safe_in > 1
        mine = uploads.lease([Upload(self._put_key, node, "", self._incoming.size)]) if at_once else timedelta()
        return arriving.prepared(
            header,
            blob_key=self._put_key,
            sha256=self._digest.hexdigest(),
            size=self._incoming.size,
            received_at=now,
            dirty_at=now + timedelta(seconds=self._context.settings.series_quiet_seconds),
            origin=self._origin,
            node=node,
            upload_at=now + mine,
            issuer=self._issuer,
            namespaces=patients.namespaces(self._context.settings.issuers),
        )

    def _key(self, area: str, at: datetime, header: Header, version: int = 1) -> str:
        name = self._incoming.name
        return instance_key(area, at, header.study_instance_uid, header.series_instance_uid, name, version)

    def _add(self, header: Header, now: datetime) -> Added:
        """Add the row; where the UID is held, compare outside the transaction and then say so. Status "taken": held already.

        A version has its number in the name of its file before it has a row: only the commit knows which one was first.
        """
        arrived = self._arrived(header, now)
        # Where it is told of in incoming/, the row need not be durable yet.
        told = self._context.database.is_sqlite and self._context.blobs.is_told(self._incoming)
        then = partial(_settled, self._incoming) if told else None
        while True:
            added: Added = self._context.database.write_each(arriving.add, arrived, then)
            self._is_left = then is not None and added.status in _MADE
            if added.status == "taken":
                if any(self._is_same(held, arrived) for held in added.held):
                    self._held_keys = tuple(held.blob_key for held in added.held)
                    return added
                self._put_as(self._key("archive", now, header, len(added.held) + 1))
                arrived = replace(self._arrived(header, now), differs_from=frozenset(held.id for held in added.held))
            elif added.status != "again":
                return added

    def _is_same(self, held: Held, arrived: Arrived) -> bool:
        """Whether the data set is bit by bit the held one's. A held file that was lost is put back when these are its bytes."""
        identical = (held.sha256, held.size) == (arrived.sha256, arrived.size)
        try:
            file = self._context.blobs.open(held.blob_key)
        except Missing:
            if identical:
                self._put_back(held)
            return identical
        except Busy:  # on another node's disk still
            if identical:
                return True
            raise
        with file:
            if file.size != held.size:
                return False  # damaged: what arrived must be kept
            return identical or self._is_same_data_set(held, file)

    def _put_back(self, held: Held) -> None:
        self._context.blobs.put(self._incoming, held.blob_key)
        if self._context.blobs.node:
            now = self._context.clock()
            each = Upload(held.blob_key, self._context.blobs.node, held.sha256, held.size)
            self._context.database.write(partial(uploads.add, each=each, now=now, due=now))

    def _is_same_data_set(self, held: Held, file: OpenFile) -> bool:
        header = cast(Header, self.header)
        here, there = header.dataset_offset, held.dataset_offset
        if header.transfer_syntax_uid != held.transfer_syntax_uid or self._incoming.size - here != held.size - there:
            return False
        while here < self._incoming.size:
            mine = os.pread(self._incoming.fd, _COMPARED_AT_ONCE, here)
            if not mine or mine != file.read_at(there, len(mine)):
                return False
            here, there = here + len(mine), there + len(mine)
        return True

    def _drop(self, key: str) -> None:
        """Remove bytes that got no row. When that fails they are an orphan, which `isocenter verify` finds."""
        try:
            self._context.blobs.delete(key)
        except OSError as error:
            _log.warning("bytes without a row could not be removed", extra={"facts": {"key": key, "errno": error.errno}})


def _settled(incoming: Incoming, added: Added) -> None:
    """The row is durable: the name in incoming/ has nothing to tell any more."""
    if added.status in _MADE:
        incoming.discard()


class _Joined:
    """A source with some bytes in front of it."""

    def __init__(self, head: bytes, rest: FileSource) -> None:
        self._head = head
        self._rest = rest
        self.size = len(head) + rest.size

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`."""
        front = self._head[offset : offset + length]
        missing = length - len(front)
        return front + self._rest.read_at(max(offset - len(self._head), 0), missing) if missing else front


def _outcome(status: Status, header: Header, *, reason: str = "", warnings: tuple[str, ...] = ()) -> Outcome:
    return Outcome(
        status, header.sop_class_uid, header.sop_instance_uid, header.study_instance_uid, header.series_instance_uid,
        reason, warnings,
    )


def _read(fd: int, length: int, offset: int) -> bytes:
    """Exactly `length` bytes unless the file ends: pread may return fewer."""
    data = os.pread(fd, length, offset)
    while data and len(data) < length and (more := os.pread(fd, length - len(data), offset + len(data))):
        data += more
    return data
