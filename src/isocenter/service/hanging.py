"""Hanging protocols: how a study lies on the screen. One's own, and those that were published for everybody.

They are JSON of the web client (`domain.hanging`), and go out and come in as DICOM objects (`dicom.hanging`). Nothing of them
concerns a patient; only what everybody gets to see is a row of the change log.

Objects that peers store (C-STORE, STOW-RS, import) are kept as they came, by `service.ingest`. They hang nothing until somebody
takes one over: a device must not rearrange everybody's screen.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from pydicom.dataset import Dataset
from sqlalchemy import Connection

from isocenter.dicom import hanging as iod
from isocenter.dicom import keys, meta, syntaxes
from isocenter.dicom.datasets import InvalidDataSet, decode, encode
from isocenter.dicom.elements import Malformed
from isocenter.dicom.sop_classes import HANGING_PROTOCOL_STORAGE as SOP_CLASS
from isocenter.dicom.source import BytesSource
from isocenter.dicom.uid import new_uid
from isocenter.domain import access, hanging
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Forbidden, Invalid, Missing
from isocenter.domain.events import Event
from isocenter.domain.imaging import LONGEST_IN_LIBRARY as LONGEST_OBJECT
from isocenter.service.context import Context
from isocenter.store import changes, hanging_objects
from isocenter.store import hanging as rows
from isocenter.store.hanging import Kept
from isocenter.store.hanging_objects import Held
from isocenter.store.imaging import InMemory

__all__ = ["LONGEST_OBJECT", "Held", "Kept", "add", "as_dicom", "change", "from_dicom", "located", "may_change", "protocols",
           "received", "received_object", "remove", "search", "take_over"]

T = TypeVar("T")


def protocols(context: Context, principal: Principal) -> list[Kept]:
    """One's own and those of everybody, by name."""
    access.require(principal, Permission.STUDY_READ)
    return context.database.read(lambda connection: rows.visible(connection, principal.name))


def may_change(principal: Principal, kept: Kept) -> bool:
    """Whether the principal may change or remove it: one's own, and with the permission those of everybody."""
    return access.allow(principal, Permission.HANGING_SHARE) if kept.shared else kept.owner == principal.name


def add(context: Context, principal: Principal, protocol: object, shared: bool = False) -> Kept:
    """Keep a protocol. Raises Invalid, Forbidden."""
    access.require(principal, Permission.STUDY_READ)
    if shared:
        access.require(principal, Permission.HANGING_SHARE)
    value = _checked(protocol)

    def write(connection: Connection) -> Kept:
        if rows.count(connection) >= hanging.MOST:
            raise Invalid(f"there are {hanging.MOST} hanging protocols already", hint="Remove one that nobody uses.")
        added = rows.add(connection, new_uid(), principal.name, shared, value, context.clock())
        if shared:
            changes.append(connection, Event.HANGING_PUBLISHED, str(added), principal.name, {"name": value["name"]})
        return _found(connection, added)

    return context.database.write(write)


def change(context: Context, principal: Principal, protocol_id: int, protocol: object = None, shared: bool | None = None) -> Kept:
    """Change what it says, or publish or withdraw it. Raises Invalid, Missing, Forbidden."""
    access.require(principal, Permission.STUDY_READ)
    value = None if protocol is None else _checked(protocol)

    def write(connection: Connection) -> Kept:
        found = _changeable(connection, principal, protocol_id)
        public = found.shared if shared is None else shared
        if public:
            access.require(principal, Permission.HANGING_SHARE)
        rows.change(connection, protocol_id, new_uid(), public, value or found.protocol, context.clock())
        if public or found.shared:
            event = Event.HANGING_PUBLISHED if public else Event.HANGING_WITHDRAWN
            changes.append(connection, event, str(protocol_id), principal.name, {"name": (value or found.protocol)["name"]})
        return _found(connection, protocol_id)

    return context.database.write(write)


def remove(context: Context, principal: Principal, protocol_id: int) -> None:
    """Forget it. Raises Missing, Forbidden."""
    access.require(principal, Permission.STUDY_READ)

    def write(connection: Connection) -> None:
        found = _changeable(connection, principal, protocol_id)
        rows.remove(connection, protocol_id)
        if found.shared:
            changes.append(connection, Event.HANGING_WITHDRAWN, str(protocol_id), principal.name, {"name": found.name})

    context.database.write(write)


def as_dicom(context: Context, principal: Principal, protocol_id: int) -> bytes:
    """It as a Part 10 file (Hanging Protocol Storage). Raises Missing."""
    access.require(principal, Permission.STUDY_READ)
    return _file_of(context.database.read(lambda connection: _visible(connection, principal, protocol_id)))


def from_dicom(context: Context, principal: Principal, content: bytes) -> Kept:
    """Keep what a Part 10 file says, as one's own. Raises Invalid."""
    access.require(principal, Permission.STUDY_READ)
    if len(content) > LONGEST_OBJECT:
        raise Invalid(f"a hanging protocol has at most {LONGEST_OBJECT >> 20} MiB", where="body")
    try:
        about = meta.file_meta_of(BytesSource(content))
        value = iod.from_dataset(decode(content[about.dataset_offset :], about.transfer_syntax_uid))
    except (InvalidDataSet, Malformed, iod.NoProtocol) as error:
        raise Invalid(str(error), where="body", hint="Give a DICOM file of a hanging protocol.") from None
    return add(context, principal, value)  # with a UID of its own: as it is written here, it is another object


