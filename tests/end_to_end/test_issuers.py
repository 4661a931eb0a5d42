"""Patients of two hospitals with the same number are two patients at every door, though no object says who issued it."""

from collections.abc import Iterator
from io import BytesIO

import httpx
import pytest
from pydicom import Dataset, Sequence, dcmread
from pynetdicom import AE
from pynetdicom.sop_class import PatientRootQueryRetrieveInformationModelFind  # type: ignore[attr-defined]

import objects
from servers import QUICK, Server, run, running, wait_for

STUDIES = {"CT_NORTH": objects.uid(), "CT_SOUTH": objects.uid(), "CT_OTHER": objects.uid(), "CT_UNIVERSAL": objects.uid()}
ISSUERS = {"CT_NORTH": "NORTH", "CT_SOUTH": "SOUTH", "CT_OTHER": None, "CT_UNIVERSAL": "NORTH"}

NAMESPACES = ("--issuers", "NORTH=1.2.840.99")


def send(server: Server, title: str) -> None:
    """Patient 4711 of whoever; CT_UNIVERSAL names NORTH by its universal ID (PS3.3 10.14)."""
    image = dcmread(BytesIO(objects.part10(SOPInstanceUID=objects.uid(), StudyInstanceUID=STUDIES[title],
                                           SeriesInstanceUID=objects.uid(), PatientID="4711", PatientName="Doe^Jane")))
    if title == "CT_UNIVERSAL":
        item = Dataset()
        item.UniversalEntityID, item.UniversalEntityIDType = "1.2.840.99", "ISO"
        image.IssuerOfPatientIDQualifiersSequence = Sequence([item])
    entity = AE(ae_title=title)
    entity.add_requested_context(image.SOPClassUID, image.file_meta.TransferSyntaxUID)
    association = entity.associate("127.0.0.1", server.dicom_port, ae_title=server.aet)
    assert association.send_c_store(image).Status == 0
    association.release()


def add_peers(server: Server) -> None:
    for title in ("CT_NORTH", "CT_SOUTH"):
        added = run("peer", "add", title, "127.0.0.1", "104", "--issuer", title[3:], "--data", str(server.data), *QUICK)
        assert added.returncode == 0, added.stderr


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("issuers")
    with running(folder, *NAMESPACES) as running_now:
        add_peers(running_now)
        for title in STUDIES:
            send(running_now, title)
        yield running_now


def issuers(rows: list[dict[str, dict[str, list[str]]]]) -> dict[str, str | None]:
    """Study -> issuer of its patient, as DICOMweb answered."""
    return {row["0020000D"]["Value"][0]: row.get("00100021", {}).get("Value", [None])[0] for row in rows}


def expected() -> dict[str, str | None]:
    return {STUDIES[title]: issuer for title, issuer in ISSUERS.items()}


def test_dicomweb_knows_whose_number_it_is(server: Server) -> None:
    with server.client() as client:
        answer = client.get("/dicom-web/studies?PatientID=4711&includefield=IssuerOfPatientID")
        assert issuers(answer.json()) == expected()
        answer = client.get("/dicom-web/studies?PatientID=4711&IssuerOfPatientID=NORTH")
        assert {row["0020000D"]["Value"][0] for row in answer.json()} == {STUDIES["CT_NORTH"], STUDIES["CT_UNIVERSAL"]}


def test_priors_are_of_one_patient(server: Server) -> None:
    with server.client() as client:
        for title, study in STUDIES.items():
            priors = {each["StudyInstanceUID"] for each in client.get(f"/api/v1/studies/{study}").json()["priors"]}
            same = {STUDIES[other] for other in STUDIES if ISSUERS[other] == ISSUERS[title]} - {study}
            assert priors == same, title


def test_c_find_at_the_patient_level_has_three_patients(server: Server) -> None:
    entity = AE(ae_title="WS1")
    entity.add_requested_context(PatientRootQueryRetrieveInformationModelFind)
    keys = Dataset()
    keys.QueryRetrieveLevel, keys.PatientID = "PATIENT", "4711"
    keys.IssuerOfPatientID = keys.NumberOfPatientRelatedStudies = ""
    association = entity.associate("127.0.0.1", server.dicom_port, ae_title=server.aet)
    found = [answer for _, answer in association.send_c_find(keys, PatientRootQueryRetrieveInformationModelFind) if answer]
    association.release()
    told = {(each.IssuerOfPatientID or "", int(each.NumberOfPatientRelatedStudies)) for each in found}
    assert told == {("", 1), ("NORTH", 2), ("SOUTH", 1)}


def test_what_was_stored_says_what_it_said(server: Server) -> None:
    """The originals are untouched: the issuer is the index's knowledge."""
    with server.client() as client:
        for title, study in STUDIES.items():
            answer = client.get(f"/dicom-web/studies/{study}", headers={"Accept": 'multipart/related; type="application/dicom"'})
            stored = dcmread(BytesIO(part(answer)))
            assert "IssuerOfPatientID" not in stored, title


def part(answer: httpx.Response) -> bytes:
    """The only part of a multipart answer."""
    assert answer.status_code == 200
    _, _, rest = answer.content.partition(b"\r\n\r\n")
    return rest[: rest.rindex(b"\r\n--")]


def test_an_index_made_anew_from_the_files_says_the_same(server: Server) -> None:
    """The journal knows the peers, and the files who sent them. The last test of this server."""
    wait_for(lambda: any(b"CT_SOUTH" in each.read_bytes() for each in (server.data / "journal").rglob("*") if each.is_file()))
    server.stop()
    for left in server.data.glob("index.sqlite*"):
        left.unlink()
    made = run("reindex", "--data", str(server.data), *NAMESPACES, *QUICK)
    assert made.returncode == 0, made.stderr
    with running(server.data.parent, *NAMESPACES) as again, again.client() as client:
        assert issuers(client.get("/dicom-web/studies?PatientID=4711&includefield=IssuerOfPatientID").json()) == expected()
