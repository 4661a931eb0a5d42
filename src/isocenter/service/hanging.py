"""Hanging protocols: how a study lies on the screen. One's own, and those that were published for everybody.

They are JSON of the web client (`domain.hanging`), and go out and come in as DICOM objects (`dicom.hanging`). Nothing of them
concerns a patient; only what everybody gets to see is a row of the change log.
"""

from typing import Any

from sqlalchemy import Connection

from isocenter.dicom import hanging as iod
from isocenter.dicom import meta, syntaxes
from isocenter.dicom.datasets import InvalidDataSet, decode, encode
from isocenter.dicom.elements import Malformed
from isocenter.dicom.source import BytesSource
from isocenter.dicom.uid import is_valid, new_uid
from isocenter.domain import access, hanging
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Forbidden, Invalid, Missing
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import changes
from isocenter.store import hanging as rows
from isocenter.store.hanging import Kept

__all__ = ["Kept", "add", "as_dicom", "change", "from_dicom", "may_change", "protocols", "remove"]

LONGEST_OBJECT = 1 << 20  # bytes of a DICOM object; real ones have some ten thousand


def protocols(context: Context, principal: Principal) -> list[Kept]:
    """One's own and those of everybody, by name."""
    access.require(principal, Permission.STUDY_READ)
    return context.database.read(lambda connection: rows.visible(connection, principal.name))


def may_change(principal: Principal, kept: Kept) -> bool:
    """Whether the principal may change or remove it: one's own, and with the permission those of everybody."""
    return access.allow(principal, Permission.HANGING_SHARE) if kept.shared else kept.owner == principal.name


def add(context: Context, principal: Principal, protocol: object, shared: bool = False, uid: str = "") -> Kept:
    """Keep a protocol. Raises Invalid, Forbidden."""
    access.require(principal, Permission.STUDY_READ)
    if shared:
        access.require(principal, Permission.HANGING_SHARE)
    value = _checked(protocol)

    def write(connection: Connection) -> Kept:
        if rows.count(connection) >= hanging.MOST:
            raise Invalid(f"there are {hanging.MOST} hanging protocols already", hint="Remove one that nobody uses.")
        added = rows.add(connection, uid or new_uid(), principal.name, shared, value, context.clock())
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
        rows.change(connection, protocol_id, public, value or found.protocol, context.clock())
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
    kept = context.database.read(lambda connection: _visible(connection, principal, protocol_id))
    made = iod.to_dataset(kept.protocol, kept.uid, kept.owner, kept.shared, kept.changed_at)
    syntax = syntaxes.EXPLICIT_VR_LITTLE_ENDIAN
    return meta.file_meta(iod.SOP_CLASS, kept.uid, syntax) + encode(made, syntax)


def from_dicom(context: Context, principal: Principal, content: bytes) -> Kept:
    """Keep what a Part 10 file says, as one's own. Raises Invalid."""
    access.require(principal, Permission.STUDY_READ)
    if len(content) > LONGEST_OBJECT:
        raise Invalid(f"a hanging protocol has at most {LONGEST_OBJECT >> 20} MiB", where="body")
    try:
        about = meta.file_meta_of(BytesSource(content))
        found = decode(content[about.dataset_offset :], about.transfer_syntax_uid)
        value = iod.from_dataset(found)
    except (InvalidDataSet, Malformed, iod.NoProtocol) as error:
        raise Invalid(str(error), where="body", hint="Give a DICOM file of a hanging protocol.") from None
    uid = str(found.get("SOPInstanceUID", ""))
    taken = context.database.read(lambda connection: rows.has_uid(connection, uid))
    return add(context, principal, value, uid=uid if is_valid(uid) and not taken else "")


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
