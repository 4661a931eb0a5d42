"""Bulk data and pixel data of instances, series and studies: every part is what its Content-Location says."""

from pathlib import Path

import httpx
import pydicom
import pytest

from dicomweb.in_process import Client
from isocenter.dicomweb import multipart
from isocenter.dicomweb.accept import parse_media_type
from objects import element, part10

BASE = "http://pacs.test/dicom-web"


def store(client: Client, *paths: Path | bytes) -> str:
    """The URL of the first instance."""
    url: str = client.store(*paths).json()["00081199"]["Value"][0]["00081190"]["Value"][0]
    return url.removeprefix(BASE)


def located(answer: httpx.Response) -> list[tuple[str, str, bytes]]:
    """(Content-Location, Content-Type, body) of each part."""
    _, parameters, _ = parse_media_type(answer.headers["content-type"])
    reader = multipart.Reader(parameters["boundary"].encode())
    found: list[tuple[str, str, bytearray]] = []
    for event in reader.feed(answer.content):
        if isinstance(event, multipart.PartBegin):
            found.append((event.headers["content-location"], event.headers["content-type"], bytearray()))
        elif isinstance(event, multipart.PartData):
            found[-1][2].extend(event.data)
    reader.close()
    return [(location, label, bytes(body)) for location, label, body in found]


@pytest.fixture
def study(client: Client, data: Path) -> str:
    """Three CT slices, one series; the URL of the first."""
    return store(client, *sorted((data / "ct/volume-lidc-idri-0314").rglob("*.dcm"))[:3])


def levels(instance: str) -> list[str]:
    series = instance.partition("/instances/")[0]
    return [instance, series, series.partition("/series/")[0]]


def test_pixel_data_at_every_level(client: Client, study: str) -> None:
    for url, count in zip(levels(study), (1, 3, 3), strict=True):
        found = located(client.get(f"{url}/pixeldata"))
        assert len(found) == count and len({location for location, _, _ in found}) == count
        for location, label, body in found:
            assert location.startswith(f"{BASE}{study.partition('/instances/')[0]}/instances/")
            assert label.startswith("application/octet-stream")
            assert client.get(location.removeprefix(BASE), "application/octet-stream").content == body


def test_bulk_data_is_what_the_metadata_names(client: Client, data: Path) -> None:
    path = next(each for each in sorted((data / "pdf").rglob("*.dcm")))
    url = store(client, path)
    for level in levels(url):
        (document,) = client.json(f"{level}/metadata")
        named = [value["BulkDataURI"] for value in document.values() if "BulkDataURI" in value]
        found = located(client.get(f"{level}/bulkdata"))
        assert [location for location, _, _ in found] == named and named
        assert [label for _, label, _ in found] == ["application/pdf"] and found[0][2].startswith(b"%PDF")
    assert client.get(f"{url}/bulkdata/00420011", "application/pdf").headers["content-type"] == "application/pdf"
    assert client.get(f"{url}/pixeldata").status_code == 404


def test_compressed_pixel_data_leaves_as_frames(client: Client, data: Path) -> None:
    path = data / "transfer-syntaxes/SC_rgb_rle_2frame.dcm"
    url = store(client, path)
    original = pydicom.dcmread(path).pixel_array
    found = located(client.get(f"{url}/pixeldata"))
    assert [label for _, label, _ in found] == ["image/dicom-rle; transfer-syntax=1.2.840.10008.1.2.5"] * 2
    plain = located(client.get(f"{url}/pixeldata", 'multipart/related; type="application/octet-stream"'))
    assert [body for _, _, body in plain] == [frame.tobytes() for frame in original]
    assert {location for location, _, _ in found + plain} == {f"{BASE}{url}/bulkdata/7FE00010"}


def test_what_cannot_be_had_as_wanted_is_left_out_and_said(client: Client, data: Path) -> None:
    path = data / "transfer-syntaxes/SC_rgb_rle_2frame.dcm"
    url = store(client, path)
    facts = pydicom.dcmread(path)
    other = part10(pixels=0, StudyInstanceUID=facts.StudyInstanceUID, SeriesInstanceUID=facts.SeriesInstanceUID,
                   SOPInstanceUID="1.2.3.4", PatientID=facts.PatientID)  # fmt: skip
    store(client, other + element(0x00420011, "OB", bytes(5000)))
    study = levels(url)[2]
    assert client.get(f"{study}/pixeldata", 'multipart/related; type="image/jls"').status_code == 200
    whole, part = client.get(f"{study}/bulkdata"), client.get(f"{study}/bulkdata", 'multipart/related; type="image/jls"')
    assert whole.status_code == 200 and len(located(whole)) == 3 and "warning" not in whole.headers
    assert part.status_code == 206 and len(located(part)) == 2 and "left out" in part.headers["warning"]
    answer = client.get(f"{study}/pixeldata", 'multipart/related; type="video/mp4"')
    assert answer.status_code == 406 and "transfer-syntax=*" in answer.json()["error"]["hint"]


def test_the_second_time_it_is_known(client: Client, study: str) -> None:
    for level in levels(study):
        first = client.get(f"{level}/pixeldata")
        assert client.get(f"{level}/pixeldata", headers={"if-none-match": first.headers["etag"]}).status_code == 304
    one = client.get(f"{study}/bulkdata/7FE00010", "application/octet-stream")
    assert client.get(f"{study}/bulkdata/7FE00010", "application/octet-stream",
                      headers={"if-none-match": one.headers["etag"]}).status_code == 304  # fmt: skip
