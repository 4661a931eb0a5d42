"""Frames and objects in other transfer syntaxes than the stored one: pixel-exact, labelled, cached, bounded.

The reference is the uncompressed original of the same image, or what pydicom decodes.
"""

import io
import os
import signal
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest

from dicomweb.in_process import Client, parts
from isocenter.dicom import syntaxes
from isocenter.service import pool as pools
from isocenter.store.open_files import OpenFile
from objects import part10

_UID = "1.2.840.10008.1.2.4."
EXPLICIT, IMPLICIT, RLE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.5"
SAME = "transfer-syntaxes/same-image/"
LOSSLESS = [RLE, _UID + "57", _UID + "70", _UID + "80", _UID + "90", _UID + "201", _UID + "202"]
OCTETS = 'multipart/related; type="application/octet-stream"'
DICOM = 'multipart/related; type="application/dicom"'


def store(client: Client, path: Path | bytes) -> str:
    answer = client.store(path)
    assert answer.status_code == 200, answer.text
    url: str = answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0]
    return url.removeprefix("http://pacs.test/dicom-web")


def pixels(path: Path | bytes) -> bytes:
    """The native pixels of an uncompressed file."""
    return bytes(pydicom.dcmread(io.BytesIO(path) if isinstance(path, bytes) else path).PixelData)


@pytest.mark.parametrize(("name", "original"), [
    *((f"CT2/CT2_{each}", "CT2/CT2_UNC") for each in ("J2KR", "JLSL", "JPH", "JPLL", "RLE")),
    *((f"US1/US1_{each}", "US1/US1_UNC") for each in ("J2KR", "RLE")),
])  # fmt: skip
def test_what_is_compressed_can_be_had_uncompressed(client: Client, data: Path, name: str, original: str) -> None:
    expected = pixels(data / SAME / original)
    url = store(client, data / SAME / name)
    ((label, body),) = parts(client.get(f"{url}/frames/1", OCTETS))
    assert label == f"application/octet-stream; transfer-syntax={EXPLICIT}" and body == expected[: len(body)]
    assert len(expected) - len(body) < 2
    ((label, body),) = parts(client.get(url, DICOM))
    assert label == f"application/dicom; transfer-syntax={EXPLICIT}"
    dataset = pydicom.dcmread(io.BytesIO(body))
    assert dataset.file_meta.TransferSyntaxUID == EXPLICIT and dataset.PixelData == expected
    assert url.endswith(dataset.SOPInstanceUID)


@pytest.mark.parametrize("target", LOSSLESS)
def test_what_is_uncompressed_can_be_had_compressed(client: Client, data: Path, target: str) -> None:
    path = data / SAME / "CT2/CT2_UNC"
    url = store(client, path)
    media_type = next(each.media_type for each in syntaxes.ALL if each.uid == target)
    answer = client.get(f"{url}/frames/1", f"{media_type}; transfer-syntax={target}")
    assert answer.headers["content-type"] == f"{media_type}; transfer-syntax={target}"
    assert len(answer.content) < len(pixels(path)) * 0.9
    # and back again by what we are given for it: another archive's reader of our bytes is in tests/codecs
    ((label, body),) = parts(client.get(url, f"{DICOM}; transfer-syntax={target}"))
    assert label.endswith(target)
    again = pydicom.dcmread(io.BytesIO(body))
    (frame,) = pydicom.encaps.generate_frames(again.PixelData, number_of_frames=1)
    assert frame[: len(answer.content)] == answer.content
    assert np.array_equal(decoded(target, frame), pydicom.dcmread(path).pixel_array)


def decoded(syntax: str, frame: bytes) -> "np.ndarray":
    """By imagecodecs alone; RLE by pydicom."""
    if syntax == RLE:
        from pydicom.pixels.decoders.rle import _rle_decode_frame

        planes = np.frombuffer(bytes(_rle_decode_frame(frame, 512, 512, 1, 16)), "<u2")
        return planes.reshape(512, 512).astype(np.int16)
    names = {"57": "jpegsof3", "70": "jpegsof3", "80": "jpegls", "90": "jpeg2k", "201": "htj2k", "202": "htj2k"}
    found = getattr(imagecodecs, f"{names[syntax.rpartition('.')[2]]}_decode")(frame)
    return np.asarray(found).astype(np.uint16).view(np.int16).reshape(512, 512)


def test_lossy_frames_for_those_who_ask_for_them(client: Client, data: Path) -> None:
    grey, colour = data / SAME / "CT2/CT2_UNC", data / SAME / "US1/US1_UNC"
    url = store(client, colour)
    answer = client.get(f"{url}/frames/1", f"image/jpeg; transfer-syntax={_UID}50")
    assert answer.headers["content-type"] == f"image/jpeg; transfer-syntax={_UID}50"
    original = pydicom.dcmread(colour).pixel_array
    difference = np.abs(imagecodecs.jpeg8_decode(answer.content).astype(int) - original)
    assert difference.mean() < 3 and len(answer.content) < original.size / 4
    url = store(client, grey)
    assert client.get(f"{url}/frames/1", f"image/jpeg; transfer-syntax={_UID}50").status_code == 406  # 16 bits
    assert client.get(f"{url}/frames/1", "image/jpeg").headers["content-type"].endswith(_UID + "70")


