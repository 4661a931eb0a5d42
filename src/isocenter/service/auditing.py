"""Whether the change log is what was written: the chain of its hashes, and a head that was noted outside."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from isocenter.domain.errors import Invalid
from isocenter.service.context import Context
from isocenter.store import changes

SHOWN = 100


@dataclass(slots=True)
class Audit:
    """What one look at the log found.

    rows: all; older: those at the beginning, from before there was a chain; unchained: numbers of those without a hash after it
    began. broken: numbers of rows at or before which something was changed, removed, put in or moved. head: "NUMBER:HASH" of the
    newest row, to be noted elsewhere. anchored: whether the head that was given is still there; None without one.
    """

    rows: int = 0
    older: int = 0
    broken: list[int] = field(default_factory=list)
    unchained: list[int] = field(default_factory=list)
    head: str = ""
    anchored: bool | None = None

    @property
    def is_sound(self) -> bool:
        return not self.broken and not self.unchained and self.anchored is not False


def look(
    context: Context, anchor: str = "", advance: Callable[[int], None] = lambda count: None, *, since: int = 0
) -> Audit:
    """Go over the log. anchor: a head that was noted before. since: only what comes after this row. Raises Invalid."""
    number, _, noted = anchor.partition(":")
    if anchor and not (number.isdecimal() and len(noted) == 64):
        hint = "Write NUMBER:HASH, as `isocenter verify --audit` tells it."
        raise Invalid("this is no head of the change log", where=anchor[:80], hint=hint)
    audit = Audit(anchored=False if anchor else None)

    def go(connection: Connection) -> Audit:
        for link in changes.links(connection, since):
            _take(audit, link)
            if anchor and link.seq == int(number):
                audit.anchored = link.hash == noted
            if audit.rows % 1000 == 0:
                advance(1000)
        return audit

    return context.database.read(go)


def _take(audit: Audit, link: changes.Link) -> None:
    audit.rows += 1
    if link.sound is None and not audit.head:
        audit.older += 1
    elif link.sound is None:
        audit.unchained.append(link.seq)
    else:
        audit.head = f"{link.seq}:{link.hash}"
        if not link.sound:
            audit.broken.append(link.seq)
