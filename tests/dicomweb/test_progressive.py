"""Frames from copies for viewing: who asks for HTJ2K gets it, whole, by resolution and in parts; nobody else notices."""

import io
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest

from dicomweb.in_process import Client, parts
from isocenter.codecs import codestream
from isocenter.service import viewing_copies
from isocenter.work import copies

RPCL = "1.2.840.10008.1.2.4.202"
HTJ2K = f"application/octet-stream; transfer-syntax={RPCL}"
STORED = "application/octet-stream; transfer-syntax=*"


@pytest.fixture(scope="module")
def slices(data: Path) -> list[Path]:
    return sorted((data / "ct/volume-lidc-idri-0314").rglob("*.dcm"))[:2]


def address(path: Path) -> str:
    found = pydicom.dcmread(path, stop_before_pixels=True)
    return f"/studies/{found.StudyInstanceUID}/series/{found.SeriesInstanceUID}/instances/{found.SOPInstanceUID}/frames/"


def make_copies(client: Client) -> None:
    named = replace(client.context, settings=replace(client.context.settings, htj2k="all", min_free_space=0))
    viewing_copies.plan_all(named)
    while copies.make_due(named, threading.Event()):
        pass


@pytest.fixture
def frames(client: Client, slices: list[Path]) -> Callable[..., bytes]:
    """A way to get the first frame of a slice, of which there is a copy."""
    assert client.store(*slices).status_code == 200
    make_copies(client)
    return lambda accept, query="", which=0: client.get(address(slices[which]) + "1" + query, accept).content


def test_the_copy_is_for_those_who_name_it(client: Client, slices: list[Path], frames: Callable[..., bytes]) -> None:
    pixels = pydicom.dcmread(slices[0]).pixel_array
    for accept in (HTJ2K, f"image/jphc; transfer-syntax={RPCL}", "image/jphc", f"{HTJ2K}, {STORED}; q=0.5",
                   f"{STORED}; q=0.5, {HTJ2K}"):
        answer = client.get(address(slices[0]) + "1", accept)
        assert answer.status_code == 200 and RPCL in answer.headers["content-type"], accept
        assert np.array_equal(imagecodecs.htj2k_decode(answer.content).astype(np.int16), pixels)
    for accept in (STORED, None, "*/*", f"{STORED}, {HTJ2K}; q=0.5", f"{STORED}, {HTJ2K}"):
        answer = client.get(address(slices[0]) + "1", accept)
        assert RPCL not in answer.headers["content-type"] and pixels.tobytes() in answer.content, accept
    both = client.get(address(slices[0]) + "1", f'multipart/related; type="application/octet-stream"; transfer-syntax={RPCL}')
    assert frames(HTJ2K) in both.content and f"transfer-syntax={RPCL}" in both.headers["content-type"]


def test_without_a_copy_the_answer_is_as_before(client: Client, slices: list[Path]) -> None:
    client.store(*slices)
    answer = client.get(address(slices[0]) + "1?fsiz=64,64", f"{HTJ2K}, {STORED}; q=0.5")
    assert answer.status_code == 200 and "jpip-fsiz" not in answer.headers


@pytest.mark.parametrize(("wish", "size"), [("256,256", 256), ("300,300", 256), ("1,1", 16), ("512,512", 512),
                                            ("200,200,round-up", 256)])
