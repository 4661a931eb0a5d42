"""Administration over HTTP: accounts, tokens, the exceptions list, and what the archive says of itself."""

import pytest

from api_harness import PASSWORD, Api
from isocenter.domain.access import Role
from objects import part10

pytestmark = pytest.mark.anyio


async def test_an_account_from_its_making_to_its_end(api: Api) -> None:
    async with api.client(api.token(Role.ADMIN)) as root:
        made = await root.post("/users", json={"name": "Ray", "role": "radiologist"})
        assert made.status_code == 201
        password = made.json()["generated_password"]
        assert made.json()["user"]["name"] == "ray" and len(password) >= 20
        taken = await root.post("/users", json={"name": "ray", "role": "admin", "password": PASSWORD})
        assert taken.status_code == 409
        async with api.client() as client:
            assert (await api.log_in(client, "ray", password)).status_code == 200
        assert (await root.patch("/users/ray", json={"role": "referrer", "referrer_name": "House^Gregory"})).status_code == 200
        users = {user["name"]: user for user in (await root.get("/users")).json()["users"]}
        assert users["ray"]["role"] == "referrer" and users["ray"]["referrer_name"] == "House^Gregory"
        fresh = (await root.post("/users/ray/password")).json()["generated_password"]
        async with api.client() as client:
            assert (await api.log_in(client, "ray", password)).status_code == 401
            assert (await api.log_in(client, "ray", fresh)).status_code == 200
            assert (await root.patch("/users/ray", json={"disabled": True})).status_code == 200
            assert (await client.get("/session")).status_code == 401
            assert (await api.log_in(client, "ray", fresh)).status_code == 401
    assert api.kinds().count("account.updated") == 3


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"name": "no spaces please", "role": "admin"}, "name"), ({"name": "", "role": "admin"}, "name"),
        ({"name": "ray", "role": "boss"}, "role"), ({"name": "ray", "role": "admin", "password": "short"}, "password"),
        ({"name": "ray", "role": "admin", "password": 5}, "password"), ({"name": "ray"}, "role"),
        ({"name": "ray", "role": "referrer", "referrer_name": "A^B=C"}, "referrer_name"),
        ({"name": "ray", "role": "referrer", "studies": "North"}, "studies"),
        ({"name": "ray", "role": "admin", "studies": "institution=North"}, "studies"),
    ],
)  # fmt: skip
async def test_a_wrong_account_is_refused_at_its_field(body: dict[str, str], where: str, sqlite_api: Api) -> None:
    async with sqlite_api.client(sqlite_api.token(Role.ADMIN)) as root:
        response = await root.post("/users", json=body)
        assert response.status_code == 400 and response.json()["error"]["where"] == where
        assert len((await root.get("/users")).json()["users"]) == 1


async def test_the_last_administrator_stays(api: Api) -> None:
    async with api.client(api.token(Role.ADMIN)) as root:
        for change in ({"disabled": True}, {"role": "radiologist"}):
            response = await root.patch("/users/admin", json=change)
            assert response.status_code == 409
        await root.post("/users", json={"name": "second", "role": "admin", "password": PASSWORD})
        assert (await root.patch("/users/admin", json={"role": "radiologist"})).status_code == 200
        assert (await root.get("/users")).status_code == 403, "the change counts at once"


async def test_a_token_is_shown_once_and_can_be_revoked(api: Api) -> None:
    api.account(Role.RADIOLOGIST, "ray")
    async with api.client(api.token(Role.ADMIN)) as root:
        made = await root.post("/tokens", json={"user": "ray", "name": "workstation", "role": "service", "days": 30})
        assert made.status_code == 201
        secret, number = made.json()["secret"], made.json()["token"]["id"]
        async with api.client(secret) as program:
            assert (await program.get("/session")).json()["user"]["role"] == "service"
            listed = await root.get("/tokens")
            assert secret not in listed.text
            (row,) = [token for token in listed.json()["tokens"] if token["id"] == number]
            assert row["used_at"] is not None and row["expires_at"] is not None and row["user"] == "ray"
            assert (await root.delete(f"/tokens/{number}")).status_code == 204
            assert (await program.get("/session")).status_code == 401
            assert (await root.delete(f"/tokens/{number}")).status_code == 404
        wider = await root.post("/tokens", json={"user": "ray", "role": "technologist"})
        assert wider.status_code == 400 and wider.json()["error"]["where"] == "role"
        assert (await root.post("/tokens", json={"user": "nobody"})).status_code == 404
        assert (await root.post("/tokens", json={"user": "ray", "days": 0})).status_code == 400
    assert api.kinds().count("token.revoked") == 1


