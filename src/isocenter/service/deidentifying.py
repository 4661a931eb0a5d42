"""Objects without the identity of their patients: projects, and what leaves by them.

A project is kept with its secret (`dicom.confidentiality.Project`), so that the same patient has the same pseudonym whenever and
however data leaves by it. An object that cannot be made anonymous is held back and reported, never given out half done.
"""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from isocenter.dicom.confidentiality import Option, Project
from isocenter.dicom.deidentify import CannotClean, Deidentified, Facts, deidentified, examine, readable
from isocenter.dicom.elements import Malformed
from isocenter.dicom.source import FileSource, Source
from isocenter.dicom.syntaxes import EXPLICIT_VR_LITTLE_ENDIAN
from isocenter.domain import access, deidentification
from isocenter.domain.access import Permission, Principal
from isocenter.domain.deidentification import InvalidProject, Rectangle
from isocenter.domain.deidentification_report import Done, Summary
from isocenter.domain.errors import Away, Broken, Conflict, Invalid, IsocenterError, Missing, NoSpace, Unsupported
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.service.pool import Handle
from isocenter.store import changes, corrected, imaging
from isocenter.store import deidentification as rows
from isocenter.store.deidentification import Kept
from isocenter.store.imaging import Located

__all__ = ["Cleaned", "HeldBack", "Kept", "Region", "Summary", "add", "asked", "change", "chosen", "cleaned", "first",
           "of_destination", "of_the_object", "once", "project", "projects", "regions_of",
           "summary"]  # fmt: skip

# By name: the codecs are loaded in the processes of the pool only.
_BLACKEN = "isocenter.codecs.blackout:blackened"
_CONVERT = "isocenter.codecs.conversion:whole"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}")
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Region:
    """Rectangles to be made black in an instance, or in all of a series that have the same size as the first of them."""

    series: str
    instance: str
    rectangles: tuple[Rectangle, ...]


