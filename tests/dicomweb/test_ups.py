"""UPS-RS (PS3.18 11): every transaction with its status codes and Warning headers, on both databases."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import generate_uid

from dicomweb.in_process import Client, parts
from isocenter.dicom import xml, xml_reading
from isocenter.dicomweb.ups import ANSWERS
from isocenter.domain.access import SYSTEM, Role, by_role
from isocenter.domain.ups import Reason
from isocenter.service import changes, ups_channels

GLOBAL, FILTERED = "1.2.840.10008.5.1.4.34.5", "1.2.840.10008.5.1.4.34.5.1"
TYPE = {"content-type": "application/dicom+json"}
BASE = "http://pacs.test/dicom-web"


def code(value: str) -> dict[str, Any]:
    return {
        "00080100": {"vr": "SH", "Value": [value]}, "00080102": {"vr": "SH", "Value": ["99X"]},
        "00080104": {"vr": "LO", "Value": [value]},
    }  # fmt: skip


def step(**more: Any) -> dict[str, Any]:
    """What Create is given: every attribute of Type 1 and 2 (PS3.4 Table CC.2.5-3)."""
    empty = (
        "00380010 LO", "00380014 SQ", "00081080 LO", "00081084 SQ", "0040A370 SQ", "00741210 SQ", "00404025 SQ", "00404026 SQ",
        "00404027 SQ", "00400400 LT", "00404021 SQ", "00741002 SQ", "00741216 SQ", "00100030 DA", "00100040 CS",
    )  # fmt: skip
    return {
        **{name.split()[0]: {"vr": name.split()[1]} for name in empty},
        "00741000": {"vr": "CS", "Value": ["SCHEDULED"]}, "00741200": {"vr": "CS", "Value": ["HIGH"]},
        "00741204": {"vr": "LO", "Value": ["Segment the liver"]}, "00404005": {"vr": "DT", "Value": ["20261122093000+0000"]},
        "00404041": {"vr": "CS", "Value": ["READY"]}, "00741202": {"vr": "LO", "Value": ["AI"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Müller^Jörg"}]}, "00100020": {"vr": "LO", "Value": ["P1"]},
        "0020000D": {"vr": "UI", "Value": ["1.2.3.4"]}, "00404018": {"vr": "SQ", "Value": [code("SEG")]}, **more,
    }  # fmt: skip


PERFORMED = {
    "00741216": {"vr": "SQ", "Value": [{
        "00404028": {"vr": "SQ", "Value": [code("STATION")]}, "00404050": {"vr": "DT", "Value": ["20261122093000"]},
        "00404019": {"vr": "SQ", "Value": [code("SEG")]}, "00404051": {"vr": "DT", "Value": ["20261122094000"]},
        "00404033": {"vr": "SQ"},
    }]},
}  # fmt: skip


class User:
    """A user agent of every transaction."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def create(self, given: Any = None, query: str = "") -> httpx.Response:
        return self.client.request("POST", f"/workitems{query}", json=[step()] if given is None else given, headers=TYPE)

    def created(self, **more: Any) -> str:
        uid = generate_uid()
        assert self.create([step(**more)], f"?{uid}").status_code == 201
        return uid

    def update(self, uid: str, given: dict[str, Any], lock: str = "") -> httpx.Response:
        return self.client.request("POST", f"/workitems/{uid}{f'?{lock}' if lock else ''}", json=[given], headers=TYPE)

    def state(self, uid: str, wanted: str, lock: str = "") -> httpx.Response:
        given = {"00741000": {"vr": "CS", "Value": [wanted]}, **({"00081195": {"vr": "UI", "Value": [lock]}} if lock else {})}
        return self.client.request("PUT", f"/workitems/{uid}/state", json=[given], headers=TYPE)

    def get(self, uid: str) -> dict[str, Any]:
        (found,) = self.client.json(f"/workitems/{uid}")
        return found

    def found(self, query: str) -> list[str]:
        answer = self.client.get(f"/workitems?{query}")
        assert answer.status_code in (200, 204), answer.text
        return [each["00080018"]["Value"][0] for each in answer.json()] if answer.content else []

    def told(self, aet: str, after: int = 0) -> list[tuple[int, str, str]]:
        """What waits for a subscriber: (event type, step, state)."""
        events = ups_channels.events(self.client.context, aet, after)
        return [(int(e.report.type), e.sop_instance_uid, str(e.report.information.get("ProcedureStepState", ""))) for e in events]


