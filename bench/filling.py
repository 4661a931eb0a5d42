"""An index of any size, filled directly: made-up studies of four series each, some of them with all their instances.

    python -m bench.filling DATABASE_URL STUDIES

The rows are those that ingest would write (`store.rows`), but no files belong to them. Stopped and started again it goes on
where it was; the same number is always the same study, on both databases.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Index, func, select, text

from isocenter.dicom.attributes import Level
from isocenter.domain import patient as patients
from isocenter.store import names, rows
from isocenter.store.database import Database
from isocenter.store.schema import instance, patient, series, study, study_modality, study_sop_class, timestamp

SERIES = 4
INSTANCES = 100  # of a study that has its instances: 25 in each series
WITH_INSTANCES = 40  # every so-manieth study has them
TOGETHER = 5000

FAMILIES = tuple(
    head + tail
    for tail in ("son", "mann", "er", "ini", "ova", "ez", "sen", "ard", "ley", "wood", "ström", "escu")
    for head in ("Adam", "Bak", "Clark", "Dav", "Ev", "Frank", "Ghosh", "Hill", "Irw", "John", "Klein", "Lop", "Mart", "Nil",
                 "Ols", "Pet", "Quast", "Robin", "Smith", "Thom", "Ulr", "Vogel", "Wils", "Xav", "Young", "Zimmer", "Müll",
                 "Schmid", "Br", "Cam", "Dom", "Esp", "Fisch", "Gonzal", "Hern", "Jens", "Kow", "Lar", "Mor", "Nov")
)  # fmt: skip
GIVEN = ("Anna", "Ben", "Clara", "David", "Eva", "Felix", "Grace", "Hugo", "Ida", "Jonas", "Karin", "Leo", "Maria", "Noah",
         "Olga", "Paul", "Rosa", "Sven", "Tina", "Ute", "Victor", "Wanda", "Yusuf", "Zoe")  # fmt: skip
MODALITIES = ("CT", "MR", "CR", "DX", "US", "MG", "NM", "PT", "XA", "OT")
_SHARES = (22, 15, 16, 16, 15, 7, 2, 2, 4, 1)
_SOP_CLASSES = dict(zip(MODALITIES, ("2", "4", "1", "1.1", "6.1", "1.2", "20", "128", "12.1", "7"), strict=True))
_PARTS = ("CHEST", "HEAD", "ABDOMEN", "KNEE", "SPINE", "PELVIS", "HAND", "HEART")
_SR = "1.2.840.10008.5.1.4.1.1.88.33"
_SHA = "0" * 64


_OF_STUDY = rows.columns(Level.PATIENT, Level.STUDY)
_PLACES = (_OF_STUDY.index("patient_name_key"), _OF_STUDY.index("referring_physician_name_key"))


@dataclass(slots=True)
class Batch:
    """Rows of each table, as tuples in the order of `COLUMNS`."""

    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    names: set[str] = field(default_factory=set)


COLUMNS: dict[str, tuple[str, ...]] = {
    "patient": ("id", "identity", "received_at", "updated_at", "number_of_patient_related_studies",
                "number_of_patient_related_series", "number_of_patient_related_instances", *rows.columns(Level.PATIENT)),
    "study": ("id", "patient_fk", "modalities_in_study", "sop_classes_in_study", "number_of_study_related_series",
              "number_of_study_related_instances", "received_at", "updated_at", *rows.columns(Level.PATIENT, Level.STUDY)),
    "study_modality": ("study_fk", "modality", "study_date", "patient_name_key"),
    "study_sop_class": ("study_fk", "sop_class_uid"),
    "series": ("id", "study_fk", "number_of_series_related_instances", "version", "received_at", "updated_at",
               *rows.columns(Level.SERIES)),
    "instance": ("id", "series_fk", "version", "current", "blob_key", "sha256", "size", "dataset_offset", "transfer_syntax_uid",
                 "received_at", *rows.columns(Level.INSTANCE)),
}  # fmt: skip
_TABLES = {table.name: table for table in (patient, study, study_modality, study_sop_class, series, instance)}


@dataclass(frozen=True, slots=True)
class Made:
    """One study: what its objects would say, keyword -> text."""

    number: int
    person: int
    at: str
    study: dict[str, str]
    series: tuple[dict[str, str], ...]

    @property
    def modalities(self) -> list[str]:
        """What is in it, sorted."""
        return sorted({each["Modality"] for each in self.series})


def made(number: int) -> Made:
    """The study of a number from 1 up. A person has two studies; of seven, one has a report among its series."""
    person = (number + 1) // 2
    who, what = random.Random(person), random.Random(-number)
    study_uid = f"1.2.840.{99000 + number % 97}.{number}"
    modality = what.choices(MODALITIES, _SHARES)[0]
    date = f"{what.randint(2010, 2026)}{what.randint(1, 12):02}{what.randint(1, 28):02}"
    time = f"{what.randint(0, 23):02}{what.randint(0, 59):02}{what.randint(0, 59):02}"
    part = what.choice(_PARTS)
    values = {
        "PatientName": f"{who.choice(FAMILIES)}^{who.choice(GIVEN)}^{who.choice('ABCDEFGH')}", "PatientID": f"P{person:07}",
        "PatientBirthDate": f"{who.randint(1930, 2020)}{who.randint(1, 12):02}{who.randint(1, 28):02}",
        "PatientSex": who.choice("MF"), "StudyInstanceUID": study_uid, "StudyDate": date, "StudyTime": time,
        "AccessionNumber": f"A{number:08}", "StudyID": str(number % 9973), "StudyDescription": f"{modality} {part.title()}",
        "ReferringPhysicianName": f"{what.choice(FAMILIES)}^{what.choice(GIVEN)}", "PatientAge": f"{what.randint(1, 99):03}Y",
        "InstitutionName": f"Clinic {what.randint(1, 40)}",
    }  # fmt: skip
    kinds = [modality] * SERIES
    if number % 7 == 0:
        kinds[-1] = "SR"
    each = tuple(
        {"SeriesInstanceUID": f"{study_uid}.{place}", "Modality": kind, "SeriesNumber": str(place), "SeriesDate": date,
         "SeriesTime": time, "SeriesDescription": f"{part.title()} {place}", "BodyPartExamined": part, "Manufacturer": "Bench",
         "ProtocolName": f"{part} routine", "StationName": f"{kind}{what.randint(1, 20)}",
         "PerformedProcedureStepStartDate": date, "PerformedProcedureStepStartTime": time}
        for place, kind in enumerate(kinds, 1)
    )  # fmt: skip
    at = timestamp(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number))
    return Made(number, person, at, values, each)


def sop_class(modality: str) -> str:
    """The SOP class of the made-up objects of a modality."""
    return _SR if modality == "SR" else f"1.2.840.10008.5.1.4.1.1.{_SOP_CLASSES[modality]}"


def _instances(each: Made, place: int, values: dict[str, str]) -> Iterator[tuple[Any, ...]]:
    """The instance rows of one series; their ids leave room for every study."""
    count = INSTANCES // SERIES
    series_id = (each.number - 1) * SERIES + place
    for index in range(1, count + 1):
        uid = f"{values['SeriesInstanceUID']}.{index}"
        told = {"SOPInstanceUID": uid, "SOPClassUID": sop_class(values["Modality"]), "InstanceNumber": str(index), "Rows": "512",
                "Columns": "512", "BitsAllocated": "16", "SliceLocation": str(index), "ImageType": "ORIGINAL\\PRIMARY\\AXIAL",
                "ContentDate": each.study["StudyDate"], "ContentTime": each.study["StudyTime"],
                "ImagePositionPatient": f"-200\\-200\\{index}", "ImageOrientationPatient": "1\\0\\0\\0\\1\\0"}  # fmt: skip
        yield ((series_id - 1) * count + index, series_id, 1, True, f"archive/bench/{uid}.dcm", _SHA, 526_000, 1200,
               "1.2.840.10008.1.2.1", each.at, *rows.row(told, Level.INSTANCE))  # fmt: skip


def _batch(numbers: Iterable[int]) -> Batch:
    batch = Batch()
    tables = batch.rows
    for each in map(made, numbers):
        values, at, kinds = each.study, each.at, each.modalities
        classes = sorted({sop_class(kind) for kind in kinds})
        if each.number % 2:
            counts = (2, 2 * SERIES, 2 * INSTANCES)
            identity = patients.identity(values, values["StudyInstanceUID"])
            tables["patient"].append((each.person, identity, at, at, *counts, *rows.row(values, Level.PATIENT)))
        row = rows.row(values, Level.PATIENT, Level.STUDY)
        tables["study"].append(
            (each.number, each.person, "\\".join(kinds), "\\".join(classes), SERIES, INSTANCES, at, at, *row)
        )
        batch.names.update(row[place] for place in _PLACES)
        tables["study_modality"] += [(each.number, kind, values["StudyDate"], row[_PLACES[0]]) for kind in kinds]
        tables["study_sop_class"] += [(each.number, uid) for uid in classes]
        for place, told in enumerate(each.series, 1):
            series_id = (each.number - 1) * SERIES + place
            tables["series"].append((series_id, each.number, INSTANCES // SERIES, 1, at, at, *rows.row(told, Level.SERIES)))
            if each.number % WITH_INSTANCES == 0:
                tables["instance"] += _instances(each, place, told)
    return batch


def fill(database: Database, studies: int) -> None:
    """Add what is missing up to `studies`. Indexes are dropped meanwhile, and made again: an hour becomes minutes."""
    have = database.read(lambda connection: connection.execute(select(func.max(study.c.id))).scalar() or 0)
    missing = list(range(have + 1, studies + 1, TOGETHER))
    if len(missing) > 4:
        database.write(lambda connection: [_drop(connection, index) for index in _indexes()])
    learned: set[str] = set()
    for first in missing:
        batch = _batch(range(first, min(first + TOGETHER, studies + 1)))
        batch.names -= learned
        learned |= batch.names
        database.write(lambda connection, batch=batch: _insert(connection, batch))  # type: ignore[misc]
    database.write(lambda connection: [index.create(connection, checkfirst=True) for index in _indexes()])
    if not database.is_sqlite and missing:
        database.write(_as_autovacuum)


def _indexes() -> Sequence[Index]:
    return [index for table in _TABLES.values() for index in sorted(table.indexes, key=lambda each: str(each.name))]


def _drop(connection: Connection, index: Index) -> None:
    connection.execute(text(f'DROP INDEX IF EXISTS "{index.name}"'))


def _insert(connection: Connection, batch: Batch) -> None:
    cursor: Any = connection.connection.cursor()
    for name, values in batch.rows.items():
        if connection.dialect.name == "postgresql":
            columns = ", ".join(f'"{column}"' for column in COLUMNS[name])
            with cursor.copy(f'COPY "{name}" ({columns}) FROM STDIN') as copy:
                for row in values:
                    copy.write_row(row)
        else:
            cursor.executemany(rows.insert(_TABLES[name], COLUMNS[name], "?"), values)
    names.learn(cursor, rows.mark(connection), batch.names)
    cursor.close()


def _as_autovacuum(connection: Connection) -> None:
    """What PostgreSQL does by itself within minutes; and ids go on after those that were given here.

    SQLite is left as Isocenter leaves it: without statistics.
    """
    for name, table in _TABLES.items():
        if "id" in table.c:
            connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM \"{name}\"))"))
        connection.execute(text(f'ANALYZE "{name}"'))


def main(url: str, studies: int) -> None:
    """Fill a database."""
    database = Database(url)
    fill(database, studies)
    database.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
