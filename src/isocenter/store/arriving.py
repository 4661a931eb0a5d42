"""New instances become rows: many at once, in one transaction.

    add          the rows of accepted instances; also of another version of a held one     quarantine   what nothing may join yet
    refuse       a note about what was not kept

`add` is a handler for `Database.write_each`. It speaks to the driver's cursor: SQLAlchemy would cost ten times as much (LIBRARIES
4.1). Several processes may add to the same new study at once. Everything is therefore done in one global order (new patients,
studies, series by key; instances by UID; counters by id), so that PostgreSQL finds no deadlock; whoever meets a row that another
process was quicker to insert begins its transaction again (`Race`) and then sees it.
"""

import hashlib
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

import psycopg
from sqlalchemy import Connection

from isocenter.dicom.attributes import BY_KEYWORD, Attribute, Level
from isocenter.dicom.part10 import Header
from isocenter.domain import patient as patients
from isocenter.domain.events import Event
from isocenter.store import changes, connections, corrections, exceptions, extras, rows, uploads
from isocenter.store.connections import Race
from isocenter.store.exceptions import Case
from isocenter.store.parents import Memory, Parents, Place
from isocenter.store.schema import instance, timestamp
from isocenter.store.uploads import Upload


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an object came from. source: the door (dimse, stow, import, upload); actor: the principal's name.

    called_aet: the AE title under which it was sent here.
    """

    source: str
    source_aet: str
    actor: str
    address: str
    called_aet: str = ""

    @property
    def note(self) -> str:
        """For the name of a file that arrives."""
        return "\n".join((self.source, self.source_aet, self.actor, self.address, self.called_aet))

    @classmethod
    def noted(cls, note: str) -> "Origin | None":
        """The origin of what left this note; None when it says nothing."""
        facts = note.split("\n")
        return cls(*facts) if len(facts) == len(cls.__slots__) else None


@dataclass(frozen=True, slots=True, eq=False)
class Arrived:
    """An accepted instance whose bytes are durable under `blob_key`; made by `prepared`.

    row: the instance's attribute columns. differs_from: ids of the held versions of the same SOP Instance UID whose data sets
    were compared with this one and differ. upload: of its bytes, when they are not where they are to stay, and when it is due.
    extras: its values of declared attributes.
    """

    place: Place
    sop_instance_uid: str
    row: tuple[Any, ...]
    blob_key: str
    sha256: str
    size: int
    received_at: datetime
    dirty_at: datetime
    origin: Origin
    differs_from: frozenset[int] = frozenset()
    upload: tuple[Upload, datetime] | None = None
    extras: tuple[tuple[Attribute, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A held version of the instance that arrived."""

    id: int
    blob_key: str
    sha256: str
    size: int
    dataset_offset: int
    transfer_syntax_uid: str


@dataclass(frozen=True, slots=True)
class Added:
    """What `add` did.

    stored, version: there is a row now. taken: the SOP Instance UID is held (`held`: to be compared), nothing was done. again:
    the same UID is in this batch twice, ask again. elsewhere: it contradicts what is held (`reason`, `where`), nothing was done.
    """

    status: Literal["stored", "version", "taken", "again", "elsewhere"]
    held: tuple[Held, ...] = ()
    reason: str = ""
    where: str = ""


_FACTS = ("blob_key", "sha256", "size", "dataset_offset", "transfer_syntax_uid", "frames", "source", "source_aet",
          "called_aet", "received_at")
_NAMES = ("series_fk", "version", "current", *_FACTS, *rows.columns(Level.INSTANCE))


def prepared(
    header: Header, *, blob_key: str, sha256: str, size: int, received_at: datetime, dirty_at: datetime, origin: Origin,
    node: str = "", upload_at: datetime | None = None, issuer: str = "", namespaces: Mapping[str, str] = MappingProxyType({}),
) -> Arrived:  # fmt: skip
    """Everything that can be computed outside the transaction. dirty_at: when the series' derived data is to be made.

    issuer: of Patient IDs that come without one; namespaces: as of `domain.patient.issued`.
    node, upload_at: who is to upload the bytes, and when; "" when they are where they stay.
    """
    said = patients.issued(header.values, header.universal_issuer, issuer, namespaces)
    values = rows.clean(said)
    place = Place(
        identity=patients.identity(said, header.study_instance_uid),
        study_uid=header.study_instance_uid,
        series_uid=header.series_instance_uid,
        sop_class_uid=header.sop_class_uid,
        values=values,
    )
    frames = header.frames.encode() if header.frames is not None else None
    facts = (blob_key, sha256, size, header.dataset_offset, header.transfer_syntax_uid, frames, origin.source, origin.source_aet,
             origin.called_aet, timestamp(received_at))
    return Arrived(place, header.sop_instance_uid, facts + rows.row(values, Level.INSTANCE), blob_key, sha256, size, received_at,
                   dirty_at, origin, extras=header.extras,
                   upload=(Upload(blob_key, node, sha256, size), upload_at or received_at) if node else None)


