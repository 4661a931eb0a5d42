"""ORU^R01 (IHE RAD-28, RAD-128): reports as DICOM objects. PDF and CDA are encapsulated, text becomes a structured report.

Their UIDs are made from the message's identity, so that the same message makes the same objects again.
"""

import base64
import binascii
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from isocenter.domain.hl7.answers import ERROR, Verdict
from isocenter.domain.hl7.mapping import FieldTable, moment
from isocenter.domain.hl7.message import Message, Segment
from isocenter.domain.hl7.orders import Refused

PDF_CLASS, CDA_CLASS = "1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.1.104.2"
TEXT_SR_CLASS = "1.2.840.10008.5.1.4.1.1.88.11"
_SPACE = uuid.UUID("8f4c7a52-5a43-4b0e-9c2d-0f6f7a1f2b11")  # of names for UIDs; must never change
_TEXTS = frozenset({"TX", "FT", "ST", "CWE", "CE", "NM", "SN", "DT", "TM", "DTM", "TS"})
_FINAL = frozenset({"F", "C"})  # HL7 table 0123: final, corrected


@dataclass(frozen=True, slots=True)
class Report:
    """One document of a message. document: its bytes, and lines is empty; or lines (heading, text) of a report in words.

    study: its UID, when the message says it. keys: the numbers by which its order is found.
    """

    study: str
    facts: Mapping[str, Any]
    title: str
    document: bytes
    media_type: str
    lines: tuple[tuple[str, str], ...]
    is_final: bool
    moment: tuple[str, str]
    sop_instance_uid: str
    series_instance_uid: str


def made_uid(*names: str) -> str:
    """A UID that always is the same for the same names (PS3.5 B.2, of a name-based UUID)."""
    return f"2.25.{uuid.uuid5(_SPACE, chr(0).join(names)).int}"


def reports(message: Message, table: FieldTable) -> list[Report]:
    """The documents of an ORU. Raises Refused: there is none, or one is damaged."""
    common: list[Segment] = []
    groups: list[list[Segment]] = []
    pending: list[Segment] = []
    for segment in message.segments:
        if segment.name == "ORC":
            pending = [segment]
        elif segment.name == "OBR":
            groups.append([*pending, segment])
            pending = []
        elif groups:
            groups[-1].append(segment)
        else:
            common.append(segment)
    found = [report for number, group in enumerate(groups) for report in _reports(message, common, group, number, table)]
    if not found:
        raise Refused(Verdict(ERROR, "100", "OBX", "there is no OBX segment with a report"))
    return found


def _reports(message: Message, common: list[Segment], group: list[Segment], number: int, table: FieldTable) -> Iterator[Report]:
    facts = table.facts([*common, *group], of_step=False)
    request = next(segment for segment in group if segment.name == "OBR")
    values = [segment for segment in group if segment.name == "OBX"]
    study = str(facts.get("StudyInstanceUID", "")) or next(
        (segment.text(5) for segment in values if segment.text(3) in ("113014", "110180")), "")  # DCM: Study Instance UID
    identity = (message.header.text(3), message.header.text(4), message.control_id, str(number))
    title = request.text(4, 2) or request.text(4) or "Report"
    at = moment(request.text(22) or request.text(7) or message.header.text(7))
    is_final = request.text(25) in _FINAL

    def made(kind: str, document: bytes, media_type: str, lines: tuple[tuple[str, str], ...]) -> Report:
        return Report(study, facts, title, document, media_type, lines, is_final, at, made_uid("instance", *identity, kind),
                      made_uid("series", *identity, kind))

    for index, value in enumerate(values):
        if value.text(2).upper() == "ED":
            document = _document(value)
            yield made(f"{index}", document, _media_type(document), ())
    lines = tuple(line for value in values if value.text(2).upper() in _TEXTS and (line := _line(value, study))[1])
    if lines:
        yield made("text", b"", "", lines)


def _line(value: Segment, study: str) -> tuple[str, str]:
    texts = [value.component(raw, 0 if value.text(2).upper() in ("TX", "FT", "ST") else 2) or value.component(raw)
             for raw in value.repetitions(5)]
    text = "\n".join(text for text in texts if text)
    unit = value.text(6)
    heading = value.text(3, 2) or value.text(3)
    return heading, "" if text == study and study else f"{text} {unit}".strip()


def _document(value: Segment) -> bytes:
    """ED: source, type, subtype, encoding, data (HL7 2.A.24)."""
    raw = value.repetitions(5)[0] if value.repetitions(5) else ""
    encoding, data = value.component(raw, 4).upper(), value.component(raw, 5, 0)
    try:
        document = base64.b64decode("".join(data.split()), validate=True) if encoding == "BASE64" else data.encode()
    except (binascii.Error, ValueError):
        document = b""
    if not document:
        raise Refused(Verdict(ERROR, "102", "OBX-5.5", "the document is empty, or no base64"))
    return document


def _media_type(document: bytes) -> str:
    if document.startswith(b"%PDF-"):
        return "application/pdf"
    if b"ClinicalDocument" in document[:4096]:
        return "text/xml"
    raise Refused(Verdict(ERROR, "102", "OBX-5.5", "the document is neither PDF nor CDA"))
