"""What is no DICOM becomes an object: which SOP class a picture, a video or a document is kept as, and what that class requires.

What a client says in its metadata stands; what the Information Object Definition requires beyond it (PS3.3 A.8.1, A.32.4, A.32.7,
A.45.1 to A.45.2, A.85.1) is supplied, and named to the client. Data sets are DICOM JSON objects (PS3.18 Annex F).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from isocenter import __version__
from isocenter.dicom.attributes import tag_of, vr_of
from isocenter.dicom.composing import text_of
from isocenter.dicom.uid import new_uid

Json = dict[str, Any]
Sort = Literal["picture", "video", "document"]

_SC = "1.2.840.10008.5.1.4.1.1."
PIXEL_DATA, DOCUMENT = "7FE00010", "00420011"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a media type is kept as. mime_type: MIME Type of Encapsulated Document (0042,0012). by_modality: other SOP classes."""

    sort: Sort
    sop_class_uid: str
    modality: str
    mime_type: str = ""
    by_modality: Mapping[str, str] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """The attribute that holds it."""
        return DOCUMENT if self.sort == "document" else PIXEL_DATA


_PICTURE = Kind("picture", _SC + "7", "OT", "", {
    "XC": _SC + "77.1.4", "DMS": _SC + "77.1.4", "ES": _SC + "77.1.1", "GM": _SC + "77.1.2", "OP": _SC + "77.1.5.1",
})  # fmt: skip
_VIDEO = Kind("video", _SC + "77.1.4.1", "XC", "", {"ES": _SC + "77.1.1.1", "GM": _SC + "77.1.2.1"})
_PDF = Kind("document", _SC + "104.1", "DOC", "application/pdf")
_CDA = Kind("document", _SC + "104.2", "DOC", "text/XML")
_STL = Kind("document", _SC + "104.3", "M3D", "model/stl")
_OBJ = Kind("document", _SC + "104.4", "M3D", "model/obj")
_MTL = Kind("document", _SC + "104.5", "M3D", "model/mtl")

KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("image/jpeg", "image/png", "image/jls", "image/jp2", "image/j2c", "image/jph", "image/jphc"), _PICTURE),
    **dict.fromkeys(("video/mpeg", "video/mp4", "video/h264", "video/h265", "video/quicktime", "video/mp2t"), _VIDEO),
    "application/pdf": _PDF,
    **dict.fromkeys(("text/xml", "application/xml", "application/cda+xml"), _CDA),
    **dict.fromkeys(("model/stl", "model/x.stl-binary", "model/x.stl-ascii", "application/sla"), _STL),
    "application/vnd.ms-pki.stl": _STL,
    "model/obj": _OBJ,
    "model/mtl": _MTL,
}
"""Media type -> what it is kept as."""

_VL = frozenset(uid for kind in (_PICTURE, _VIDEO) for uid in kind.by_modality.values()) | {_VIDEO.sop_class_uid}
_MODELS = frozenset({_STL.sop_class_uid, _OBJ.sop_class_uid, _MTL.sop_class_uid})
_DOCUMENTS = _MODELS | {_PDF.sop_class_uid, _CDA.sop_class_uid}

