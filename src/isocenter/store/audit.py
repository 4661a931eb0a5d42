"""What the audit needs of the index: whose a study is, which are a patient's, and how far a collector was told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, or_, select, update

from isocenter.store import leases
from isocenter.store.schema import patient, study
from isocenter.store.schema_audit import audit_relay

_PATIENT = {
    "PatientID": study.c.patient_id, "IssuerOfPatientID": study.c.issuer_of_patient_id, "PatientName": study.c.patient_name,
    "AccessionNumber": study.c.accession_number,
}  # fmt: skip
AT_ONCE = 500  # values of one IN


def patients(connection: Connection, studies: Iterable[str]) -> dict[str, Mapping[str, str]]:
    """By Study Instance UID: keyword -> text of those that are here, as corrected."""
    wanted = sorted(set(studies) - {""})
    found: dict[str, Mapping[str, str]] = {}
    columns = [column.label(name) for name, column in _PATIENT.items()]
    for start in range(0, len(wanted), AT_ONCE):
        some = study.c.study_instance_uid.in_(wanted[start : start + AT_ONCE])
        query = select(study.c.study_instance_uid, *columns).where(some)
        for uid, *values in connection.execute(query):
            found[uid] = dict(zip(_PATIENT, (str(value or "") for value in values), strict=True))
    return found


def studies_of(connection: Connection, patient_id: str, issuer: str | None, limit: int) -> list[str]:
    """The Study Instance UIDs of a patient, of those of every issuer where none is named, at most `limit`."""
    query = select(study.c.study_instance_uid).join(patient, patient.c.id == study.c.patient_fk)
    query = query.where(or_(patient.c.patient_id == patient_id, study.c.patient_id == patient_id))
    if issuer is not None:
        query = query.where(patient.c.issuer_of_patient_id == issuer)
    return list(connection.execute(query.limit(limit)).scalars())


@dataclass(frozen=True, slots=True)
class Relay:
    """A row of `schema_audit`."""

    collector: str
    cursor: int
    lease_until: datetime | None
    told_at: datetime | None
    failing_since: datetime | None
    last_reason: str


def relay(connection: Connection, collector: str) -> Relay | None:
    """How far a collector was told."""
    row = connection.execute(select(audit_relay).where(audit_relay.c.collector == collector)).one_or_none()
    return None if row is None else Relay(*row)


def claim(connection: Connection, collector: str, begin_after: int, now: datetime, until: datetime) -> Relay | None:
    """Be the one who tells a collector until then; None while somebody else is. begin_after: for one that is new."""
    if relay(connection, collector) is None:
        connection.execute(insert(audit_relay).values(collector=collector, cursor=begin_after))
    free = leases.free(audit_relay, now)
    mine = update(audit_relay).where(audit_relay.c.collector == collector, free).values(lease_until=until)
    return relay(connection, collector) if connection.execute(mine).rowcount else None


def told(connection: Connection, collector: str, lease: datetime, columns: Mapping[str, object]) -> bool:
    """Change columns of a row while the lease is ours; False when it is not any more."""
    mine = update(audit_relay).where(audit_relay.c.collector == collector, audit_relay.c.lease_until == lease)
    return bool(connection.execute(mine.values(dict(columns))).rowcount)
