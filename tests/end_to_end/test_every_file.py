"""Every file of shared/data in by each door of a running server and out again with the very same data set bytes.

The reference is pydicom, not our own scanner: a file that pydicom can name (SOP class, SOP instance, study and series UID) and
whose bytes are all there must come back bit-identical; the others must be refused or set aside, with a reason.
Files that share a SOP Instance UID, or that put one study under two patients, go into archives of their own: the same archive and
edges in this process, since a server for each of a handful of files takes longer than all the rest.
"""

import asyncio
import json
import subprocess
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import httpx
import pytest
from pydicom import dcmread
from pynetdicom import AE, _config

from conftest import archive as an_archive
from dicomweb import in_process
from dimse.conftest import bound
from isocenter.dicom import part10
from isocenter.dicom.uid import is_usable
from isocenter.dimse.server import Server as DicomServer
from servers import QUICK, Server, command, running

ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'
# What pydicom reads without complaint although the object is cut short or its parts disagree.
FAULTY = {
    "pathological/3gb-bulk-data-truncated.dcm",
    "pathological/MR_truncated.dcm",
    "pathological/rtplan_truncated.dcm",
}
# Whole, although pydicom cannot read it: a value of VR UN and undefined length in explicit VR. It is stored.
BEYOND_PYDICOM = {"pathological/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm"}
# Whole data sets without a Part 10 header: kept with a header of ours in front.
BARE = {
    "cr-dx/CR-MONO1-10-chest.dcm",
    "pathological/ExplVR_BigEndNoMeta.dcm",
    "pathological/ExplVR_LitEndNoMeta.dcm",
    "pathological/GH340.dcm",
    "pathological/OT-PAL-8-face.dcm",
    "pathological/no_preamble_dicm_in_data.dcm",
    "rt/rtstruct.dcm",
}


@dataclass(frozen=True)
class File:
    """A file, who it says it is, and its data set bytes (PS3.10 7.1: what follows the file meta group)."""

    path: Path
    study: str
    series: str
    sop: str
    sop_class: str
    syntax: str
    patient: tuple[str, str]
    is_consistent: bool  # the file meta group names what the data set is; pynetdicom's command says what the former says

    @property
    def dataset(self) -> bytes:
        return _dataset(self.path.read_bytes())


def _dataset(raw: bytes) -> bytes:
    start = 132 if raw[128:132] == b"DICM" else 0
    position = start
    while raw[position : position + 2] == b"\x02\x00":  # the group length may be wrong or missing: walk the elements of group 2
        long_form = raw[position + 4 : position + 6] in (b"OB", b"UN", b"SQ", b"OW", b"UT")
        head = 12 if long_form else 8
        length = int.from_bytes(raw[position + head - (4 if long_form else 2) : position + head], "little")
        position += head + length
    return raw[position:]