def add(connection: Connection, arrived: Sequence[Arrived]) -> list[Added]:
    """Add the rows of instances. One result for each, in order. Raises Race to be called again in a new transaction."""
    memory: Memory = connections.memory(connection).setdefault("parents", Memory())
    memory.bound()
    cursor = connection.connection.cursor()
    try:
        return _add(connection, cursor, memory, arrived)
    except (sqlite3.IntegrityError, psycopg.IntegrityError) as error:
        raise Race("another process was quicker") from error
    finally:
        cursor.close()


def _add(connection: Connection, cursor: Any, memory: Memory, arrived: Sequence[Arrived]) -> list[Added]:
    mark = rows.mark(connection)
    held = _held(cursor, mark, [item.sop_instance_uid for item in arrived])
    parents = Parents(cursor, mark, memory, timestamp(max(item.received_at for item in arrived)))
    parents.load(item.place for item in arrived)
    results: list[Added] = []
    stored: dict[str, Arrived] = {}
    versions: dict[str, tuple[Arrived, int]] = {}
    for item in map(partial(_as_corrected, connection, parents), arrived):
        result = _judge(item, held.get(item.sop_instance_uid, []), parents)
        if result.status in ("stored", "version") and (item.sop_instance_uid in stored or item.sop_instance_uid in versions):
            result = Added("again")
        elif result.status == "stored":
            stored[item.sop_instance_uid] = item
            parents.place(item.place)
        elif result.status == "version":
            versions[item.sop_instance_uid] = item, max(version for version, *_ in held[item.sop_instance_uid]) + 1
        results.append(result)
    if stored:
        parents.insert()
    _insert_instances(connection, cursor, mark, parents, stored, versions)
    if stored:
        parents.count()
        _keep_extras(cursor, mark, parents, stored)
        _mark_dirty(cursor, mark, parents, stored.values())
        _tell(connection, parents, stored.values())
    for item, version in versions.values():
        _tell_version(connection, parents, item, version)
    return results


def _held(cursor: Any, mark: str, uids: Sequence[str]) -> dict[str, list[tuple[Any, ...]]]:
    """By SOP Instance UID: (version, series UID, study UID, patient identity, Held) of what the index has."""
    cursor.execute(
        "SELECT i.sop_instance_uid, i.version, se.series_instance_uid, st.study_instance_uid, p.identity,"
        " i.id, i.blob_key, i.sha256, i.size, i.dataset_offset, i.transfer_syntax_uid"
        " FROM instance i JOIN series se ON se.id = i.series_fk JOIN study st ON st.id = se.study_fk"
        f" JOIN patient p ON p.id = st.patient_fk WHERE i.sop_instance_uid IN {rows.some(mark, uids)} ORDER BY i.version",
        tuple(uids),
    )
    found: dict[str, list[tuple[Any, ...]]] = {}
    for uid, version, series_uid, study_uid, identity, *facts in cursor.fetchall():
        found.setdefault(uid, []).append((version, series_uid, study_uid, identity, Held(*facts)))
    return found


def _as_corrected(connection: Connection, parents: Parents, item: Arrived) -> Arrived:
    """An object of a study that a correction gave to another patient joins the study there."""
    contradiction = parents.contradiction(item.place)
    if contradiction is None or contradiction[1] != "PatientID":
        return item
    parents.look_again(item.place)
    if parents.contradiction(item.place) is None:
        return item
    identity = corrections.moved(connection, item.place.study_uid, item.place.identity)
    if identity is None:
        return item
    said = {k: text for k, text in item.place.values.items() if BY_KEYWORD[k].level is not Level.PATIENT}
    place = replace(item.place, identity=identity, values=said)
    parents.load([place])
    return replace(item, place=place)


