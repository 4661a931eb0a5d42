"""Every file of the test data in by STOW-RS and out by WADO-RS: bit-identical objects, and frames equal to what pydicom finds."""

import itertools
import json
import os
import re
import subprocess
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pydicom
from pydicom.encaps import generate_frames
from pydicom.pixels.utils import get_nr_frames

from dicomweb.in_process import Client, parts
from isocenter.dicom import native, part10, syntaxes
from isocenter.dicom.source import BytesSource
from isocenter.domain.exported import Image, Made
from isocenter.domain.measurement_report import drawn, measurement_report

WEB = Path(__file__).parents[2] / "web"
FOREIGN = WEB / "src/features/viewer/model/objects/foreign.json"
FRAMES_COMPARED = 5  # of one object: enough to meet the second fragment, few enough for the time of the suite


def files(folder: Path) -> Iterator[Path]:
    """The DICOM files; of long series every tenth, since one slice is like the next."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".md", ".csv", ".gz"))
    for parent, group in itertools.groupby(found, lambda path: path.parent):
        members = list(group)
        yield from members[:: 10 if len(members) > 60 and "volume" in str(parent) else 1]


def expected_frames(path: Path) -> tuple[int, list[bytes]]:
    """(number of frames, the first of them) as pydicom finds them; little endian."""
    dataset = pydicom.dcmread(path, force=True)
    if not any(keyword in dataset for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        return 0, []
    element = next(dataset[keyword] for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData") if keyword in dataset)
    count = get_nr_frames(dataset, warn=False)
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated and element.is_undefined_length:
        return count, list(itertools.islice(generate_frames(element.value, number_of_frames=count), FRAMES_COMPARED))
    bits = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(element.keyword, dataset.get("BitsAllocated", 0))
    size = dataset.Rows * dataset.Columns * dataset.get("SamplesPerPixel", 1) * bits
    if dataset.get("PhotometricInterpretation") == "YBR_FULL_422":
        size = size // 3 * 2
    data: bytes = element.value
    if not dataset.file_meta.TransferSyntaxUID.is_little_endian:
        word = max(bits // 8, 2 if element.VR == "OW" else 1)
        data = native.swapped(data, word)
    number = int.from_bytes(data, "little") if size % 8 else 0
    frames = []
    for index in range(min(count, FRAMES_COMPARED)):
        if size % 8:
            frames.append(((number >> index * size) & ((1 << size) - 1)).to_bytes(-(-size // 8), "little"))
        else:
            frames.append(data[index * size // 8 : (index + 1) * size // 8])
    return count, frames


def written_again(path: str, items: list[dict[str, Any]]) -> dict[str, object]:
    """The report that is made of what somebody took over from another program's."""
    uids = [re.findall(r"[0-9.]{20,}", each["frameId"]) for each in items]
    images = [Image(series, "1.2.840.10008.5.1.4.1.1.2", instance) for _, series, instance in uids]
    made = Made(uids[0][0], {}, "ray", datetime(2026, 11, 23, tzinfo=UTC))
    found = [drawn({"id": str(n), **each}, image) for n, (each, image) in enumerate(zip(items, images, strict=True))]
    return {"path": f"again {path}", "dataset": measurement_report(made, found, "")}


def with_header(path: Path) -> bytes:
    """The file; the only structure set of the test data is a bare data set, which STOW-RS takes with a header in front."""
    content = path.read_bytes()
    if path.name != "rtstruct.dcm":
        return content
    bare = pydicom.dcmread(path, force=True)
    return part10.file_meta(bare.SOPClassUID, bare.SOPInstanceUID, syntaxes.IMPLICIT_VR_LITTLE_ENDIAN) + content


def accepted(content: bytes) -> part10.Header | None:
    """The header if the archive can give the object back: it is whole, and has UIDs that can be asked for."""
    try:
        header = part10.scan(BytesSource(content))
    except part10.Malformed:
        return None
    uids = header.study_instance_uid, header.series_instance_uid, header.sop_instance_uid, header.sop_class_uid
    usable = all(uid and len(uid) <= 64 and set(uid) <= set("0123456789.") for uid in uids)
    return header if usable else None


