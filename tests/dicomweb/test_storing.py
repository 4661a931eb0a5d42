"""STOW-RS to services of others: Orthanc's, and one that answers as a test says."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from isocenter.dicomweb import multipart, storing
from isocenter.dicomweb.storing import Service
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Away
from isocenter.service import ingest, sending
from isocenter.service.context import Context
from isocenter.service.sending import Stored
from objects import part10
from remotes import orthanc
from servers import free_port

PLUGIN = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
STUDY = "1.2.3"


@dataclass
class Noted:
    """What was told of each instance."""

    arrived: dict[str, tuple[int, str]] = field(default_factory=dict)
    refused: dict[str, tuple[int, str]] = field(default_factory=dict)

    def __call__(self, sop_instance_uid: str, status: int, reason: str, *, arrived: bool) -> None:
        (self.arrived if arrived else self.refused)[sop_instance_uid] = status, reason


def at_once(data: bytes) -> list[bytes]:
    return [data]


def send(context: Context, held: list[Stored], service: Service) -> Noted:
    noted = Noted()
    storing.store(context, service, held, note=noted, unwanted=lambda: False, pieces=at_once)
    return noted


@pytest.fixture
def files(sqlite_context: Context) -> dict[str, bytes]:
    """SOP Instance UID -> a file that the archive holds."""
    made = {}
    for number in range(3):
        uid = f"{STUDY}.1.{number}"
        made[uid] = part10(200_000, StudyInstanceUID=STUDY, SeriesInstanceUID=f"{STUDY}.1", SOPInstanceUID=uid)
        with ingest.begin(sqlite_context, SYSTEM, source="upload") as reception:
            reception.write(made[uid])
            reception.finish()
    return made


@pytest.fixture
def held(sqlite_context: Context, files: dict[str, bytes]) -> list[Stored]:
    return sending.chosen(sqlite_context, SYSTEM, studies=[STUDY])


@dataclass
class Canned:
    """A service that answers what it is told to."""

    url: str = ""
    status: int = 200
    answer: Any = None
    early: bool = False  # answers before it has read the body
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def parts(self) -> list[bytes]:
        """The parts of the last request, each checked to be application/dicom."""
        _, headers, body = self.requests[-1]
        reader = multipart.Reader(headers["content-type"].partition('boundary="')[2].rstrip('"').encode())
        found: list[bytearray] = []
        for event in reader.feed(body):
            if isinstance(event, multipart.PartBegin):
                assert event.headers["content-type"] == "application/dicom"
                found.append(bytearray())
            elif isinstance(event, multipart.PartData):
                found[-1] += event.data
        reader.close()
        return [bytes(part) for part in found]


@pytest.fixture
def canned() -> Iterator[Canned]:
    made = Canned()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = b"" if made.early else self.rfile.read(int(self.headers["Content-Length"]))
            made.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            content = made.answer if isinstance(made.answer, bytes) else json.dumps(made.answer).encode()
            self.send_response(made.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.close_connection = True

        def log_message(self, *unused: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/dicom-web"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def sequence(*items: tuple[str, str, int]) -> dict[str, Any]:
    """(SOP Instance UID, tag of the reason, reason)"""
    return {
        "vr": "SQ",
        "Value": [{"00081155": {"vr": "UI", "Value": [uid]}, **({tag: {"vr": "US", "Value": [code]}} if code else {})}
                  for uid, tag, code in items],
    }  # fmt: skip


def test_orthanc_gets_the_files_as_they_are(
    sqlite_context: Context, held: list[Stored], files: dict[str, bytes], tmp_path: Path
) -> None:
    options = {"Plugins": [PLUGIN], "DicomWeb": {"Enable": True, "Root": "/dicom-web/"}, "AuthenticationEnabled": True,
               "RegisteredUsers": {"iso": "s3cret"}}  # fmt: skip
    with orthanc(tmp_path / "orthanc", free_port(), **options) as remote:
        url = f"{str(remote.http.base_url).rstrip('/')}/dicom-web"
        with pytest.raises(Away, match="status 401: it asks for another name or password"):
            send(sqlite_context, held, Service(url, "iso", "wrong"))
        for _ in range(2):  # what is sent again is recognised
            noted = send(sqlite_context, held, Service(url, "iso", "s3cret"))
            assert noted.arrived.keys() == files.keys() and not noted.refused
        kept = remote.http.get("/instances").json()
        assert len(kept) == 3
        assert {remote.http.get(f"/instances/{number}/file").content for number in kept} == set(files.values())


def test_the_answer_is_told_instance_by_instance(
    sqlite_context: Context, held: list[Stored], files: dict[str, bytes], canned: Canned
) -> None:
    one, two, three = files
    canned.status = 202
    canned.answer = {"00081199": sequence((one, "00081196", 0xB000)),
                     "00081198": sequence((two, "00081197", 0xA700), (three, "00081197", 0x0111))}
    noted = send(sqlite_context, held, Service(canned.url, secret="token"))
    assert noted.arrived == {one: (0xB000, ""), three: (0x0111, "it was there already")}
    assert noted.refused == {two: (0xA700, "refused with failure reason A700H")}
    path, headers, _ = canned.requests[0]
    assert path == "/dicom-web/studies" and headers["authorization"] == "Bearer token"
    assert canned.parts() == list(files.values())


@pytest.mark.parametrize("answer", [b"", b"<html>ok</html>", {}, [{"00081199": {"Value": [{}]}}], {"00081198": 7}])
def test_what_an_answer_does_not_say(
    sqlite_context: Context, held: list[Stored], files: dict[str, bytes], canned: Canned, answer: Any
) -> None:
    canned.answer = answer
    assert send(sqlite_context, held, Service(canned.url)).arrived.keys() == files.keys()  # 200: all of them (PS3.18 10.5.3)
    canned.status = 409
    assert send(sqlite_context, held, Service(canned.url)).refused.keys() == files.keys()


def test_services_that_take_nothing_are_away_with_their_reason(
    sqlite_context: Context, held: list[Stored], canned: Canned
) -> None:
    canned.status, canned.answer, canned.early = 413, {}, True
    with pytest.raises(Away, match="413: the request is too large"):
        send(sqlite_context, held[:1], Service(canned.url))
    with pytest.raises(Away, match="cannot be reached: Connection refused"):
        send(sqlite_context, held, Service(f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(Away, match="cannot be reached"):
        send(sqlite_context, held, Service("https://" + canned.url.removeprefix("http://")))


def test_a_lost_file_does_not_hold_up_the_others(
    sqlite_context: Context, held: list[Stored], files: dict[str, bytes], canned: Canned
) -> None:
    sqlite_context.blobs.delete(held[1].blob_key)
    canned.answer = {}
    noted = send(sqlite_context, held, Service(canned.url))
    assert noted.refused == {held[1].sop_instance_uid: (0x0110, "a stored file is not there")}
    assert noted.arrived.keys() == files.keys() - noted.refused.keys()


def test_what_is_not_wanted_any_more_is_cut_off(sqlite_context: Context, held: list[Stored], canned: Canned) -> None:
    noted, looks = Noted(), iter([False, False, True])
    storing.store(sqlite_context, Service(canned.url), held, note=noted, unwanted=lambda: next(looks), pieces=at_once)
    assert noted == Noted()
