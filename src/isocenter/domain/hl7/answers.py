"""Acknowledgements in original mode (HL7 v2.5.1, 2.9.2): MSA says what became of the message, ERR where it is wrong.

    AA   done, and safe on the disk
    AE   the message is at fault: sending it again as it is changes nothing
    AR   not this archive's message, or not now: kept where it could be, and to be sent again
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from isocenter.domain.errors import Kind
from isocenter.domain.hl7.message import Message, Separators, escape


class State(StrEnum):
    """Where a message that was kept is."""

    RECEIVED = "received"  # it is being done, or is to be done again
    DONE = "done"
    FAILED = "failed"


ACCEPTED, ERROR, REJECTED = "AA", "AE", "AR"
# HL7 table 0357
SEQUENCE_ERROR, MISSING_FIELD, BAD_VALUE, NOT_IN_TABLE = "100", "101", "102", "103"
UNSUPPORTED_MESSAGE, UNSUPPORTED_EVENT = "200", "201"
UNKNOWN_KEY, DUPLICATE_KEY, LOCKED, INTERNAL = "204", "205", "206", "207"
MEANINGS = {
    SEQUENCE_ERROR: "Segment sequence error", MISSING_FIELD: "Required field missing", BAD_VALUE: "Data type error",
    NOT_IN_TABLE: "Table value not found", UNSUPPORTED_MESSAGE: "Unsupported message type",
    UNSUPPORTED_EVENT: "Unsupported event code", UNKNOWN_KEY: "Unknown key identifier", DUPLICATE_KEY: "Duplicate key identifier",
    LOCKED: "Application record locked", INTERNAL: "Application internal error",
}  # fmt: skip
# What a use case raised -> acknowledgement code and condition
BY_KIND = {
    Kind.INVALID: (ERROR, BAD_VALUE), Kind.UNSUPPORTED: (REJECTED, UNSUPPORTED_MESSAGE), Kind.MISSING: (ERROR, UNKNOWN_KEY),
    Kind.CONFLICT: (ERROR, LOCKED), Kind.FORBIDDEN: (REJECTED, INTERNAL), Kind.UNAUTHENTICATED: (REJECTED, INTERNAL),
    Kind.TOO_LARGE: (ERROR, BAD_VALUE), Kind.NO_SPACE: (REJECTED, INTERNAL), Kind.BUSY: (REJECTED, LOCKED),
    Kind.BROKEN: (REJECTED, INTERNAL), Kind.AWAY: (REJECTED, INTERNAL),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a message. where: PID-3.1; code: of table 0357; text: for people, without patient data."""

    acknowledgement: str = ACCEPTED
    code: str = ""
    where: str = ""
    text: str = ""


def acknowledge(message: Message | None, verdict: Verdict, now: datetime) -> bytes:
    """The answer to a message; to what was none, with MSA-2 empty."""
    marks = Separators()
    header = message.header if message else None

    def named(number: int) -> str:
        return "^".join(escape(part, marks) for part in _components(message, number)) if message else ""

    trigger = message.trigger if message else ""
    version = (message.version if message else "") or "2.5.1"
    fields = [
        "MSH", "^~\\&", named(5), named(6), named(3), named(4), now.strftime("%Y%m%d%H%M%S"), "",
        f"ACK^{escape(trigger)}^ACK" if trigger else "ACK", uuid.uuid4().hex[:20],
        escape(header.text(11)) if header and header.text(11) else "P", escape(version), "", "", "", "", "", "UNICODE UTF-8",
    ]  # fmt: skip
    text = escape(" ".join(verdict.text.split())[:400])
    lines = ["|".join(fields), "|".join(["MSA", verdict.acknowledgement, escape(message.control_id) if message else "", text])]
    if verdict.acknowledgement != ACCEPTED:
        lines.append(_error(verdict, text, version))
    return "".join(f"{line.rstrip('|')}\r" for line in lines).encode("utf-8", "replace")


def _components(message: Message | None, number: int) -> list[str]:
    if message is None:
        return []
    segment = message.header
    found = segment.repetitions(number)
    count = found[0].count(message.separators.component) + 1 if found else 0
    return [segment.component(found[0], index) for index in range(1, min(count, 3) + 1)]


def _error(verdict: Verdict, text: str, version: str) -> str:
    """ERR-1 up to version 2.4, ERR-2 to ERR-8 since 2.5."""
    code, meaning = verdict.code or INTERNAL, MEANINGS.get(verdict.code or INTERNAL, "")
    segment, _, rest = verdict.where.partition("-")
    numbers = rest.split(".") if rest else []
    field, component = [*numbers, "", ""][:2]
    if version.split("^")[0] < "2.5":
        return f"ERR|{escape(segment)}^1^{field}^{code}&{meaning}"
    location = "^".join([escape(segment), "1", *([field] if field else []), *(["1", component] if component else [])])
    location = location if segment else ""
    return f"ERR||{location}|{code}^{meaning}^HL70357|E||||{text}"
