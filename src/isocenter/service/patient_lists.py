"""Lists of patients (those of a trial, of a nurse, of a board): an account limited to one sees the studies of who is on it.

A list is changed as a whole; what it says counts from the next request on, for studies that are here and those that come.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Conflict, Invalid, Missing
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import accounts, changes
from isocenter.store import patient_lists as rows
from isocenter.store.patient_lists import Patient, PatientList

__all__ = ["LONGEST", "LONGEST_ABOUT", "LONGEST_NAME", "PatientList", "lists", "put", "remove"]

LONGEST = 10_000  # patients
LONGEST_NAME = 64
LONGEST_ABOUT = 1000


def lists(context: Context, principal: Principal) -> list[PatientList]:
    """Every list with its patients, by name."""
    access.require(principal, Permission.USER_MANAGE)
    return context.database.read(rows.all_of)


def put(context: Context, principal: Principal, name: str, patients: Sequence[Patient], about: str = "") -> None:
    """Make a list, or change it: these patients (ID, issuer) are on it and no others. Raises Invalid."""
    access.require(principal, Permission.USER_MANAGE)
    name = _name(name)
    wanted = list(dict.fromkeys((patient_id.strip(), issuer.strip()) for patient_id, issuer in patients))
    if not all(patient_id for patient_id, _ in wanted):
        raise Invalid("a patient on the list has no ID", where="patients", kept="the list is as it was")
    if len(wanted) > LONGEST or len(about) > LONGEST_ABOUT:
        raise Invalid(f"a list has at most {LONGEST} patients and {LONGEST_ABOUT} characters about it", where="patients",
                      kept="the list is as it was")

    def write(connection: Connection) -> None:
        rows.put(connection, name, about.strip(), wanted, principal.name, context.clock())
        _note(connection, principal, name, len(wanted))

    context.database.write(write)


def remove(context: Context, principal: Principal, name: str) -> None:
    """Remove a list that no account is limited to. Raises Missing, Conflict."""
    access.require(principal, Permission.USER_MANAGE)
    name = name.strip()

    def write(connection: Connection) -> None:
        limited = [each.name for each in accounts.accounts(connection) if name in access.lists_of(each.studies)]
        if limited:
            raise Conflict(f"an account is limited to it: {', '.join(limited[:5])}", where="name", kept="nothing was changed",
                           hint="give the account another limit first; without its list it would see nothing")
        if not rows.remove(connection, name):
            raise Missing("there is no such list", where="name")
        _note(connection, principal, name, 0)

    context.database.write(write)


def _name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > LONGEST_NAME or set(name) & set(";=\\") or not name.isprintable():
        raise Invalid(f"a list's name has 1 to {LONGEST_NAME} characters, without ; = and \\", where="name")
    return name


def _note(connection: Connection, principal: Principal, name: str, patients: int) -> None:
    changes.append(connection, Event.PATIENT_LIST_CHANGED, name, principal.name, {"list": name, "patients": patients})
