"""WADO-RS: what is given out, in which form, and to whom."""

import io
import itertools
import json
import logging
import warnings
import zlib
from pathlib import Path

import httpx
import pydicom
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRBigEndian

from dicomweb.in_process import READER, Client, parts
from isocenter.dicom import xml_reading
from isocenter.dicomweb.exchange import Exchange
from isocenter.domain.access import Role, by_role
from isocenter.domain.errors import Busy, Unauthenticated
from isocenter.domain.events import Event
from isocenter.store import changes
from objects import element, part10

EXPLICIT = "1.2.840.10008.1.2.1"


@pytest.fixture
def study(client: Client, data: Path) -> dict[str, str]:
    """A CT series of four slices; the URLs of study, series and instance, and the UIDs."""
    paths = sorted((data / "ct/volume-lidc-idri-0314").rglob("*.dcm"))[:4]
    assert client.store(*paths).status_code == 200
    first = pydicom.dcmread(paths[0], stop_before_pixels=True)
    url = f"/studies/{first.StudyInstanceUID}"
    series = f"{url}/series/{first.SeriesInstanceUID}"
    return {"study": url, "series": series, "instance": f"{series}/instances/{first.SOPInstanceUID}", "path": str(paths[0])}


def store_one(client: Client, path: Path | bytes) -> str:
    """Store one object; its URL."""
    answer = client.store(path)
    assert answer.status_code == 200, (path, answer.headers)
    url: str = answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0]
    return url.removeprefix("http://pacs.test/dicom-web")