@pytest.fixture
def user(both_clients: Client) -> User:
    return User(both_clients)


def outcome(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("warning", "").removeprefix(f"299 {BASE}: ")


INCONSISTENT = "The submitted request is inconsistent with the current state of the Workitem."


def test_a_step_from_its_order_to_its_end(user: User) -> None:
    uid, lock = generate_uid(), generate_uid()
    answer = user.create(query=f"?workitem={uid}")
    assert outcome(answer) == (201, "") and not answer.content
    assert answer.headers["location"] == answer.headers["content-location"] == f"{BASE}/workitems/{uid}"
    assert outcome(user.state(uid, "IN PROGRESS", lock)) == (200, "")
    half = {"00741002": {"vr": "SQ", "Value": [{"00741004": {"vr": "DS", "Value": [50.5]}}]}}
    assert outcome(user.update(uid, half, lock)) == (200, "")
    assert outcome(user.state(uid, "COMPLETED", lock)) == (409, INCONSISTENT), "what it was performed with is missing"
    assert outcome(user.update(uid, {**PERFORMED, "00081195": {"vr": "UI", "Value": [lock]}})) == (200, "")
    assert outcome(user.state(uid, "COMPLETED", lock)) == (200, "")
    assert outcome(user.state(uid, "COMPLETED", lock)) == (200, "The UPS is already in the requested state of COMPLETED.")
    got = user.get(uid)
    assert got["00741000"] == {"vr": "CS", "Value": ["COMPLETED"]} and "00081195" not in got
    assert got["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Müller^Jörg"}]}
    assert got["00741002"]["Value"][0]["00741004"] == {"vr": "DS", "Value": [50.5]}
    assert got["00741216"]["Value"][0]["00404028"]["Value"][0]["00080100"]["Value"] == ["STATION"]
    assert got["00080018"]["Value"] == [uid] and got["00080016"]["Value"] == ["1.2.840.10008.5.1.4.34.6.1"]
    page = changes.page(user.client.context, SYSTEM, 0, 100).changes
    assert [each.kind for each in page if each.subject == uid] == [
        "ups.created", "ups.changed_state", "ups.updated", "ups.updated", "ups.changed_state", "ups.read",
    ]  # fmt: skip
    assert not any("ller" in repr(each) for each in page), "no patient data in the log"


def test_the_ways_to_name_a_new_step(user: User) -> None:
    uids = [generate_uid() for _ in range(4)]
    assert user.create(query=f"?{uids[0]}").status_code == 201
    assert user.create(query=f"?AffectedSOPInstanceUID={uids[1]}").status_code == 201
    assert user.create([step(**{"00080018": {"vr": "UI", "Value": [uids[2]]}})]).status_code == 201
    assert user.create(step(**{"00001000": {"vr": "UI", "Value": [uids[3]]}})).status_code == 201, "one object, no array"
    assert sorted(user.found("")) == sorted(uids)
    made = user.create()
    assert made.status_code == 201 and user.get(made.headers["location"].rsplit("/", 1)[1])
    assert outcome(user.create(query=f"?{uids[0]}")) == (409, "The Target Workitem already exists.")
    other = [step(**{"00080018": {"vr": "UI", "Value": [uids[2]]}})]
    assert user.create(other, f"?{generate_uid()}").status_code == 400
    given = step()
    del given["00380010"]
    answer = user.create([given])
    assert outcome(answer) == (201, "The Workitem was created with modifications.")


