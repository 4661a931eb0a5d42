"""What the attributes of a new object say of its pixels or its document, taken from the picture, video or document itself.

An image's own header is right about its size, whatever a client's metadata say (PS3.18 10.5.1.2: the server derives them).
"""

import re
from collections.abc import Mapping
from xml.parsers import expat

from isocenter.codecs.pictures import Picture
from isocenter.codecs.videos import Video
from isocenter.dicom.elements import Malformed
from isocenter.domain.wrapping import Wrapped, element

_CLINICAL_DOCUMENT = "urn:hl7-org:v3 ClinicalDocument"
_HEADER = {f"urn:hl7-org:v3 {name}": name for name in ("id", "title", "code", "effectiveTime")}
_ROOT = re.compile(r"[0-9.]{1,64}")


def picture(wrapped: Wrapped, found: Picture, frames: int) -> None:
    """Image Pixel Module (PS3.3 C.7.6.3) of frames that look like `found`."""
    wrapped.state("Rows", found.rows)
    wrapped.state("Columns", found.columns)
    wrapped.state("SamplesPerPixel", found.samples)
    allocated = _number(wrapped, "BitsAllocated")
    if allocated < found.precision:
        allocated = found.allocated
        wrapped.state("BitsAllocated", allocated)
    wrapped.derive("BitsStored", found.precision)
    wrapped.derive("HighBit", _number(wrapped, "BitsStored") - 1)
    wrapped.derive("PixelRepresentation", int(found.signed))
    wrapped.derive("PhotometricInterpretation", found.photometric)
    if found.samples > 1:
        wrapped.derive("PlanarConfiguration", 0)
    if frames > 1 or _number(wrapped, "NumberOfFrames") > 1:
        wrapped.state("NumberOfFrames", frames)


def loss(wrapped: Wrapped, native: int, compressed: int, method: str) -> None:
    """Something was lost before it came here (PS3.3 C.7.6.1.1.5). native, compressed: bytes."""
    wrapped.state("LossyImageCompression", "01")
    wrapped.derive("LossyImageCompressionRatio", round(native / max(compressed, 1), 2))
    wrapped.derive("LossyImageCompressionMethod", method)


def video(wrapped: Wrapped, found: Video, compressed: int) -> None:
    """Image Pixel, Multi-frame and Cine Modules of a video (PS3.3 A.32.7, PS3.5 8.2.5 to 8.2.8)."""
    wrapped.state("Rows", found.rows)
    wrapped.state("Columns", found.columns)
    wrapped.state("NumberOfFrames", found.frames)
    for keyword, value in (("SamplesPerPixel", 3), ("PlanarConfiguration", 0), ("PixelRepresentation", 0),
                           ("PhotometricInterpretation", "YBR_PARTIAL_420")):  # fmt: skip
        wrapped.derive(keyword, value)
    wrapped.derive("BitsAllocated", 8 if found.bits == 8 else 16)
    wrapped.derive("BitsStored", found.bits)
    wrapped.derive("HighBit", found.bits - 1)
    wrapped.derive("FrameIncrementPointer", "00181063")
    wrapped.derive("FrameTime", round(1000 / found.rate, 4))
    wrapped.derive("CineRate", round(found.rate))
    wrapped.derive("RecommendedDisplayFrameRate", round(found.rate))
    loss(wrapped, found.rows * found.columns * found.frames * found.bits * 3 // 16, compressed, found.method)


def clinical_document(wrapped: Wrapped, text: bytes) -> None:
    """Encapsulated Document Module of a CDA document (PS3.3 C.24.2). Raises Malformed: it is none.

    text: the whole document, or its beginning: what is needed stands in its header.
    """
    header = _cda_header(text)
    root, extension = header.get("id", {}).get("root", ""), header.get("id", {}).get("extension", "")
    if not root:
        raise Malformed("the document is no HL7 clinical document with an id", "EncapsulatedDocument")
    wrapped.derive("HL7InstanceIdentifier", f"{root}^{extension}" if extension else root)
    if title := header.get("title", {}).get("text", ""):
        wrapped.derive("DocumentTitle", title[:1024])
    code = header.get("code", {})
    if code.get("codeSystem") == "2.16.840.1.113883.6.1" and code.get("code") and code.get("displayName"):
        item = dict((element("CodeValue", code["code"][:16]), element("CodingSchemeDesignator", "LN"),
                     element("CodeMeaning", code["displayName"][:64])))  # fmt: skip
        wrapped.derive("ConceptNameCodeSequence", item)


def _cda_header(text: bytes) -> Mapping[str, dict[str, str]]:
    """Attributes and texts of the elements right below ClinicalDocument; no entity is ever declared or fetched."""
    found: dict[str, dict[str, str]] = {}
    path: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")

    def refuse(*unused: object) -> None:
        raise Malformed("a clinical document declares no entities", "EncapsulatedDocument")

    def begin(name: str, attributes: dict[str, str]) -> None:
        path.append(name)
        if len(path) == 2 and path[0] == _CLINICAL_DOCUMENT and name in _HEADER:
            found.setdefault(_HEADER[name], dict(attributes))

    def end(name: str) -> None:
        path.pop()

    def characters(data: str) -> None:
        if len(path) == 2 and path[1] in _HEADER:
            known = found[_HEADER[path[1]]]
            known["text"] = (known.get("text", "") + data)[:2048]

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = begin, end, characters
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text, False)
    except expat.ExpatError as error:
        raise Malformed("the document is no XML", f"line {error.lineno}") from None
    return found


def _number(wrapped: Wrapped, keyword: str) -> int:
    text = wrapped.text(keyword)
    return int(text) if text.isdecimal() and len(text) < 12 else 0
