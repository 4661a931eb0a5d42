"""DICOMweb in foreign hands: the examples of PS3.18 as curl sends them, dicomweb-client, Orthanc's DICOMweb client as a peer."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient
from dicomweb_client.session_utils import create_session_from_user_pass
from PIL import Image

from dicomweb.in_process import split
from remotes import orthanc
from servers import Server, running

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
CURL = shutil.which("curl")
COUNT = 3

pytestmark = pytest.mark.timeout(180)


@dataclass
class Archive:
    """A running server with one CT series of three slices."""

    server: Server
    slices: list[pydicom.Dataset]
    folder: Path

    @property
    def study(self) -> str:
        return str(self.slices[0].StudyInstanceUID)

    @property
    def series(self) -> str:
        return str(self.slices[0].SeriesInstanceUID)

    @property
    def instance(self) -> str:
        return str(self.slices[0].SOPInstanceUID)

    def path(self, pattern: str) -> str:
        """A path with {study}, {series} and {instance} filled in."""
        return pattern.format(study=self.study, series=self.series, instance=self.instance)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[Archive]:
    folder = tmp_path_factory.mktemp("clients")
    paths = sorted((data / "ct/volume-lidc-idri-0314").rglob("*.dcm"))[:COUNT]
    with running(folder / "archive") as server:
        subprocess.run(server.command("import", *map(str, paths)), check=True, capture_output=True, timeout=120)
        yield Archive(server, [pydicom.dcmread(path) for path in paths], folder)


@dataclass
class Got:
    """What curl was answered."""

    status: int
    headers: dict[str, str]
    body: bytes


def curl(archive: Archive, path: str, *options: str) -> Got:
    """One request by curl."""
    if CURL is None:
        pytest.skip("curl is not installed")
    head = archive.folder / "head"
    command = [CURL, "--silent", "--show-error", "--globoff", "--dump-header", str(head), "--user",
               f"{archive.server.user}:{archive.server.password}", *options, archive.server.url + archive.path(path)]  # fmt: skip
    body = subprocess.run(command, check=True, capture_output=True, timeout=90).stdout
    block = head.read_text().replace("\r", "").strip().split("\n\n")[-1].splitlines()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in block[1:])}
    return Got(int(block[0].split()[1]), headers, body)


def accept(media: str) -> tuple[str, str]:
    return "--header", f"Accept: {media}"


def decompressed(file: bytes, folder: Path) -> bytes:
    """The pixels of a file as gdcm decodes them."""
    (folder / "given.dcm").write_bytes(file)
    command = ["gdcmconv", "--raw", str(folder / "given.dcm"), str(folder / "raw.dcm")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return bytes(pydicom.dcmread(folder / "raw.dcm").PixelData)


# ---- the forms of PS3.18's examples


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/dicom-web/studies?PatientID={id}", 1),  # PS3.18 10.6.1.2: attributes by keyword
        ("/dicom-web/studies?00100020={id}", 1),  # ... and by tag
        ("/dicom-web/studies?00100020={id}&includefield=all", 1),
        ("/dicom-web/studies?00080020=19000101-20991231&limit=25&offset=0", 1),
        ("/dicom-web/studies?00100010=NOBODY*&00080061=CT", 0),
        ("/dicom-web/series?PatientID={id}&00400275.00400009=11235813", 0),  # a path through a sequence
        ("/dicom-web/studies?PatientID={id}&fuzzymatching=true", 1),
        ("/dicom-web/studies/{study}/series?Modality=CT", 1),
        ("/dicom-web/series?Modality=CT&includefield=SeriesDescription,00081030", 1),
        ("/dicom-web/studies/{study}/instances?SOPClassUID=1.2.840.10008.5.1.4.1.1.2", COUNT),
        ("/dicom-web/studies/{study}/series/{series}/instances?InstanceNumber=99999", 0),
        ("/dicom-web/instances?SeriesInstanceUID={series}&limit=2", 2),
    ],
)  # fmt: skip
def test_searches(archive: Archive, path: str, found: int) -> None:
    patient_id = str(archive.slices[0].PatientID)
    got = curl(archive, path.replace("{id}", patient_id), *accept("application/dicom+json"))
    assert got.status == 200 and got.headers["content-type"].startswith("application/dicom+json"), got
    rows = json.loads(got.body)
    assert len(rows) == found
    assert all(row["0020000D"]["Value"] == [archive.study] for row in rows if "0020000D" in row)


@pytest.mark.parametrize("level", ["", "/series/{series}", "/series/{series}/instances/{instance}"])
def test_a_search_in_xml_and_metadata_in_both(archive: Archive, level: str) -> None:
    told = curl(archive, f"/dicom-web/studies/{{study}}{level}/metadata", *accept("application/dicom+json"))
    assert {item["0020000D"]["Value"][0] for item in json.loads(told.body)} == {archive.study}
    xml = curl(archive, f"/dicom-web/studies/{{study}}{level}/metadata",
               *accept('multipart/related; type="application/dicom+xml"'))  # fmt: skip
    assert xml.status == 200
    models = split(xml.headers["content-type"], xml.body)
    assert len(models) == len(json.loads(told.body))
    assert all(archive.study.encode() in model and b"NativeDicomModel" in model for _, model in models)


def test_instances_in_the_forms_that_are_accepted(archive: Archive) -> None:
    path = "/dicom-web/studies/{study}/series/{series}/instances/{instance}"
    for media, syntax in (
        ('multipart/related; type="application/dicom"', "1.2.840.10008.1.2.1"),  # PS3.18 8.7.3.5.1: the default
        ('multipart/related; type="application/dicom"; transfer-syntax=*', archive.slices[0].file_meta.TransferSyntaxUID),
        ('multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.80', "1.2.840.10008.1.2.4.80"),
        ("application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.90"),
    ):
        got = curl(archive, path, *accept(media))
        assert got.status == 200, got
        body = got.body if media.startswith("application") else split(got.headers["content-type"], got.body)[0][1]
        instance = pydicom.dcmread(BytesIO(body))
        assert instance.file_meta.TransferSyntaxUID == syntax
        assert decompressed(body, archive.folder) == archive.slices[0].PixelData
    refused = curl(archive, path, *accept("image/heic"))
    assert refused.status == 406


def test_frames_bulk_data_and_byte_ranges(archive: Archive) -> None:
    raw = archive.slices[0].PixelData
    path = "/dicom-web/studies/{study}/series/{series}/instances/{instance}"
    frame = curl(archive, f"{path}/frames/1", *accept("application/octet-stream"))
    assert frame.body == raw and frame.status == 200
    several = curl(archive, f"{path}/frames/1,1", *accept('multipart/related; type="application/octet-stream"'))
    assert [body for _, body in split(several.headers["content-type"], several.body)] == [raw, raw]
    part = curl(archive, f"{path}/frames/1", *accept("application/octet-stream"), "--range", "100-299")
    assert (part.status, part.body) == (206, raw[100:300])
    assert part.headers["content-range"] == f"bytes 100-299/{len(raw)}"
    query = curl(archive, f"{path}/frames/1?accept=application/octet-stream")
    assert query.body == raw
    again = curl(archive, f"{path}/frames/1", *accept("application/octet-stream"), "--header",
                 f"If-None-Match: {frame.headers['etag']}")  # fmt: skip
    assert again.status == 304 and not again.body
    assert curl(archive, f"{path}/frames/2", *accept("application/octet-stream")).status == 404


def test_rendered_and_thumbnail(archive: Archive) -> None:
    path = "/dicom-web/studies/{study}/series/{series}/instances/{instance}"
    got = curl(archive, f"{path}/rendered?window=-600,1500,linear&viewport=256,256", *accept("image/png"))
    assert got.status == 200 and got.headers["content-type"] == "image/png"
    shown = np.asarray(Image.open(BytesIO(got.body)).convert("L"), dtype=float)
    assert shown.shape == (256, 256)
    hounsfield = archive.slices[0].pixel_array * float(archive.slices[0].RescaleSlope) + float(archive.slices[0].RescaleIntercept)
    wanted = np.clip((hounsfield - (-600 - 0.5)) / (1500 - 1) + 0.5, 0, 1) * 255
    smaller = wanted.reshape(256, wanted.shape[0] // 256, 256, wanted.shape[1] // 256).mean((1, 3))
    assert np.abs(shown - smaller).mean() < 3
    small = curl(archive, "/dicom-web/studies/{study}/thumbnail", *accept("image/jpeg"))
    assert small.status == 200 and max(Image.open(BytesIO(small.body)).size) <= 256


def test_wado_uri(archive: Archive) -> None:
    path = "/wado?requestType=WADO&studyUID={study}&seriesUID={series}&objectUID={instance}"
    picture = curl(archive, f"{path}&contentType=image/jpeg&rows=128&columns=128")
    assert picture.status == 200 and max(Image.open(BytesIO(picture.body)).size) == 128
    whole = curl(archive, f"{path}&contentType=application/dicom&transferSyntax=1.2.840.10008.1.2.1")
    assert pydicom.dcmread(BytesIO(whole.body)).PixelData == archive.slices[0].PixelData


def test_capabilities(archive: Archive) -> None:
    got = curl(archive, "/dicom-web/studies", "--request", "OPTIONS", *accept("application/vnd.sun.wadl+xml"))
    assert got.status == 200 and b"studies" in got.body


def test_storing_and_what_is_wrong_with_it(archive: Archive) -> None:
    file = archive.folder / "again.multipart"
    buffer = BytesIO()
    archive.slices[0].save_as(buffer)
    file.write_bytes(b"--x\r\nContent-Type: application/dicom\r\n\r\n" + buffer.getvalue()
                     + b"\r\n--x\r\nContent-Type: application/dicom\r\n\r\nno object\r\n--x--\r\n")  # fmt: skip
    got = curl(archive, "/dicom-web/studies", "--data-binary", f"@{file}", *accept("application/dicom+json"), "--header",
               'Content-Type: multipart/related; type="application/dicom"; boundary=x')  # fmt: skip
    assert got.status == 202
    answer = json.loads(got.body)
    assert [item["00081155"]["Value"] for item in answer["00081199"]["Value"]] == [[archive.instance]]
    assert len(answer["0008119A"]["Value"]) == 1  # Other Failures: what has no UIDs


# ---- programs


def test_dicomweb_client(archive: Archive) -> None:
    server = archive.server
    client = DICOMwebClient(f"{server.url}/dicom-web", session=create_session_from_user_pass(server.user, server.password))
    (study,) = client.search_for_studies(search_filters={"PatientID": archive.slices[0].PatientID}, fuzzymatching=True)
    assert study["0020000D"]["Value"] == [archive.study]
    assert len(client.search_for_instances(archive.study, limit=2, offset=1)) == 2
    png = client.retrieve_instance_rendered(archive.study, archive.series, archive.instance, media_types=("image/png",))
    assert Image.open(BytesIO(png)).size == (512, 512)
    (frame,) = client.retrieve_instance_frames(
        archive.study, archive.series, archive.instance, [1], media_types=("image/jls",)
    )  # fmt: skip
    assert frame.startswith(b"\xff\xd8\xff")
    converted = client.retrieve_instance(
        archive.study, archive.series, archive.instance, media_types=(("application/dicom", "1.2.840.10008.1.2.5"),)
    )
    assert converted.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.5"
    assert np.array_equal(converted.pixel_array, archive.slices[0].pixel_array)


@pytest.mark.skipif(not PLUGIN.exists(), reason="orthanc-dicomweb is not installed")
def test_orthanc_as_a_client(archive: Archive, tmp_path: Path) -> None:
    server = archive.server
    entry = {"Url": f"{server.url}/dicom-web/", "Username": server.user, "Password": server.password,
             "HasWadoRsUniversalTransferSyntax": True}  # fmt: skip
    plugin = {"Enable": True, "Servers": {"isocenter": entry}}
    with orthanc(tmp_path, server.dicom_port, Plugins=[str(PLUGIN)], DicomWeb=plugin) as remote:
        peer = "/dicom-web/servers/isocenter"
        question = {"Uri": "/studies", "Arguments": {"PatientID": str(archive.slices[0].PatientID)}}
        found = remote.http.post(f"{peer}/qido", json=question)
        assert [row["0020000D"]["Value"] for row in found.json()] == [archive.study]

        fetched = remote.http.post(f"{peer}/retrieve", json={"Resources": [{"Study": archive.study}], "Synchronous": True})
        assert fetched.status_code == 200, fetched.text
        held = remote.http.get("/instances").json()
        assert len(held) == COUNT
        sent = pydicom.dcmread(BytesIO(remote.http.get(f"/instances/{held[0]}/file").content))
        (original,) = [item for item in archive.slices if item.SOPInstanceUID == sent.SOPInstanceUID]
        assert sent.PixelData == original.PixelData

        new = pydicom.dcmread(BytesIO(remote.http.get(f"/instances/{held[0]}/file").content))
        new.SOPInstanceUID = new.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        buffer = BytesIO()
        new.save_as(buffer)
        made = remote.http.post("/instances", content=buffer.getvalue()).json()["ID"]
        stored = remote.http.post(f"{peer}/stow", json={"Resources": [made], "Synchronous": True})
        assert stored.status_code == 200, stored.text
    client = server.client()
    rows = client.get("/dicom-web/instances", params={"SOPInstanceUID": new.SOPInstanceUID}).json()
    assert len(rows) == 1
