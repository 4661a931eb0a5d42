"""Patients, studies and series while instances arrive: remembered, made when new, counted once for each batch.

`Parents` serves one call of `arriving.add`. Order of use: load, place (each instance), insert, then instances, then count.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from isocenter.dicom.attributes import BY_KEYWORD, Attribute, Level
from isocenter.domain import patient as patients
from isocenter.store import names, rows
from isocenter.store.connections import Race
from isocenter.store.schema import name_columns, patient, series, study

_REMEMBERED = 2048  # patients, studies, series each: a few hundred bytes a piece; all forgotten at once when it is more
_Levels = tuple[Level, ...]
_PATIENT: _Levels = (Level.PATIENT,)
_STUDY: _Levels = (Level.PATIENT, Level.STUDY)
_SERIES: _Levels = (Level.SERIES,)


def _keywords(levels: _Levels) -> tuple[str, ...]:
    return tuple(a.keyword for a in BY_KEYWORD.values() if a.level in levels and not a.computed)


_KEYWORDS: dict[_Levels, tuple[str, ...]] = {levels: _keywords(levels) for levels in (_PATIENT, _STUDY, _SERIES)}
_NAMES: dict[_Levels, tuple[Attribute, ...]] = {
    levels: tuple(BY_KEYWORD[k] for k in keywords if BY_KEYWORD[k].vr == "PN") for levels, keywords in _KEYWORDS.items()
}
_COLUMNS: dict[_Levels, tuple[str, ...]] = {
    levels: tuple(BY_KEYWORD[k].column for k in keywords) for levels, keywords in _KEYWORDS.items()
}


@dataclass(slots=True, eq=False)
class Parent:
    """A row of patient, study or series. key: identity or UID; above: its parent's key; empty: keywords without a value yet."""

    key: str
    above: str
    id: int
    empty: set[str]
    demographics: Mapping[str, str] = field(default_factory=dict)
    seen: set[object] = field(default_factory=set)


@dataclass(slots=True)
class Memory:
    """What is remembered from batch to batch; every rollback forgets it (`connections.memory`)."""

    patients: dict[str, Parent] = field(default_factory=dict)
    studies: dict[str, Parent] = field(default_factory=dict)
    series: dict[str, Parent] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)  # that are in the dictionary of names

    def bound(self) -> None:
        """Keep it small."""
        for known in (self.patients, self.studies, self.series, self.names):
            if len(known) > _REMEMBERED:
                known.clear()


@dataclass(frozen=True, slots=True)
class Place:
    """Where an instance belongs: what of its object the parents need."""

    identity: str
    study_uid: str
    series_uid: str
    sop_class_uid: str
    values: Mapping[str, str]


