"""What somebody draws on the images of a study: kept with every change, version by version, and reopened where it was.

An item is a JSON object of the web client with an `id`; changes name items, so that two windows of one person never overwrite
each other's. Older versions stay and can be looked at. Only who drew it sees it; what others shall see is exported as DICOM
(`service/exporting.py`).
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Invalid, Missing, TooLarge
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import accounts, changes, imaging
from isocenter.store import annotations as rows
from isocenter.store.annotations import Version

__all__ = ["Kept", "Version", "kept", "save", "versions"]

ITEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
MOST_ROWS = 20_000  # of one person and study, all versions together
LONGEST = 48 * 1024  # characters of one item: an outline of a thousand points has twenty thousand


@dataclass(frozen=True, slots=True)
class Kept:
    """What was drawn, at a version."""

    version: int
    items: list[dict[str, Any]]


def kept(context: Context, principal: Principal, study_uid: str, version: int | None = None) -> Kept:
    """One's own annotations of a study: the newest, or those of a version. Raises Forbidden, Missing."""

    def read(connection: Connection) -> tuple[int, dict[str, str]]:
        owner = _enter(connection, principal, study_uid)
        newest = rows.latest(connection, owner, study_uid)
        wanted = newest if version is None else version
        if not 0 <= wanted <= newest:
            raise Missing("there is no such version", where="version", hint=f"the newest is {newest}")
        return wanted, rows.items(connection, owner, study_uid, wanted)

    at, found = context.database.read(read)
    return Kept(at, [json.loads(text) for text in found.values()])


def versions(context: Context, principal: Principal, study_uid: str, limit: int = 200) -> Sequence[Version]:
    """The steps in which one's own annotations of a study came to be, the newest first. Raises Forbidden, Missing."""

    def read(connection: Connection) -> Sequence[Version]:
        return rows.versions(connection, _enter(connection, principal, study_uid), study_uid, limit)

    return context.database.read(read)


def save(
    context: Context, principal: Principal, study_uid: str, put: Sequence[Mapping[str, Any]], remove: Sequence[str]
) -> int:
    """Set and take away items; durable on return. Returns the version they made. Raises Forbidden, Missing, Invalid, TooLarge."""
    changed = {_id(item.get("id")): _text(item) for item in put} | {_id(item): "" for item in remove}
    at = context.clock()

    def write(connection: Connection) -> int:
        owner = _enter(connection, principal, study_uid)
        rows.lock(connection, owner)
        newest = rows.latest(connection, owner, study_uid)
        before = rows.items(connection, owner, study_uid, newest)
        # What is so already (a message that was sent twice) is no change.
        new = {item: value for item, value in changed.items() if before.get(item, "") != value}
        if not new:
            return newest
        if rows.count(connection, owner, study_uid) + len(new) > MOST_ROWS:
            raise TooLarge(f"a study takes at most {MOST_ROWS} changes of one person", kept="All earlier ones are kept.")
        rows.add(connection, owner, study_uid, newest + 1, new, at)
        taken = sum(not value for value in new.values())
        payload = {"version": newest + 1, "set": len(new) - taken, "removed": taken}
        changes.append(connection, Event.ANNOTATION_SAVED, study_uid, principal.name, payload)
        return newest + 1

    return context.database.write(write)


def _enter(connection: Connection, principal: Principal, study_uid: str) -> int:
    """The account's id, when it may look at the study."""
    access.require(principal, Permission.STUDY_READ)
    if imaging.study_values(connection, study_uid, access.scope(principal, Permission.STUDY_READ)) is None:
        raise Missing("there is no such study", hint="It may have been removed, or your account may not see it.")
    owner = accounts.account(connection, principal.name)
    if owner is None:
        raise Missing("there is no account whose annotations this could be", where="account")
    return int(owner.id)


def _id(item: Any) -> str:
    if not isinstance(item, str) or not ITEM.fullmatch(item):
        raise Invalid("an item is named by letters, digits and dashes, at most 64", where="id")
    return item


def _text(item: Mapping[str, Any]) -> str:
    text = json.dumps(item, ensure_ascii=False, separators=(",", ":"))
    if len(text) > LONGEST:
        raise TooLarge(f"an annotation has at most {LONGEST} characters", where=str(item["id"]))
    return text
