"""What became of each part of a store request, told exactly: the Store Instances Response Module (PS3.18 Annex I, 10.5.3)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from isocenter.dicom.part10 import Header
from isocenter.dicomweb.status import FAILURE_REASON, REFUSED_SYNTAX, WARNING_COERCED, UnsupportedMediaType
from isocenter.domain.errors import IsocenterError, Kind, Unsupported
from isocenter.domain.imaging import Outcome
from isocenter.service import ingest

WARNINGS = 8  # failures that are explained in headers: the header block of an answer is small


@dataclass(slots=True)
class Part:
    """One part of the request, or one instance of its metadata, and what became of it.

    header: what the object says of itself. named: SOP Class and Instance UID where only the metadata say them.
    supplied: keywords of what was added to metadata, or put right.
    """

    number: int
    reception: ingest.Reception | None = None
    outcome: Outcome | None = None
    error: IsocenterError | None = None
    header: Header | None = None
    named: tuple[str, str] = ("", "")
    supplied: tuple[str, ...] = field(default=())

    @property
    def uids(self) -> tuple[str, str]:
        """SOP Class UID and SOP Instance UID, "" where they are not known."""
        return (self.header.sop_class_uid, self.header.sop_instance_uid) if self.header is not None else self.named

    @property
    def coerced(self) -> bool:
        """Whether it is kept otherwise than it was sent."""
        return bool(self.supplied) or (self.outcome is not None and self.outcome.status not in ("stored", "duplicate"))

    def fail(self, error: IsocenterError) -> None:
        """Nothing of this part is kept."""
        self.error = self.error or error
        if self.reception is not None:
            self.reception.discard()
            self.reception = None

    def finish(self, study_uid: str | None) -> None:
        """The part is whole: through the door with it."""
        reception = self.reception
        if reception is None:
            return
        try:
            self.outcome = reception.finish(study_instance_uid=study_uid)
        except IsocenterError as error:
            self.error = error
        finally:
            reception.discard()
        self.header = reception.header
        self.reception = None


def response(
    parts: Sequence[Part], study_uid: str | None, base: str, broken_off: IsocenterError | None = None
) -> tuple[int, dict[str, Any]]:
    """(HTTP status, Store Instances Response Module of PS3.18 Table I.2-1 as DICOM JSON)."""
    referenced = [_referenced(part, part.outcome, base) for part in parts if part.outcome is not None]
    failed = [part for part in parts if part.error is not None]
    named = [_failed(part) for part in failed if part.uids[1]]
    others = [_reason(part.error) for part in failed if part.error and not part.uids[1]]
    if broken_off is not None:
        others.append(_reason(broken_off))
    studies = {part.outcome.study_instance_uid for part in parts if part.outcome is not None and _is_served(part.outcome)}
    answer: dict[str, Any] = {}
    if studies and (study_uid is not None or len(studies) == 1):
        answer["00081190"] = _value("UR", f"{base}/studies/{study_uid or next(iter(studies))}")
    for tag, items in (("00081198", named), ("00081199", referenced), ("0008119A", others)):
        if items:
            answer[tag] = {"vr": "SQ", "Value": items}
    return _status(parts, failed, broken_off), answer


def _status(parts: Sequence[Part], failed: Sequence[Part], broken_off: IsocenterError | None) -> int:
    """PS3.18 Table 10.5.3-1: all stored 200, some 202, none 409, unless the reason has a status of its own."""
    if not parts:
        return 400
    if any(part.outcome is not None for part in parts):
        whole = not failed and broken_off is None
        return 200 if whole and not any(part.coerced for part in parts) else 202
    kinds = {part.error.kind for part in failed if part.error is not None}
    if Kind.NO_SPACE in kinds:
        return 507
    if kinds & {Kind.BUSY, Kind.BROKEN, Kind.AWAY}:
        return 503
    if kinds == {Kind.TOO_LARGE}:
        return 413
    return 415 if all(isinstance(part.error, UnsupportedMediaType) for part in failed) else 409


def _is_served(outcome: Outcome) -> bool:
    """What is in quarantine is not served, and what belongs to no study is not below /studies."""
    return outcome.status != "quarantined" and bool(outcome.study_instance_uid)


def _value(vr: str, *values: Any) -> dict[str, Any]:
    return {"vr": vr, "Value": list(values)}


def _referenced(part: Part, outcome: Outcome, base: str) -> dict[str, Any]:
    """One item of Referenced SOP Sequence (0008,1199); what is in quarantine has no URL to retrieve it from."""
    url = f"{base}/studies/{outcome.study_instance_uid}/series/{outcome.series_instance_uid}/instances/{outcome.sop_instance_uid}"
    item = {
        "00081150": _value("UI", outcome.sop_class_uid) if outcome.sop_class_uid else {"vr": "UI"},
        "00081155": _value("UI", outcome.sop_instance_uid) if outcome.sop_instance_uid else {"vr": "UI"},
        "00081190": _value("UR", url) if _is_served(outcome) else {"vr": "UR"},
    }
    if part.coerced:
        item["00081196"] = _value("US", WARNING_COERCED)
    return item


def _failed(part: Part) -> dict[str, Any]:
    """One item of Failed SOP Sequence (0008,1198)."""
    assert part.error is not None
    sop_class, sop_instance = part.uids
    return {
        "00081150": _value("UI", sop_class) if sop_class else {"vr": "UI"},
        "00081155": _value("UI", sop_instance),
        **_reason(part.error),
    }


def _reason(error: IsocenterError) -> dict[str, Any]:
    """Failure Reason (0008,1197), from the one table."""
    syntax = isinstance(error, Unsupported) and error.where == "TransferSyntaxUID"
    return {"00081197": _value("US", REFUSED_SYNTAX if syntax else FAILURE_REASON[error.kind])}


def warnings(parts: Sequence[Part], broken_off: IsocenterError | None) -> list[bytes]:
    """In words what the numbers say: Warning headers for the first of what went wrong, or was changed."""
    texts = [f"part {part.number}: {part.error}" for part in parts if part.error is not None]
    texts += [
        f"part {part.number}: {part.outcome.status}: {part.outcome.reason or 'the instance that was there first is served'}"
        for part in parts
        if part.outcome is not None and part.outcome.status not in ("stored", "duplicate")
    ]
    texts += [f"part {part.number}: supplied or put right: {', '.join(part.supplied)}" for part in parts if part.supplied]
    if broken_off is not None:
        texts.append(str(broken_off))
    return [warning(text) for text in texts[:WARNINGS]]


def warning(text: str) -> bytes:
    """A Warning header's value (PS3.18 8.3.4, RFC 7234 5.5)."""
    plain = "".join(c if c.isprintable() and c not in '"\\' else "'" for c in text)[:300]
    return f'299 isocenter "{plain}"'.encode("latin-1", "replace")
