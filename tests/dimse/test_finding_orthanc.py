"""Debian's Orthanc asks us by C-FIND."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import servers
from dimse.conftest import Archive
from dimse.test_finding import fill
from dimse.test_foreign import ENVIRONMENT

ORTHANC = Path("/usr/sbin/Orthanc")


@pytest.fixture
def orthanc(archive: Archive, tmp_path: Path) -> Iterator[httpx.Client]:
    """Orthanc's API; it knows the archive as "isocenter"."""
    http = servers.free_port()
    configuration = {
        "StorageDirectory": str(tmp_path / "db"), "IndexDirectory": str(tmp_path / "db"), "HttpPort": http, "Plugins": [],
        "DicomPort": servers.free_port(), "DicomAet": "ORTHANC", "RemoteAccessAllowed": False, "AuthenticationEnabled": False,
        "DefaultEncoding": "Utf8",  # what Orthanc turns the text of answers into; Latin-1 unless told
        "DicomModalities": {"isocenter": ["ISOCENTER", "127.0.0.1", archive.port]},
    }
    (tmp_path / "orthanc.json").write_text(json.dumps(configuration))
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([ORTHANC, tmp_path / "orthanc.json"], env=ENVIRONMENT, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{http}", timeout=30, trust_env=False) as client:
            deadline = time.monotonic() + 60
            while True:
                try:
                    client.get("/system").raise_for_status()
                    break
                except httpx.HTTPError:
                    assert process.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()
                    time.sleep(0.1)
            yield client
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.skipif(not ORTHANC.exists(), reason="Orthanc is not installed")
def test_orthanc_finds_patients_studies_series_and_instances(archive: Archive, orthanc: httpx.Client) -> None:
    fill(archive.context)

    def found(level: str, keyword: str, **keys: str) -> list[str]:
        query = orthanc.post("/modalities/isocenter/query", json={"Level": level, "Query": {keyword: "", **keys}})
        assert query.status_code == 200, query.text
        answers = orthanc.get(f"/queries/{query.json()['ID']}/answers?expand&simplify").json()
        return [answer[keyword] for answer in answers]

    assert found("Patient", "PatientName", PatientID="P1") == ["Müller^Jürgen"]
    assert found("Patient", "PatientName", PatientID="P2") == ["Yamada^Tarou=山田^太郎=やまだ^たろう"]
    assert found("Study", "StudyInstanceUID", PatientName="MUELLER*", StudyDate="20260102-") == ["1.2.2"]
    assert found("Series", "Modality", StudyInstanceUID="1.2.2") == ["CT", "MR"]
    instances = found("Instance", "SOPInstanceUID", StudyInstanceUID="1.2.2", SeriesInstanceUID="1.2.2.1")
    assert instances == ["1.2.2.1.1", "1.2.2.1.2"]