async def test_the_exceptions_list_from_arrival_to_dismissal(api: Api) -> None:
    uid = {"SOPInstanceUID": "1.2.3.1.1.5"}
    api.store(part10(**uid, StudyDescription="first"))
    api.store(part10(**uid, StudyDescription="second"))
    other = part10(StudyInstanceUID="1.2.3.1", SeriesInstanceUID="1.2.3.1.1", PatientID="SOMEBODY-ELSE")
    api.store(other)
    async with api.client(api.token(Role.TECHNOLOGIST)) as client, api.client(api.token(Role.RADIOLOGIST)) as reader:
        listed = (await client.get("/exceptions")).json()["exceptions"]
        assert {case["kind"] for case in listed} == {"version", "quarantined"}
        assert all(case["reason"] and case["StudyInstanceUID"] == "1.2.3.1" for case in listed)
        (quarantined,) = (await client.get("/exceptions?kind=quarantined")).json()["exceptions"]
        file = await reader.get(f"/exceptions/{quarantined['id']}/file")
        assert file.status_code == 200 and file.content == other
        assert "attachment" in file.headers["content-disposition"]
        assert (await reader.post(f"/exceptions/{quarantined['id']}/dismiss")).status_code == 403
        assert (await client.post(f"/exceptions/{quarantined['id']}/dismiss")).status_code == 204
        assert (await client.post(f"/exceptions/{quarantined['id']}/dismiss")).status_code == 404
        assert len((await client.get("/exceptions")).json()["exceptions"]) == 1
        all_ = (await client.get("/exceptions?dismissed=true&limit=1")).json()
        assert all_["next"] is not None
        rest = (await client.get(f"/exceptions?dismissed=true&cursor={all_['next']}")).json()
        assert len(all_["exceptions"] + rest["exceptions"]) == 2 and rest["next"] is None
        assert (await client.get("/exceptions/999/file")).status_code == 404
    assert "Doe" not in str(listed)
    assert api.kinds()[-1] != "exception.read" and "exception.read" in api.kinds() and "exception.dismissed" in api.kinds()


async def test_the_archive_says_what_it_is(api: Api) -> None:
    api.store(part10())
    async with api.client(api.token(Role.TECHNOLOGIST)) as client:
        facts = (await client.get("/system")).json()
    assert facts["counts"] == {"patients": 1, "studies": 1, "series": 1, "instances": 1, "exceptions": 0}
    assert facts["aet"] == "ISOCENTER" and facts["dicom_address"] == "127.0.0.1:11112" and facts["free_bytes"] > 0


async def test_the_conformance_statement(api: Api) -> None:
    async with api.client() as nobody:
        assert (await nobody.get("/conformance")).status_code == 401
    async with api.client(api.token(Role.REFERRER)) as client:
        page = await client.get("/conformance")
        assert page.headers["content-type"].startswith("text/html") and "SOP Specific Conformance: Query" in page.text
        data = (await client.get("/conformance", params={"format": "json"})).json()
        assert "1.2.840.10008.1.1" in {each["sop_class_uid"] for each in data["presentation_contexts"]}
        assert (await client.get("/conformance", params={"format": "markdown"})).text.startswith("# DICOM Conformance Statement")
        assert (await client.get("/conformance", params={"format": "pdf"})).status_code == 400


async def test_a_token_of_some_permissions_does_nothing_else(api: Api) -> None:
    api.store(part10(StudyInstanceUID="1.1", SeriesInstanceUID="1.1.1", SOPInstanceUID="1.1.1.1", InstitutionName="North"))
    api.store(part10(StudyInstanceUID="1.2", SeriesInstanceUID="1.2.1", SOPInstanceUID="1.2.1.1", InstitutionName="South"))
    async with api.client(api.token(Role.ADMIN)) as admin:
        await admin.post("/users", json={"name": "ray", "role": "radiologist", "studies": "institution=North"})
        wanted = ["study:read", "study:query"]
        made = (await admin.post("/tokens", json={"user": "ray", "permissions": wanted})).json()
        assert made["token"]["permissions"] == ["study:query", "study:read"]
        async with api.client(made["secret"]) as client:
            assert (await client.get("/session")).json()["user"]["permissions"] == ["study:query", "study:read"]
            assert [each["StudyInstanceUID"] for each in (await client.get("/studies")).json()["studies"]] == ["1.1"]
            assert (await client.get("/studies/1.2")).status_code == 404
            refused = await client.post("/studies/1.1/exports", json={"form": "picture", "count": 1})
            assert refused.status_code == 403
            await admin.patch("/users/ray", json={"role": "admin", "studies": ""})  # more of the account is not more of the token
            assert (await client.get("/session")).json()["user"]["permissions"] == ["study:query", "study:read"]
            assert (await client.get("/users")).status_code == 403
            await admin.patch("/users/ray", json={"role": "service"})
            assert (await client.get("/studies/1.2")).status_code == 200
        for body in ({"user": "ray", "permissions": ["user:manage"]}, {"user": "ray", "permissions": ["study:everything"]}):
            answer = await admin.post("/tokens", json=body)
            assert answer.status_code == 400 and answer.json()["error"]["where"].startswith("permissions")
