"""What a rule is said to have done is what it does: on both databases."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from isocenter.domain.access import SYSTEM, Role, by_role
from isocenter.domain.errors import Forbidden, Missing
from isocenter.service import deliveries, destinations, ingest, routing
from isocenter.service.context import Context
from objects import part10

RULES = 40
STUDIES = 12

VALUES: dict[str, list[str]] = {
    "Modality": ["CT", "MR", "C?", "SR", ""],
    "StudyDescription": ["*chest*", "Thorax", "* w/o *", "[a]*", ""],
    "InstitutionName": ["Sankt Anna", "SANKT*", "Charité"],
    "PatientName": ["mueller*", "Müller^Jürgen", "Doe^J*", "*"],
    "StudyDate": ["20260101-20260630", "20260715", "-20260501"],
    "SeriesNumber": ["1", "02", "3"],
    "ImageType": ["ORIGINAL", "*SECONDARY*"],
    "PatientID": ["P1", "P*", "P_1"],
}


def some(rng: random.Random, values: list[str]) -> list[str]:
    return rng.sample(values, rng.randint(1, 2))


def random_rule(rng: random.Random, number: int) -> dict[str, Any]:
    keywords = rng.sample(sorted(VALUES), rng.randint(0, 2))
    return {
        "name": f"rule {number}",
        "destinations": [f"to {number}"],
        "senders": rng.choice([[], ["CT*"], ["MR1", "CT2"], ["?T1"]]),
        "called": rng.choice([[], [], ["RESEARCH"], ["ISO*"]]),
        "conditions": [
            {"attribute": keyword, "values": some(rng, VALUES[keyword]), "excludes": rng.random() < 0.3} for keyword in keywords
        ],
        "hours": rng.choice(["", "", "06:00-12:00", "20:00-08:00"]),
        "quiet_seconds": 0,
    }


def store_some(context: Context, rng: random.Random) -> None:
    for number in range(STUDIES):
        at = datetime(2026, 11, 22, tzinfo=UTC) + timedelta(minutes=rng.randrange(1440))
        facts = {
            "StudyDescription": rng.choice(["CT Chest", "Thorax", "Knee w/o contrast", "[a]x", "-"]),
            "InstitutionName": rng.choice(["Sankt Anna", "Charité", "-"]),
            "PatientName": rng.choice(["Müller^Jürgen", "Mueller^Juergen", "Doe^Jane"]),
            "StudyDate": f"2026{rng.randint(1, 12):02}15",
            "PatientID": rng.choice(["P1", "P_1", "X"]) + str(number),
        }
        sender, called = rng.choice(["CT1", "CT2", "MR1", ""]), rng.choice(["ISOCENTER", "RESEARCH"])
        then = replace(context, clock=lambda at=at: at)
        for instance in range(rng.randint(1, 4)):
            series = rng.randint(1, 3)
            facts |= {"Modality": ("CT", "MR", "SR")[series - 1], "SeriesNumber": str(series)}
            facts |= {"ImageType": rng.choice(["ORIGINAL\\PRIMARY", "DERIVED\\SECONDARY"])}
            uids = {"StudyInstanceUID": f"1.2.{number}", "SeriesInstanceUID": f"1.2.{number}.{series}"}
            content = part10(64, SOPInstanceUID=f"1.2.{number}.{series}.{instance}", **uids, **facts)
            with ingest.begin(then, SYSTEM, source="dimse", calling_aet=sender, called_aet=called) as reception:
                reception.write(content)
                reception.finish()


def test_trying_and_doing_are_one(context: Context, tmp_path: Path) -> None:
    rng = random.Random(20261122)
    rules = [random_rule(rng, number) for number in range(RULES)]
    for rule in rules:
        destinations.add_destination(context, SYSTEM, name=rule["destinations"][0], kind="folder", address=str(tmp_path))
        routing.add_route(context, SYSTEM, rule)
    store_some(context, rng)
    while routing.relay(context):
        pass
    done = {(one.destination, one.study_instance_uid): one.instances
            for one in deliveries.page(context, SYSTEM, limit=RULES * STUDIES).deliveries}  # fmt: skip
    said = {}
    for rule in rules:
        for each in routing.attempt(context, SYSTEM, rule, STUDIES).studies:
            if each.matched:
                said[each.destinations[0], each.study["study_instance_uid"]] = each.matched
    assert said == done
    assert 50 < len(done) < RULES * STUDIES * 0.8, "the rules mean everything or nothing"


def test_who_may_what(context: Context, tmp_path: Path) -> None:
    destinations.add_destination(context, SYSTEM, name="share", kind="folder", address=str(tmp_path))
    with ingest.begin(context, SYSTEM, source="upload") as reception:
        reception.write(part10(64, StudyInstanceUID="1.2.3"))
        reception.finish()
    facts = {"name": "r", "destinations": ["share"]}
    for role in (Role.RADIOLOGIST, Role.TECHNOLOGIST, Role.REFERRER, Role.SERVICE):
        somebody = by_role(role, role, "user", "session", referrer_name="House^Gregory")
        for forbidden in (
            lambda who=somebody: routing.routes(context, who),
            lambda who=somebody: routing.add_route(context, who, facts),
            lambda who=somebody: routing.attempt(context, who, facts, 10),
            lambda who=somebody: destinations.change_destination(context, who, "share", paused=True),
            lambda who=somebody: destinations.remove_destination(context, who, "share"),
        ):
            with pytest.raises(Forbidden):
                forbidden()
        if role in (Role.REFERRER, Role.SERVICE):
            for forbidden in (
                lambda who=somebody: deliveries.ask(context, who, ["1.2.3"], "share"),
                lambda who=somebody: deliveries.page(context, who),
                lambda who=somebody: deliveries.resend_failed(context, who),
                lambda who=somebody: destinations.destinations(context, who),
            ):
                with pytest.raises(Forbidden):
                    forbidden()
    assert deliveries.ask(context, by_role("r", Role.RADIOLOGIST, "user", "session"), ["1.2.3"], "share") == [1]
    with pytest.raises(Missing):
        deliveries.ask(context, SYSTEM, ["1.2.3", "9.9"], "share")
    assert len(deliveries.page(context, SYSTEM).deliveries) == 1
