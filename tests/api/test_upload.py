"""Uploads: any file of any size, one result each, nothing left behind when it goes wrong."""

import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.requests import ClientDisconnect

from api_harness import Api
from isocenter.api import upload
from isocenter.domain.access import SYSTEM, Role
from isocenter.service import exceptions
from objects import part10
from sending import arriving

pytestmark = pytest.mark.anyio


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def incoming(api: Api) -> list[str]:
    return arriving(api.context.settings.data)


def held(api: Api) -> list[Path]:
    return list((api.context.settings.data / "archive").rglob("*.dcm"))


async def send(api: Api, token: str, content: Any, name: str = "x.dcm") -> list[dict[str, str]]:
    async with api.client(token) as client:
        response = await client.post(f"/upload?name={name}", content=content)
    assert response.status_code == 200, response.text
    assert incoming(api) == []
    results: list[dict[str, str]] = response.json()["results"]
    return results


async def test_an_object_is_stored_once_and_kept_as_it_came(api: Api) -> None:
    token = api.token(Role.TECHNOLOGIST)
    content = part10(StudyInstanceUID="1.2.7", SOPInstanceUID="1.2.7.1.1")
    (result,) = await send(api, token, content, "folder/ä b.dcm")
    assert result == {
        "name": "folder/ä b.dcm", "status": "stored", "reason": "", "StudyInstanceUID": "1.2.7", "SOPInstanceUID": "1.2.7.1.1",
    }  # fmt: skip
    (again,) = await send(api, token, content)
    assert again["status"] == "duplicate"
    (file,) = held(api)
    assert file.read_bytes() == content


async def test_a_large_object_is_streamed(sqlite_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "GATHERED", 10_000)
    content = part10(pixels=320_000)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 777):
            yield content[start : start + 777]

    (result,) = await send(sqlite_api, sqlite_api.token(Role.RADIOLOGIST), pieces())
    assert result["status"] == "stored"
    assert held(sqlite_api)[0].read_bytes() == content


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"%PDF-1.7 and so on", "no DICOM"),
        (bytes(128) + b"DICM\2\0\2\0UI\x14\x001.2.840.10008.1.3.10" + bytes(500), "DICOMDIR"),
        (b"\xff\xd8\xff\xe0" + bytes(5000), "no DICOM"),
        (part10()[:-100], ""),
        (part10(StudyInstanceUID="1.2.7", pixels=0)[:200], ""),
        (bytes(128) + b"DICM", ""),
        (b"PK\x03\x04" + bytes(100), "cut off"),
    ],
)
async def test_what_is_no_object_is_refused_with_the_reason(content: bytes, reason: str, sqlite_api: Api) -> None:
    (result,) = await send(sqlite_api, sqlite_api.token(Role.TECHNOLOGIST), content)
    assert result["status"] == "refused"
    assert result["reason"] and reason in result["reason"]
    assert held(sqlite_api) == []
    cases = exceptions.page(sqlite_api.context, SYSTEM, kind=None, dismissed=False, limit=9, after=None).cases
    # A ZIP is a parcel, not an object: whoever sends one is told, and that is all.
    assert [case["kind"] for case in cases] == ([] if content.startswith(b"PK") else ["refused"])
    assert all(case["reason"] in result["reason"] and case["source"] == "upload" for case in cases)


async def test_a_zip_gives_a_result_for_each_file(api: Api) -> None:
    first = part10(StudyInstanceUID="1.2.7", SeriesInstanceUID="1.2.7.1", InstanceNumber="1")
    second = part10(StudyInstanceUID="1.2.7", SeriesInstanceUID="1.2.7.1", InstanceNumber="2")
    content = packed(
        {
            "CT/": b"", "CT/1": first, "CT/2.dcm": second, "CT/again": first, "README.txt": b"hello, this is a text",
            "empty": b"", "more.zip": packed({"a": first}), "__MACOSX/CT/._1": b"x" * 200, "CT/.DS_Store": b"x" * 200,
            "cut": first[:-20],
        }
    )  # fmt: skip
    results = await send(api, api.token(Role.TECHNOLOGIST), content, "disk.zip")
    assert {result["name"]: result["status"] for result in results} == {
        "disk.zip/CT/1": "stored", "disk.zip/CT/2.dcm": "stored", "disk.zip/CT/again": "duplicate",
        "disk.zip/README.txt": "refused", "disk.zip/empty": "refused", "disk.zip/more.zip": "refused", "disk.zip/cut": "refused",
    }  # fmt: skip
    reasons = {result["name"]: result["reason"] for result in results}
    assert "ZIP inside a ZIP" in reasons["disk.zip/more.zip"]
    assert len(held(api)) == 2