def _judge(item: Arrived, held: list[tuple[Any, ...]], parents: Parents) -> Added:
    contradiction = parents.contradiction(item.place)
    if contradiction is not None:
        return Added("elsewhere", reason=contradiction[0], where=contradiction[1])
    if not held:
        return Added("stored")
    if any(series_uid != item.place.series_uid for _, series_uid, *_ in held):
        return Added("elsewhere", reason="the instance belongs to another series", where="SOPInstanceUID")
    if {facts.id for *_, facts in held} <= item.differs_from:
        return Added("version")
    return Added("taken", held=tuple(facts for *_, facts in held))


def _insert_instances(
    connection: Connection, cursor: Any, mark: str, parents: Parents, stored: Mapping[str, Arrived],
    versions: Mapping[str, tuple[Arrived, int]],
) -> None:
    # One order of UIDs in all processes: two that insert the same two UIDs must not wait for each other crosswise.
    made = [(uid, (parents.series(item.place.series_uid).id, 1, True, *item.row)) for uid, item in stored.items()]
    made += [
        (uid, (parents.series(item.place.series_uid).id, version, False, *item.row)) for uid, (item, version) in versions.items()
    ]
    if made:
        cursor.executemany(rows.insert(instance, _NAMES, mark), [row for _, row in sorted(made, key=lambda pair: pair[0])])
        _insert_uploads(cursor, mark, (*stored.values(), *(item for item, _ in versions.values())))


def _insert_uploads(cursor: Any, mark: str, items: Iterable[Arrived]) -> None:
    """In the same transaction: a row of an instance whose bytes nobody copies cannot come to be."""
    uploads.insert(cursor, mark, [(item.upload[0], item.received_at, item.upload[1]) for item in items if item.upload])


def _keep_extras(cursor: Any, mark: str, parents: Parents, stored: Mapping[str, Arrived]) -> None:
    said = [(uid, parents.above(item.place.series_uid), item.extras) for uid, item in sorted(stored.items()) if item.extras]
    if said:
        extras.keep(cursor, mark, said)


def _mark_dirty(cursor: Any, mark: str, parents: Parents, stored: Collection[Arrived]) -> None:
    """One row a series for the sweeper, in this transaction (LIBRARIES 1.4); a later instance only moves the time.

    By less than half the quiet time it is not worth writing two pages. A row that a sweeper works on always moves (`dirty.done`
    sees it): it was due before that sweep began, and this instance is due a whole quiet time after.
    """
    due = {parents.series(item.place.series_uid).id: item for item in stored}
    cursor.executemany(
        f"INSERT INTO series_dirty (series_fk, due_at, attempts) VALUES ({mark}, {mark}, 0)"
        f" ON CONFLICT (series_fk) DO UPDATE SET due_at = excluded.due_at, attempts = 0 WHERE series_dirty.due_at < {mark}",
        [
            (series_id, timestamp(item.dirty_at), timestamp(item.dirty_at - (item.dirty_at - item.received_at) / 2))
            for series_id, item in sorted(due.items())
        ],
    )


def _tell(connection: Connection, parents: Parents, stored: Collection[Arrived]) -> None:
    """Change rows: one a new study, one for the instances of a series that came from one sender."""
    for parent in parents.new_studies:
        changes.append(connection, Event.STUDY_CREATED, parent.key, next(iter(stored)).origin.actor, {"study": parent.key})
    groups: dict[tuple[str, Origin], list[Arrived]] = {}
    for item in stored:
        groups.setdefault((item.place.series_uid, item.origin), []).append(item)
    for (series_uid, origin), items in groups.items():
        payload = {
            "study": items[0].place.study_uid,
            "series": series_uid,
            "instances": [item.sop_instance_uid for item in items],
            "source": origin.source,
            "source_aet": origin.source_aet,
            "address": origin.address,
        }
        changes.append(connection, Event.INSTANCE_STORED, items[0].place.study_uid, origin.actor, payload)
        _tell_contradictions(connection, parents, items)