def find(data: Path, folder: str, **wanted: str) -> Path:
    """The first file below a folder whose file meta or data set has these values."""
    for path in sorted((data / folder).rglob("*.dcm")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        if all(str((dataset.file_meta if k == "TransferSyntaxUID" else dataset).get(k)) == v for k, v in wanted.items()):
            return path
    raise AssertionError(wanted)


def test_a_study_is_all_its_files(client: Client, study: dict[str, str]) -> None:
    for level in ("study", "series"):
        answer = client.get(study[level])
        assert len(parts(answer)) == 4 and int(answer.headers["content-length"]) == len(answer.content)
        numbers = [int(pydicom.dcmread(io.BytesIO(body)).InstanceNumber) for _, body in parts(answer)]
        assert numbers == sorted(numbers)


def test_one_instance_as_single_part(client: Client, study: dict[str, str]) -> None:
    answer = client.get(study["instance"], "application/dicom; transfer-syntax=*")
    assert answer.headers["content-type"].startswith("application/dicom;")
    assert answer.content == Path(study["path"]).read_bytes()


def test_head_tells_the_size(client: Client, study: dict[str, str]) -> None:
    for url in (study["series"], study["instance"], f"{study['instance']}/frames/1", f"{study['series']}/metadata"):
        answer = client.request("HEAD", url)
        assert answer.status_code == 200 and not answer.content


@pytest.mark.parametrize("what", ["series", "instance"])
@pytest.mark.parametrize("suffix", ["", "/metadata"])
def test_etags(client: Client, study: dict[str, str], what: str, suffix: str) -> None:
    url = study[what] + suffix
    first = client.get(url)
    assert first.headers["cache-control"] == "private, no-cache"
    again = client.get(url, headers={"if-none-match": f'"other", {first.headers["etag"]}'})
    assert again.status_code == 304 and not again.content and again.headers["etag"] == first.headers["etag"]
    assert client.get(url, headers={"if-none-match": '"other"'}).status_code == 200


def test_the_etag_of_a_frame(client: Client, study: dict[str, str]) -> None:
    url = f"{study['instance']}/frames/1"
    etag = client.get(url).headers["etag"]
    assert client.get(url, headers={"if-none-match": etag}).status_code == 304
    assert client.get(url, "application/octet-stream", headers={"if-none-match": etag}).status_code == 200


def test_nothing_acceptable_says_what_there_is(client: Client, study: dict[str, str]) -> None:
    answer = client.get(study["series"], 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.50')
    assert answer.status_code == 406
    assert "1.2.840.10008.1.2" in answer.json()["error"]["message"] and "transfer-syntax=*" in answer.json()["error"]["hint"]
    assert client.get(f"{study['series']}/metadata", "text/html").status_code == 406
    assert client.get(f"{study['instance']}/frames/1", "text/html").status_code == 406
    assert client.get(f"{study['series']}?accept=application/dicom%2Bjson").status_code == 406


@pytest.mark.parametrize("plus", ["%2B", "+"])  # not escaped it is a space to the rest of the world
def test_the_query_parameter_goes_before_the_header(client: Client, study: dict[str, str], plus: str) -> None:
    url = f"{study['series']}/metadata?accept=application/dicom{plus}json"
    assert client.get(url, "text/html").headers["content-type"] == "application/dicom+json"
    both = f"{study['series']}/metadata?accept=text/html&accept=application/json%3Bq%3D0.5"
    assert client.get(both).headers["content-type"] == "application/json"
    frame = client.get(f"{study['instance']}/frames/1?accept=image/jls%3Btransfer-syntax%3D1.2.840.10008.1.2.4.80")
    assert frame.headers["content-type"] == "image/jls; transfer-syntax=1.2.840.10008.1.2.4.80"
    assert client.get(f"{study['series']}/metadata?accept=nonsense").status_code == 400


# ---- metadata


def test_metadata_of_a_series(client: Client, study: dict[str, str]) -> None:
    found = client.json(f"{study['series']}/metadata", headers={"accept-encoding": "identity"})
    packed = client.get(f"{study['series']}/metadata", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip" and packed.json() == found and len(found) == 4
    assert packed.num_bytes_downloaded < 4000
    instance = next(item for item in found if item["00080018"]["Value"][0] in study["instance"])
    assert instance["7FE00010"] == {"vr": "OW", "BulkDataURI": f"http://pacs.test/dicom-web{study['instance']}/bulkdata/7FE00010"}
    assert instance["00083002"]["Value"] == ["1.2.840.10008.1.2"] and instance["00080005"]["Value"] == ["ISO_IR 192"]
    dataset = pydicom.dcmread(study["path"])
    assert instance["00200032"]["Value"] == [float(value) for value in dataset.ImagePositionPatient]
    assert found == client.json(f"{study['study']}/metadata")
    assert [instance] == client.json(f"{study['instance']}/metadata")


def test_metadata_has_a_new_instance_at_once(client: Client, study: dict[str, str], data: Path) -> None:
    before = client.get(f"{study['series']}/metadata")
    assert len(before.json()) == 4
    client.store(sorted((data / "ct/volume-lidc-idri-0314").rglob("*.dcm"))[4])
    after = client.get(f"{study['series']}/metadata", headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200 and len(after.json()) == 5
    derived = client.context.settings.data / "derived"
    assert len([path for path in derived.rglob("*") if path.is_file()]) == 1  # the older document is gone
    assert len(parts(client.get(study["series"]))) == 5


def test_the_address_of_bulk_data_is_the_one_that_was_asked(client: Client, study: dict[str, str]) -> None:
    for host, expected in (("other.host:8443", "http://other.host:8443/"), ('evil"host', "http://127.0.0.1:8080/")):
        found = client.json(f"{study['series']}/metadata", headers={"host": host})
        assert found[0]["7FE00010"]["BulkDataURI"].startswith(expected)
    forged = client.json(f"{study['series']}/metadata", headers={"x-forwarded-host": "evil.example"})
    assert "evil" not in str(forged)


def test_a_study_of_several_series(client: Client, data: Path) -> None:
    paths = sorted((data / "mr/study-brain-multiseries-with-ko").rglob("*.dcm"))
    client.store(*paths)
    uid = pydicom.dcmread(paths[0], stop_before_pixels=True).StudyInstanceUID
    found = client.json(f"/studies/{uid}/metadata")
    series = [item["0020000E"]["Value"][0] for item in found]
    assert len(found) == len(parts(client.get(f"/studies/{uid}")))
    assert len(list(itertools.groupby(series))) == len(set(series)) > 2
    plain = client.get(f"/studies/{uid}/metadata", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.json() == found


# ---- frames


def test_a_frame_in_both_forms(client: Client, study: dict[str, str]) -> None:
    expected = pydicom.dcmread(study["path"]).PixelData
    ((label, body),) = parts(client.get(f"{study['instance']}/frames/1"))
    assert body == expected and label == f"application/octet-stream; transfer-syntax={EXPLICIT}"
    single = client.get(f"{study['instance']}/frames/1", "application/octet-stream")
    assert single.content == expected and single.headers["content-type"] == label


@pytest.mark.parametrize(
    ("frames", "status"), [("0", 400), ("x", 400), ("1,", 400), ("2", 404), ("1,2", 404), ("999999999", 404)]
)
def test_frames_that_are_not_there(client: Client, study: dict[str, str], frames: str, status: int) -> None:
    assert client.get(f"{study['instance']}/frames/{frames}").status_code == status


def test_compressed_frames_are_labelled(client: Client, data: Path) -> None:
    path = find(data, "us/study-echo-doppler", NumberOfFrames="67")
    syntax = pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID
    url = store_one(client, path)
    found = parts(client.get(f"{url}/frames/3,1,3", 'multipart/related; type="image/jpeg"'))
    assert [label for label, _ in found] == [f"image/jpeg; transfer-syntax={syntax}"] * 3
    assert found[0] == found[2] != found[1] and found[0][1].startswith(b"\xff\xd8")
    single = client.get(f"{url}/frames/2", "image/*")
    assert single.headers["content-type"] == f"image/jpeg; transfer-syntax={syntax}"
    assert client.get(f"{url}/frames/1", 'multipart/related; type="image/jls"; transfer-syntax=1.2.3').status_code == 406
    assert len(parts(client.get(f"{url}/bulkdata/7FE00010"))) == 67


def test_big_endian_pixels_leave_as_little_endian(client: Client, data: Path) -> None:
    path = find(data, "transfer-syntaxes", TransferSyntaxUID=str(ExplicitVRBigEndian), BitsAllocated="16")
    url = store_one(client, path)
    stored = pydicom.dcmread(path).PixelData
    ((label, body),) = parts(client.get(f"{url}/frames/1"))
    assert (
        label.endswith(EXPLICIT) and body[0::2] == stored[1::2][: len(body) // 2] and body[1::2] == stored[0::2][: len(body) // 2]
    )
    whole = client.get(f"{url}/bulkdata/7FE00010", "application/octet-stream").content
    assert whole[: len(body)] == body


def test_deflated_objects(client: Client, data: Path) -> None:
    path = find(data, "transfer-syntaxes", TransferSyntaxUID="1.2.840.10008.1.2.1.99")
    url = store_one(client, path)
    dataset = pydicom.dcmread(path)
    ((label, body),) = parts(client.get(f"{url}/frames/1"))
    assert label.endswith(EXPLICIT) and body == dataset.PixelData[: len(body)]
    assert client.json(f"{url}/metadata")[0]["00100020"].get("Value", [""])[0] == dataset.PatientID
    ranged = client.get(f"{url}/bulkdata/7FE00010", "application/octet-stream", headers={"range": "bytes=10-19"})
    assert ranged.status_code == 206 and ranged.content == dataset.PixelData[10:20]


def test_an_object_without_pixels(client: Client, data: Path) -> None:
    url = store_one(client, find(data, "sr", Modality="SR"))
    answer = client.get(f"{url}/frames/1")
    assert answer.status_code == 404 and "pixel data" in answer.json()["error"]["message"]


# ---- bulk data


@pytest.mark.parametrize(
    ("header", "span"),
    [("bytes=0-9", (0, 10)), ("bytes=100-", (100, None)), ("bytes=-7", (-7, None)), ("bytes=524280-9999999", (524280, None))],
)
def test_ranges_of_bulk_data(client: Client, study: dict[str, str], header: str, span: tuple[int, int | None]) -> None:
    expected = pydicom.dcmread(study["path"]).PixelData
    answer = client.get(f"{study['instance']}/bulkdata/7FE00010", "application/octet-stream", headers={"range": header})
    assert answer.status_code == 206 and answer.content == expected[slice(*span)]
    assert answer.headers["content-range"].endswith(f"/{len(expected)}")


@pytest.mark.parametrize("header", ["bytes=5-2", "bytes=-", "lines=1-2", "bytes=0-1,x", "bytes=0-9,5-20"])
def test_ranges_that_are_ignored(client: Client, study: dict[str, str], header: str) -> None:
    url = f"{study['instance']}/bulkdata/7FE00010"
    assert client.get(url, "application/octet-stream", headers={"range": header}).status_code == 200


@pytest.mark.parametrize(("tag", "content"), [("7FE00010", b""), ("00080050", b"A1")])
def test_an_empty_value_is_an_empty_part(client: Client, tag: str, content: bytes) -> None:
    url = store_one(client, part10(pixels=0, AccessionNumber="A1") + element(0x7FE00010, "OW", b""))
    assert parts(client.get(f"{url}/bulkdata/{tag}")) == [("application/octet-stream", content)]
    assert client.get(f"{url}/bulkdata/{tag}", "application/octet-stream").content == content


def test_every_bulk_data_uri_answers(client: Client, data: Path) -> None:
    url = store_one(client, find(data, "pdf", Modality="DOC"))
    (found,) = client.json(f"{url}/metadata")
    uris = [value["BulkDataURI"] for value in found.values() if "BulkDataURI" in value]
    assert uris
    for uri in uris:
        ((_, body),) = parts(client.get(uri.removeprefix("http://pacs.test/dicom-web")))
        assert body.startswith(b"%PDF")
    assert client.get(f"{url}/bulkdata/00091001").status_code == 404


# ---- who


def every(study: dict[str, str]) -> list[str]:
    instance = study["instance"]
    return [study["study"], study["series"], instance, f"{study['study']}/metadata", f"{study['series']}/metadata",
            f"{instance}/metadata", f"{instance}/frames/1", f"{instance}/bulkdata/7FE00010"]  # fmt: skip


def test_a_referrer_sees_no_study_of_others(client: Client, study: dict[str, str]) -> None:
    assert all(client.get(url).status_code == 200 for url in every(study))  # now everything is remembered
    client.authenticator.who = by_role("ref", Role.REFERRER, "user", "basic", referrer_name="House^Gregory")
    assert {client.get(url).status_code for url in every(study)} == {404}
    assert client.json("/studies") == []


def test_nobody_gets_anything(client: Client, study: dict[str, str]) -> None:
    assert all(client.get(url).status_code == 200 for url in every(study))
    client.authenticator.who = Unauthenticated("log in")
    for url in every(study):
        answer = client.get(url)
        assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer")
    client.authenticator.who = Busy("slow down", retry_after=7)
    assert client.get(study["study"]).status_code == 429 and client.get(study["study"]).headers["retry-after"] == "7"


def test_one_row_in_the_change_log_for_all_looks_at_a_study(client: Client, study: dict[str, str]) -> None:
    for url in every(study) * 2:
        client.get(url)
    rows = client.context.database.read(lambda connection: changes.since(connection, 0, kinds=(Event.STUDY_READ,)))
    assert [(row.subject, row.actor) for row in rows] == [(study["study"].rsplit("/", 1)[1], "rita")]
    assert rows[0].payload["address"] == "10.0.0.7"
    client.authenticator.who = by_role("max", Role.ADMIN, "user", "session")
    client.get(study["instance"])
    rows = client.context.database.read(lambda connection: changes.since(connection, 0, kinds=(Event.STUDY_READ,)))
    assert [row.actor for row in rows] == ["rita", "max"]


# ---- faults


def test_resources_that_are_not_there(client: Client, study: dict[str, str]) -> None:
    for url in (
        "/studies/1.2.3",
        f"{study['study']}/series/1.2",
        f"{study['series']}/instances/1.2/frames/1",
        "/nothing",
        "/studies/1.2/metadata",
    ):
        assert client.get(url).status_code == 404, url
    assert client.get("/studies/..%2f..%2fetc").status_code in (400, 404)
    assert client.get("/studies/abc").status_code == 400
    answer = client.request("DELETE", study["study"])
    assert answer.status_code == 405 and answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_a_lost_file_is_told_not_hidden(client: Client, study: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    for path in (client.context.settings.data / "archive").rglob("*.dcm"):
        path.unlink()
    fresh = Client(client.context, client.runner)
    lists = [f"{study['study']}/metadata", f"{study['series']}/metadata"]
    for url in lists:  # what is lost is in them by its UIDs
        assert all("00080018" in document and "00280010" not in document for document in fresh.json(url)), url
    for url in sorted({*every(study)} - {*lists}):
        answer = fresh.get(url)
        assert answer.status_code == 500 and "verify" in answer.json()["error"]["hint"], url


def test_gzip_only_for_those_who_take_it(client: Client, study: dict[str, str]) -> None:
    """And the body is one gzip member: browsers ignore what follows the first."""
    plain = client.get(f"{study['series']}/metadata", headers={"accept-encoding": "gzip;q=0"})
    assert "content-encoding" not in plain.headers and plain.json()
    (document,) = (client.context.settings.data / "derived").rglob("*.json.gz")
    inflator = zlib.decompressobj(31)
    assert inflator.decompress(document.read_bytes()).startswith(b"[{") and inflator.eof and not inflator.unused_data


CODINGS = [("gzip", "gzip"), ("zstd", "zstd"), ("gzip, deflate, br, zstd", "gzip"), ("gzip;q=0.5, zstd;q=0.9", "zstd"),
           ("*", "gzip"), ("br", ""), ("gzip;q=0, zstd;q=0", ""), ("identity, gzip;q=0.5", ""), ("gzip;q=x", ""),
           ("X-GZIP", "gzip")]  # fmt: skip


def test_content_codings(client: Client, study: dict[str, str]) -> None:
    expected = client.json(f"{study['series']}/metadata", headers={"accept-encoding": "identity"})
    for accepted, coding in CODINGS:
        etags = set()
        for url in (f"{study['study']}/metadata", f"{study['series']}/metadata", f"{study['instance']}/metadata"):
            answer = client.request("GET", url, headers={"accept-encoding": accepted})
            assert answer.headers.get("content-encoding", "") == coding, accepted
            body = zstandard.ZstdDecompressor().decompressobj().decompress(raw(answer)) if coding == "zstd" else answer.content
            found = json.loads(body)
            assert found == expected if "instances" not in url else found[0] in expected
            etags.add(answer.headers["etag"])
        assert len(etags) == 2  # a study of one series has that series' metadata
        studies = client.request("GET", "/studies", headers={"accept-encoding": accepted})
        assert studies.headers.get("content-encoding", "") == coding, accepted
        headers = {"accept-encoding": accepted, "if-none-match": studies.headers["etag"]}
        assert client.request("GET", "/studies", headers=headers).status_code == 304


@given(st.text("gzipzstd*;q=0.1,x- ", max_size=30))
def test_any_accept_encoding_gives_a_coding(header: str) -> None:
    scope = {"headers": [(b"accept-encoding", header.encode())]}
    made = Exchange(scope, None, None, addresses=None, executor=None, principal=READER)  # type: ignore[arg-type]
    assert made.coding() in ("", "gzip", "zstd")


def raw(answer: httpx.Response) -> bytes:
    """The body as it was sent: httpx decodes zstd when it finds a library for it."""
    return answer.content if answer.content[:4] == b"\x28\xb5\x2f\xfd" else zstandard.ZstdCompressor().compress(answer.content)


@pytest.mark.parametrize("level", ["study", "series", "instance"])
def test_metadata_as_xml(client: Client, study: dict[str, str], level: str) -> None:
    url = f"{study[level]}/metadata"
    expected = client.json(url)
    answer = client.get(url, 'multipart/related; type="application/dicom+xml"')
    found = parts(answer)
    assert {label for label, _ in found} == {f"application/dicom+xml; transfer-syntax={EXPLICIT}"}
    read = [xml_reading.read(body)[0] for _, body in found]
    uids = [each["00080018"]["Value"] for each in read]
    assert uids == [each["00080018"]["Value"] for each in expected]
    assert read[0]["7FE00010"]["BulkDataURI"] == expected[0]["7FE00010"]["BulkDataURI"]
    assert read[0]["00200032"]["Value"] == [str(value) for value in expected[0]["00200032"]["Value"]]
    again = client.get(url, 'multipart/related; type="application/dicom+xml"', headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    single = client.get(url, "application/dicom+xml")
    assert single.status_code == (200 if level == "instance" else 406)
    if level == "instance":
        assert xml_reading.read(single.content)[0]["00080018"]["Value"] == uids[0]