# The first bytes say it for certain; a client may call anything application/octet-stream.
_BEGINNINGS: tuple[tuple[Callable[[bytes], bool], str], ...] = (
    (lambda head: head.startswith(b"\xff\xd8\xff"), "image/jpeg"),
    (lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), "image/png"),
    (lambda head: head.startswith((b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51")), "image/jp2"),
    (lambda head: b"%PDF-" in head[:1024], "application/pdf"),
    (lambda head: head[4:12] == b"ftypqt  " or head[4:8] in (b"moov", b"wide"), "video/quicktime"),
    (lambda head: head[4:8] == b"ftyp", "video/mp4"),
    (lambda head: head.startswith((b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3")), "video/mpeg"),
    (lambda head: head[:1] == b"G" == head[188:189], "video/mp2t"),
    (lambda head: re.match(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|ClinicalDocument|!--)", head) is not None, "text/xml"),
    (lambda head: re.match(rb"\s*solid\b", head) is not None, "model/stl"),
)


IDENTITY = ("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
            "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber", "ReferringPhysicianName")  # fmt: skip
"""What a new object of a study that is held already has from it."""


def media_type_of(head: bytes, size: int) -> str:
    """The media type that a file's first bytes show; "" when they show none."""
    found = next((media_type for shows, media_type in _BEGINNINGS if shows(head)), "")
    if not found and len(head) >= 84 and 84 + 50 * int.from_bytes(head[80:84], "little") == size:
        return "model/stl"
    return found


def element(keyword: str, *values: Any) -> tuple[str, Json]:
    """An attribute by keyword as a member of a DICOM JSON object."""
    tag = tag_of(keyword)
    assert tag is not None, keyword
    vr = vr_of(tag).split(" ")[0]
    shown = [{"Alphabetic": value} if vr == "PN" and isinstance(value, str) else value for value in values]
    return f"{tag:08X}", {"vr": vr, "Value": shown} if shown else {"vr": vr}


def _code(value: str, scheme: str, meaning: str) -> Json:
    return dict((element("CodeValue", value), element("CodingSchemeDesignator", scheme), element("CodeMeaning", meaning)))


@dataclass(slots=True)
class Wrapped:
    """A data set on its way to be an object. supplied: keywords of what was added though the client had not said it."""

    dataset: Json
    supplied: list[str] = field(default_factory=list)

    def known(self, keyword: str) -> bool:
        """Whether the attribute has a value."""
        found = self.dataset.get(element(keyword)[0])
        if not isinstance(found, dict):
            return False
        values = found.get("Value")
        return bool(found.get("InlineBinary") or found.get("BulkDataURI") or (isinstance(values, list) and values))

    def text(self, keyword: str) -> str:
        """The first value as text, "" when there is none."""
        return text_of(self.dataset, element(keyword)[0])

    def need(self, keyword: str, *values: Any) -> None:
        """Type 1, or a default: what is not known gets these values."""
        if not self.known(keyword) and values:
            self._put(keyword, *values)
            self.supplied.append(keyword)

    def note(self, values: Mapping[str, str]) -> None:
        """What came with the thing itself, by keyword: the client's words go before it."""
        for keyword, text in values.items():
            self.derive(keyword, text)

    def may_be_empty(self, *keywords: str) -> None:
        """Type 2: what is absent becomes empty."""
        for keyword in keywords:
            if element(keyword)[0] not in self.dataset:
                self._put(keyword)

    def state(self, keyword: str, *values: Any) -> None:
        """A fact about what is kept: it takes the place of what the client said; supplied when that was something else."""
        if self.known(keyword):
            said = self.dataset[element(keyword)[0]].get("Value")
            if isinstance(said, list) and [str(value) for value in said] == [str(value) for value in values]:
                return
            self.supplied.append(keyword)
        self._put(keyword, *values)

    def derive(self, keyword: str, *values: Any) -> None:
        """A fact about what is kept, which the client need not say (PS3.18 10.5.1.2)."""
        if not self.known(keyword):
            self._put(keyword, *values)

    def _put(self, keyword: str, *values: Any) -> None:
        tag, made = element(keyword, *values)
        self.dataset[tag] = made


def identify(
    wrapped: Wrapped, kind: Kind, *, study_uid: str, held: Mapping[str, str], now: datetime, series_of: Callable[[str], str],
    number: int, photographed: bool,
) -> None:
    """Whose it is and what it is: patient, study, series, instance.

    study_uid: of the resource that it is stored to, or "". held: attributes of that study in the archive, by keyword. now: local
    time. series_of: gives the UID of a new series for all objects of a request with this key. number: of the object.
    """
    if study_uid:
        wrapped.need("StudyInstanceUID", study_uid)
    for keyword in IDENTITY:
        if text := held.get(keyword, ""):
            wrapped.need(keyword, *text.split("\\"))
    wrapped.need("StudyInstanceUID", series_of("study"))
    if not held:
        wrapped.need("StudyDate", now.strftime("%Y%m%d"))
        wrapped.need("StudyTime", now.strftime("%H%M%S"))
    wrapped.need("Modality", "XC" if photographed and kind.sort == "picture" else kind.modality)
    modality = wrapped.text("Modality")
    wrapped.need("SOPClassUID", kind.by_modality.get(modality, kind.sop_class_uid))
    wrapped.need("SOPInstanceUID", new_uid())
    sop_class = wrapped.text("SOPClassUID")
    study = wrapped.text("StudyInstanceUID")
    wrapped.need("SeriesInstanceUID", series_of(f"{study} {modality} {sop_class}"))
    wrapped.need("InstanceNumber", number)
    wrapped.need("ContentDate", now.strftime("%Y%m%d"))
    wrapped.need("ContentTime", now.strftime("%H%M%S"))
    wrapped.may_be_empty(
        "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID", "AccessionNumber",
        "ReferringPhysicianName", "SeriesNumber", "Manufacturer",
    )  # fmt: skip


def require(wrapped: Wrapped, kind: Kind, *, lossy: bool) -> None:
    """The attributes of type 1 and 2 of the SOP class, as far as nothing but the class decides them."""
    sop_class = wrapped.text("SOPClassUID")
    if kind.sort != "document":
        if sop_class in _VL:
            wrapped.need("ImageType", "ORIGINAL", "PRIMARY")
            wrapped.need("LossyImageCompression", "01" if lossy else "00")
            wrapped.may_be_empty("AcquisitionContextSequence")
        else:
            wrapped.need("ConversionType", "WSD")
        wrapped.may_be_empty("PatientOrientation", "Laterality")
        return
    if sop_class not in _DOCUMENTS:
        return
    if sop_class not in _MODELS:
        wrapped.need("ConversionType", "WSD")
    wrapped.need("SeriesNumber", 1)
    wrapped.need("BurnedInAnnotation", "NO" if sop_class in _MODELS else "YES")
    wrapped.state("MIMETypeOfEncapsulatedDocument", kind.mime_type)
    wrapped.may_be_empty("AcquisitionDateTime", "DocumentTitle", "ConceptNameCodeSequence")
    if sop_class in _MODELS:
        _model(wrapped)


def _model(wrapped: Wrapped) -> None:
    """PS3.3 C.35.1 and C.7.5.2; the units are those of nearly every file: the format has no place for them."""
    wrapped.need("FrameOfReferenceUID", new_uid())
    wrapped.may_be_empty("PositionReferenceIndicator")
    wrapped.need("Manufacturer", "Isocenter")
    wrapped.need("ManufacturerModelName", "Isocenter")
    wrapped.need("DeviceSerialNumber", "0")
    wrapped.need("SoftwareVersions", __version__)
    wrapped.need("MeasurementUnitsCodeSequence", _code("mm", "UCUM", "mm"))
    wrapped.need("ModelModification", "NO")
    wrapped.need("ModelMirroring", "NO")
    wrapped.need("ModelUsageCodeSequence", _code("129013", "DCM", "Planning Intent"))


def contradicts(dataset: Json, kind: Kind) -> bool:
    """Whether the metadata name a SOP class that cannot hold such a thing (PS3.18 Table I.2-2: A900)."""
    said = text_of(dataset, element("SOPClassUID")[0])
    return bool(said) and (said in _DOCUMENTS) != (kind.sort == "document")
