"""Who takes away a study without identities and breaks off leaves a report of what they got."""

from pathlib import Path

from objects import part10
from servers import running, wait_for

OBJECTS = 24


def test_a_zip_that_is_broken_off_has_a_report_that_says_so(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        client = server.client()
        for number in range(OBJECTS):
            body = part10(1 << 20, StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4", SOPInstanceUID=f"1.2.3.4.{number}")
            head = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'}
            parts = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + body + b"\r\n--b--\r\n"
            assert client.post("/dicom-web/studies", headers=head, content=parts).status_code == 200
        asked = {"json": {"options": []}}
        with client.stream("POST", "/api/v1/studies/1.2.3/deidentified", **asked) as answer:  # type: ignore[arg-type]
            assert answer.status_code == 200
            next(answer.iter_raw(1024))
        listed: list[dict[str, object]] = []

        def kept() -> bool:
            listed[:] = client.get("/api/v1/deidentification/reports").json()["reports"]
            return bool(listed)

        wait_for(kept)
        (report,) = listed
        assert report["whole"] is False and report["form"] == "dicom" and report["objects"] in range(1, OBJECTS)
        whole = client.post("/api/v1/studies/1.2.3/deidentified", json={"options": []})
        assert whole.status_code == 200 and kept() and (listed[0]["whole"], listed[0]["objects"]) == (True, OBJECTS)