async def test_an_encrypted_zip_says_so(sqlite_api: Api) -> None:
    content = bytearray(packed({"a.dcm": part10()}))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    (result,) = await send(sqlite_api, sqlite_api.token(Role.TECHNOLOGIST), bytes(content), "disk.zip")
    assert result["status"] == "refused" and "encrypted" in result["reason"]


async def test_a_zip_whose_list_is_damaged_keeps_what_came_before(sqlite_api: Api) -> None:
    content = bytearray(packed({"a.dcm": part10(), "b.dcm": part10()}, zipfile.ZIP_STORED))
    content[content.rindex(b"PK\x01\x02")] = 0
    results = await send(sqlite_api, sqlite_api.token(Role.TECHNOLOGIST), bytes(content), "disk.zip")
    assert [result["status"] for result in results] == ["stored", "refused"]


async def test_a_full_disk_is_507_and_leaves_nothing(sqlite_api: Api) -> None:
    token = sqlite_api.token(Role.TECHNOLOGIST)
    free = sqlite_api.context.blobs.free_space()
    sqlite_api.open(min_free_space=free + (1 << 40))
    async with sqlite_api.client(token) as client:
        for content in (part10(), packed({"a.dcm": part10()})):
            response = await client.post("/upload", content=content)
            assert response.status_code == 507
            assert response.json()["error"]["kind"] == "no_space"
    sqlite_api.open(min_free_space=0)
    async with sqlite_api.client(token) as client:
        response = await client.post("/upload", content=b"x", headers={"Content-Length": str(10**17)})
        assert response.status_code == 507
    assert incoming(sqlite_api) == [] and held(sqlite_api) == []


async def test_a_disk_that_fills_up_in_a_zip_says_how_far_it_came(sqlite_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token = sqlite_api.token(Role.TECHNOLOGIST)
    context = sqlite_api.context
    content = packed({"a.dcm": part10(), "b.dcm": part10()})

    class FillsUp:
        """The real blobs, on a disk that is full after the first object."""

        def __getattr__(self, name: str) -> Any:
            return getattr(context.blobs, name)

        def free_space(self) -> int:
            return context.blobs.free_space() if not held(sqlite_api) else 0

    sqlite_api.context = replace(context, blobs=FillsUp())  # type: ignore[arg-type]
    sqlite_api.open(min_free_space=1)
    async with sqlite_api.client(token) as client:
        response = await client.post("/upload?name=disk.zip", content=content)
    assert response.status_code == 507
    assert "first 1 files" in response.json()["error"]["kept"]
    assert len(held(sqlite_api)) == 1 and incoming(sqlite_api) == []


@pytest.mark.parametrize("content", [part10(pixels=64_000), packed({"a.dcm": part10(pixels=64_000)}, zipfile.ZIP_STORED)])
async def test_a_client_that_goes_away_leaves_nothing(content: bytes, sqlite_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "GATHERED", 1000)
    token = sqlite_api.token(Role.TECHNOLOGIST)
    messages = [
        {"type": "http.request", "body": content[:20_000], "more_body": True},
        {"type": "http.request", "body": content[20_000:40_000], "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        await anyio.sleep(0)
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/api/v1/upload", "raw_path": b"", "query_string": b"", "root_path": "",
             "headers": [(b"authorization", f"Bearer {token}".encode())], "client": ("127.0.0.1", 1), "scheme": "http",
             "server": ("isocenter.test", 80), "http_version": "1.1", "asgi": {"version": "3.0"}}  # fmt: skip
    try:
        await sqlite_api.app(scope, receive, send)
    except ClientDisconnect:
        pass
    assert incoming(sqlite_api) == [] and held(sqlite_api) == []
    assert sqlite_api.kinds().count("instance.stored") == 0


async def test_every_file_of_the_test_data_has_a_result(sqlite_api: Api, data: Path) -> None:
    token = sqlite_api.token(Role.TECHNOLOGIST)
    files = sorted(path for path in data.rglob("*") if path.is_file() and path.stat().st_size < 3_000_000)[::12]
    async with sqlite_api.client(token) as client:
        for path in files:
            response = await client.post(f"/upload?name={path.name}", content=path.read_bytes())
            assert response.status_code == 200, path
            for result in response.json()["results"]:
                assert result["status"] != "refused" or result["reason"], path
    assert incoming(sqlite_api) == []
