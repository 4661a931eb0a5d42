"""Store requests of metadata and bulk data, as clients make them: in JSON, and in XML by a writer of the tests' own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import httpx
import orjson

from dicomweb.in_process import Client
from isocenter.dicomweb import multipart

JSON, XML = "application/dicom+json", "application/dicom+xml"

NAMES = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")


@dataclass
class Media:
    """A part of bulk data. location "": the part has none."""

    content: bytes
    media_type: str
    location: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def body(metadata: Sequence[tuple[str, bytes]], media: Sequence[Media], boundary: str = "xyz") -> bytes:
    parts = [({"Content-Type": media_type}, text) for media_type, text in metadata]
    for each in media:
        headers = {"Content-Type": each.media_type, **each.headers}
        parts.append(({**headers, "Content-Location": each.location} if each.location else headers, each.content))
    written = [multipart.part_head(boundary, headers, first=not n) + content for n, (headers, content) in enumerate(parts)]
    return b"".join(written) + multipart.closing(boundary)


def store(
    client: Client, datasets: Sequence[dict[str, Any]], media: Sequence[Media] = (), *, study: str = "", form: str = JSON,
    accept: str = "", pieces: int = 1 << 20,
) -> httpx.Response:
    """STOW-RS of these data sets and bulk data."""
    if form == JSON:
        metadata = [(JSON, orjson.dumps(datasets))]
    else:
        metadata = [(XML, as_xml(each)) for each in datasets]
    content = body(metadata, media)

    async def stream() -> Any:
        for start in range(0, len(content), pieces):
            yield content[start : start + pieces]

    headers = {"content-type": f'multipart/related; type="{form}"; boundary=xyz', **({"accept": accept} if accept else {})}
    return client.request("POST", f"/studies/{study}" if study else "/studies", content=stream(), headers=headers)


def element(vr: str, *values: Any) -> dict[str, Any]:
    return {"vr": vr, "Value": list(values)}


def instance(answer: httpx.Response) -> str:
    """The path of the one instance that was stored."""
    (item,) = answer.json()["00081199"]["Value"]
    return str(item["00081190"]["Value"][0]).removeprefix("http://pacs.test/dicom-web")


def as_xml(dataset: dict[str, Any]) -> bytes:
    """PS3.19 A.1, from DICOM JSON."""
    root = ElementTree.Element("NativeDicomModel", {"xmlns": "http://dicom.nema.org/PS3.19/models/NativeDICOM"})
    _fill(root, dataset)
    # XML reads a carriage return that is not written as a reference as a line feed (XML 1.0 2.11)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True).replace(b"\r", b"&#13;")


def _fill(parent: ElementTree.Element, dataset: dict[str, Any]) -> None:
    for tag, given in dataset.items():
        made = ElementTree.SubElement(parent, "DicomAttribute", {"tag": tag, "vr": given["vr"]})
        if "BulkDataURI" in given:
            ElementTree.SubElement(made, "BulkData", {"uri": given["BulkDataURI"]})
        elif "InlineBinary" in given:
            ElementTree.SubElement(made, "InlineBinary").text = given["InlineBinary"]
        for number, value in enumerate(given.get("Value", ()), 1):
            name = {"SQ": "Item", "PN": "PersonName"}.get(given["vr"], "Value")
            one = ElementTree.SubElement(made, name, {"number": str(number)})
            if given["vr"] == "SQ":
                _fill(one, value)
            elif given["vr"] == "PN":
                _name(one, value or {})
            elif value is not None:
                one.text = str(value)


def _name(parent: ElementTree.Element, value: dict[str, str]) -> None:
    for group, text in value.items():
        made = ElementTree.SubElement(parent, group)
        for name, component in zip(NAMES, text.split("^"), strict=False):
            if component:
                ElementTree.SubElement(made, name).text = component
