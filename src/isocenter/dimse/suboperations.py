"""What retrievals share: the Identifier that says what is wanted, the counts of sub-operations, and the final answer.

PS3.4 C.4.2 and C.4.3: the requests of C-MOVE and C-GET are the same but for where the instances go.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydicom.dataset import Dataset

from isocenter.dicom import datasets
from isocenter.dicom.attributes import Level, tag_of
from isocenter.dimse import missed, status
from isocenter.dimse.exchange import Exchange
from isocenter.dimse.status import Category
from isocenter.domain.errors import Away, Busy
from isocenter.service import sending
from isocenter.service.sending import Stored

log = logging.getLogger(__name__)

MOST = 0xFFFF  # what a count can say: it is a US (PS3.7 E.1)

# The unique key of each level (PS3.4 C.6.1.1, C.6.2.1), and which list of `sending.chosen` it is.
_KEYS: Mapping[Level, tuple[str, str]] = {
    Level.PATIENT: ("PatientID", "patients"),
    Level.STUDY: ("StudyInstanceUID", "studies"),
    Level.SERIES: ("SeriesInstanceUID", "series"),
    Level.INSTANCE: ("SOPInstanceUID", "instances"),
}


class _NotAnswerable(Exception):
    """The request is refused: (status code, comment, offending keyword)."""


def chosen(exchange: Exchange, levels: Sequence[Level], to: str = "") -> list[Stored] | None:
    """The instances that the request's Identifier names; None when it cannot be, which has been answered.

    levels: of the information model. to: the AE title they go to, when that is not the requestor's.
    """
    session = exchange.session
    try:
        wanted = _lists(exchange, levels)
        found = sending.chosen(session.context, session.principal, **wanted, to=to)  # type: ignore[arg-type]
        held = {stored.study_instance_uid for stored in found}
        if missed.fetch(exchange, [study for study in wanted["studies"] if study not in held]):
            found = sending.chosen(session.context, session.principal, **wanted, to=to)  # type: ignore[arg-type]
        return found
    except _NotAnswerable as refusal:
        code, comment, keyword = refusal.args
        tag = tag_of(keyword) if keyword else None
        exchange.answer(code, error_comment=comment, offending_element=() if tag is None else (tag,))
    except (Busy, Away) as error:
        exchange.answer(status.CANNOT_COUNT_MATCHES, error_comment=error.message)
    return None


def _lists(exchange: Exchange, levels: Sequence[Level]) -> dict[str, Sequence[str] | str]:
    """The lists of `sending.chosen`.

    PS3.4 C.4.2.1.4: the unique keys down to the level. Those above it may be missing (relational retrieve, C.4.2.2.2), those
    below narrow what is wanted: nobody is sent more than they named.
    """
    try:
        asked = datasets.decode(exchange.data_set, exchange.context.transfer_syntax)
    except datasets.InvalidDataSet as error:
        raise _NotAnswerable(status.UNABLE_TO_PROCESS, str(error), "") from None
    level = str(asked.get("QueryRetrieveLevel") or "").strip()
    if level not in levels:
        said = "is none of" if level else "is missing:"
        raise _NotAnswerable(
            status.NOT_OF_SOP_CLASS, f"Query/Retrieve Level {said} {', '.join(levels)}", "QueryRetrieveLevel"
        )
    lists: dict[str, Sequence[str] | str] = {name: values_of(asked, keyword) for keyword, name in _KEYS.values()}
    keyword, name = _KEYS[Level(level)]
    if not lists[name]:
        raise _NotAnswerable(status.NOT_OF_SOP_CLASS, f"{keyword} is missing", keyword)
    lists["issuer"] = str(asked.get("IssuerOfPatientID") or "").strip()
    return lists


def values_of(asked: Dataset, keyword: str) -> list[str]:
    """PS3.4 C.2.2.2.2: a list of UIDs has backslashes between them."""
    value = asked.get(keyword)
    several = value if isinstance(value, list | tuple) or hasattr(value, "append") else (value,)
    return [text for each in several if each is not None and (text := str(each).strip(" \0"))]


@dataclass(slots=True)
class Counts:
    """The sub-operations of one retrieval. total: how many there are to be."""

    total: int
    completed: int = 0
    warning: int = 0
    failed: list[str] = field(default_factory=list)  # SOP Instance UIDs
    reason: str = ""  # of the first that failed

    @property
    def remaining(self) -> int:
        """How many have not been performed."""
        return self.total - self.completed - self.warning - len(self.failed)

    def add(self, stored: Stored, code: int, reason: str = "") -> None:
        """Count one by the status of its C-STORE."""
        match status.describe(code).category:
            case Category.SUCCESS:
                self.completed += 1
            case Category.WARNING:
                self.warning += 1
            case _:
                self.failed.append(stored.sop_instance_uid)
                self.reason = self.reason or reason or status.describe(code).text

    def fields(self, *, remaining: bool) -> dict[str, int]:
        """The elements of an answer's command set (PS3.7 9.1.3.1, 9.1.4.1)."""
        counts = {
            "number_of_completed_suboperations": self.completed,
            "number_of_failed_suboperations": len(self.failed),
            "number_of_warning_suboperations": self.warning,
        }
        if remaining:
            counts["number_of_remaining_suboperations"] = self.remaining
        return {name: min(number, MOST) for name, number in counts.items()}


def pending(exchange: Exchange, counts: Counts) -> None:
    """Say how far it is."""
    exchange.pending(status.PENDING, b"", **counts.fields(remaining=True))


def finish(exchange: Exchange, counts: Counts, *, cancelled: bool = False) -> None:
    """The final answer (PS3.4 Tables C.4-2 and C.4-3), with the Failed SOP Instance UID List when there are any."""
    code, comment = status.SUCCESS, ""
    if cancelled:
        code = status.CANCEL
    elif counts.failed and len(counts.failed) == counts.total:
        code = status.CANNOT_PERFORM_SUBOPERATIONS
    elif counts.failed or counts.warning:
        code = status.SUBOPERATIONS_FAILED
    if counts.failed:
        comment = f"{len(counts.failed)} failed: {counts.reason}"
    facts: dict[str, object] = {  # not the peer's words, which may quote patient data
        "calling": exchange.session.calling_ae_title, "destination": exchange.command.move_destination or "",
        "status": f"{code:04X}", "completed": counts.completed, "failed": len(counts.failed), "warning": counts.warning,
        "remaining": counts.remaining,
    }  # fmt: skip
    log.info("a retrieval was answered", extra={"facts": facts})
    exchange.answer(code, _failed(exchange, counts), error_comment=comment, **counts.fields(remaining=cancelled))


def _failed(exchange: Exchange, counts: Counts) -> bytes:
    """PS3.4 C.4.2.1.4.2: there is no Identifier when nothing failed."""
    if not counts.failed:
        return b""
    dataset = Dataset()
    dataset.FailedSOPInstanceUIDList = counts.failed
    return datasets.encode(dataset, exchange.context.transfer_syntax)


