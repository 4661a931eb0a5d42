"""Rows of the reports of what was removed. Plain functions over a Connection.

    keep    a report that is whole at once                    begin, add, end   that of a delivery, which grows over its rounds
    page, get   what people see, as far as a scope goes
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from isocenter.domain.access import Scope
from isocenter.domain.deidentification_report import Done, Summary, kept, reasons
from isocenter.domain.delivery import InstanceState
from isocenter.domain.events import Event
from isocenter.store import changes, visible
from isocenter.store.schema_deidentification import deid_report, deid_report_study
from isocenter.store.schema_routing import delivery_instance

DELIVERY = "delivery"  # the form of what rules and people send


@dataclass(frozen=True, slots=True)
class Report:
    """A report. delivery: its number, None when it was none; ended_at: None while under way; whole: nobody broke it off."""

    id: int
    project: str
    form: str
    destination: str
    delivery: int | None
    actor: str
    at: datetime
    ended_at: datetime | None
    whole: bool
    summary: Summary


def keep(connection: Connection, summary: Summary, studies: Iterable[str], *, form: str, actor: str, at: datetime,
         whole: bool) -> int:
    """A report of what has left already; its number."""
    return _add(connection, summary, studies, {"form": form, "actor": actor, "at": at, "ended_at": at, "whole": whole})


def begin(connection: Connection, summary: Summary, study: str, delivery: int, destination: str, at: datetime) -> int:
    """The number of the report of a delivery that is being sent: the one that is under way, if it is of the same project."""
    if (row := _under_way(connection, delivery)) is not None:
        found = kept(json.loads(row.value))
        if (found.project, found.options) == (summary.project, summary.options):
            return int(row.id)
        end(connection, delivery, study, at)
    values = {"form": DELIVERY, "destination": destination, "delivery": delivery, "actor": "", "at": at, "whole": True}
    return _add(connection, summary, [study], values)


def add(connection: Connection, number: int, done: Iterable[Done]) -> None:
    """Count what has arrived into the report of a delivery."""
    value = connection.execute(select(deid_report.c.value).where(deid_report.c.id == number).with_for_update()).scalar_one()
    summary = kept(json.loads(value))
    for each in done:
        summary.take(each)
    connection.execute(update(deid_report).where(deid_report.c.id == number).values(value=json.dumps(summary.value())))


def end(connection: Connection, delivery: int, study: str, at: datetime) -> None:
    """A delivery has ended: its report says what did not leave, and the change log, once, what did."""
    if (row := _under_way(connection, delivery)) is None:
        return
    summary, table = kept(json.loads(row.value)), delivery_instance
    stayed = select(table.c.reason).where(table.c.delivery_fk == delivery, table.c.state != InstanceState.SENT)
    summary.held_back = reasons(connection.execute(stayed).scalars())
    values = {"value": json.dumps(summary.value()), "ended_at": at}
    connection.execute(update(deid_report).where(deid_report.c.id == row.id).values(values))
    if summary.given:
        changes.append(connection, Event.STUDY_EXPORTED, study, "", {
            "form": DELIVERY, "count": summary.given, "deidentified": True, "project": summary.project, "to": row.destination,
            "options": list(summary.options), "delivery": delivery, "report": int(row.id),
        })  # fmt: skip


def page(connection: Connection, scope: Scope, *, project: str | None, study: str | None, delivery: int | None,
         before: int | None, limit: int) -> list[Report]:
    """Reports, the newest first, of whose studies the scope covers all."""
    query = _seen(connection, scope).order_by(deid_report.c.id.desc()).limit(limit)
    if project is not None:
        query = query.where(deid_report.c.project == project)
    if delivery is not None:
        query = query.where(deid_report.c.delivery == delivery)
    if study is not None:
        of = select(deid_report_study.c.report_fk).where(deid_report_study.c.study_instance_uid == study)
        query = query.where(deid_report.c.id.in_(of))
    if before is not None:
        query = query.where(deid_report.c.id < before)
    return [_report(row) for row in connection.execute(query)]


def get(connection: Connection, scope: Scope, number: int) -> tuple[Report, Sequence[str]] | None:
    """One report and the studies that it is of."""
    row = connection.execute(_seen(connection, scope).where(deid_report.c.id == number)).one_or_none()
    if row is None:
        return None
    table = deid_report_study
    studies = select(table.c.study_instance_uid).where(table.c.report_fk == number).order_by(table.c.study_instance_uid)
    return _report(row), list(connection.execute(studies).scalars())


def _seen(connection: Connection, scope: Scope) -> Select[Any]:
    table = deid_report_study
    hidden = select(table.c.report_fk).where(
        table.c.report_fk == deid_report.c.id, ~visible.told(connection, table.c.study_instance_uid, scope)
    )
    return select(deid_report).where(~hidden.correlate(deid_report).exists())


def _under_way(connection: Connection, delivery: int) -> Row[Any, Any, Any] | None:
    table = deid_report
    query = select(table.c.id, table.c.value, table.c.destination).where(table.c.delivery == delivery, table.c.ended_at.is_(None))
    return connection.execute(query.order_by(table.c.id).limit(1).with_for_update()).one_or_none()


def _add(connection: Connection, summary: Summary, studies: Iterable[str], values: Mapping[str, Any]) -> int:
    row = {"destination": "", "delivery": None, "ended_at": None, **values, "project": summary.project,
           "value": json.dumps(summary.value())}  # fmt: skip
    number = int(connection.execute(insert(deid_report).values(row).returning(deid_report.c.id)).scalar_one())
    connection.execute(insert(deid_report_study), [{"report_fk": number, "study_instance_uid": uid} for uid in studies])
    return number


def _report(row: Row[Any]) -> Report:
    return Report(row.id, row.project, row.form, row.destination, row.delivery, row.actor, row.at, row.ended_at, row.whole,
                  kept(json.loads(row.value)))  # fmt: skip