def test_what_is_no_step(user: User) -> None:
    refused = "The request payload does not satisfy the requirements."
    assert outcome(user.create([step(**{"00741000": {"vr": "CS", "Value": ["IN PROGRESS"]}})])) == (400, refused)
    assert outcome(user.create([step(**{"00741204": {"vr": "LO"}})])) == (400, refused)
    answer = user.create([step(**{"00404041": {"vr": "CS", "Value": ["MAYBE"]}})])
    assert outcome(answer) == (400, refused) and answer.json()["error"]["where"] == "InputReadinessState"
    assert user.create([step(), step()]).status_code == 400
    assert user.create(query="?not-a-uid").status_code == 400
    assert user.client.request("POST", "/workitems", content=b"{", headers=TYPE).status_code == 400
    assert user.client.request("POST", "/workitems", content=b"x", headers={"content-type": "text/plain"}).status_code == 415
    assert user.client.request("POST", "/workitems", content=b" " * (1 << 21), headers=TYPE).status_code == 413
    uri = {"00400400": {"vr": "LT", "BulkDataURI": "http://elsewhere/"}}
    assert "CommentsOnTheScheduledProcedureStep" in user.create([step(**uri)]).json()["error"]["message"]
    absent = generate_uid()
    for answer in (user.state(absent, "IN PROGRESS", absent), user.update(absent, {}), user.client.get(f"/workitems/{absent}"),
                   user.client.request("POST", f"/workitems/{absent}/cancelrequest"),
                   user.client.request("POST", f"/workitems/{absent}/subscribers/AI")):  # fmt: skip
        assert outcome(answer) == (404, "The Target Workitem was not found.")
    assert user.client.request("DELETE", f"/workitems/{absent}").status_code == 405
    assert user.client.get(f"/workitems/{absent}", "image/jpeg").status_code == 406


def test_who_has_not_the_lock_cannot_touch_it(user: User) -> None:
    uid, lock, other = user.created(), generate_uid(), generate_uid()
    label = {"00741204": {"vr": "LO", "Value": ["x"]}}
    missing, wrong = (400, "The Transaction UID is missing."), (400, "The Transaction UID is incorrect.")
    assert outcome(user.update(uid, label, lock)) == (409, "The target URI did not reference a claimed Workitem.")
    assert outcome(user.update(uid, label)) == (200, "")
    assert outcome(user.state(uid, "IN PROGRESS")) == missing
    assert outcome(user.state(uid, "IN PROGRESS", lock)) == (200, "")
    assert outcome(user.state(uid, "IN PROGRESS", other)) == (409, INCONSISTENT)
    assert outcome(user.update(uid, label)) == missing
    assert outcome(user.update(uid, label, other)) == wrong
    assert outcome(user.state(uid, "CANCELED", other)) == wrong
    assert user.state(uid, "SCHEDULED", lock).status_code == 400
    assert outcome(user.state(uid, "CANCELED", lock)) == (200, "")
    assert outcome(user.state(uid, "CANCELED", lock)) == (200, "The UPS is already in the requested state of CANCELED.")
    assert outcome(user.update(uid, label, lock)) == (400, INCONSISTENT), "11.6.3: the step has ended"
    assert outcome(user.state(uid, "COMPLETED", lock)) == (409, INCONSISTENT)


def test_cancel_is_asked_of_the_archive(user: User) -> None:
    scheduled, running, lock = user.created(), user.created(), generate_uid()
    user.state(running, "IN PROGRESS", lock)

    def cancel(uid: str, given: Any = None, asking: str = "") -> tuple[int, str]:
        body = {"json": [given], "headers": TYPE} if given else {}
        return outcome(user.client.request("POST", f"/workitems/{uid}/cancelrequest{asking}", **body))

    assert cancel(running) == (409, "The performer cannot be contacted.")
    assert user.client.request("POST", f"/workitems/{running}/subscribers/PERFORMER").status_code == 201
    assert cancel(running, {"00741238": {"vr": "LT", "Value": ["wrong patient"]}}) == (202, "")
    assert cancel(running, asking="/READING") == (202, "")
    asked = [each.report.information for each in ups_channels.events(user.client.context, "PERFORMER", 0)][1:]
    assert [(each.RequestingAE, each.get("ReasonForCancellation")) for each in asked] == [
        ("rita", "wrong patient"), ("READING", None),
    ]  # fmt: skip
    assert cancel(scheduled) == (202, "")
    assert cancel(scheduled) == (202, "The UPS is already in the requested state of CANCELED.")
    user.update(running, PERFORMED, lock)
    assert user.state(running, "COMPLETED", lock).status_code == 200
    assert cancel(running) == (409, "The UPS is already COMPLETED.")


