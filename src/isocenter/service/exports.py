"""What people take away from a study: on paper, as pictures, films and files. Asked and noted before it is handed out.

Pictures and sheets are made where they are seen, in the viewer; it asks here first. What leaves is listed in the change log by
form and number, so that "who printed this?" has an answer (PS3.15 A.5.3.4, Data Export).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Missing
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import changes, imaging

FORMS = ("copy", "picture", "film", "print", "pdf", "dicom")


@dataclass(frozen=True, slots=True)
class Export:
    """form: one of FORMS. count: pictures, or objects. drawings: with what was drawn; patient: with words that name the patient;
    deidentified: without anything that does."""

    form: str
    count: int
    series: Sequence[str] = field(default=())
    drawings: bool = False
    patient: bool = False
    deidentified: bool = False


def note(context: Context, principal: Principal, study_uid: str, export: Export) -> None:
    """Let an export happen, and a row of the change log with it; durable on return. Raises Forbidden, Missing."""
    access.require(principal, Permission.STUDY_EXPORT)

    def write(connection: Connection) -> None:
        if imaging.study_values(connection, study_uid, access.scope(principal, Permission.STUDY_EXPORT)) is None:
            raise Missing("there is no such study", hint="It may have been removed, or your account may not see it.")
        payload = {
            "form": export.form, "count": export.count, "series": list(export.series), "drawings": export.drawings,
            "patient": export.patient, "deidentified": export.deidentified,
        }  # fmt: skip
        changes.append(connection, Event.STUDY_EXPORTED, study_uid, principal.name, payload)

    context.database.write(write)
