"""STOW-RS: what becomes of each part, told exactly; and what a bad body gets."""

import asyncio
import errno
from pathlib import Path
from typing import Any

import pytest

from dicomweb.in_process import As, Client, parts
from isocenter.dicom.part10 import Header
from isocenter.dicomweb import stow_response
from isocenter.domain.access import Role, by_role
from isocenter.domain.errors import Broken, Busy, Conflict, Invalid, IsocenterError, Kind, NoSpace, TooLarge
from isocenter.domain.imaging import Outcome
from isocenter.store.incoming import LocalIncoming
from sending import arriving

PRIORS = "ct/priors"
MULTIPART = 'multipart/related; type="application/dicom"; boundary=xyz'


@pytest.fixture
def slices(data: Path) -> list[Path]:
    """Three CT images of two studies of one patient."""
    return [next(iter(sorted(folder.rglob("*.dcm")))) for folder in sorted((data / PRIORS).iterdir())][:2]


def incoming(client: Client) -> list[str]:
    return arriving(client.context.settings.data)


def uids(answer: dict[str, Any], tag: str) -> list[str]:
    return [item["00081155"]["Value"][0] for item in answer[tag]["Value"]]


def test_all_stored(both_clients: Client, slices: list[Path]) -> None:
    client = both_clients
    answer = client.store(*slices)
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/dicom+json"
    body = answer.json()
    assert set(body) <= {"00081190", "00081199"}
    for item, path in zip(body["00081199"]["Value"], slices, strict=True):
        assert set(item) == {"00081150", "00081155", "00081190"}
        url = item["00081190"]["Value"][0]
        assert url.startswith("http://pacs.test/dicom-web/studies/")
        assert parts(client.get(url.removeprefix("http://pacs.test/dicom-web")))[0][1] == path.read_bytes()
    assert not incoming(client)


def test_the_same_again_is_stored_once(client: Client, slices: list[Path]) -> None:
    assert client.store(slices[0]).status_code == 200
    answer = client.store(slices[0], slices[0])
    assert answer.status_code == 200 and len(answer.json()["00081199"]["Value"]) == 2
    assert len(client.json("/instances")) == 1


@pytest.mark.parametrize("pieces", [1, 777])
def test_a_body_that_trickles_in(client: Client, data: Path, pieces: int) -> None:
    path = min((data / "ct").rglob("*.dcm"), key=lambda file: file.stat().st_size)
    if pieces == 1:  # a message for each byte: a small object will do
        path = next(file for file in sorted((data / "sr").rglob("*.dcm")) if file.stat().st_size < 20_000)
    answer = client.store(path, pieces=pieces)
    assert answer.status_code == 200
    url = answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0].removeprefix("http://pacs.test/dicom-web")
    assert parts(client.get(url))[0][1] == path.read_bytes()