def test_found_by_whatever_is_asked(user: User) -> None:
    uids = [
        user.created(**{
            "00404005": {"vr": "DT", "Value": [f"2026112{number + 2}093000+0000"]},
            "00100020": {"vr": "LO", "Value": [f"P{number}"]},
            "00404025": {"vr": "SQ", "Value": [code(f"S{number}"), code("ALL")]},
        }) for number in range(3)
    ]  # fmt: skip
    user.state(uids[2], "IN PROGRESS", generate_uid())

    def found(query: str) -> list[int]:
        return [uids.index(uid) for uid in user.found(query)]

    assert found("") == [0, 1, 2] and found("limit=1&offset=1") == [1] and found("limit=2") == [0, 1] and found("offset=3") == []
    assert found("ProcedureStepState=SCHEDULED") == found("00741000=SCHEDULED") == [0, 1]
    assert found("ScheduledProcedureStepStartDateTime=20261123-") == [1, 2]
    assert found("ScheduledProcedureStepStartDateTime=20261122183000&TimezoneOffsetFromUTC=+0900") == [0]
    assert found("PatientName=muller*&PatientID=P?") == [0, 1, 2]
    assert found("ScheduledStationNameCodeSequence.CodeValue=S1") == found("00404025.00080100=S1") == [1]
    assert found("ScheduledStationNameCodeSequence.CodeValue=ALL&ScheduledStationNameCodeSequence.CodingSchemeDesignator=Z") == []
    assert found(f"SOPInstanceUID={uids[0]},{uids[2]}") == [0, 2]
    (row,) = user.client.json("/workitems?PatientID=P1")
    assert row["00741204"]["Value"] == ["Segment the liver"] and "00400400" in row and "00741216" in row
    (row,) = user.client.json("/workitems?PatientID=P1&includefield=all")
    assert row["00404025"]["Value"][0]["00080100"]["Value"] == ["S1"]
    assert found("PatientName=Jorg Mueler&fuzzymatching=true") == [0, 1, 2] and found("PatientName=Jorg Mueler") == []
    assert user.client.get("/workitems?PatientID=P9").status_code == 204
    for wrong in ("Nonsense=1", "limit=x", "PatientBirthDate=soon", "PatientID=1&PatientID=2", "PatientID.CodeValue=1",
                  "ScheduledStationNameCodeSequence=S1", "fuzzymatching=perhaps"):  # fmt: skip
        assert user.client.get(f"/workitems?{wrong}").status_code == 400, wrong


def test_in_xml_as_in_json(user: User) -> None:
    """PS3.18 11.1.3: the Native DICOM Model, one data set or each a part."""
    xml_type = {"content-type": "application/dicom+xml"}
    uid, lock, name = generate_uid(), generate_uid(), step()
    body = xml.native_model({"00080018": {"vr": "UI", "Value": [uid]}, **name})
    assert user.client.request("POST", "/workitems", content=body, headers=xml_type).status_code == 201
    begin = xml.native_model({"00741000": {"vr": "CS", "Value": ["IN PROGRESS"]}, "00081195": {"vr": "UI", "Value": [lock]}})
    assert user.client.request("PUT", f"/workitems/{uid}/state", content=begin, headers=xml_type).status_code == 200
    answer = user.client.get(f"/workitems/{uid}", "application/dicom+xml")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/dicom+xml"
    (got,) = xml_reading.read(answer.content)
    assert got == json.loads(json.dumps(user.get(uid))) and got["00741000"]["Value"] == ["IN PROGRESS"]
    assert got["00100010"]["Value"] == [{"Alphabetic": "Müller^Jörg"}]
    user.created()
    found = parts(user.client.get("/workitems?includefield=all", 'multipart/related; type="application/dicom+xml"'))
    assert [kind for kind, _ in found] == ["application/dicom+xml"] * 2
    assert [xml_reading.read(model)[0] for _, model in found] == user.client.json("/workitems?includefield=all")
    for wrong in (b"<", b"<x/>", b'<!DOCTYPE x [<!ENTITY a "b">]><NativeDicomModel/>', body * 2):
        assert user.client.request("POST", "/workitems", content=wrong, headers=xml_type).status_code == 400


def subscribed(user: User, uid: str, aet: str, query: str = "") -> httpx.Response:
    return user.client.request("POST", f"/workitems/{uid}/subscribers/{aet}{query}")


