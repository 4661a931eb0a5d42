"""Byte ranges (RFC 9110 14) of single-part answers."""

import re
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomweb.in_process import Client
from isocenter.dicomweb.ranges import MOST, NotSatisfiable, spans

OCTETS = "application/octet-stream"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("bytes=0-9", [(0, 9)]),
        ("bytes=90-200", [(90, 99)]),
        ("bytes=-10", [(90, 99)]),
        ("bytes=-1000", [(0, 99)]),
        ("Bytes = 0-1", []),
        ("bytes=0-1, 5-6 ,-2", [(0, 1), (5, 6), (98, 99)]),
        ("bytes=50-60,0-1", [(50, 60), (0, 1)]),
        ("bytes=0-1,500-600", [(0, 1)]),
        ("bytes=0-10,10-20", []),
        ("bytes=5-2", []),
        ("lines=1-2", []),
        ("", []),
        (f"bytes={','.join(f'{n}-{n}' for n in range(MOST + 1))}", []),
    ],
)
def test_what_a_header_means(header: str, found: list[tuple[int, int]]) -> None:
    assert list(spans(header, 100)) == found


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200,300-", "bytes=-0"])
def test_what_is_not_there(header: str) -> None:
    with pytest.raises(NotSatisfiable):
        spans(header, 100)


@given(st.one_of(st.text(max_size=40), st.text("bytes=-,0123456789 ", max_size=40).map("bytes={}".format)), st.integers(0, 200))
def test_any_text_gives_spans_within_the_body(header: str, size: int) -> None:
    try:
        found = spans(header, size)
    except NotSatisfiable:
        return
    assert all(0 <= first <= last < size for first, last in found)


@pytest.fixture
def places(client: Client, data: Path) -> dict[str, bytes]:
    """(URL of a single-part answer) -> its bytes."""
    path = sorted((data / "ct/volume-lidc-idri-0314").rglob("*.dcm"))[0]
    url = client.store(path).json()["00081199"]["Value"][0]["00081190"]["Value"][0].removeprefix("http://pacs.test/dicom-web")
    pixels = pydicom.dcmread(path).PixelData
    return {f"{url}?accept=application/dicom%3Btransfer-syntax%3D*": path.read_bytes(),
            f"{url}/frames/1?accept={OCTETS}": pixels, f"{url}/bulkdata/7FE00010?accept={OCTETS}": pixels}  # fmt: skip


def test_single_and_several_ranges_of_every_single_part_answer(client: Client, places: dict[str, bytes]) -> None:
    for url, whole in places.items():
        answer = client.get(url)
        assert answer.content == whole and answer.headers["accept-ranges"] == "bytes" and answer.headers["etag"].startswith('"')
        one = client.get(url, headers={"range": "bytes=100-299"})
        assert one.status_code == 206 and one.content == whole[100:300]
        assert one.headers["content-range"] == f"bytes 100-299/{len(whole)}" and one.headers["content-type"] == (
            answer.headers["content-type"])  # fmt: skip
        several = client.get(url, headers={"range": "bytes=0-9,-5"})
        assert several.status_code == 206 and int(several.headers["content-length"]) == len(several.content)
        boundary = re.fullmatch(r"multipart/byteranges; boundary=(\w+)", several.headers["content-type"])
        assert boundary
        _, first, last, end = several.content.split(b"--" + boundary[1].encode())
        assert first.endswith(b"\r\n\r\n" + whole[:10] + b"\r\n") and last.endswith(b"\r\n\r\n" + whole[-5:] + b"\r\n")
        assert f"Content-Range: bytes {len(whole) - 5}-{len(whole) - 1}/{len(whole)}".encode() in last and end == b"--\r\n"


def test_a_range_that_is_not_there_is_416(client: Client, places: dict[str, bytes]) -> None:
    for url, whole in places.items():
        answer = client.get(url, headers={"range": f"bytes={len(whole)}-"})
        assert answer.status_code == 416 and answer.headers["content-range"] == f"bytes */{len(whole)}"


def test_a_range_of_another_version_is_the_whole(client: Client, places: dict[str, bytes]) -> None:
    for url, whole in places.items():
        etag = client.get(url).headers["etag"]
        for condition, status in ((etag, 206), ('"another"', 200), (f"W/{etag}", 200), ("Sun, 22 Nov 2026 18:00:00 GMT", 200)):
            answer = client.get(url, headers={"range": "bytes=0-9", "if-range": condition})
            assert answer.status_code == status and answer.content == (whole[:10] if status == 206 else whole), condition


def test_multipart_answers_have_no_ranges(client: Client, places: dict[str, bytes]) -> None:
    for url in places:
        answer = client.get(url.partition("?")[0], headers={"range": "bytes=0-9"})
        assert answer.status_code == 200 and "accept-ranges" not in answer.headers