def test_some_fail_each_for_its_own_reason(client: Client, slices: list[Path]) -> None:
    whole, other = (path.read_bytes() for path in slices)
    answer = client.store(whole, b"this is no DICOM file", other[: len(other) // 2], pieces=5000)
    assert answer.status_code == 202
    body = answer.json()
    assert len(body["00081199"]["Value"]) == 1
    assert [item["00081197"]["Value"] for item in body["0008119A"]["Value"]] == [[0xC000], [0xC000]]
    warnings = answer.headers.get_list("warning")
    assert any("part 2" in text for text in warnings) and any("part 3" in text for text in warnings)
    assert not incoming(client)


def test_another_study_than_the_url_names_fails_that_instance(client: Client, slices: list[Path]) -> None:
    stored = client.store(slices[0])
    study = stored.json()["00081190"]["Value"][0].rsplit("/", 1)[1]
    answer = client.store(*slices, study=study)
    assert answer.status_code == 202
    body = answer.json()
    (failed,) = body["00081198"]["Value"]
    assert failed["00081197"]["Value"] == [0xA900] and failed["00081155"]["Value"] != uids(body, "00081199")
    assert body["00081190"]["Value"][0].endswith(study)


def test_nothing_stored_is_409(client: Client, slices: list[Path]) -> None:
    answer = client.store(slices[0], study="1.2.3")
    assert answer.status_code == 409
    assert set(answer.json()) == {"00081198"}
    assert client.json("/studies") == []


def test_another_content_under_a_held_uid_is_kept_and_told(client: Client, slices: list[Path]) -> None:
    content = bytearray(slices[0].read_bytes())
    client.store(bytes(content))
    content[-100:] = bytes(100)
    answer = client.store(bytes(content))
    assert answer.status_code == 202
    (item,) = answer.json()["00081199"]["Value"]
    assert item["00081196"]["Value"] == [0xB000]
    assert "version" in answer.headers["warning"]
    url = item["00081190"]["Value"][0].removeprefix("http://pacs.test/dicom-web")
    assert parts(client.get(url))[0][1] == slices[0].read_bytes()


def test_one_object_without_multipart(client: Client, slices: list[Path]) -> None:
    answer = client.request("POST", "/studies", content=slices[0].read_bytes(), headers={"content-type": "application/dicom"})
    assert answer.status_code == 200 and len(client.json("/instances")) == 1


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("", 415),
        ("application/json", 415),
        ('multipart/related; type="application/pdf"; boundary=x', 415),
        ('multipart/related; type="application/dicom+json"; boundary=x', 400),
        ('multipart/form-data; boundary="x"', 415),
        ('multipart/related; type="application/dicom"', 400),
        ("nonsense", 400),
        (MULTIPART, 400),
    ],
)
def test_bodies_that_are_not_taken(client: Client, content_type: str, status: int) -> None:
    answer = client.request("POST", "/studies", content=b"hello", headers={"content-type": content_type})
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["message"]


def test_a_compressed_body_is_refused(client: Client) -> None:
    headers = {"content-type": MULTIPART, "content-encoding": "gzip"}
    assert client.request("POST", "/studies", content=b"x", headers=headers).status_code == 415


def test_parts_of_another_type_fail(client: Client, slices: list[Path]) -> None:
    body = (
        b"--xyz\r\nContent-Type: text/plain\r\n\r\nhello\r\n--xyz\r\nContent-Type: application/dicom\r\n\r\n"
        + slices[0].read_bytes()
        + b"\r\n--xyz--"
    )
    answer = client.request("POST", "/studies", content=body, headers={"content-type": MULTIPART})
    assert answer.status_code == 202
    assert answer.json()["0008119A"]["Value"][0]["00081197"]["Value"] == [0x0122]
    only = client.request(
        "POST", "/studies", content=body[: body.index(b"\r\n--xyz\r\n")] + b"\r\n--xyz--", headers={"content-type": MULTIPART}
    )
    assert only.status_code == 415


def test_a_body_that_ends_in_the_middle_keeps_what_was_whole(client: Client, slices: list[Path]) -> None:
    first, second = (path.read_bytes() for path in slices)
    body = b"--xyz\r\n\r\n" + first + b"\r\n--xyz\r\n\r\n" + second[:1000]
    answer = client.request("POST", "/studies", content=body, headers={"content-type": MULTIPART})
    assert answer.status_code == 202
    assert len(answer.json()["00081199"]["Value"]) == 1 and len(answer.json()["0008119A"]["Value"]) == 2
    assert len(client.json("/instances")) == 1 and not incoming(client)


