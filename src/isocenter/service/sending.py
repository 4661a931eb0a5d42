"""What leaves the archive by DICOM: which instances, who may have them, a row in the change log, and their bytes.

    for stored in chosen(context, principal, studies=[uid], to="VIEWER"):
        with outgoing(context, stored, accepted) as object:
            send(object.transfer_syntax_uid, object.parts())
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection

from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Broken, Invalid, Missing, Unsupported
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import imaging
from isocenter.store.imaging import Located as Stored
from isocenter.store.imaging import Wanted

__all__ = ["Outgoing", "Stored", "chosen", "outgoing"]

PIECE = 1 << 20  # bytes of a part; most objects are one

_VERIFY = "An administrator should run `isocenter verify`."


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An object on its way out. transfer_syntax_uid: of its data set; size: bytes of the data set.

    descriptor: of the file in which it lies from `offset` on.
    """

    transfer_syntax_uid: str
    size: int
    descriptor: int
    offset: int

    def parts(self) -> Iterator[bytes]:
        """The bytes of the data set, without file meta information, PIECE at a time. Raises Broken when the file is cut."""
        at, end = self.offset, self.offset + self.size
        while at < end:
            part = os.pread(self.descriptor, min(PIECE, end - at), at)
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
) -> list[Stored]:
    """The served instances that are in every list given, and that the principal may see; study by study, in order of numbers.

    The lists hold UIDs, `patients` Patient IDs (of `issuer`, when it is given). to: the AE title they go to when that is not who
    asks. For each study a row says so before anything leaves. Raises Invalid when no list is given, Forbidden, Busy, Broken.
    """
    access.require(principal, Permission.STUDY_READ)
    wanted = Wanted(tuple(patients), tuple(studies), tuple(series), tuple(instances), issuer)
    if not (patients or studies or series or instances):
        raise Invalid("nothing says which objects are wanted", hint="Name a patient, a study, a series or an instance.")
    scope = access.scope(principal)

    def read(connection: Connection) -> list[Stored]:
        found = imaging.wanted_studies(connection, wanted)
        return imaging.located_in(connection, (key for key, values in found.items() if scope.permits(values)), wanted)

    found = context.database.read(read)
    told = {stored.study_instance_uid: {"study": stored.study_instance_uid} for stored in found}
    context.accesses.note_all(context.database, principal, Event.STUDY_SENT, told, to)
    return found


@contextmanager
def outgoing(context: Context, stored: Stored, accepted: Sequence[str]) -> Iterator[Outgoing]:
    """The object in a transfer syntax that its receiver accepts: as it is stored, when that is one of them.

    accepted: UIDs, the dearest first. Raises Unsupported when it cannot be had in any of them, Broken.
    """
    if stored.transfer_syntax_uid not in accepted:
        raise Unsupported("the object cannot be had in a transfer syntax that is accepted", where=stored.transfer_syntax_uid)
    with opened(context, stored) as descriptor:
        size = stored.size - stored.dataset_offset
        yield Outgoing(stored.transfer_syntax_uid, size, descriptor, stored.dataset_offset)


@contextmanager
def opened(context: Context, stored: Stored) -> Iterator[int]:
    """A descriptor of the object's file for a block. Raises Broken when the archive has lost or damaged it."""
    try:
        descriptor = context.blobs.open(stored.blob_key)
    except Missing:
        raise Broken("a stored file is not there", hint=_VERIFY) from None
    try:
        if os.fstat(descriptor).st_size != stored.size:
            raise Broken("a stored file does not have its size", hint=_VERIFY)
        yield descriptor
    finally:
        os.close(descriptor)
