"""What the index holds of studies, series and instances, for those who retrieve or check: only the served version of an instance.

    locate        where the instances of a study, a series or an instance are       frame_tables   their encoded frame tables
    located_in    those that are in lists of UIDs, in `wanted_studies`
    study_values  a study as text by keyword, if a scope covers it                 series_version grows when a series changes
    files         every kept file, for `isocenter verify`                           counts, clear
Searching is `store.finding`.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, func, or_, select

from isocenter.dicom.attributes import Level, at
from isocenter.domain.access import Scope
from isocenter.store import visible
from isocenter.store.schema import (
    exception,
    instance,
    patient,
    series,
    series_copy_due,
    series_dirty,
    study,
    study_modality,
    study_sop_class,
    viewing_copy,
)
from isocenter.store.schema_index import extra_value, name_word, word_sound
from isocenter.store.schema_rejections import rejected, rejection, study_hidden

_AT_ONCE = 500  # ids in one IN (...): SQLite allows 32,766 parameters, planners like less


@dataclass(frozen=True, slots=True)
class Located:
    """A kept instance: its UIDs, and where and what its bytes are."""

    id: int
    series_id: int
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    instance_number: str
    number_of_frames: str
    bits_allocated: str
    transfer_syntax_uid: str
    blob_key: str
    sha256: str
    size: int
    dataset_offset: int
    series_number: str
    series_version: int
    corrected: str = ""  # of its study, as `store.corrected` reads it


@dataclass(frozen=True, slots=True)
class InMemory(Located):
    """What is sent and lies in no file: an object of no patient. content: a Part 10 file."""

    content: bytes = b""

    @classmethod
    def of(cls, number: int, sop_class: str, uid: str, content: bytes, transfer_syntax_uid: str, offset: int) -> "InMemory":
        """number: tells it from the others that are sent with it; offset: where its data set begins."""
        return cls(
            id=number, series_id=0, study_instance_uid="", series_instance_uid="", sop_instance_uid=uid, sop_class_uid=sop_class,
            instance_number="", number_of_frames="", bits_allocated="", transfer_syntax_uid=transfer_syntax_uid, blob_key="",
            sha256="", size=len(content), dataset_offset=offset, series_number="", series_version=0, content=content,
        )  # fmt: skip


_LOCATED = (
    instance.c.id, instance.c.series_fk, study.c.study_instance_uid, series.c.series_instance_uid, instance.c.sop_instance_uid,
    instance.c.sop_class_uid, instance.c.instance_number, instance.c.number_of_frames, instance.c.bits_allocated,
    instance.c.transfer_syntax_uid, instance.c.blob_key, instance.c.sha256, instance.c.size, instance.c.dataset_offset,
    series.c.series_number, series.c.version, study.c.corrected,
)


def _place(row: Any) -> Located:
    """What is made of a corrected instance must not be found as what was made of the stored one, so its digest is another."""
    found = Located(*tuple(row))
    if not found.corrected:
        return found
    return replace(found, sha256=hashlib.sha256(f"{found.sha256} {found.corrected}".encode()).hexdigest())


def _instances(hidden: bool = False) -> Select[Any]:
    """hidden: those that a rejection hides, instead."""
    query = (
        select(*_LOCATED).join(series, series.c.id == instance.c.series_fk).join(study, study.c.id == series.c.study_fk)
    )  # fmt: skip
    if not hidden:
        return query.where(instance.c.current)
    of = select(rejected.c.rejection_fk).where(rejected.c.sop_instance_uid == instance.c.sop_instance_uid)
    noted = select(rejection.c.id).where(rejection.c.note_uid == instance.c.sop_instance_uid)
    # Of several versions the one that was served; after reindexing the first one.
    served = select(func.max(rejected.c.served)).where(rejected.c.sop_instance_uid == instance.c.sop_instance_uid)
    is_it = or_(instance.c.version == 1, instance.c.id == served.scalar_subquery())
    return query.where(instance.c.current.is_(False), is_it, or_(of.exists(), noted.exists()))


def locate_hidden(connection: Connection, study_uid: str, series_uid: str | None, sop_uid: str) -> Located | None:
    """An instance that was rejected, or a rejection note: for who may see those."""
    query = _instances(hidden=True).where(study.c.study_instance_uid == study_uid, instance.c.sop_instance_uid == sop_uid)
    if series_uid is not None:
        query = query.where(series.c.series_instance_uid == series_uid)
    row = connection.execute(query.order_by(instance.c.id.desc()).limit(1)).first()
    return None if row is None else _place(row)


def locate(
    connection: Connection, study_uid: str, series_uid: str | None = None, sop_uid: str | None = None
) -> list[Located]:
    """The served instances, by series number, then instance number; empty when there are none."""
    query = _instances().where(study.c.study_instance_uid == study_uid)
    if series_uid is not None:
        query = query.where(series.c.series_instance_uid == series_uid)
    if sop_uid is not None:
        query = query.where(instance.c.sop_instance_uid == sop_uid)
    found = [_place(row) for row in connection.execute(query)]
    return sorted(found, key=_order)


def representative(
    connection: Connection, study_uid: str, series_uid: str | None = None, sop_uid: str | None = None
) -> Located | None:
    """A served instance that speaks for its study or series: the one that came first. Or the instance itself."""
    query = _instances().where(study.c.study_instance_uid == study_uid)
    if series_uid is not None:
        query = query.where(series.c.series_instance_uid == series_uid)
    if sop_uid is not None:
        query = query.where(instance.c.sop_instance_uid == sop_uid)
    row = connection.execute(query.order_by(series.c.id, instance.c.id).limit(1)).first()
    return None if row is None else _place(row)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants: the instances that are in every list that is not empty. issuer: of the Patient IDs, "" for any."""

    patients: tuple[str, ...] = ()
    studies: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    issuer: str = ""


