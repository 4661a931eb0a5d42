"""Emergency access: only for a person, only to a session, only for a time, told to others at once, listed until reviewed."""

from datetime import UTC, datetime
from xml.etree import ElementTree

import httpx
import pytest

from api_harness import Api
from isocenter.api.security_headers import SecurityHeaders
from isocenter.domain import audit
from isocenter.domain.access import SYSTEM, Role
from isocenter.domain.events import Event
from isocenter.service import accounts, emergency, sensitive, sessions
from isocenter.service.context import Context
from isocenter.site import Site
from isocenter.store import changes
from objects import part10

pytestmark = pytest.mark.anyio

SITE = "http://isocenter.test"
WEB = f"{SITE}/dicom-web/studies"
OBJECT = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4", "SOPInstanceUID": "1.2.3.4.5"}
WANTED = {"PatientID": "VIP-1", "purpose": "ETREAT", "reason": "collapsed in the waiting room"}
# Each door to the study 1.2.3, by which it is found or looked at.
DOORS = ("/studies?q=VIP-1", "/studies/1.2.3", f"{WEB}?PatientID=VIP-1", f"{WEB}/1.2.3", f"{WEB}/1.2.3/metadata",
         f"{WEB}/1.2.3/series/1.2.3.4/instances/1.2.3.4.5/frames/1", f"{WEB}/1.2.3/thumbnail")  # fmt: skip


@pytest.fixture
def api(context: Context) -> Api:
    """A sensitive patient with one study, another sensitive one, and one who is not."""
    made = Api(context)
    made.clock.now = datetime.now(UTC)  # the change log has a clock of its own
    made.store(part10(**OBJECT, PatientID="VIP-1", AccessionNumber="ACC-1"))
    made.store(part10(StudyInstanceUID="1.2.4", SeriesInstanceUID="1.2.4.4", PatientID="VIP-2", AccessionNumber="ACC-2"))
    made.store(part10(StudyInstanceUID="1.2.5", SeriesInstanceUID="1.2.5.4", PatientID="P3", AccessionNumber="ACC-3"))
    for study in ("1.2.3", "1.2.4"):
        sensitive.mark(made.context, SYSTEM, study, "known from the news", patient=True)
    made.app = SecurityHeaders(Site(made.context, made.authenticator))
    return made


async def seen(client: httpx.AsyncClient) -> list[bool]:
    """By which doors the study is found."""
    told = []
    for door in DOORS:
        answer = await client.get(door)
        told.append(answer.status_code == 200 and (b"1.2.3" in answer.content or "?" not in door))
    return told


async def test_it_opens_every_door_to_this_patient_for_this_session_and_this_hour(api: Api) -> None:
    token = api.token(Role.TECHNOLOGIST, "tess")
    async with api.client() as tess, api.client() as other, api.client(token) as program:
        await api.log_in(tess, "tess")
        await api.log_in(other, "tess")
        assert not any(await seen(tess))
        made = await tess.post("/emergency", json=WANTED)
        assert made.status_code == 201, made.text
        assert all(await seen(tess))
        assert not any(await seen(other)) and not any(await seen(program))
        assert (await tess.get("/studies/1.2.4")).status_code == 404  # another sensitive patient
        assert {row["PatientID"] for row in (await tess.get("/studies")).json()["studies"]} == {"VIP-1", "P3"}
        told = (await tess.get("/session")).json()["emergency"]
        assert [(each["patient_id"], each["until"]) for each in told] == [("VIP-1", made.json()["until"])]
        assert (await other.get("/session")).json()["emergency"] == []
        assert (await tess.post("/emergency", json=WANTED)).status_code == 409
        # To look, not to alter or to take away.
        bodies = {"rejections": {"kind": "quality", "reason": "blurred"}, "exports": {"form": "picture", "count": 1}}
        for path, body in bodies.items():
            assert (await tess.post(f"/studies/1.2.3/{path}", json=body)).status_code == 404
            assert (await tess.post(f"/studies/1.2.5/{path}", json=body)).status_code < 300


async def test_it_ends_with_its_time_or_earlier(api: Api) -> None:
    api.open(session_idle_minutes=600, emergency_minutes=5)
    api.app = SecurityHeaders(Site(api.context, api.authenticator))
    api.account(Role.TECHNOLOGIST, "tess")
    api.account(Role.TECHNOLOGIST, "tom")
    async with api.client() as tess, api.client() as tom:
        await api.log_in(tess, "tess")
        await api.log_in(tom, "tom")
        number = (await tess.post("/emergency", json=WANTED)).json()["id"]
        assert (await tom.post(f"/emergency/{number}/end")).status_code == 404
        assert all(await seen(tess))
        assert (await tess.post(f"/emergency/{number}/end")).status_code == 204
        assert not any(await seen(tess))
        assert (await tess.post(f"/emergency/{number}/end")).status_code == 404
        await tess.post("/emergency", json={**WANTED, "PatientID": "", "AccessionNumber": "ACC-1"})
        assert all(await seen(tess))
        api.clock.forward(minutes=5)
        api.authenticator.forget()
        assert not any(await seen(tess))
        assert emergency.expire(api.context) == 1 and emergency.expire(api.context) == 0
    assert api.kinds().count(Event.EMERGENCY_STARTED) == api.kinds().count(Event.EMERGENCY_ENDED) == 2