# ---- objects of others


def received(context: Context, principal: Principal) -> list[tuple[Held, str, str]]:
    """The objects that came in, the newest first, each with its name and what it cannot be shown for, "" when it can."""
    access.require(principal, Permission.STUDY_READ)
    found = context.database.read(lambda connection: list(hanging_objects.served(connection)))
    return [(held, *_described(held)) for held in reversed(found)]


def received_object(context: Context, principal: Principal, object_id: int) -> Held:
    """One of them. Raises Missing."""
    access.require(principal, Permission.STUDY_READ)
    held = context.database.read(lambda connection: hanging_objects.one(connection, object_id))
    if held is None:
        raise _missing()
    return held


def take_over(context: Context, principal: Principal, object_id: int) -> Kept:
    """Keep what one of them says as one's own; the object stays as it is. Raises Missing, Invalid."""
    return from_dicom(context, principal, received_object(context, principal, object_id).content)


def search(context: Context, principal: Principal, asked: Dataset, form: Callable[[Dataset], T], limit: int) -> list[T]:
    """What `form` makes of each object that matches, `limit` at most (PS3.4 U.4.1): received ones, then what was published here.

    asked: the Identifier. Raises query.InvalidKey.
    """
    access.require(principal, Permission.STUDY_QUERY)
    keys.check(asked)

    def read(connection: Connection) -> list[T]:
        made: list[T] = []
        for each in _objects(connection):
            found = _decoded(each)
            if found is not None and keys.matches(asked, found):
                made.append(form(found))
                if len(made) == limit:
                    break
        return made

    return context.database.read(read)


def located(context: Context, principal: Principal, uids: Sequence[str]) -> list[InMemory]:
    """The objects of these SOP Instance UIDs, to be sent."""
    access.require(principal, Permission.STUDY_READ)
    return context.database.read(lambda connection: list(_objects(connection, uids)))


def _objects(connection: Connection, uids: Sequence[str] = ()) -> Iterator[InMemory]:
    """Everything that others may have, as objects. uids: only these, when there are any."""
    came: set[str] = set()
    for number, held in enumerate(hanging_objects.served(connection, uids)):
        came.add(held.uid)
        yield InMemory.of(number, SOP_CLASS, held.uid, held.content, held.transfer_syntax_uid, held.dataset_offset)
    for kept in rows.published(connection):
        if kept.uid not in came and (not uids or kept.uid in uids):
            content = _file_of(kept)
            offset = meta.file_meta_of(BytesSource(content)).dataset_offset
            yield InMemory.of(-kept.id, SOP_CLASS, kept.uid, content, syntaxes.EXPLICIT_VR_LITTLE_ENDIAN, offset)


def _decoded(each: InMemory) -> Dataset | None:
    """The data set; None of one that is damaged: it is kept and can be retrieved, but says nothing to be found by."""
    try:
        return decode(each.content[each.dataset_offset :], each.transfer_syntax_uid)
    except InvalidDataSet:
        return None


def _described(held: Held) -> tuple[str, str]:
    try:
        value = iod.from_dataset(decode(held.content[held.dataset_offset :], held.transfer_syntax_uid))
        return hanging.checked(value)["name"], ""
    except (InvalidDataSet, iod.NoProtocol, hanging.InvalidProtocol) as error:
        return "", str(error)


def _file_of(kept: Kept) -> bytes:
    made = iod.to_dataset(kept.protocol, kept.uid, kept.owner, kept.shared, kept.changed_at)
    syntax = syntaxes.EXPLICIT_VR_LITTLE_ENDIAN
    return meta.file_meta(SOP_CLASS, kept.uid, syntax) + encode(made, syntax)


def _checked(protocol: object) -> dict[str, Any]:
    try:
        return hanging.checked(protocol)
    except hanging.InvalidProtocol as error:
        raise Invalid(str(error), where=error.where) from None


def _found(connection: Connection, protocol_id: int) -> Kept:
    found = rows.one(connection, protocol_id)
    if found is None:
        raise _missing()
    return found


def _visible(connection: Connection, principal: Principal, protocol_id: int) -> Kept:
    """What is somebody else's own is not there for others."""
    found = _found(connection, protocol_id)
    if not found.shared and found.owner != principal.name:
        raise _missing()
    return found


def _changeable(connection: Connection, principal: Principal, protocol_id: int) -> Kept:
    found = _visible(connection, principal, protocol_id)
    if not may_change(principal, found):
        raise Forbidden("this hanging protocol is everybody's", where=Permission.HANGING_SHARE.value,
                        hint="Save a copy of your own, or ask whoever may publish them.")  # fmt: skip
    return found


def _missing() -> Missing:
    return Missing("there is no such hanging protocol", where="id")
