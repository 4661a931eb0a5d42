"""What series, studies and patients say of what they hold, counted anew from the instances that are served.

    recount   after something was hidden or is served again        prune   and what holds nothing at all any more goes
Locks are taken from the patient down, as `arriving` takes them.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from isocenter.store import corrections, dirty
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
)
from isocenter.store.schema_rejections import study_hidden


def recount(connection: Connection, study_uid: str, at: datetime) -> None:
    """Numbers, modalities and SOP classes of a study and its series, and its patient's numbers. Nothing when it is not held."""
    row = _locked(connection, study_uid)
    if row is None:
        return
    study_id, patient_id = row
    counted = (
        select(series.c.id, series.c.modality, series.c.number_of_series_related_instances.label("said"),
               func.count(instance.c.id).label("number"))
        .outerjoin(instance, (instance.c.series_fk == series.c.id) & instance.c.current)
        .where(series.c.study_fk == study_id)
        .group_by(series.c.id, series.c.modality, series.c.number_of_series_related_instances).order_by(series.c.id)
    )  # fmt: skip
    held = connection.execute(counted).all()
    for each in held:
        if each.number != each.said:
            connection.execute(update(series).where(series.c.id == each.id).values(
                number_of_series_related_instances=each.number, version=series.c.version + 1, updated_at=at))
            if each.number:
                dirty.mark(connection, each.id, at)
    shown = [each for each in held if each.number]
    modalities = sorted({each.modality for each in shown if each.modality})
    classes = sorted(connection.execute(
        select(instance.c.sop_class_uid).distinct().join(series, series.c.id == instance.c.series_fk)
        .where(series.c.study_fk == study_id, instance.c.current)
    ).scalars())  # fmt: skip
    connection.execute(update(study).where(study.c.id == study_id).values(
        number_of_study_related_series=len(shown), number_of_study_related_instances=sum(each.number for each in shown),
        modalities_in_study="\\".join(modalities), sop_classes_in_study="\\".join(classes), updated_at=at))
    _kinds(connection, study_id, modalities, classes)
    connection.execute(delete(study_hidden).where(study_hidden.c.study_fk == study_id))
    if not shown:
        connection.execute(insert(study_hidden).values(study_fk=study_id))
    corrections.count(connection, patient_id, at)


def renew(connection: Connection, series_id: int, at: datetime) -> None:
    """The metadata of a series is to be made anew."""
    dirty.mark(connection, series_id, at)


def prune(connection: Connection, study_uid: str, at: datetime) -> bool:
    """As `recount`, when rows of instances have gone: series, study and patient without any go, too. True: the study went."""
    row = _locked(connection, study_uid)
    if row is None:
        return False
    study_id, patient_id = row
    empty = list(connection.execute(
        select(series.c.id).outerjoin(instance, instance.c.series_fk == series.c.id)
        .where(series.c.study_fk == study_id).group_by(series.c.id).having(func.count(instance.c.id) == 0)
    ).scalars())  # fmt: skip
    for table in (series_dirty, series_copy_due):
        connection.execute(delete(table).where(table.c.series_fk.in_(empty)))
    connection.execute(delete(series).where(series.c.id.in_(empty)))
    if connection.execute(select(series.c.id).where(series.c.study_fk == study_id).limit(1)).first() is not None:
        recount(connection, study_uid, at)
        return False
    for table in (study_modality, study_sop_class, study_hidden):
        connection.execute(delete(table).where(table.c.study_fk == study_id))
    connection.execute(update(exception).where(exception.c.study_fk == study_id).values(study_fk=None))
    connection.execute(delete(study).where(study.c.id == study_id))
    corrections.count(connection, patient_id, at)
    return True


def _locked(connection: Connection, study_uid: str) -> tuple[int, int] | None:
    """The ids of a study and its patient, whose rows nobody else changes until the transaction ends."""
    of = select(study.c.patient_fk).where(study.c.study_instance_uid == study_uid)
    connection.execute(select(patient.c.id).where(patient.c.id.in_(of)).with_for_update(key_share=True))
    mine = select(study.c.id, study.c.patient_fk).where(study.c.study_instance_uid == study_uid)
    row = connection.execute(mine.with_for_update(key_share=True)).first()
    if row is None:
        return None
    below = select(series.c.id).where(series.c.study_fk == row.id).order_by(series.c.id).with_for_update(key_share=True)
    connection.execute(below)
    return row.id, row.patient_fk


def _kinds(connection: Connection, study_id: int, modalities: Sequence[str], classes: Sequence[str]) -> None:
    told = connection.execute(select(study.c.study_date, study.c.patient_name_key).where(study.c.id == study_id)).one()
    connection.execute(delete(study_modality).where(study_modality.c.study_fk == study_id))
    if modalities:
        connection.execute(insert(study_modality), [
            {"study_fk": study_id, "modality": each, "study_date": told.study_date, "patient_name_key": told.patient_name_key}
            for each in modalities
        ])  # fmt: skip
    connection.execute(delete(study_sop_class).where(study_sop_class.c.study_fk == study_id))
    if classes:
        connection.execute(insert(study_sop_class), [{"study_fk": study_id, "sop_class_uid": each} for each in classes])