def wanted_studies(connection: Connection, wanted: Wanted, scope: Scope) -> list[int]:
    """The ids of the scope's studies that hold something of it."""
    joined = select(study.c.id).join(patient, patient.c.id == study.c.patient_fk)
    joined = joined.where(visible.condition(scope, connection.dialect.name == "postgresql"))
    if wanted.series or wanted.instances:
        joined = joined.join(series, series.c.study_fk == study.c.id)
    if wanted.instances:
        joined = joined.join(instance, instance.c.series_fk == series.c.id).where(instance.c.current)
    if wanted.issuer:
        joined = joined.where(patient.c.issuer_of_patient_id == wanted.issuer)
    found: dict[int, None] = {}
    for query in _in_each_list(joined.distinct(), wanted):
        found.update(dict.fromkeys(connection.execute(query).scalars()))
    return list(found)


def located_in(connection: Connection, study_ids: Iterable[int], wanted: Wanted) -> list[Located]:
    """The served instances of those studies that are wanted: study by study, in the order of `locate`."""
    within = replace(wanted, patients=(), studies=())
    ids = list(study_ids)
    found: list[Located] = []
    for start in range(0, len(ids), _AT_ONCE):
        base = _instances().where(study.c.id.in_(ids[start : start + _AT_ONCE]))
        for query in _in_each_list(base, within):
            found += [_place(row) for row in connection.execute(query)]
    return sorted(found, key=lambda row: (row.study_instance_uid, *_order(row)))


def _in_each_list(query: Select[Any], wanted: Wanted) -> Iterator[Select[Any]]:
    """The query for what is in every list; the longest of them in parts."""
    lists = [
        (column, values)
        for column, values in (
            (patient.c.patient_id, wanted.patients),
            (study.c.study_instance_uid, wanted.studies),
            (series.c.series_instance_uid, wanted.series),
            (instance.c.sop_instance_uid, wanted.instances),
        )
        if values
    ]
    lists.sort(key=lambda each: len(each[1]))
    for column, values in lists[:-1]:
        query = query.where(column.in_(values))
    if not lists:
        yield query
        return
    column, values = lists[-1]
    for start in range(0, len(values), _AT_ONCE):
        yield query.where(column.in_(values[start : start + _AT_ONCE]))


def _order(row: Located) -> tuple[Any, ...]:
    return number(row.series_number), row.series_instance_uid, number(row.instance_number), row.sop_instance_uid


