"""Which few studies a key of a search leaves, asked of its index before the search itself (see `finding`).

Neither planner knows how much a key leaves of a million studies (LIBRARIES 4.2), so it is counted, to a limit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from isocenter.dicom.attributes import BY_KEYWORD, Attribute, Level
from isocenter.dicom.match import AnyOf, Fuzzy, Match, Range, Single, UidList, Wildcard
from isocenter.store import dialect, extras, rows
from isocenter.store.schema import name_columns, study

_AT_ONCE = 50  # conditions in one statement: SQLite's expressions are 1,000 deep at most


@dataclass(frozen=True, slots=True)
class Candidates:
    """Which index entries to look at first, as plain SQL: making and compiling an expression would cost more than the answer.

    select: SELECT ids ... WHERE; columns: one of them must equal one of `values` or be in one of `ranges`, from and below ("" for
    no end). of_patients: what is wanted are the patients of these studies. is_rare: a value has few rows, so that they may be
    fetched without counting them first.
    """

    select: str
    columns: tuple[str, ...]
    values: tuple[str, ...]
    ranges: tuple[tuple[str, str], ...]
    of_patients: bool
    is_rare: bool

    def ids(self, connection: Connection, at_most: int) -> set[int] | None:
        """The ids of studies or patients; None when there are `at_most` or more."""
        asked: list[tuple[str, tuple[str, ...]]] = [("{0} = ?", (value,)) for value in self.values]
        for start, end in self.ranges:
            asked.append(("{0} >= ? AND {0} < ?", (start, end)) if end else ("{0} >= ?", (start,)))
        found: set[int] = set()
        for first in range(0, len(asked), _AT_ONCE):
            text, values = self._text(asked[first : first + _AT_ONCE], at_most)
            text = text.replace("?", rows.mark(connection))
            # Of a modality or the beginning of a name there may be many, and to count is cheaper than to fetch.
            counted = f"SELECT count(*) FROM ({text}) AS y"
            if not self.is_rare and connection.exec_driver_sql(counted, values).scalar_one() >= at_most:
                return None
            found.update(each[0] for each in connection.exec_driver_sql(text, values).all())
        if len(found) >= at_most:
            return None
        return patients_of(connection, found) if self.of_patients else found

    def bounds(self, connection: Connection) -> tuple[str, str] | None:
        """From where and below where ("" for no end) in the first column all is that matches; None when it may be in another."""
        if not self.columns[1:] or replace(self, columns=self.columns[1:]).ids(connection, 1) is None:
            return None
        both = [*self.ranges, *((value, dialect.after(value)) for value in self.values)]
        ends = [end for _, end in both]
        return min(start for start, _ in both), max(ends) if all(ends) else ""

    def _text(self, asked: Sequence[tuple[str, tuple[str, ...]]], at_most: int) -> tuple[str, tuple[str, ...]]:
        condition = " OR ".join(text for text, _ in asked)
        parts = (f"SELECT * FROM ({self.select} {condition.format(column)} LIMIT {at_most}) AS x" for column in self.columns)
        return " UNION ALL ".join(parts), tuple(value for _, some in asked for value in some) * len(self.columns)


def patients_of(connection: Connection, studies: set[int]) -> set[int]:
    """The ids of the patients of some studies."""
    those = dialect.some_ids(study.c.id, studies, connection.dialect.name == "postgresql")
    return set(connection.execute(select(study.c.patient_fk).where(those)).scalars())


# By which indexes studies are found; each column holds one value a row.
_BY_MODALITY = "SELECT study_fk FROM study_modality WHERE", ("modality",)
_BY_SOP_CLASS = "SELECT study_fk FROM study_sop_class WHERE", ("sop_class_uid",)
_STUDIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    **{keyword: ("SELECT id FROM study WHERE", name_columns(BY_KEYWORD[keyword]) or (BY_KEYWORD[keyword].column,))
       for keyword in ("StudyInstanceUID", "PatientID", "AccessionNumber", "PatientBirthDate", "StudyDescription",
                       "InstitutionName", "PatientName", "ReferringPhysicianName")},
    "ModalitiesInStudy": _BY_MODALITY, "Modality": _BY_MODALITY,
    "SOPClassesInStudy": _BY_SOP_CLASS, "SOPClassUID": _BY_SOP_CLASS,
    "SeriesInstanceUID": ("SELECT study_fk FROM series WHERE", ("series_instance_uid",)),
    "SOPInstanceUID": ("SELECT series.study_fk FROM instance JOIN series ON series.id = instance.series_fk WHERE",
                       ("sop_instance_uid",)),
}  # fmt: skip
_RARE = frozenset({"StudyInstanceUID", "PatientID", "AccessionNumber", "SeriesInstanceUID", "SOPInstanceUID"})
_PATIENTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    keyword: ("SELECT id FROM patient WHERE", columns) for keyword, (_, columns) in _STUDIES.items()
    if keyword in ("PatientID", "PatientName")
}  # fmt: skip


def of(connection: Connection, attribute: Attribute, match: Match, level: Level) -> Candidates | None:
    """What an index answers and leaves out no study (at their level: no patient) that the key matches; None without an index."""
    is_patients = level is Level.PATIENT and attribute.level is Level.PATIENT
    found = (_PATIENTS if is_patients else _STUDIES).get(attribute.keyword)
    if attribute.is_extra and attribute.vr not in dialect.NUMBER_VRS and level is not Level.PATIENT:
        found = extras.candidates(connection, attribute), ("extra_value.key",)
    if found is None:
        return None
    fold = dialect.name_key if attribute.vr == "PN" else str
    parts = [_stretches(way, fold) for way in (match.ways if isinstance(match, AnyOf) else (match,))]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    values = tuple(dict.fromkeys(value for some, _ in known for value in some))
    ranges = tuple(dict.fromkeys(ends for _, some in known for ends in some))
    is_rare = not ranges and attribute.keyword in _RARE
    return Candidates(*found, values, ranges, of_patients=level is Level.PATIENT and not is_patients, is_rare=is_rare)


def _stretches(match: Match, fold: Callable[[str], str]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]] | None:
    """Values and ranges of an index, of which one has every text that the match fits, or the first component group of it."""
    match match:
        case UidList(uids):
            return uids, ()
        case Fuzzy(names=few) if few is not None:
            return few, ()
        case Range(low, high):
            return (), ((low or "\x01", dialect.after(high)),)
        case Single(value) if fold is str:
            return (value,), ()
        case Single(value) if (start := fold(value)) and "=" not in start:
            return (start,), ((f"{start}=", dialect.after(f"{start}=")),)
        case Wildcard(pattern) if (start := dialect.prefix(fold(pattern))) and "=" not in start:
            return (), ((start, dialect.after(start)),)
    return None