def harmless(content: bytes) -> bytes:
    """As a file leaves: with zeros for a preamble that could be a program (tests/dicomweb/test_media.py)."""
    is_kept = content[128:132] != b"DICM" or content[:4] in {b"II*\0", b"MM\0*"}
    return content if is_kept else bytes(128) + content[128:]


def test_every_file_in_and_out(client: Client, data: Path, tmp_path: Path) -> None:
    """Objects that share a UID with another one are told apart by their answer: the first one is served.

    What is then stored is opened by the viewer's own code: it must find something to show in each, or words why there is nothing.
    """
    seen: set[str] = set()
    stored: list[dict[str, object]] = []
    rendered: set[tuple[str, str]] = set()
    compared = frames_compared = 0
    for path in files(data):
        content = with_header(path)
        header = accepted(content)
        if header is None or header.sop_instance_uid in seen:
            continue
        answer = client.store(content, pieces=1 << 20)
        assert answer.status_code in (200, 202), (path, answer.text)
        (item,) = answer.json()["00081199"]["Value"]
        if "00081196" in item:  # in quarantine: this data set belongs to the study or series of somebody else
            continue
        seen.add(header.sop_instance_uid)
        url = item["00081190"]["Value"][0].removeprefix("http://pacs.test/dicom-web")
        ((label, body),) = parts(client.get(url))
        assert body == harmless(content), path
        assert label == f"application/dicom; transfer-syntax={header.transfer_syntax_uid}"
        compared += 1
        metadata = client.json(f"{url}/metadata")
        assert metadata[0]["00080018"]["Value"] == [header.sop_instance_uid], path
        stored.append({"path": path.relative_to(data).as_posix(), "dataset": metadata[0]})
        kind = header.sop_class_uid, header.transfer_syntax_uid
        if kind not in rendered:  # one of each kind: drawn, or refused with a reason
            rendered.add(kind)
            answer = client.get(f"{url}/rendered")
            assert answer.is_success or len(answer.json()["error"]["message"]) > 20, (path, answer.text)
        frames_compared += compare_frames(client, url, path, header)
    assert compared > 250 and frames_compared > 300, (compared, frames_compared)
    every = tmp_path / "every.json"
    every.write_text(json.dumps(stored + [written_again(**report) for report in json.loads(FOREIGN.read_text())]))
    opened = subprocess.run(
        ["npx", "--no-install", "vitest", "run", "src/features/viewer/model/objects/every.test.ts"],
        cwd=WEB, env={**os.environ, "ISOCENTER_EVERY_OBJECT": str(every)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    said = re.sub("\x1b[^m]*m", "", opened.stdout + opened.stderr)
    assert opened.returncode == 0 and "failed" not in said and " passed" in said, said[-6000:]


def compare_frames(client: Client, url: str, path: Path, header: part10.Header) -> int:
    """How many frames were the same; a file whose frames pydicom cannot find must be answered with a reason."""
    syntax = syntaxes.get(header.transfer_syntax_uid)
    if syntax is not None and syntax.video:
        return 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            count, expected = expected_frames(path)
        except (ValueError, AttributeError, TypeError, KeyError, EOFError):
            return 0
    if header.pixels is None:
        assert client.get(f"{url}/frames/1").status_code == 404, path
    if not count or header.pixels is None:
        return 0
    if not header.rows or any("shorter" in text or "fragments" in text for text in header.warnings):
        return 0
    numbers = ",".join(str(n + 1) for n in range(len(expected)))
    answer = client.get(f"{url}/frames/{numbers}")
    assert answer.status_code == 200, (path, answer.text)
    assert [body for _, body in parts(answer)] == expected, path
    assert client.get(f"{url}/frames/{count + 1}").status_code == 404, path
    return len(expected)
