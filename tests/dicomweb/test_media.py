"""ZIP archives of studies: file-sets that other programs read, of every kind of object."""

import io
import shutil
import subprocess
import warnings
import zipfile
from pathlib import Path

import pydicom
import pytest
from pydicom.fileset import FileSet

from dicomweb.in_process import Client
from isocenter.dicom.directory import _KEYS, _KINDS, record_type
from isocenter.dicom.file_set import references
from isocenter.dicom.source import BytesSource
from isocenter.domain.zip_entries import ZipFile
from objects import part10

EXPLICIT = "1.2.840.10008.1.2.1"


def archive(client: Client, url: str, accept: str = "application/zip", **options: object) -> zipfile.ZipFile:
    answer = client.get(url, accept, **options)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip" and answer.headers["content-disposition"].startswith("attachment")
    found = zipfile.ZipFile(io.BytesIO(answer.content))
    assert found.testzip() is None
    return found


def store(client: Client, *paths: Path | bytes) -> str:
    """The URL of the first one's study."""
    url: str = client.store(*paths).json()["00081199"]["Value"][0]["00081190"]["Value"][0]
    return url.removeprefix("http://pacs.test/dicom-web").partition("/series/")[0]


def test_a_study_is_a_file_set(client: Client, data: Path, folder: Path) -> None:
    paths = sorted((data / "mr/study-brain-multiseries-with-ko").rglob("*.dcm"))
    url = store(client, *paths)
    found = archive(client, url)
    names = found.namelist()
    assert names[-1] == "DICOMDIR" and all(set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/") for name in names)
    assert sorted(found.read(name) for name in names[:-1]) == sorted(path.read_bytes() for path in paths)
    found.extractall(folder / "medium")
    files = FileSet(folder / "medium" / "DICOMDIR")
    assert len(files) == len(paths)
    uids = {pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID for path in paths}
    assert {each.SOPInstanceUID for each in files} == uids
    for each in files:
        assert pydicom.dcmread(each.path, stop_before_pixels=True).SOPInstanceUID == each.SOPInstanceUID
    kinds = {record.DirectoryRecordType for record in pydicom.dcmread(folder / "medium" / "DICOMDIR").DirectoryRecordSequence}
    assert kinds == {"PATIENT", "STUDY", "SERIES", "IMAGE", "KEY OBJECT DOC"}


@pytest.mark.parametrize(("preamble", "leaves"), [(b"MZ" + b"\x90" * 126, bytes(128)), (b"#!/bin/sh\nrm -rf /\n" * 7, bytes(128)),
                                                  (b"II*\0" + b"\x08" * 124, b"II*\0" + b"\x08" * 124)])  # fmt: skip
def test_what_leaves_is_no_program(client: Client, preamble: bytes, leaves: bytes) -> None:
    """CVE-2019-11687: what is kept is what came, what leaves has zeros before DICM; a TIFF file stays one."""
    content = preamble[:128] + part10(pixels=4000, StudyInstanceUID="1.2.74", SeriesInstanceUID="1.2.74.1")[128:]
    url = store(client, content)
    uid = client.json(f"{url}/instances")[0]["00080018"]["Value"][0]
    (key,) = client.context.blobs.list("archive")
    with client.context.blobs.open(key) as file:
        assert file.read_at(0, file.size) == content
    place = f"{url}/series/1.2.74.1/instances/{uid}"
    one = client.get(place, "application/dicom; transfer-syntax=*").content
    zipped = archive(client, url)
    by_uri = client.get(f"http://pacs.test/wado?requestType=WADO&studyUID=1.2.74&seriesUID=1.2.74.1&objectUID={uid}"
                        "&contentType=application/dicom&transferSyntax=*")  # fmt: skip
    for left in (one, zipped.read(zipped.namelist()[0]), by_uri.content):
        assert left == leaves + content[128:]
    part = client.get(place, "application/dicom; transfer-syntax=*", headers={"range": "bytes=100-199"})
    assert part.content in {(leaves + content[128:])[100:200], one}


def test_some_series_of_a_study_are_a_file_set(client: Client, data: Path) -> None:
    paths = sorted((data / "mr/study-brain-multiseries-with-ko").rglob("*.dcm"))
    url = store(client, *paths)
    series: dict[str, list[bytes]] = {}
    for path in paths:
        series.setdefault(pydicom.dcmread(path, stop_before_pixels=True).SeriesInstanceUID, []).append(path.read_bytes())
    first, second, *others = sorted(series)
    assert others
    found = archive(client, f"{url}?SeriesInstanceUID={first},{second}")
    kept = [found.read(name) for name in found.namelist() if name != "DICOMDIR"]
    assert sorted(kept) == sorted(series[first] + series[second])
    assert client.get(f"{url}?SeriesInstanceUID={first},1.2.3", "application/zip").status_code == 404


def test_several_studies_are_one_file_set(client: Client) -> None:
    stored = {study: part10(pixels=0, PatientID=f"P{study}", StudyInstanceUID=study, SeriesInstanceUID=f"{study}.1")
              for study in ("1.2.71", "1.2.72", "1.2.73")}  # fmt: skip
    for content in stored.values():
        store(client, content)
    found = archive(client, "/studies/1.2.71?StudyInstanceUID=1.2.73,1.2.71")
    names = [name for name in found.namelist() if name != "DICOMDIR"]
    assert sorted(found.read(name) for name in names) == sorted([stored["1.2.71"], stored["1.2.73"]])
    records = pydicom.dcmread(io.BytesIO(found.read("DICOMDIR"))).DirectoryRecordSequence
    assert [each.PatientID for each in records if each.DirectoryRecordType == "PATIENT"] == ["P1.2.71", "P1.2.73"]
    assert client.get("/studies/1.2.71?StudyInstanceUID=1.2.74", "application/zip").status_code == 404
    many = ",".join(f"1.2.3.{number}" for number in range(50))
    assert client.get(f"/studies/1.2.71?StudyInstanceUID={many}", "application/zip").status_code == 400


FOLDERS = ["sr", "seg", "charsets", "pr", "pdf", "rt", "ecg", "enhanced", "us", "nm", "op"]


@pytest.mark.parametrize("kind", FOLDERS)
def test_every_kind_of_object_has_its_record(client: Client, data: Path, folder: Path, kind: str) -> None:
    """dcmtk reads the directory, and finds all that a record of its kind must have."""
    studies: dict[str, int] = {}
    for path in sorted((data / kind).rglob("*.dcm"))[:6]:
        answer = client.store(path)
        if answer.status_code == 200:
            url = answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0].removeprefix("http://pacs.test/dicom-web")
            studies[url.partition("/series/")[0]] = 0
    assert studies
    for number, url in enumerate(studies):
        found = archive(client, url)
        place = folder / str(number)
        found.extractall(place)
        named = list(references(BytesSource(found.read("DICOMDIR"))))
        assert ["/".join(each.components) for each in named] == found.namelist()[:-1]
        dumped = subprocess.run([shutil.which("dcmdump") or "", "-q", place / "DICOMDIR"], capture_output=True, check=False)
        assert dumped.returncode == 0 and not dumped.stderr, dumped.stderr
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's remarks on odd values of the originals
            records = pydicom.dcmread(place / "DICOMDIR").DirectoryRecordSequence
        for record in records:
            for tag in _KEYS[record.DirectoryRecordType][0]:
                assert record[tag].value not in (None, ""), (record.DirectoryRecordType, tag)
        if kind == "charsets":
            patient = next(record for record in records if record.DirectoryRecordType == "PATIENT")
            (name,) = client.json(f"{url}/metadata")[0]["00100010"]["Value"]
            groups = [patient.PatientName.alphabetic, patient.PatientName.ideographic, patient.PatientName.phonetic]
            assert [group for group in groups if group] == list(name.values())