class HeldBack(Exception):
    """An object does not leave; the message says why, without values."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """An object that may leave. regions: rectangles that were made black."""

    made: Deidentified
    regions: int

    @property
    def done(self) -> Done:
        """For the report."""
        return Done(self.made.study_instance_uid, self.regions, self.made.report.actions)


# ---- projects


def projects(context: Context, principal: Principal) -> list[Kept]:
    """All projects, by name; their secrets stay here."""
    access.require(principal, Permission.STUDY_EXPORT)
    return context.database.read(rows.every)


def add(context: Context, principal: Principal, name: str, description: str, value: object) -> Kept:
    """A new project with a new secret. Raises Invalid, Conflict, Forbidden."""
    access.require(principal, Permission.PROJECT_MANAGE)
    if not _NAME.fullmatch(name):
        raise Invalid("a name has up to 63 letters, digits, blanks, dots, - or _", where="name")
    checked = _checked(value)

    def write(connection: Connection) -> Kept:
        if rows.one(connection, name) is not None:
            raise Conflict("there is a project of this name", where="name", kept="it stays as it is")
        _need_free(connection, name, checked)
        rows.add(connection, name, description[:500], secrets.token_bytes(32), checked, context.clock())
        changes.append(connection, Event.PROJECT_CREATED, name, principal.name, {"options": checked["options"]})
        return _one(connection, name)

    return context.database.write(write)


def change(context: Context, principal: Principal, name: str, description: str | None = None, value: object = None,
           closed: bool | None = None) -> Kept:
    """Change what a project asks for, or close it. Its secret stays, and so do its pseudonyms. Raises Invalid, Missing."""
    access.require(principal, Permission.PROJECT_MANAGE)
    checked = None if value is None else _checked(value)

    def write(connection: Connection) -> Kept:
        found = _one(connection, name)
        made = replace(
            found, description=found.description if description is None else description[:500],
            value=checked or found.value, closed=found.closed if closed is None else closed,
        )  # fmt: skip
        _need_free(connection, name, made.value)
        rows.change(connection, made, context.clock())
        changes.append(connection, Event.PROJECT_UPDATED, name, principal.name,
                       {"options": made.value["options"], "closed": made.closed})
        return _one(connection, name)

    return context.database.write(write)


def project(context: Context, name: str) -> Kept:
    """An open project. Raises Missing, Conflict."""
    found = context.database.read(lambda connection: _one(connection, name))
    if found.closed:
        raise Conflict("the project is closed: nothing leaves by it any more", where="project",
                       hint="An administrator can open it again.")  # fmt: skip
    return found


def of_destination(context: Context, destination: str) -> Kept | None:
    """The project by which everything leaves that is sent to a destination. Raises Conflict when it is closed."""
    for found in context.database.read(rows.every):
        if destination in found.value.get("destinations", ()):
            return project(context, found.name)
    return None


def once(options: Sequence[str], at: Any) -> Kept:
    """What stands for a project where there is none: its pseudonyms are never made again. Raises Invalid."""
    return Kept(0, "", "", secrets.token_bytes(32), _checked({"options": list(options)}), False, at)


def _need_free(connection: Connection, name: str, value: Mapping[str, Any]) -> None:
    """A destination has one project: two would have two names for a patient."""
    for other in rows.every(connection):
        taken = set(value["destinations"]) & set(other.value.get("destinations", ()))
        if taken and other.name != name:
            raise Conflict(f"{min(taken)} is a destination of the project {other.name}", where="destinations")


def _one(connection: Connection, name: str) -> Kept:
    found = rows.one(connection, name)
    if found is None:
        raise Missing("there is no such project", where="project", hint="`isocenter project list` names them.")
    return found


def _checked(value: object) -> dict[str, Any]:
    try:
        return deidentification.checked(value)
    except InvalidProject as error:
        raise Invalid(str(error), where=error.where) from None


def regions_of(value: Sequence[Mapping[str, Any]]) -> list[Region]:
    """Regions as they come from outside. Raises Invalid."""
    try:
        return [Region(each["series"], each.get("instance", ""),
                       tuple(deidentification.rectangles(each["rectangles"], "regions"))) for each in value]  # fmt: skip
    except InvalidProject as error:
        raise Invalid(str(error), where=error.where) from None


def asked(kept: Kept) -> Project:
    """The project as `dicom` knows it."""
    value = kept.value
    return Project(
        kept.name, kept.secret, frozenset(Option(each) for each in value["options"]), value["prefix"],
        frozenset(deidentification.private_of(each) for each in value["private"]), frozenset(value["words"]),
    )  # fmt: skip


def summary(kept: Kept) -> Summary:
    """An empty report."""
    return Summary(kept.name, tuple(kept.value["options"]))


# ---- objects


def chosen(context: Context, principal: Principal, kept: Kept, studies: Sequence[str], series: Sequence[str] = (), *,
           form: str = "dicom") -> list[Located]:
    """The instances of studies, or of some of their series, and for each study a row that says by what they leave; when one study
    may not leave, none does. Raises Missing, Forbidden."""
    access.require(principal, Permission.STUDY_EXPORT)
    access.require(principal, Permission.STUDY_READ)
    scope = access.all_of(access.scope(principal, each) for each in (Permission.STUDY_EXPORT, Permission.STUDY_READ))

    def of(connection: Connection, study: str) -> list[Located]:
        values = imaging.study_values(connection, study, scope)
        found = imaging.locate(connection, study) if values is not None else []
        found = [each for each in found if not series or each.series_instance_uid in series]
        if values is None or not found:
            raise Missing("there is no such study or series", hint="It may have been removed, or your account may not see it.")
        changes.append(connection, Event.STUDY_EXPORTED, study, principal.name, {
            "form": form, "count": len(found), "series": list(series), "drawings": False, "patient": False,
            "deidentified": True, "project": kept.name, "options": kept.value["options"],
        })  # fmt: skip
        return found

    return context.database.write(lambda connection: [each for study in studies for each in of(connection, study)])


@contextmanager
def cleaned(context: Context, kept: Kept, located: Located, regions: Sequence[Region] = ()) -> Iterator[Cleaned]:
    """An instance as it may leave by a project, readable inside the block. Raises HeldBack, Broken, Busy, NoSpace."""
    asked_for = asked(kept)
    with ExitStack() as stack:
        file: Source = stack.enter_context(corrected.opened(context.blobs, located))
        try:
            facts = examine(file)
            rectangles, clean = _pixels(kept, asked_for, facts, located, regions)
            no_faces = _faces(asked_for, facts)
            if rectangles or not readable(facts.transfer_syntax_uid):
                file = _worked(context, stack, file, located.size, rectangles)
            made = deidentified(file, asked_for, cleaned_pixels=clean, no_faces=no_faces)
        except CannotClean as error:
            raise HeldBack(str(error)) from None
        except Malformed as fault:
            raise HeldBack(f"it cannot be worked on: {fault.reason}") from None
        except Unsupported as error:
            raise HeldBack(error.message) from None
        yield Cleaned(made, len(rectangles))


def _words(facts: Facts, located: Located) -> dict[str, str]:
    return {**facts.values, "Rows": str(facts.rows), "Columns": str(facts.columns), "SOPClassUID": located.sop_class_uid}


def _pixels(kept: Kept, asked_for: Project, facts: Facts, located: Located,
            regions: Sequence[Region]) -> tuple[list[Rectangle], bool]:
    """What is to be made black, and whether its pixels may then be called clean. Raises HeldBack."""
    given = [each for each in regions if located.series_instance_uid == each.series
             and each.instance in ("", located.sop_instance_uid)]  # fmt: skip
    rules = deidentification.matching(kept.value["devices"], _words(facts, located))
    if not facts.has_pixels:
        return [], asked_for.has(Option.PIXELS)
    rectangles = [rectangle for region in given for rectangle in region.rectangles]
    rectangles += [(each[0], each[1], each[2], each[3]) for rule in rules for each in rule["rectangles"]]
    cleaning = asked_for.has(Option.PIXELS)
    why = "" if given or rules else deidentification.burned_in(_words(facts, located), cleaning=cleaning)
    if why and (cleaning or kept.value["burned_in"] == "refuse"):
        raise HeldBack(f"{why}; mark the text by rectangles, or give the project a rule for this kind of image")
    return rectangles, cleaning


def _faces(asked_for: Project, facts: Facts) -> bool:
    if not asked_for.has(Option.FACES) or not facts.has_pixels:
        return asked_for.has(Option.FACES)
    why = deidentification.recognizable(facts.values)
    if why:
        raise HeldBack(why)
    return True


def _worked(context: Context, stack: ExitStack, file: Source, size: int, rectangles: Sequence[Rectangle]) -> Source:
    """The object in a scratch file: made black, or only little endian."""
    try:
        fd = getattr(file, "fd", None)
        if fd is None:
            fd = _copied(stack, context, file)
        into = stack.enter_context(context.scratch(size))
        if rectangles:
            context.pool.run_sync(_BLACKEN, Handle(fd), file.size, list(rectangles), Handle(into.fileno()))
        else:
            context.pool.run_sync(_CONVERT, Handle(fd), file.size, EXPLICIT_VR_LITTLE_ENDIAN, Handle(into.fileno()))
        return FileSource(into.fileno())
    except OSError as error:
        raise NoSpace("there is no room to work on the object", hint="An administrator should free some space.") from error


def _copied(stack: ExitStack, context: Context, source: Source) -> int:
    file = stack.enter_context(context.scratch(source.size))
    offset = 0
    while piece := source.read_at(offset, _PIECE):
        offset += file.write(piece)
    file.flush()
    return file.fileno()


def of_the_object(error: IsocenterError) -> bool:
    """Whether the next object may fare better: this one is damaged or of a form nobody reads. A full disk meets all of them."""
    return isinstance(error, (Unsupported, Broken)) and not isinstance(error, Away)


def first(context: Context, kept: Kept, found: Sequence[Located], regions: Sequence[Region]) -> int:
    """The place of the first object that may leave; before, so that an answer can still say why none may. Raises Unsupported."""
    why = ""
    for place, located in enumerate(found):
        try:
            with cleaned(context, kept, located, regions):
                return place
        except HeldBack as error:
            why = why or str(error)
        except IsocenterError as error:
            if not of_the_object(error):
                raise
            why = why or error.message
    raise Unsupported(f"none of the {len(found)} objects may leave: {why}", kept="nothing has left the archive",
                      hint="Mark text by rectangles, add a rule to the project, or choose other series.")  # fmt: skip


