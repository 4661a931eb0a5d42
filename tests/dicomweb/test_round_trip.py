"""Every file of the test data out by metadata and bulk data, and in again by STOW-RS, in JSON and in XML: the same data set."""

import re
import warnings
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pydicom
import pytest
from pydicom.dataset import Dataset

from dicomweb.composed import XML, Media, body, instance, store
from dicomweb.in_process import Client, parts
from dicomweb.test_every_file import accepted, expected_frames, files
from isocenter.dicom import syntaxes

MISREAD = frozenset({"GH1339", "GH179A"})  # pathological files that pydicom takes for something else than they are
LARGEST = 1 << 20  # a larger file shows nothing that a smaller one of its kind does not
STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'
MEDIA = ("image/*", "video/*", "application/octet-stream")
ANY = ", ".join(f'multipart/related; type="{each}"; transfer-syntax=*' for each in MEDIA)


@pytest.fixture
def second(second_context: Any, runner: Any) -> Client:
    return Client(second_context, runner)


def uris(dataset: dict[str, Any]) -> Iterator[str]:
    for given in dataset.values():
        if "BulkDataURI" in given:
            yield given["BulkDataURI"]
        for item in given.get("Value", ()) if given["vr"] == "SQ" else ():
            yield from uris(item)


def fetched(client: Client, uri: str) -> list[Media]:
    answer = client.get(uri.removeprefix("http://pacs.test/dicom-web"), accept=ANY)
    assert answer.status_code == 200, (uri, answer.text)
    return [Media(content, label, uri) for label, content in parts(answer)]


def test_every_file_out_and_in_again(client: Client, second: Client, data: Path, tmp_path: Path) -> None:
    compared = frames = 0
    seen: set[str] = set()
    for number, path in enumerate(files(data)):
        content = path.read_bytes()
        header = accepted(content)
        if header is None or header.sop_instance_uid in seen or len(content) > LARGEST:
            continue
        stored = client.store(content, pieces=1 << 20)
        (item,) = stored.json()["00081199"]["Value"]
        if "00081196" in item:
            continue
        seen.add(header.sop_instance_uid)
        metadata = f"{instance(stored)}/metadata"
        (dataset,) = client.json(metadata)
        media = [part for uri in uris(dataset) for part in fetched(client, uri)]
        answer = store(second, [dataset], media) if number % 2 else put(second, client.get(metadata, accept=XML).content, media)
        assert answer.status_code == 200, (path, answer.headers.get("warning"), answer.text)
        ((_, back),) = parts(second.get(instance(answer), accept=STORED))
        frames += compare(path, content, back, tmp_path / "back.dcm")
        compared += 1
    assert compared > 250 and frames > 200, (compared, frames)


def put(client: Client, document: bytes, media: list[Media]) -> httpx.Response:
    """STOW-RS of an XML document as it came."""
    headers = {"content-type": f'multipart/related; type="{XML}"; boundary=xyz'}
    return client.request("POST", "/studies", content=body([(XML, document)], media), headers=headers)


def compare(path: Path, before: bytes, after: bytes, written: Path) -> int:
    """Elements as pydicom reads them, and the first frames of the pixels: how many were the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old, new = pydicom.dcmread(BytesIO(before), force=True), pydicom.dcmread(BytesIO(after), force=True)
        if path.stem in MISREAD:
            return 0
        try:
            expected = flat(old)
        except NotImplementedError:  # pydicom cannot read it, and says so
            return 0
        assert flat(new) == expected, path
        syntax = syntaxes.get(old.file_meta.TransferSyntaxUID)
        if syntax is not None and syntax.encapsulated:
            assert new.file_meta.TransferSyntaxUID == old.file_meta.TransferSyntaxUID
        try:
            _, frames = expected_frames(path)
        except (ValueError, AttributeError, TypeError, KeyError, EOFError):
            return 0
        written.write_bytes(after)
        assert expected_frames(written)[1] == frames, path
        return len(frames)


def flat(dataset: Dataset) -> dict[str, Any]:
    """Every value by its path, in a form that does not depend on how it was written."""
    out: dict[str, Any] = {}
    for element in dataset:
        tag = f"{element.tag:08X}"
        if element.tag.element == 0 or tag in ("00080005", "FFFCFFFC") or "7FE00001" <= tag <= "7FE00010":
            continue
        if element.VR == "SQ":
            for number, item in enumerate(element.value):
                out.update({f"{tag}/{number}/{path}": value for path, value in flat(item).items()})
            out[tag] = len(element.value)
        else:
            out[tag] = plain(element.value)
    return out


def plain(value: Any) -> Any:
    if value is None or value == "" or value == b"":
        return None
    if isinstance(value, bytes):
        return value.rstrip(b"\0") if len(value) % 2 == 0 else value
    if isinstance(value, pydicom.multival.MultiValue | list):
        return [plain(each) for each in value]
    if isinstance(value, float | pydicom.valuerep.DSfloat | pydicom.valuerep.IS):
        return pytest.approx(float(value), rel=1e-9)
    # pydicom leaves escape sequences in a text that names its character sets wrongly
    return re.sub("\x1b[ -/]+[0-~]", "", str(value)).rstrip(" ^=") or None