def test_a_sender_that_vanishes_leaves_nothing_behind(client: Client, slices: list[Path]) -> None:
    first, second = (path.read_bytes() for path in slices)
    sent: list[Any] = []
    messages = [
        {"type": "http.request", "body": b"--xyz\r\n\r\n" + first + b"\r\n--xyz\r\n\r\n", "more_body": True},
        {"type": "http.request", "body": second[:70_000], "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Any:
        await asyncio.sleep(0.02)
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/dicom-web/studies", "query_string": b"", "scheme": "http",
        "headers": [(b"content-type", MULTIPART.encode()), (b"host", b"x")], "client": None,
    }  # fmt: skip
    client.runner.run(client.application(scope, receive, send))
    assert not sent and not incoming(client)
    assert len(client.json("/instances")) == 1


def test_a_full_disk_is_507_and_nothing_is_left(client: Client, slices: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: LocalIncoming, *buffers: Any) -> None:
        raise NoSpace("the disk is full") from OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(LocalIncoming, "write", full)
    answer = client.store(*slices)
    assert answer.status_code == 507
    assert [item["00081197"]["Value"] for item in answer.json()["0008119A"]["Value"]] == [[0xA700], [0xA700]]
    assert not incoming(client)


def test_a_database_that_is_away_is_503(client: Client, slices: list[Path]) -> None:
    client.context.database.close()
    answer = client.store(slices[0])
    assert answer.status_code == 503 and answer.headers["retry-after"]
    assert not incoming(client)


def test_who_may_not_store(client: Client, slices: list[Path]) -> None:
    client.authenticator.who = by_role("ref", Role.REFERRER, "user", "basic", referrer_name="House^Gregory")
    answer = client.store(slices[0])
    assert answer.status_code == 403 and answer.json()["error"]["kind"] == "forbidden"
    client.authenticator = client.application._authenticator = As()
    assert client.json("/studies") == []


def part(
    number: int, *, outcome: Outcome | None = None, error: IsocenterError | None = None, header: Header | None = None
) -> stow_response.Part:
    return stow_response.Part(number, None, outcome, error, header)


STORED = Outcome("stored", "1.2", "1.2.3", "1.4", "1.5")
QUARANTINED = Outcome("quarantined", "1.2", "1.2.3", "1.4", "1.5", "the study belongs to somebody else")


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ([part(1, outcome=STORED)], 200),
        ([part(1, outcome=STORED), part(2, error=Broken("x"))], 202),
        ([part(1, outcome=QUARANTINED)], 202),
        ([part(1, error=Conflict("x"))], 409),
        ([part(1, error=Invalid("x")), part(2, error=NoSpace("x"))], 507),
        ([part(1, error=Busy("x"))], 503),
        ([part(1, error=Broken("x"))], 503),
        ([part(1, error=TooLarge("x"))], 413),
        ([], 400),
    ],
)
def test_statuses(found: list[stow_response.Part], status: int) -> None:
    assert stow_response.response(found, None, "http://x")[0] == status


def test_a_request_without_an_object_says_so(client: Client) -> None:
    answer = client.store()
    assert answer.status_code == 400 and "no object" in answer.json()["error"]["message"]


def test_what_is_in_quarantine_has_no_url() -> None:
    status, body = stow_response.response([part(1, outcome=QUARANTINED)], None, "http://x")
    (item,) = body["00081199"]["Value"]
    assert status == 202 and item["00081190"] == {"vr": "UR"} and item["00081196"]["Value"] == [0xB000] and "00081190" not in body


def test_every_kind_of_error_has_a_failure_reason_and_a_status() -> None:
    from isocenter.dicomweb.status import FAILURE_REASON, HTTP_STATUS

    assert set(FAILURE_REASON) == set(HTTP_STATUS) == set(Kind)
    assert all(0 < code <= 0xFFFF for code in FAILURE_REASON.values())
    assert all(400 <= code < 600 for code in HTTP_STATUS.values())


def test_a_hanging_protocol_is_stored_though_it_belongs_to_no_study(client: Client, data: Path) -> None:
    answer = client.store(data / "hanging-protocol/NeurosurgeryPlan.dcm")
    assert answer.status_code == 200 and set(answer.json()) == {"00081199"}
    (item,) = answer.json()["00081199"]["Value"]
    assert item["00081150"]["Value"] == ["1.2.840.10008.5.1.4.38.1"] and item["00081190"] == {"vr": "UR"}
    assert client.json("/studies") == [] and not incoming(client)
