"""Every event of PS3.15 A.5.3 that the change log knows, by what people and machines do: each act makes one message of it."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from api_harness import Api
from conftest import archive
from dimse.test_mpps import begun
from isocenter.domain import audit
from isocenter.domain.access import SYSTEM, Role
from isocenter.domain.audit import Code, audit_xml
from isocenter.service import audit_trail, backup, deliveries, procedures, rejections
from isocenter.service.context import Context
from isocenter.store import changes
from isocenter.store.vaults import vault
from isocenter.work import forwarding
from isocenter.work.rejections import delete_due
from objects import part10

pytestmark = pytest.mark.anyio

Event = tuple[str, str]
"""Codes of its EventID and its EventTypeCode, "" without one."""


def messages(context: Context) -> list[Event]:
    """What an audit record repository would be told, as it reads it."""
    kept_by = audit_trail.archive(context)
    rows = context.database.read(lambda connection: audit_trail.describe(connection, kept_by, changes.since(connection, 0)))
    told = []
    for each in rows:
        head = ElementTree.fromstring(audit_xml(each, kept_by)).find("EventIdentification")
        assert head is not None
        event, kind = head.find("EventID"), head.find("EventTypeCode")
        assert event is not None
        told.append((event.get("csd-code", ""), kind.get("csd-code", "") if kind is not None else ""))
    return told


@dataclass
class Walk:
    """The events that were met."""

    context: Context
    met: set[Event] = field(default_factory=set)

    @contextmanager
    def once(self, code: Code, kind: Code | None = None) -> Iterator[None]:
        """What is done inside makes one message of this event."""
        wanted = (code.value, kind.value if kind else "")
        before = len(messages(self.context))
        yield
        found = Counter(messages(self.context)[before:])
        assert found[wanted] == 1, (code.meaning, kind and kind.meaning, found)
        self.met.add(wanted)


async def test_each_event_of_the_standard_is_told_of_once(api: Api, tmp_path: Path) -> None:
    walk, context = Walk(api.context), api.context
    admin = api.token(Role.ADMIN, "ada")
    with walk.once(audit.ACTIVITY, audit.START):
        audit_trail.began(context, "web")
    with walk.once(audit.TRANSFERRED):
        api.store(part10(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4", SOPInstanceUID="1.2.3.4.5", PatientID="P1"))
    async with api.client(admin) as client:

        async def done(method: str, path: str, body: Any = None) -> Any:
            answer = await client.request(method, path, json=body)
            assert answer.status_code < 300, (path, answer.text)
            return answer.json() if answer.content else None

        with walk.once(audit.QUERY):
            await done("GET", "/studies?q=Doe")
        with walk.once(audit.ACCESSED):
            for _ in range(3):  # who reads one for an hour
                await done("GET", "/studies/1.2.3")
        with walk.once(audit.LOG_USED):
            await done("GET", "/audit?patient=P1")
        with walk.once(audit.EXPORT):
            await done("POST", "/studies/1.2.3/exports", {"form": "picture", "count": 1})
        with walk.once(audit.PATIENT):
            patient = {"PatientID": "P2", "PatientName": "Roe^Richard"}
            await done("POST", "/corrections", {"studies": ["1.2.3"], "patient": patient, "reason": "wrong patient chosen"})
        with walk.once(audit.ORDER):
            step = {"Modality": "CT", "ScheduledStationAETitle": ["CT1"], "ScheduledProcedureStepStartDate": "20261122",
                    "ScheduledProcedureStepStartTime": "10"}  # fmt: skip
            await done("POST", "/orders", {"PatientName": "A", "PatientID": "1", "steps": [step]})
        with walk.once(audit.PROCEDURE):
            procedures.create(context, SYSTEM, "1.2.9.1", begun("S1"))
        with walk.once(audit.ALERT, audit.USER_ATTRIBUTES):
            await done("POST", "/users", {"name": "rita", "role": "radiologist"})
        with walk.once(audit.ALERT, audit.NETWORK_CONFIGURATION):
            await done("POST", "/destinations", {"name": "backup", "kind": "folder", "address": str(tmp_path)})
        with walk.once(audit.ALERT, audit.SOFTWARE_CONFIGURATION):
            await done("POST", "/routes", {"name": "all", "destinations": ["backup"], "enabled": False})
        with walk.once(audit.ALERT, audit.SECURITY_CONFIGURATION):
            await done("POST", "/deidentification/projects", {"name": "TRIAL", "project": {}})
        with walk.once(audit.ALERT, audit.OBJECT_ATTRIBUTES):
            await done("POST", "/studies/1.2.3/sensitive", {"reason": "a colleague"})
        with walk.once(audit.BEGIN_TRANSFER):
            await done("POST", "/deliveries", {"studies": ["1.2.3"], "destination": "backup"})
        with walk.once(audit.TRANSFERRED):
            delivered(context)
        with walk.once(audit.STUDY_DELETED):
            made = await done("POST", "/studies/1.2.3/rejections", {"kind": "retention", "reason": "ten years are over"})
            past = replace(context, clock=lambda: context.clock() - timedelta(days=30))
            rejections.delete(past, SYSTEM, made["id"], "may go")
            assert delete_due(context, threading.Event()) == 1
    await emergency(api, walk)
    with walk.once(audit.EXPORT):
        backup.back_up(context, vault(str(tmp_path / "backup"), context.settings))
    restored(walk, tmp_path)
    with walk.once(audit.ACTIVITY, audit.STOP):
        audit_trail.ended(context, "web")
    known = {(each.event.value, each.type.value if each.type else "") for each in audit.FAMILIES.values()}
    assert walk.met == known


def delivered(context: Context) -> None:
    """What is due is sent, and the end of it noted."""
    due: list[deliveries.Due] = []
    deliveries.feed(context, due.append)
    (one,) = due
    forwarding.deliver(context, threading.Event(), one.id, one.round)


async def emergency(api: Api, walk: Walk) -> None:
    """A person comes, opens somebody's studies in an emergency, and leaves."""
    api.store(part10(StudyInstanceUID="1.2.4", SeriesInstanceUID="1.2.4.4", PatientID="VIP-1"))
    api.account(Role.TECHNOLOGIST, "tess")
    async with api.client() as tess:
        with walk.once(audit.AUTHENTICATION, audit.LOGIN):
            assert (await api.log_in(tess, "tess")).status_code == 200
        with walk.once(audit.ALERT, audit.EMERGENCY_STARTED):
            wanted = {"PatientID": "VIP-1", "purpose": "ETREAT", "reason": "collapsed in the waiting room"}
            opened = await tess.post("/emergency", json=wanted)
            assert opened.status_code < 300, opened.text
        with walk.once(audit.ALERT, audit.EMERGENCY_STOPPED):
            assert (await tess.post(f"/emergency/{opened.json()['id']}/end")).status_code < 300
        with walk.once(audit.AUTHENTICATION, audit.LOGOUT):
            assert (await tess.delete("/session")).status_code < 300


def restored(walk: Walk, tmp_path: Path) -> None:
    """A backup comes into another archive, whose log goes on from there."""
    source = vault(str(tmp_path / "backup"), walk.context.settings)
    before = len(messages(walk.context))
    with archive(f"sqlite:///{tmp_path / 'anew/index.sqlite'}", tmp_path / "anew") as anew:
        backup.restore(anew, source, backup.choose(source, None))
        found = Counter(messages(anew)[before - 1 :])
    imported = (audit.IMPORT.value, "")
    assert found[imported] == 1, found
    walk.met.add(imported)