def _tell_contradictions(connection: Connection, parents: Parents, items: Sequence[Arrived]) -> None:
    """Same Patient ID and issuer, but another name or birth date: joined, and shown to people, once a study and difference."""
    held = parents.patient_of(items[0].place.series_uid)
    study = parents.study_of(items[0].place.series_uid)
    for item in items:
        variant = tuple(item.place.values.get(keyword, "") for keyword in patients.DEMOGRAPHICS)
        if variant in study.seen:
            continue
        study.seen.add(variant)
        fields = patients.contradicts(held.demographics, item.place.values)
        if not fields or corrections.moved(connection, study.key, held.key) is not None:  # a person has said what is right
            continue
        case = Case(
            kind="patient_conflict", reason=f"not what is held for this Patient ID: {', '.join(fields)}", where=fields[0],
            fingerprint=f"patient_conflict:{held.id}:{study.key}:{'+'.join(fields)}", study_instance_uid=study.key,
            series_instance_uid=item.place.series_uid, sop_instance_uid=item.sop_instance_uid,
            sop_class_uid=item.place.sop_class_uid, study_fk=study.id, patient_fk=held.id, **_origin(item.origin),
        )
        if exceptions.record(connection, case, item.received_at):
            changes.append(connection, Event.PATIENT_CONFLICT, study.key, item.origin.actor,
                           {"study": study.key, "fields": list(fields)})


def _tell_version(connection: Connection, parents: Parents, item: Arrived, version: int) -> None:
    study = parents.study_of(item.place.series_uid)
    case = Case(
        kind="version", reason="another data set has the same SOP Instance UID; the first stays the one that is served",
        where="SOPInstanceUID", fingerprint=f"version:{item.sop_instance_uid}:{version}", study_fk=study.id,
        **_subject(item), **_origin(item.origin),
    )
    exceptions.record(connection, case, item.received_at)
    changes.append(
        connection, Event.INSTANCE_VERSION, item.place.study_uid, item.origin.actor,
        {"study": item.place.study_uid, "series": item.place.series_uid, "instance": item.sop_instance_uid, "version": version,
         "source": item.origin.source},
    )


def quarantine(connection: Connection, item: Arrived, reason: str, where: str) -> bool:
    """A row for an object whose bytes are under quarantine/. False: the same bytes are there already, nothing was added."""
    fingerprint = f"quarantined:{item.sha256}"
    known = exceptions.find(connection, fingerprint)
    case = Case(kind="quarantined", reason=reason, where=where, fingerprint=fingerprint, **_subject(item), **_origin(item.origin))
    exceptions.record(connection, case, item.received_at)
    if known is not None:
        return False
    if item.upload is not None:
        uploads.add(connection, item.upload[0], item.received_at, item.upload[1])
    changes.append(
        connection, Event.INSTANCE_QUARANTINED, rows.short(item.place.study_uid), item.origin.actor,
        {"study": rows.short(item.place.study_uid), "series": rows.short(item.place.series_uid),
         "instance": rows.short(item.sop_instance_uid), "reason": reason, "where": where, "source": item.origin.source,
         "source_aet": item.origin.source_aet, "address": item.origin.address},
    )
    return True


def refuse(connection: Connection, reason: str, where: str, origin: Origin, at: datetime) -> None:
    """A note that an object was refused and nothing kept of it; a sender's repetitions of one day are one case."""
    told = "\n".join((reason, where, origin.source, origin.source_aet, origin.address, f"{at:%Y-%m-%d}"))
    fingerprint = f"refused:{hashlib.sha256(told.encode('utf-8', 'replace')).hexdigest()}"
    exceptions.record(
        connection, Case(kind="refused", reason=reason, where=where, fingerprint=fingerprint, **_origin(origin)), at
    )
    changes.append(
        connection, Event.INSTANCE_REFUSED, origin.source_aet or origin.address or origin.actor, origin.actor,
        {"reason": reason, "where": where, "source": origin.source, "source_aet": origin.source_aet, "address": origin.address},
    )


def _subject(item: Arrived) -> dict[str, Any]:
    return {
        "study_instance_uid": rows.short(item.place.study_uid),
        "series_instance_uid": rows.short(item.place.series_uid),
        "sop_instance_uid": rows.short(item.sop_instance_uid),
        "sop_class_uid": rows.short(item.place.sop_class_uid),
        "blob_key": item.blob_key,
        "sha256": item.sha256,
        "size": item.size,
    }


def _origin(origin: Origin) -> dict[str, Any]:
    return {"source": origin.source, "source_aet": origin.source_aet, "address": origin.address, "actor": origin.actor}
