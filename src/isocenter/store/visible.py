"""Which studies somebody may see: a scope (`domain.access`) as SQL. Every way to a study goes through here.

    condition   what a row of `study` must satisfy           permitted   those of some studies that a scope covers
    drivers     where the indexes have them, for a planner   few         their ids, when they are few
"""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, true, union_all
from sqlalchemy import false as never
from sqlalchemy.sql import FromClause

from isocenter.dicom.attributes import BY_KEYWORD
from isocenter.dicom.match import Single
from isocenter.domain.access import (
    AllOf,
    AnyOf,
    Department,
    Discreet,
    Everything,
    Institution,
    Listed,
    Nothing,
    OfPatient,
    Only,
    ReferredBy,
    Scope,
)
from isocenter.store import dialect
from isocenter.store.schema import key_column, name_columns, series, study
from isocenter.store.schema_patient_lists import listed_patient
from isocenter.store.schema_rejections import study_hidden
from isocenter.store.schema_sensitive import sensitive_patient, sensitive_study

_REFERRER = BY_KEYWORD["ReferringPhysicianName"]


def shown(row: FromClause = study) -> ColumnElement[bool]:
    """It is not a study of which everything was rejected."""
    return row.c.id.not_in(select(study_hidden.c.study_fk))


SHOWN = shown()


def condition(scope: Scope, postgresql: bool, row: FromClause = study) -> ColumnElement[bool]:
    """What a row of `study` (or an alias of it) satisfies when the scope covers it."""
    match scope:
        case Everything():
            return true()
        case Nothing():
            return never()
        case Only(uids):
            return row.c.study_instance_uid.in_(uids)
        case ReferredBy(name):
            columns = row.c[_REFERRER.column], row.c[key_column(_REFERRER)]
            return dialect.condition(_REFERRER, Single(name), *columns, postgresql)
        case Institution(name):
            return dialect.condition(BY_KEYWORD["InstitutionName"], Single(name), row.c.institution_name, None, postgresql)
        case Department(name):
            held = series.alias()
            attribute = BY_KEYWORD["InstitutionalDepartmentName"]
            named = dialect.condition(attribute, Single(name), held.c[attribute.column], None, postgresql)
            return select(held.c.id).where(held.c.study_fk == row.c.id, named).correlate(row).exists()
        case Discreet():
            return discreet(row)
        case OfPatient(patient_id, issuer):
            return and_(row.c.patient_id == patient_id, row.c.issuer_of_patient_id == issuer)
        case Listed(name):
            whose = (listed_patient.c.list_name == name, listed_patient.c.patient_id == row.c.patient_id,
                     listed_patient.c.issuer_of_patient_id == row.c.issuer_of_patient_id)  # fmt: skip
            return select(listed_patient.c.patient_id).where(*whose).correlate(row).exists()
        case AnyOf(ways):
            return or_(*(condition(way, postgresql, row) for way in ways))
        case AllOf(parts):
            return and_(*(condition(part, postgresql, row) for part in parts))


def discreet(row: FromClause) -> ColumnElement[bool]:
    """Neither the study nor its patient is marked as sensitive."""
    whose = (sensitive_patient.c.patient_id == row.c.patient_id,
             sensitive_patient.c.issuer_of_patient_id == row.c.issuer_of_patient_id)  # fmt: skip
    marked = select(sensitive_patient.c.patient_id).where(*whose).correlate(row).exists()
    return and_(row.c.study_instance_uid.not_in(select(sensitive_study.c.study_instance_uid)), ~marked)


def told(connection: Connection, uid: ColumnElement[str], scope: Scope) -> ColumnElement[bool]:
    """Of a row about the study of this UID: it is not held, or the scope covers it. So lists of such rows tell no more."""
    if scope == Everything():
        return true()
    held = study.alias()
    hidden = select(held.c.id).where(held.c.study_instance_uid == uid, ~condition(scope, _is_postgresql(connection), held))
    return ~hidden.correlate_except(held, series, sensitive_study, sensitive_patient, listed_patient).exists()


def _is_postgresql(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def drivers(scope: Scope) -> list[Select[int]]:
    """Queries of ids, each served by one index, that together give all studies of the scope (or more); none without an index."""
    match scope:
        case Only(uids):
            return [select(study.c.id).where(study.c.study_instance_uid.in_(uids))]
        case ReferredBy(name) if "=" not in name:
            # It is one component group, which stands in one of the columns of its name.
            key = dialect.name_key(name)
            first, *groups = (study.c[column] for column in name_columns(_REFERRER))
            alphabetic = select(study.c.id).where(dialect.begins(first, key))
            return [alphabetic, *(select(study.c.id).where(group == key) for group in groups)]
        case Institution(name):
            return [select(study.c.id).where(study.c.institution_name == name)]
        case OfPatient(patient_id):
            return [select(study.c.id).where(study.c.patient_id == patient_id)]
        case Listed(name):
            whose = select(listed_patient.c.patient_id).where(listed_patient.c.list_name == name)
            return [select(study.c.id).where(study.c.patient_id.in_(whose))]
        case AnyOf(ways):
            parts = [drivers(way) for way in ways]
            return [query for part in parts for query in part] if all(parts) else []
        case AllOf(conditions):
            return next((found for each in conditions if (found := drivers(each))), [])
    return []


def few(connection: Connection, scope: Scope, at_most: int) -> set[int] | None:
    """The ids of the scope's studies, or some more; None when there are `at_most` or no index tells."""
    if scope == Nothing():
        return set()
    queries = drivers(scope)
    if not queries:
        return None
    counted = union_all(*(select(query.limit(at_most).subquery().c.id) for query in queries)).subquery()
    if connection.execute(select(func.count()).select_from(counted)).scalar_one() >= at_most:
        return None
    return set(connection.execute(select(counted.c.id)).scalars())


def permitted(connection: Connection, scope: Scope, uids: Iterable[str]) -> set[str]:
    """Those of the studies that the scope covers."""
    those = study.c.study_instance_uid.in_(list(uids))
    mine = select(study.c.study_instance_uid).where(those, SHOWN, condition(scope, _is_postgresql(connection)))
    return set(connection.execute(mine).scalars())