def test_subscriptions(user: User) -> None:
    """Table CC.2.3-2 of PS3.4 by the addresses of PS3.18 11.10 to 11.12; the subscriber is no known peer."""
    before = user.created()
    answer = subscribed(user, before, "ONE")
    assert answer.status_code == 201 and answer.headers["content-location"] == "ws://pacs.test/dicom-web/ws/subscribers/ONE"
    assert subscribed(user, GLOBAL, "EVERY").status_code == 201
    filtered = "?filter=WorklistLabel=AI,ScheduledWorkitemCodeSequence.CodeValue=SEG"
    assert subscribed(user, FILTERED, "SOME", filtered).status_code == 201
    assert subscribed(user, FILTERED, "OLD%20FORM", "?deletionlock=true&WorklistLabel=HUMAN").status_code == 201
    here = user.created()
    other = user.created(**{"00741202": {"vr": "LO", "Value": ["HUMAN"]}})
    assert user.told("ONE") == [(1, before, "SCHEDULED")]
    assert user.told("EVERY") == [(1, here, "SCHEDULED"), (1, other, "SCHEDULED")]
    assert user.told("SOME") == [(1, here, "SCHEDULED")] and user.told("OLD FORM") == [(1, other, "SCHEDULED")]
    assert user.client.request("POST", f"/workitems/{FILTERED}/subscribers/SOME/suspend").status_code == 200
    assert user.client.request("DELETE", f"/workitems/{GLOBAL}/subscribers/EVERY").status_code == 200
    user.created()
    user.state(here, "IN PROGRESS", generate_uid())
    assert user.told("SOME") == [(1, here, "SCHEDULED"), (1, here, "IN PROGRESS")], "of what it is subscribed to it is told"
    assert len(user.told("EVERY")) == 2
    assert user.client.request("DELETE", f"/workitems/{before}/subscribers/ONE").status_code == 200
    user.state(before, "IN PROGRESS", generate_uid())
    assert user.told("ONE") == [(1, before, "SCHEDULED")]
    gone = user.client.request("DELETE", f"/workitems/{before}/subscribers/STRANGER")
    assert outcome(gone) == (404, "The target Subscription was not found.")
    assert user.client.request("POST", f"/workitems/{before}/subscribers/SOME/suspend").status_code == 400
    for wrong in (subscribed(user, FILTERED, "SOME"), subscribed(user, GLOBAL, "SOME", "?deletionlock=maybe"),
                  subscribed(user, GLOBAL, "A%5CB"), subscribed(user, GLOBAL, "SEVENTEEN_LETTERS"),
                  subscribed(user, FILTERED, "SOME", "?filter=Nonsense=1")):  # fmt: skip
        assert wrong.status_code == 400, wrong.text


def test_who_may_not(user: User) -> None:
    uid = user.created()
    user.client.authenticator.who = by_role("ref", Role.REFERRER, "user", "basic", referrer_name="A")
    assert user.client.get(f"/workitems/{uid}").status_code == user.client.get("/workitems").status_code == 403
    assert user.create().status_code == user.state(uid, "IN PROGRESS", uid).status_code == 403
    assert subscribed(user, GLOBAL, "AI").status_code == 403


def test_every_reason_has_an_answer() -> None:
    assert set(ANSWERS) == set(Reason)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["vr", "Value", "InlineBinary", "BulkDataURI", "Alphabetic", "00404018", "00100010", "7FE00010"]), inner,
        max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(sorted(step())), values, max_size=6))
def test_no_body_makes_the_archive_fail(client: Client, broken: dict[str, Any]) -> None:
    """Whatever comes is answered, and with what is wrong with it."""
    user = User(client)
    assert user.create([step(**broken)]).status_code in (201, 400, 409)


names = st.sampled_from([
    "PatientName", "PatientID", "00741000", "ScheduledProcedureStepStartDateTime", "TimezoneOffsetFromUTC", "PatientBirthDate",
    "StudyInstanceUID", "ScheduledWorkitemCodeSequence", "ScheduledWorkitemCodeSequence.CodeValue", "PixelData", "7FE00010",
    "limit", "offset", "fuzzymatching", "includefield", "SpecificCharacterSet", "TransactionUID", "Rows", "filter",
    "ProcedureStepProgress",
]) | st.text(max_size=10)  # fmt: skip


@given(st.lists(st.tuples(names, st.text(max_size=12) | st.sampled_from(["*", "A*", "20261122-", "true", "1"])), max_size=4))
def test_no_question_makes_the_archive_fail(client: Client, asked: list[tuple[str, str]]) -> None:
    user = User(client)
    user.create()
    assert client.request("GET", "/workitems", params=asked).status_code in (200, 204, 206, 400)
    assert client.request("POST", f"/workitems/{FILTERED}/subscribers/AI", params=asked).status_code in (201, 400)