def test_records_by_class() -> None:
    root = "1.2.840.10008.5.1.4.1.1."
    for number, kind in (("2", "IMAGE"), ("88.33", "SR DOCUMENT"), ("88.59", "KEY OBJECT DOC"), ("481.5", "RT PLAN"),
                         ("66.4", "IMAGE"), ("66", "RAW DATA"), ("104.1", "ENCAP DOC"), ("9.1.1", "WAVEFORM"), ("481.1", "IMAGE"),
                         ("77.1.5.1", "IMAGE")):
        assert record_type(root + number, pixels=kind == "IMAGE") == kind
    assert record_type("1.2.3", pixels=False) == "RAW DATA" and set(_KINDS.values()) < set(_KEYS)


def test_what_an_object_lacks_is_supplied(client: Client, folder: Path) -> None:
    url = store(client, part10(pixels=0, PatientID="", StudyDate="", StudyID="", SeriesNumber="", InstanceNumber=""))
    archive(client, url).extractall(folder / "medium")
    (each,) = FileSet(folder / "medium" / "DICOMDIR")
    assert each.StudyDate and each.StudyID and each.SeriesNumber and each.InstanceNumber and each.PatientID


def test_in_another_transfer_syntax(client: Client, data: Path, folder: Path) -> None:
    """Media profiles (PS3.11 D) want Explicit VR Little Endian."""
    url = store(client, data / "transfer-syntaxes/same-image/CT2/CT2_RLE")
    found = archive(client, url, f"application/zip; transfer-syntax={EXPLICIT}")
    dataset = pydicom.dcmread(io.BytesIO(found.read(found.namelist()[0])))
    original = pydicom.dcmread(data / "transfer-syntaxes/same-image/CT2/CT2_UNC")
    assert dataset.file_meta.TransferSyntaxUID == EXPLICIT and dataset.PixelData == original.PixelData
    record = pydicom.dcmread(io.BytesIO(found.read("DICOMDIR"))).DirectoryRecordSequence[-1]
    assert record.ReferencedTransferSyntaxUIDInFile == EXPLICIT
    assert client.get(url, "application/zip; transfer-syntax=1.2.840.10008.1.2.4.50").status_code == 406


def test_by_query_parameter_of_a_series_and_in_place_of_nothing_else(client: Client, data: Path) -> None:
    paths = sorted((data / "ct/volume-lidc-idri-0314").rglob("*.dcm"))[:2]
    study = store(client, *paths)
    series = f"{study}/series/{pydicom.dcmread(paths[0], stop_before_pixels=True).SeriesInstanceUID}"
    answer = client.get(f"{series}?accept=application/zip")
    assert len(zipfile.ZipFile(io.BytesIO(answer.content)).namelist()) == 3
    assert client.get(f"{series}?accept=application/zip", headers={"if-none-match": answer.headers["etag"]}).status_code == 304
    assert client.request("HEAD", f"{series}?accept=application/zip").content == b""
    assert client.get(study).headers["content-type"].startswith("multipart/related")
    entries = [entry.name for entry in ZipFile(BytesSource(answer.content)).entries()]  # what our own import reads
    assert entries == ["DICOM/SE000001/IM000001", "DICOM/SE000001/IM000002", "DICOMDIR"]