async def test_only_a_person_with_the_permission_the_exact_number_and_a_reason(api: Api) -> None:
    api.account(Role.REFERRER, "ref", "House^Gregory")
    token = api.token(Role.TECHNOLOGIST, "tess")
    async with api.client() as tess, api.client() as ref, api.client(token) as program:
        await api.log_in(tess, "tess")
        await api.log_in(ref, "ref")
        assert (await program.post("/emergency", json=WANTED)).status_code == 403
        assert (await ref.post("/emergency", json=WANTED)).status_code == 403
        for number in ("VIP-", "vip-1", "VIP*", "?", "NOBODY"):
            assert (await tess.post("/emergency", json={**WANTED, "PatientID": number})).status_code == 404
        several = {"purpose": "CURIOUS"}, {"reason": "because"}, {"reason": " " * 30}, {"AccessionNumber": "A"}, {"PatientID": ""}
        for wrong in several:
            assert (await tess.post("/emergency", json={**WANTED, **wrong})).status_code == 400, wrong
        assert not any(await seen(tess))
    assert api.kinds().count(Event.EMERGENCY_REFUSED) == 5 and Event.EMERGENCY_STARTED not in api.kinds()


async def test_an_id_of_two_issuers_asks_whose(api: Api) -> None:
    api.store(part10(StudyInstanceUID="1.2.6", SeriesInstanceUID="1.2.6.4", PatientID="VIP-1", IssuerOfPatientID="ELSEWHERE"))
    api.account(Role.TECHNOLOGIST, "tess")
    async with api.client() as tess:
        await api.log_in(tess, "tess")
        answer = await tess.post("/emergency", json=WANTED)
        assert answer.status_code == 409 and "ELSEWHERE" in answer.json()["error"]["hint"]
        assert (await tess.post("/emergency", json={**WANTED, "IssuerOfPatientID": ""})).status_code == 201
        assert all(await seen(tess))


async def test_administrators_see_who_opened_what_and_what_was_looked_at(api: Api) -> None:
    api.account(Role.TECHNOLOGIST, "tess")
    api.account(Role.ADMIN, "ada")
    async with api.client() as tess, api.client() as ada:
        await api.log_in(tess, "tess")
        await api.log_in(ada, "ada")
        number = (await tess.post("/emergency", json=WANTED)).json()["id"]
        assert (await tess.get("/emergency")).status_code == 403 and (await tess.get("/session")).json()["to_review"] == 0
        await tess.get("/studies/1.2.3")
        await tess.get("/studies/1.2.5")  # of another patient
        assert (await ada.get("/session")).json()["to_review"] == 1
        (row,) = (await ada.get("/emergency")).json()["accesses"]
        assert (row["account"], row["patient_id"], row["purpose"], row["reason"]) == ("tess", "VIP-1", "ETREAT", WANTED["reason"])
        looked = (await ada.get(f"/emergency/{number}")).json()["looked"]
        assert [(each["kind"], each["study_instance_uid"]) for each in looked] == [("study.read", "1.2.3")]
        assert (await ada.post(f"/emergency/{number}/review", json={"note": "the ward confirms"})).status_code == 204
        assert (await ada.post(f"/emergency/{number}/review", json={})).status_code == 409
        assert (await ada.get("/session")).json()["to_review"] == 0
        own = (await ada.post("/emergency", json=WANTED)).json()["id"]
        assert (await ada.post(f"/emergency/{own}/review", json={})).status_code == 403  # not one's own


def test_the_audit_says_emergency_override_started_and_stopped(api: Api) -> None:
    """PS3.15 A.5.3.11, PS3.16 CID 403: DCM 110127 and 110138."""
    user = accounts.add_user(api.context, SYSTEM, name="tess", role=Role.TECHNOLOGIST, password="a sentence of words")
    assert user is not None
    begun = sessions.begin(api.context, "tess", "a sentence of words", "192.0.2.7")
    made = emergency.begin(api.context, begun.principal, begun.secret, emergency.Whose("VIP-1"), "ETREAT", WANTED["reason"])
    emergency.end(api.context, begun.principal, made.id)
    rows = api.context.database.read(lambda connection: changes.since(connection, 0))
    codes = []
    for row in (row for row in rows if row.kind.startswith("emergency.")):
        entry = audit.Entry(row.seq, row.at, row.kind, row.subject, row.actor, row.payload, "1.2.3", {"PatientID": "VIP-1"})
        archive = audit.Archive("ISOCENTER")
        message = ElementTree.fromstring(audit.audit_xml(audit.described(entry, archive), archive))
        (event,) = message.iter("EventID")
        (kind,) = message.iter("EventTypeCode")
        codes.append((event.get("csd-code"), kind.get("csd-code")))
        assert "VIP-1" in {each.get("ParticipantObjectID") for each in message.iter("ParticipantObjectIdentification")}
    assert codes == [("110113", "110127"), ("110113", "110138")]