def test_a_smaller_picture_is_the_beginning_of_the_frame(
    client: Client, slices: list[Path], frames: Callable[..., bytes], wish: str, size: int
) -> None:
    whole = frames(HTJ2K)
    answer = client.get(address(slices[0]) + f"1?fsiz={wish}", HTJ2K)
    assert answer.headers["jpip-fsiz"] == f"{size},{size}" and whole.startswith(answer.content)
    smaller = imagecodecs.htj2k_decode(answer.content, skipres=(512 // size).bit_length() - 1)
    assert smaller.shape == (size, size)
    assert len(answer.content) in codestream.resolutions(whole)
    assert (answer.content == whole) == (size == 512)


def test_the_rest_is_one_range(client: Client, slices: list[Path], frames: Callable[..., bytes]) -> None:
    """What the viewer does on a slow line: a small picture first, later what is missing, and nothing twice."""
    small, whole = frames(HTJ2K, "?fsiz=256,256"), frames(HTJ2K)
    rest = client.get(address(slices[0]) + "1", HTJ2K, headers={"Range": f"bytes={len(small)}-"})
    assert rest.status_code == 206 and RPCL in rest.headers["content-type"]
    assert rest.headers["content-range"] == f"bytes {len(small)}-{len(whole) - 1}/{len(whole)}"
    assert small + rest.content == whole
    etag = client.get(address(slices[0]) + "1", HTJ2K).headers["etag"]
    same = client.get(address(slices[0]) + "1", HTJ2K, headers={"Range": "bytes=0-99", "If-Range": etag})
    assert same.status_code == 206 and same.content == whole[:100]
    other = client.get(address(slices[0]) + "1", STORED, headers={"Range": "bytes=0-99", "If-Range": etag})
    assert other.status_code == 200  # the original is another representation


def test_each_resolution_has_its_etag(client: Client, slices: list[Path], frames: Callable[..., bytes]) -> None:
    path = address(slices[0]) + "1"
    asked = [(path, HTJ2K), (path + "?fsiz=64,64", HTJ2K), (path + "?fsiz=128,128", HTJ2K), (path, STORED)]
    etags = [client.get(where, accept).headers["etag"] for where, accept in asked]
    assert len(set(etags)) == 4
    for (where, accept), etag in zip(asked, etags, strict=True):
        assert client.get(where, accept, headers={"If-None-Match": etag}).status_code == 304


def test_several_frames_are_each_reduced(client: Client, data: Path) -> None:
    path = data / "enhanced/emri_small.dcm"
    client.store(path)
    make_copies(client)
    accept = f'multipart/related; type="application/octet-stream"; transfer-syntax={RPCL}'
    small, whole = (parts(client.get(address(path) + "2,10" + query, accept)) for query in ("?fsiz=32,32", ""))
    assert len(small) == len(whole) == 2 and all(one[1].startswith(other[1]) for one, other in zip(whole, small, strict=True))
    assert [imagecodecs.htj2k_decode(part, skipres=1).shape for _, part in small] == [(32, 32)] * 2


def test_what_came_as_htj2k_needs_no_copy(client: Client, data: Path) -> None:
    """Received in .202: its own frames are reduced, when their headers say where resolutions end."""
    path = data / "enhanced/emri_small.dcm"
    original = pydicom.dcmread(path)
    client.store(path)
    where = address(path).removesuffix("/frames/")
    answer = client.get(where, f"application/dicom; transfer-syntax={RPCL}")
    assert answer.status_code == 200
    sent = pydicom.dcmread(io.BytesIO(answer.content))
    sent.SOPInstanceUID = sent.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4.5"
    into = io.BytesIO()
    sent.save_as(into)
    assert client.store(into.getvalue()).status_code == 200
    frames = where.rpartition("/")[0] + "/1.2.3.4.5/frames/"
    for accept in (STORED, HTJ2K):
        small = client.get(frames + "7?fsiz=32,32", accept)
        assert small.headers["jpip-fsiz"] == "32,32" and RPCL in small.headers["content-type"]
        whole = client.get(frames + "7", accept).content
        assert whole.startswith(small.content) and len(small.content) < len(whole)
        assert imagecodecs.htj2k_decode(small.content, skipres=1).shape == (32, 32)
        assert np.array_equal(imagecodecs.htj2k_decode(whole), original.pixel_array[6])
    native = client.get(frames + "7?fsiz=32,32", "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1")
    assert native.status_code == 200 and native.content == original.pixel_array[6].tobytes()


@pytest.mark.parametrize("wish", ["", "64", "x,y", "0,0", "64,64,sideways"])
def test_a_malformed_size_is_told(client: Client, slices: list[Path], frames: Callable[..., bytes], wish: str) -> None:
    answer = client.get(address(slices[0]) + f"1?fsiz={wish}", HTJ2K)
    assert answer.status_code == 400 and "fsiz" in answer.text