def number(text: str) -> tuple[int, int, str]:
    """Sort key of an IS: numbers by value, then whatever is none."""
    stripped = text.strip()
    try:
        return (0, int(stripped), "")
    except ValueError:
        return (1, 0, stripped)


def frame_tables(connection: Connection, instance_ids: Iterable[int]) -> dict[int, bytes]:
    """The encoded frame tables (`dicom.frames.FrameTable.decode`) of those instances that have pixel data."""
    ids = list(instance_ids)
    tables: dict[int, bytes] = {}
    for start in range(0, len(ids), _AT_ONCE):
        query = select(instance.c.id, instance.c.frames).where(
            instance.c.id.in_(ids[start : start + _AT_ONCE]), instance.c.frames.is_not(None)
        )
        tables.update((row.id, bytes(row.frames)) for row in connection.execute(query))
    return tables


def study_values(connection: Connection, study_uid: str, scope: Scope) -> dict[str, str] | None:
    """A study with its patient's attributes as text by keyword; None when it is not held, or not for this scope."""
    covered = visible.condition(scope, connection.dialect.name == "postgresql")
    row = connection.execute(select(study).where(study.c.study_instance_uid == study_uid, covered)).mappings().first()
    return None if row is None else _values(row)


def _values(row: RowMapping) -> dict[str, str]:
    return {
        attribute.keyword: str(row[attribute.column])
        for attribute in (*at(Level.PATIENT), *at(Level.STUDY))
        if attribute.column in row
    }


def series_version(connection: Connection, study_uid: str, series_uid: str) -> int | None:
    """A number that grows whenever an instance of the series is added or changed; None when it is not held."""
    query = (
        select(series.c.version)
        .join(study, study.c.id == series.c.study_fk)
        .where(study.c.study_instance_uid == study_uid, series.c.series_instance_uid == series_uid)
    )
    return connection.execute(query).scalar()


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that the index speaks of. id: to continue after it."""

    id: int
    blob_key: str
    sha256: str
    size: int
    sop_instance_uid: str
    current: bool


def files(connection: Connection, after_id: int = 0, limit: int = 1000) -> list[Kept]:
    """The files of all instances, every version, in the order of their ids."""
    query = (
        select(instance.c.id, instance.c.blob_key, instance.c.sha256, instance.c.size, instance.c.sop_instance_uid,
               instance.c.current)
        .where(instance.c.id > after_id).order_by(instance.c.id).limit(limit)
    )
    return [Kept(*row) for row in connection.execute(query)]


def quarantined_files(connection: Connection, after_id: int = 0, limit: int = 1000) -> list[Kept]:
    """The files in quarantine, in the order of their ids."""
    query = (
        select(exception.c.id, exception.c.blob_key, exception.c.sha256, exception.c.size, exception.c.sop_instance_uid)
        .where(exception.c.kind == "quarantined", exception.c.id > after_id).order_by(exception.c.id).limit(limit)
    )
    return [Kept(*row, current=False) for row in connection.execute(query)]


def counts(connection: Connection) -> dict[str, int]:
    """How many patients, studies, series and served instances there are."""
    query = select(
        func.count(),
        func.coalesce(func.sum(patient.c.number_of_patient_related_studies), 0),
        func.coalesce(func.sum(patient.c.number_of_patient_related_series), 0),
        func.coalesce(func.sum(patient.c.number_of_patient_related_instances), 0),
    ).select_from(patient).where(patient.c.number_of_patient_related_instances > 0)
    return dict(zip(("patients", "studies", "series", "instances"), map(int, connection.execute(query).one()), strict=True))


def clear(connection: Connection) -> None:
    """Forget every patient, study, series and instance, not their files, nor the change log. Reindexing begins with it."""
    derived = (extra_value, name_word, word_sound, series_dirty, series_copy_due, viewing_copy)
    for table in (*derived, instance, series, study_modality, study_sop_class, study_hidden):
        connection.execute(delete(table))
    connection.execute(exception.update().values(study_fk=None, patient_fk=None))
    connection.execute(delete(exception).where(exception.c.kind.in_(("version", "patient_conflict", "unmatched"))))
    for table in (study, patient):
        connection.execute(delete(table))