def _read(path: Path) -> File | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ds = dcmread(path, stop_before_pixels=True)
            ids = [str(ds.get(k, "")) for k in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")]
            patient = (str(ds.get("PatientID", "")), str(ds.get("IssuerOfPatientID", "")))
            named = (str(ds.file_meta.get("MediaStorageSOPClassUID")), str(ds.file_meta.get("MediaStorageSOPInstanceUID")))
            return File(path, *ids, str(ds.file_meta.TransferSyntaxUID), patient, named == (ids[3], ids[2]))
    except Exception:  # noqa: BLE001 - pydicom raises anything on these files; whatever it is, the file is not sound
        return None


def _is_sound(file: File, data: Path) -> bool:
    named = all(is_usable(uid) for uid in (file.study, file.series, file.sop, file.sop_class))
    return named and file.path.relative_to(data).as_posix() not in FAULTY


def _archives(files: list[File]) -> list[list[File]]:
    """Deal the files into as few archives as can hold them without two that contradict each other."""
    archives: list[list[File]] = []
    facts: list[dict[str, object]] = []
    for file in files:
        claims = {"sop " + file.sop: file.path, "study " + file.study: file.patient, "series " + file.series: file.study}
        for archive, known in zip(archives, facts, strict=True):
            if all(known.get(key, claim) == claim for key, claim in claims.items()):
                archive.append(file)
                known |= claims
                break
        else:
            archives.append([file])
            facts.append(dict(claims))
    return archives


def _everything(data: Path) -> tuple[list[File], list[Path]]:
    paths = [path for path in sorted(data.rglob("*")) if path.is_file() and path.suffix not in (".md", ".csv")]
    read = {path: _read(path) for path in paths if not path.name.upper().startswith("DICOMDIR")}
    sound = [file for file in read.values() if file is not None and _is_sound(file, data)]
    beyond = {data / name for name in BEYOND_PYDICOM}
    return sound, [path for path, file in read.items() if path not in beyond and (file is None or not _is_sound(file, data))]


@dataclass
class Small:
    """An archive and its edges in this process, to be used as a `Server`."""

    folder: Path
    dicom_port: int
    web: in_process.Client
    aet: str = "ISOCENTER"

    @contextmanager
    def client(self) -> Iterator["Small"]:
        yield self

    def get(self, path: str, **options: object) -> httpx.Response:
        return self.web.request("GET", path.removeprefix("/dicom-web"), **options)

    def post(self, path: str, **options: object) -> httpx.Response:
        return self.web.request("POST", path.removeprefix("/dicom-web"), **options)

    def command(self, name: str, *arguments: str) -> list[str]:
        return command(name, "--data", str(self.folder), *QUICK, *arguments)


@contextmanager
def small(folder: Path) -> Iterator[Small]:
    """The same as `running`, for few files."""
    folder.mkdir()
    with an_archive(f"sqlite:///{folder / 'index.sqlite'}", folder) as context, asyncio.Runner() as runner:
        dicom = DicomServer(context, bound(), None, None)
        dicom.start()
        try:
            yield Small(folder, dicom.port, in_process.Client(context, runner))
        finally:
            dicom.stop(0)


def _sendable(file: File) -> Path:
    if file.is_consistent:
        return file.path
    with NamedTemporaryFile(suffix=".dcm", delete=False) as corrected:
        corrected.write(part10.file_meta(file.sop_class, file.sop, file.syntax) + file.dataset)
    return Path(corrected.name)


def _by_c_store(server: Server | Small, files: list[File]) -> None:
    """pynetdicom sends the encoded data set as it stands in the file; at most 100 contexts an association.

    Where its command would name another instance than the data set (and rightly be refused), the group before it is corrected.
    """
    _config.STORE_SEND_CHUNKED_DATASET = True
    pairs = sorted({(file.sop_class, file.syntax) for file in files})
    for start in range(0, len(pairs), 100):
        chunk = set(pairs[start : start + 100])
        ae = AE(ae_title="EVERYFILE")
        for sop_class, syntax in chunk:
            ae.add_requested_context(sop_class, syntax)
        association = ae.associate("127.0.0.1", server.dicom_port, ae_title=server.aet)
        assert association.is_established
        for file in files:
            if (file.sop_class, file.syntax) in chunk:
                sendable = _sendable(file)
                status = association.send_c_store(sendable)
                if sendable != file.path:
                    sendable.unlink()
                assert status.Status == 0x0000, f"{file.path.name}: {status}"
        association.release()


def _by_stow(server: Server | Small, files: list[File]) -> None:
    with server.client() as client:
        for start in range(0, len(files), 20):
            parts = b"".join(
                b"--XYZ\r\nContent-Type: application/dicom\r\n\r\n" + file.path.read_bytes() + b"\r\n"
                for file in files[start : start + 20]
            )
            answer = client.post(
                "/dicom-web/studies",
                content=parts + b"--XYZ--\r\n",
                headers={"Content-Type": 'multipart/related; type="application/dicom"; boundary=XYZ'},
            )
            assert answer.status_code == 200, answer.text
            stored = {item["00081155"]["Value"][0] for item in answer.json()["00081199"]["Value"]}
            assert stored == {file.sop for file in files[start : start + 20]}


def _by_import(server: Server | Small, files: list[File]) -> None:
    done = subprocess.run(
        server.command("import", "--json", *(str(file.path) for file in files)), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


DOORS: dict[str, Callable[[Server | Small, list[File]], None]] = {"c-store": _by_c_store, "stow": _by_stow, "import": _by_import}


def _only_part(answer: httpx.Response) -> bytes:
    boundary = b"--" + answer.headers["content-type"].split("boundary=")[1].split(";")[0].strip('"').encode()
    body = answer.content.split(boundary, 1)[1]
    _, part = body.split(b"\r\n\r\n", 1)
    return part[: part.rindex(b"\r\n" + boundary)]


def _out_again(server: Server | Small, files: list[File]) -> None:
    with server.client() as client:
        for file in files:
            url = f"/dicom-web/studies/{file.study}/series/{file.series}/instances/{file.sop}"
            answer = client.get(url, headers={"Accept": ACCEPT})
            assert answer.status_code == 200, f"{file.path}: {answer.status_code} {answer.text[:300]}"
            assert _dataset(_only_part(answer)) == file.dataset, f"{file.path} came back changed"


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("door", DOORS)
def test_every_sound_file_comes_back_bit_identical(door: str, tmp_path: Path, data: Path) -> None:
    sound, _ = _everything(data)
    assert len(sound) > 520
    most, *others = _archives(sound)
    assert len(most) > 450
    with running(tmp_path / "most") as server:
        DOORS[door](server, most)
        _out_again(server, most)
    for number, files in enumerate(others):
        with small(tmp_path / str(number)) as one:
            DOORS[door](one, files)
            _out_again(one, files)


def test_data_sets_without_a_part_10_header_are_imported_whole(tmp_path: Path, data: Path) -> None:
    with running(tmp_path / "archive") as server:
        paths = [data / name for name in sorted(BARE)]
        done = subprocess.run(server.command("import", "--json", *map(str, paths)), capture_output=True, text=True, timeout=120)
        stored = [row for row in json.loads(done.stdout)["results"] if row["status"] == "stored"]
        assert len(stored) >= 3
        with server.client() as client:
            for row in stored:
                found = client.get("/dicom-web/instances", params={"SOPInstanceUID": row["sop_instance_uid"]}).json()[0]
                study, series = (found[tag]["Value"][0] for tag in ("0020000D", "0020000E"))
                url = f"/dicom-web/studies/{study}/series/{series}/instances/{row['sop_instance_uid']}"
                answer = client.get(url, headers={"Accept": ACCEPT})
                assert _dataset(_only_part(answer)) == Path(row["name"]).read_bytes()


def test_every_faulty_file_is_refused_or_set_aside_with_a_reason(tmp_path: Path, data: Path) -> None:
    _, faulty = _everything(data)
    assert len(faulty) > 10
    with running(tmp_path / "archive") as server:
        done = subprocess.run(
            server.command("import", "--json", *map(str, faulty)), capture_output=True, text=True, timeout=120
        )
        results = {Path(result["name"]).name: result for result in json.loads(done.stdout)["results"]}
        for path in faulty:
            result = results[path.name]
            if path.relative_to(data).as_posix() in BARE and result["status"] in ("stored", "version"):
                assert "Part 10" in result["reason"]
                continue
            if path.parent.name == "hanging-protocol":  # whole, and of no study
                assert result["status"] == "stored"
                continue
            assert result["status"] in ("refused", "quarantined"), f"{path}: {result}"
            assert len(result["reason"]) > 10
        with server.client() as client:
            seen = client.get("/api/v1/exceptions").json()["exceptions"]
            assert {row["kind"] for row in seen} >= {"refused"}
            assert client.get("/readyz").status_code == 200