class Parents:
    """The parents of one batch. cursor: the driver's. at: the text of the time of the batch."""

    def __init__(self, cursor: Any, mark: str, memory: Memory, at: str) -> None:
        self._cursor = cursor
        self._mark = mark
        self._memory = memory
        self._at = at
        self._new: dict[str, list[tuple[Parent, Place]]] = {"patient": [], "study": [], "series": []}
        self._filled: dict[tuple[str, str], dict[str, str]] = {}
        self._kinds: dict[tuple[str, str, str], None] = {}  # (table, study UID, modality or SOP class)
        self._counts: dict[str, int] = {}
        self._names: set[str] = set()

    @property
    def new_studies(self) -> list[Parent]:
        """The studies that `insert` made."""
        return [parent for parent, _ in self._new["study"]]

    def load(self, places: Iterable[Place]) -> None:
        """Read what is not remembered: one statement for each table, none when all is known."""
        memory = self._memory
        everything = list(places)
        self._load("patient", _PATIENT, "identity", "''", "", {p.identity for p in everything}, memory.patients)
        self._load("study", _STUDY, "study_instance_uid", "up.identity", "JOIN patient up ON up.id = t.patient_fk",
                   {p.study_uid for p in everything}, memory.studies)
        self._load("series", _SERIES, "series_instance_uid", "up.study_instance_uid", "JOIN study up ON up.id = t.study_fk",
                   {p.series_uid for p in everything}, memory.series)

    def _load(self, table: str, levels: _Levels, key: str, above: str, join: str, wanted: set[str],
              known: dict[str, Parent]) -> None:
        missing = sorted(wanted - known.keys())
        if not missing:
            return
        columns = ", ".join(f't."{name}"' for name in _COLUMNS[levels])
        wanted_keys = rows.some(self._mark, missing)
        self._cursor.execute(
            f'SELECT t.id, t."{key}", {above}, {columns} FROM "{table}" t {join} WHERE t."{key}" IN {wanted_keys}', missing
        )
        for id_, uid, parent_key, *texts in self._cursor.fetchall():
            values = dict(zip(_KEYWORDS[levels], texts, strict=True))
            known[uid] = Parent(uid, parent_key, id_, {k for k, text in values.items() if not text}, values)

    def look_again(self, place: Place) -> None:
        """Read anew whose a study is: a correction may have moved it to another patient since it was remembered."""
        known = self._memory.studies.get(place.study_uid)
        if known is not None and known.id:
            del self._memory.studies[place.study_uid]
            self.load([place])

    def contradiction(self, place: Place) -> tuple[str, str] | None:
        """Why the instance cannot be where it says, and the attribute that says so; None when it can."""
        study_ = self._memory.studies.get(place.study_uid)
        if study_ is not None and study_.above != place.identity:
            return "the study belongs to another patient", "PatientID"
        series_ = self._memory.series.get(place.series_uid)
        if series_ is not None and series_.above != place.study_uid:
            return "the series belongs to another study", "SeriesInstanceUID"
        return None

    def place(self, place: Place) -> None:
        """Take an instance in: its parents are made by `insert` when new, their empty attributes filled, their counts raised."""
        memory = self._memory
        for table, known, key, above, levels in (
            ("patient", memory.patients, place.identity, "", _PATIENT),
            ("study", memory.studies, place.study_uid, place.identity, _STUDY),
            ("series", memory.series, place.series_uid, place.study_uid, _SERIES),
        ):
            parent = known.get(key)
            if parent is None:
                empty = {keyword for keyword in _KEYWORDS[levels] if keyword not in place.values}
                demographics = {k: place.values.get(k, "") for k in patients.DEMOGRAPHICS} if table == "patient" else {}
                known[key] = parent = Parent(key, above, 0, empty, demographics)
                self._new[table].append((parent, place))
                self._gather_names(levels, place, place.values.keys())
            elif gained := parent.empty & place.values.keys():
                self._filled.setdefault((table, key), {}).update((k, place.values[k]) for k in gained)
                parent.empty -= gained
                self._gather_names(levels, place, gained)
        self._counts[place.series_uid] = self._counts.get(place.series_uid, 0) + 1
        self._gather_kinds(place)

    def _gather_names(self, levels: _Levels, place: Place, gained: Set[str]) -> None:
        for attribute in _NAMES[levels]:
            if attribute.keyword in gained:
                self._names.add(rows.name_keys(attribute, place.values[attribute.keyword])[0])

    def _gather_kinds(self, place: Place) -> None:
        seen = self._memory.studies[place.study_uid].seen
        for table, kind in (("study_modality", place.values.get("Modality", "")), ("study_sop_class", place.sop_class_uid)):
            if kind and (table, kind) not in seen:
                seen.add((table, kind))
                self._kinds[table, place.study_uid, kind] = None

    def insert(self) -> None:
        """Make the new parents, each table in the order of its keys."""
        memory = self._memory
        at = (self._at, self._at)
        for table, key, fk, levels, above in (
            (patient, "identity", "", _PATIENT, {}),
            (study, "", "patient_fk", _STUDY, memory.patients),
            (series, "", "study_fk", _SERIES, memory.studies),
        ):
            new = sorted(self._new[table.name], key=lambda pair: pair[0].key)
            if not new:
                continue
            link = [name for name in (key, fk) if name]
            made = [
                ((above[parent.above].id if fk else parent.key), *rows.row(place.values, *levels), *at) for parent, place in new
            ]
            columns = (*link, *rows.columns(*levels), "received_at", "updated_at")
            for (parent, _), id_ in zip(new, self._insert(rows.insert(table, columns, self._mark, "id"), made), strict=True):
                parent.id = id_

    def _insert(self, statement: str, made: Sequence[tuple[Any, ...]]) -> list[int]:
        if self._mark == "?":
            return [self._cursor.execute(statement, row).fetchone()[0] for row in made]
        self._cursor.executemany(statement, made, returning=True)
        ids = [self._cursor.fetchone()[0]]
        while self._cursor.nextset():
            ids.append(self._cursor.fetchone()[0])
        return ids

    def series(self, uid: str) -> Parent:
        """The series with this UID, placed before."""
        return self._memory.series[uid]

    def study_of(self, series_uid: str) -> Parent:
        """The study of a placed series."""
        return self._memory.studies[self._memory.series[series_uid].above]

    def patient_of(self, series_uid: str) -> Parent:
        """The patient of a placed series."""
        return self._memory.patients[self.study_of(series_uid).above]

    def above(self, series_uid: str) -> Mapping[Level, Parent]:
        """The patient, study and series of a placed series."""
        return {Level.PATIENT: self.patient_of(series_uid), Level.STUDY: self.study_of(series_uid),
                Level.SERIES: self.series(series_uid)}

    def count(self) -> None:
        """Raise the counters, by id. A parent that is not where we remember it makes the transaction begin again."""
        mark, at = self._mark, self._at
        memory = self._memory
        instances = _sums((memory.studies[memory.series[uid].above], number) for uid, number in self._counts.items())
        of_patients = _sums((memory.patients[study_.above], number) for study_, number in instances)
        new_series = dict(_sums((memory.studies[parent.above], 1) for parent, _ in self._new["series"]))
        series_of_patients = dict(_sums((memory.patients[study_.above], number) for study_, number in new_series.items()))
        new_studies = dict(_sums((memory.patients[parent.above], 1) for parent, _ in self._new["study"]))
        self._update(
            f"UPDATE patient SET number_of_patient_related_studies = number_of_patient_related_studies + {mark},"
            f" number_of_patient_related_series = number_of_patient_related_series + {mark},"
            f" number_of_patient_related_instances = number_of_patient_related_instances + {mark},"
            f" updated_at = {mark} WHERE id = {mark}",
            [(new_studies.get(p, 0), series_of_patients.get(p, 0), n, at, p.id) for p, n in of_patients],
        )
        self._update(
            f"UPDATE study SET number_of_study_related_series = number_of_study_related_series + {mark},"
            f" number_of_study_related_instances = number_of_study_related_instances + {mark},"
            f" updated_at = {mark} WHERE id = {mark} AND patient_fk = {mark}",
            [(new_series.get(s, 0), n, at, s.id, memory.patients[s.above].id) for s, n in instances],
        )
        grown = _sums((memory.series[uid], number) for uid, number in self._counts.items())
        self._update(
            f"UPDATE series SET number_of_series_related_instances = number_of_series_related_instances + {mark},"
            f" version = version + 1, updated_at = {mark} WHERE id = {mark} AND study_fk = {mark}",
            [(n, at, s.id, memory.studies[s.above].id) for s, n in grown],
        )
        self._fill()
        self._add_kinds()
        if new := self._names - self._memory.names:
            names.learn(self._cursor, mark, new)
            self._memory.names |= new

    def _update(self, statement: str, parameters: list[tuple[Any, ...]]) -> None:
        if len(parameters) == 1:
            self._cursor.execute(statement, parameters[0])
        else:
            self._cursor.executemany(statement, parameters)
        if self._cursor.rowcount != len(parameters):
            raise Race("a remembered patient, study or series has gone or moved")

    def _fill(self) -> None:
        """Attributes that were empty so far get the value of the first object that has one."""
        known = {"patient": self._memory.patients, "study": self._memory.studies, "series": self._memory.series}
        new = {(table, parent.key) for table, pairs in self._new.items() for parent, _ in pairs}
        for table, key in sorted(self._filled, key=lambda name: (name[0], known[name[0]][name[1]].id)):
            columns: dict[str, str] = {}
            for keyword, text in self._filled[table, key].items():
                attribute = BY_KEYWORD[keyword]
                columns[attribute.column] = text
                if attribute.vr == "PN":
                    columns.update(zip(name_columns(attribute), rows.name_keys(attribute, text), strict=True))
            parent = known[table][key]
            self._set(table, "id", parent.id, columns)
            copied = {name: text for name, text in columns.items() if name in ("study_date", "patient_name_key")}
            if table == "study" and copied and (table, key) not in new:
                self._set("study_modality", "study_fk", parent.id, copied)

    def _set(self, table: str, key: str, id_: int, columns: Mapping[str, str]) -> None:
        settings = ", ".join(f'"{name}" = {self._mark}' for name in columns)
        self._cursor.execute(f'UPDATE "{table}" SET {settings} WHERE "{key}" = {self._mark}', (*columns.values(), id_))

    def _add_kinds(self) -> None:
        """Modalities and SOP classes that a study did not have; its row is locked by now (`count`), so its text is whole."""
        mark = self._mark
        for table, column, text in (
            ("study_modality", "modality", "modalities_in_study"),
            ("study_sop_class", "sop_class_uid", "sop_classes_in_study"),
        ):
            new = sorted((self._memory.studies[uid].id, kind) for name, uid, kind in self._kinds if name == table)
            if not new:
                continue
            copies = ", study_date, patient_name_key" if table == "study_modality" else ""
            self._cursor.executemany(
                f"INSERT INTO {table} (study_fk, {column}{copies}) SELECT id, {mark}{copies} FROM study WHERE id = {mark}"
                " ON CONFLICT DO NOTHING",
                [(kind, id_) for id_, kind in new],
            )
            joined = "string_agg" if mark == "%s" else "group_concat"
            self._cursor.executemany(
                f"UPDATE study SET {text} = (SELECT {joined}(k, '\\') FROM"
                f" (SELECT {column} AS k FROM {table} WHERE study_fk = study.id ORDER BY {column}) x) WHERE id = {mark}",
                [(id_,) for id_ in sorted({id_ for id_, _ in new})],
            )


def _sums(numbers: Iterable[tuple[Parent, int]]) -> list[tuple[Parent, int]]:
    """Added up for each parent; by id."""
    sums: dict[Parent, int] = {}
    for parent, number in numbers:
        sums[parent] = sums.get(parent, 0) + number
    return sorted(sums.items(), key=_id_of) if len(sums) > 1 else list(sums.items())


def _id_of(pair: tuple[Parent, int]) -> int:
    return pair[0].id