def test_a_list_of_frames_keeps_its_order(client: Client, data: Path) -> None:
    path = data / "transfer-syntaxes/SC_rgb_rle_2frame.dcm"
    url = store(client, path)
    original = pydicom.dcmread(path).pixel_array
    found = parts(client.get(f"{url}/frames/2,1,2", OCTETS))
    assert [body for _, body in found] == [original[index].tobytes() for index in (1, 0, 1)]
    assert {label for label, _ in found} == {f"application/octet-stream; transfer-syntax={EXPLICIT}"}
    assert client.get(f"{url}/frames/1,3", OCTETS).status_code == 404
    whole = parts(client.get(f"{url}/bulkdata/7FE00010", OCTETS))
    assert [body for _, body in whole] == [frame.tobytes() for frame in original]


def test_a_series_of_several_syntaxes_each_as_it_can(client: Client, data: Path) -> None:
    """One object is compressed, one is not, one has no pixels: all in one answer, each part labelled."""
    url = store(client, data / SAME / "CT2/CT2_RLE")
    study, series = url.split("/")[2], url.split("/")[4]
    store(client, part10(pixels=0, StudyInstanceUID=study, SeriesInstanceUID=series, SOPInstanceUID="1.2.3.4",
                         PatientID=pydicom.dcmread(data / SAME / "CT2/CT2_RLE").PatientID))  # fmt: skip
    wanted = f"{DICOM}; transfer-syntax={_UID}80"
    labels = sorted(label for label, _ in parts(client.get(f"/studies/{study}/series/{series}", wanted)))
    assert labels == [f"application/dicom; transfer-syntax={EXPLICIT}", f"application/dicom; transfer-syntax={_UID}80"]
    assert sorted(label for label, _ in parts(client.get(f"/studies/{study}"))) == [
        f"application/dicom; transfer-syntax={EXPLICIT}", f"application/dicom; transfer-syntax={RLE}"]  # fmt: skip


def test_the_second_time_it_comes_from_the_cache(client: Client, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = store(client, data / SAME / "CT2/CT2_RLE")
    asked = [(f"{url}/frames/1", OCTETS), (url, DICOM), (f"{url}/frames/1", "image/jls")]
    first = [client.get(path, accept) for path, accept in asked]
    assert client.context.cache.size() > 500_000

    def never(*_: object) -> None:
        raise AssertionError("it was made again")

    monkeypatch.setattr(pools.Pool, "job", never)
    for (path, accept), before in zip(asked, first, strict=True):
        again = client.get(path, accept)
        assert [body for _, body in parts(again)] == [body for _, body in parts(before)] if "multipart" in accept else (
            again.content == before.content)  # fmt: skip
        assert client.get(path, accept, headers={"if-none-match": before.headers["etag"]}).status_code == 304
    assert len({answer.headers["etag"] for answer in first}) == 3


def test_a_damaged_frame_is_told_and_the_stored_one_can_be_had(client: Client, data: Path) -> None:
    path = data / SAME / "CT2/CT2_JPLL"
    whole = bytearray(path.read_bytes())
    at = whole.rindex(b"\xff\xc3")  # the frame header, which says the size of the picture
    whole[at + 5 : at + 7] = b"\x7f\xff"
    url = store(client, bytes(whole))
    answer = client.get(f"{url}/frames/1", OCTETS)
    assert answer.status_code == 422 and "as it is stored" in answer.json()["error"]["hint"]
    assert client.get(f"{url}/frames/1", f"{OCTETS}; transfer-syntax=*").status_code == 200
    assert client.get(url, f"application/dicom; transfer-syntax={EXPLICIT}").status_code == 422
    ((label, body),) = parts(client.get(url, DICOM))  # among others it is given as it is, rather than none of them
    assert label.endswith(_UID + "70") and body == whole


def test_a_killed_worker_costs_one_answer(client: Client, data: Path) -> None:
    url = store(client, data / SAME / "CT2/CT2_RLE")
    assert client.get(f"{url}/frames/1", "image/jls").status_code == 200
    for pid in client.context.pool.workers:
        os.kill(pid, signal.SIGKILL)
    answers = [client.get(f"{url}/frames/1", f"image/jpeg; transfer-syntax={_UID}{number}") for number in ("57", "70")]
    assert answers[-1].status_code == 200 and {answer.status_code for answer in answers} <= {200, 500}


def test_more_than_the_pool_takes_is_busy_and_says_when(client: Client, data: Path) -> None:
    url = store(client, data / SAME / "CT2/CT2_RLE")
    pool = client.context.pool
    blocked = [pool.submit("time:sleep", 20) for _ in range(pool.processes + pools.WAITING)]
    answer = client.get(f"{url}/frames/1", OCTETS)
    assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
    assert client.get(f"{url}/frames/1").status_code == 200  # as it is stored it needs no pool
    pool.close()
    assert all(future.cancelled() or future.exception() for future in blocked)


class _Far(OpenFile):
    """A file whose bytes are not on this machine."""

    def __init__(self, near: OpenFile) -> None:
        super().__init__(None, near.size, near.modified)
        self._near = near

    def read_at(self, offset: int, length: int) -> bytes:
        return self._near.read_at(offset, length)


def test_what_is_kept_elsewhere_is_converted_here(client: Client, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = store(client, data / SAME / "CT2/CT2_RLE")
    opened = client.context.blobs.open
    monkeypatch.setattr(client.context.blobs, "open", lambda key, size=None: _Far(opened(key, size)))
    expected = pixels(data / SAME / "CT2/CT2_UNC")
    ((_, body),) = parts(client.get(f"{url}/frames/1", OCTETS))
    assert body == expected
    ((_, body),) = parts(client.get(url, DICOM))
    assert pydicom.dcmread(io.BytesIO(body)).PixelData == expected
    ranged = client.get(f"{url}/frames/1", "application/octet-stream", headers={"range": "bytes=100-199"})
    assert ranged.status_code == 206 and ranged.content == expected[100:200]
