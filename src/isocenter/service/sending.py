"""What leaves the archive by DICOM: which instances, who may have them, a row in the change log, and their bytes.

    for stored in chosen(context, principal, studies=[uid], to="VIEWER"):
        with outgoing(context, stored, accepted) as object:
            send(object.transfer_syntax_uid, object.parts())
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection

from isocenter.dicom.elements import Malformed
from isocenter.dicom.source import BytesSource, FileSource, Source
from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Broken, Invalid, NoSpace, Unsupported
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import corrected, imaging
from isocenter.store.imaging import InMemory, Wanted
from isocenter.store.imaging import Located as Stored
from isocenter.store.open_files import OpenFile

__all__ = ["OpenFile", "Outgoing", "Stored", "chosen", "outgoing"]

PIECE = 1 << 20  # bytes of a part; most objects are one

_VERIFY = "An administrator should run `isocenter verify`."


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An object on its way out. transfer_syntax_uid: of its data set; size: bytes of the data set.

    file: where it lies from `offset` on.
    """

    transfer_syntax_uid: str
    size: int
    file: Source
    offset: int

    def parts(self) -> Iterator[bytes]:
        """The bytes of the data set, without file meta information, PIECE at a time. Raises Broken when the file is cut."""
        at, end = self.offset, self.offset + self.size
        while at < end:
            part = self.file.read_at(at, min(PIECE, end - at))
            if not part:
                raise Broken("a stored file ends too early", hint=_VERIFY)
            at += len(part)
            yield part


def chosen(
    context: Context,
    principal: Principal,
    *,
    studies: Sequence[str] = (),
    series: Sequence[str] = (),
    instances: Sequence[str] = (),
    patients: Sequence[str] = (),
    issuer: str = "",
    to: str = "",
    noted: bool = True,
) -> list[Stored]:
    """The served instances that are in every list given, and that the principal may see; study by study, in order of numbers.

    The lists hold UIDs, `patients` Patient IDs (of `issuer`, when it is given). to: the AE title they go to when that is not who
    asks. For each study a row says so before anything leaves, unless (noted) somebody else writes it. Raises Invalid when no list
    is given, Forbidden, Busy, Broken.
    """
    access.require(principal, Permission.STUDY_READ)
    wanted = Wanted(tuple(patients), tuple(studies), tuple(series), tuple(instances), issuer)
    if not (patients or studies or series or instances):
        raise Invalid("nothing says which objects are wanted", hint="Name a patient, a study, a series or an instance.")
    scope = access.scope(principal, Permission.STUDY_READ)

    def read(connection: Connection) -> list[Stored]:
        return imaging.located_in(connection, imaging.wanted_studies(connection, wanted, scope), wanted)

    found = context.database.read(read)
    told = {stored.study_instance_uid: {"study": stored.study_instance_uid} for stored in found} if noted else {}
    context.accesses.note_all(context.database, principal, Event.STUDY_SENT, told, to)
    return found


@contextmanager
def outgoing(context: Context, stored: Stored, accepted: Sequence[str]) -> Iterator[Outgoing]:
    """The object in a transfer syntax that its receiver accepts: as it is stored when it may be, else transcoded without loss.

    accepted: UIDs, the dearest first. Raises Unsupported when it cannot be had in any of them, NoSpace, Broken.
    """
    if isinstance(stored, InMemory):
        with _given(context, stored, BytesSource(stored.content), accepted) as made:
            yield made
        return
    with opened(context, stored) as file:
        is_as_stored = stored.transfer_syntax_uid in accepted
        with _given(context, stored, _Begun(file) if is_as_stored and file.fd is None else file, accepted) as made:
            yield made


@contextmanager
def _given(context: Context, stored: Stored, source: Source, accepted: Sequence[str]) -> Iterator[Outgoing]:
    if stored.transfer_syntax_uid in accepted:
        yield Outgoing(stored.transfer_syntax_uid, source.size - stored.dataset_offset, source, stored.dataset_offset)
        return
    with _transcoded(context, stored, source, accepted) as made:
        yield made


class _Begun:
    """A file in an object store, of which the beginning is here: mostly all of it, in one request.

    What fails does so now: in the middle of a data set it could only be told by A-ABORT.
    """

    def __init__(self, file: OpenFile) -> None:
        self.size = file.size
        self._file = file
        self._head = file.read_at(0, PIECE)

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; fewer where what is here ends."""
        if 0 <= offset < len(self._head):
            return self._head[offset : offset + length]
        return self._file.read_at(offset, length)


@contextmanager
def _transcoded(context: Context, stored: Stored, source: Source, accepted: Sequence[str]) -> Iterator[Outgoing]:
    """Whole before the first byte leaves: a frame that cannot be decoded costs this object, and no association."""
    from isocenter.codecs import transcoding  # numpy and the codecs cost memory that a process without this work can save

    try:
        given = transcoding.read(source)
        target = transcoding.choose(given, accepted)
        if target is None:
            raise Unsupported("the object cannot be had in a transfer syntax that is accepted", where=stored.transfer_syntax_uid)
    except Malformed as fault:
        raise Unsupported(f"the object cannot be transcoded: {fault.reason}", where=fault.where) from None
    with ExitStack() as stack:
        try:
            file = stack.enter_context(context.scratch(given.size))
            transcoding.transcode(given, target, file)
            file.flush()
        except Malformed as fault:
            raise Unsupported(f"the object cannot be transcoded: {fault.reason}", where=fault.where) from None
        except (OSError, MemoryError) as error:
            raise NoSpace("there is no room to transcode the object", hint="An administrator should free some space.") from error
        yield Outgoing(target, file.tell(), FileSource(file.fileno()), 0)


def opened(context: Context, stored: Stored) -> OpenFile:
    """The object's file as it is seen outside, to be closed by `with`. Raises Broken, Busy."""
    return corrected.opened(context.blobs, stored)
