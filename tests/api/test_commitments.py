"""What other archives were asked to keep, over HTTP."""

import pytest

import objects
from api_harness import Api
from isocenter.domain.access import SYSTEM, Role
from isocenter.domain.errors import Broken
from isocenter.service import commitment_requests
from isocenter.service.commitment_requests import CommitmentRequest, Reference

pytestmark = pytest.mark.anyio


def _fail(request: CommitmentRequest) -> None:
    raise Broken("nobody answers")


def _report(api: Api, committed: list[str], failures: dict[str, int]) -> str:
    """The state of the only request after its report."""
    (request,) = commitment_requests.page(api.context, SYSTEM, limit=2).requests
    commitment_requests.answered(api.context, SYSTEM, request.transaction_uid, committed, failures)
    return commitment_requests.get(api.context, SYSTEM, request.id).state


def test_a_request_grows_is_put_and_answered(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commitment_requests, "WRITTEN_EVERY", 0.0)
    note = commitment_requests.Note(api.context, "KEEPER")
    for uid in ("1.2.1", "1.2.2"):
        note.take(Reference(objects.CT, uid))
    assert not commitment_requests.is_due(api.context)
    note.close()
    put: list[CommitmentRequest] = []
    assert commitment_requests.work(api.context, put.append) and not commitment_requests.work(api.context, put.append)
    assert [each.sop_instance_uid for each in put[0].references] == ["1.2.1", "1.2.2"]
    assert _report(api, ["1.2.1"], {"1.2.2": 0x0112}) == "failed"
    assert _report(api, ["1.2.1", "1.2.2"], {}) == "failed", "the first report counts"


def test_a_request_whose_worker_was_killed_is_put_again(api: Api) -> None:
    note = commitment_requests.Note(api.context, "KEEPER")
    note.take(Reference(objects.CT, "1.2.1"))
    note.close()

    class Killed(BaseException):
        pass

    def die(request: CommitmentRequest) -> None:
        raise Killed

    with pytest.raises(Killed):
        commitment_requests.work(api.context, die)
    put: list[CommitmentRequest] = []
    assert not commitment_requests.work(api.context, put.append), "somebody may still be at it"
    api.clock.forward(minutes=6)
    assert commitment_requests.work(api.context, put.append) and len(put) == 1
    api.clock.forward(hours=23)
    assert not commitment_requests.work(api.context, put.append), "the report is awaited"


async def test_requests_are_listed_shown_and_put_again(api: Api) -> None:
    for aet, taken in (("KEEPER", ("1.2.1", "1.2.2")), ("OTHER", ("1.2.3",))):
        note = commitment_requests.Note(api.context, aet)
        for uid in taken:
            note.take(Reference(objects.CT, uid))
        note.close()
    async with api.client(api.token(Role.TECHNOLOGIST)) as technologist, api.client(api.token(Role.REFERRER)) as referrer:
        assert (await referrer.get("/commitments")).status_code == 403
        first = (await technologist.get("/commitments", params={"limit": 1})).json()
        (row,) = first["commitments"]
        assert (row["aet"], row["state"], row["instances"], row["failed"]) == ("OTHER", "due", 1, 0)
        second = (await technologist.get("/commitments", params={"limit": 1, "cursor": first["next"]})).json()
        (row,) = second["commitments"]
        assert (row["aet"], row["instances"], second["next"]) == ("KEEPER", 2, None)
        assert (await technologist.post(f"/commitments/{row['id']}/ask")).status_code == 404, "it is under way"
        # Nobody answers for a week.
        assert commitment_requests.work(api.context, _fail)
        waiting = (await technologist.get(f"/commitments/{row['id']}")).json()
        assert (waiting["commitment"]["state"], waiting["commitment"]["reason"]) == ("due", "nobody answers")
        api.clock.forward(days=8)
        while commitment_requests.work(api.context, _fail):
            pass
        given_up = (await technologist.get("/commitments", params={"state": "given_up"})).json()["commitments"]
        assert {each["aet"] for each in given_up} == {"KEEPER", "OTHER"}
        shown = (await technologist.get("/exceptions", params={"kind": "commitment"})).json()["exceptions"]
        assert {each["source_aet"] for each in shown} == {"KEEPER", "OTHER"} and "nobody answers" in shown[0]["reason"]
        assert (await technologist.post(f"/commitments/{row['id']}/ask")).status_code == 204
        again = (await technologist.get(f"/commitments/{row['id']}")).json()
        assert again["commitment"]["state"] == "due"
        assert [each["SOPInstanceUID"] for each in again["instances"]] == ["1.2.1", "1.2.2"]
    assert api.kinds().count("commitment.answered") == 2 and "commitment.requested" in api.kinds()
