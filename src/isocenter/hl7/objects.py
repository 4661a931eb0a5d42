"""A report of an ORU as a DICOM file: Encapsulated PDF or CDA (PS3.3 A.45), or Basic Text SR (PS3.3 A.35.1)."""

from collections.abc import Mapping
from datetime import datetime

from pydicom.dataset import Dataset

from isocenter.dicom import datasets, meta, syntaxes
from isocenter.domain.hl7.mapping import fitting
from isocenter.domain.hl7.reports import CDA_CLASS, PDF_CLASS, TEXT_SR_CLASS, Report

_OF_PATIENT_AND_STUDY = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate",
    "StudyTime", "StudyID", "AccessionNumber", "StudyDescription", "ReferringPhysicianName",
)  # fmt: skip
_TYPE_2 = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID", "AccessionNumber",
           "ReferringPhysicianName")  # fmt: skip
_REPORT = ("18748-4", "LN", "Diagnostic imaging study")  # PS3.16 CID 7000
_SECTIONS = {  # what headings mean, PS3.16 CID 7001 and 7002; others are findings
    "impression": ("121072", "DCM", "Impression"), "conclusion": ("121076", "DCM", "Conclusion"),
    "history": ("121060", "DCM", "History"), "indication": ("121109", "DCM", "Indications for Procedure"),
    "recommend": ("121074", "DCM", "Recommendation"), "addend": ("55107-7", "LN", "Addendum"),
}  # fmt: skip
_FINDING = ("121070", "DCM", "Findings")
_FINDING_TEXT = ("121071", "DCM", "Finding")
SERIES = "Isocenter"


def part10(report: Report, study: Mapping[str, str], now: datetime) -> bytes:
    """The file. study: attributes of patient and study by keyword, as they are held or as the message has them."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    with datasets.quiet():
        for keyword in _OF_PATIENT_AND_STUDY:
            if study.get(keyword) or keyword in _TYPE_2:
                setattr(dataset, keyword, study.get(keyword, ""))
        dataset.SOPInstanceUID, dataset.SeriesInstanceUID = report.sop_instance_uid, report.series_instance_uid
        dataset.InstanceNumber, dataset.SeriesNumber = "1", "1"
        dataset.SeriesDescription = fitting("SeriesDescription", report.title)
        dataset.Manufacturer = SERIES
        day, time = report.moment
        dataset.ContentDate, dataset.ContentTime = day or now.strftime("%Y%m%d"), (time or now.strftime("%H%M%S"))
        if report.document:
            _encapsulate(dataset, report)
        else:
            _tell(dataset, report)
    data = datasets.encode(dataset, syntaxes.EXPLICIT_VR_LITTLE_ENDIAN)
    return meta.file_meta(str(dataset.SOPClassUID), report.sop_instance_uid, syntaxes.EXPLICIT_VR_LITTLE_ENDIAN) + data


def _encapsulate(dataset: Dataset, report: Report) -> None:
    dataset.SOPClassUID = PDF_CLASS if report.media_type == "application/pdf" else CDA_CLASS
    dataset.Modality = "DOC" if report.media_type == "application/pdf" else "SR"
    dataset.ConversionType = "WSD"
    dataset.BurnedInAnnotation = "YES"
    dataset.AcquisitionDateTime = ""
    dataset.DocumentTitle = fitting("DocumentTitle", report.title)
    dataset.ConceptNameCodeSequence = [_code(_REPORT)]
    dataset.MIMETypeOfEncapsulatedDocument = report.media_type
    dataset.EncapsulatedDocument = report.document + bytes(len(report.document) % 2)
    dataset.EncapsulatedDocumentLength = len(report.document)


def _tell(dataset: Dataset, report: Report) -> None:
    dataset.SOPClassUID, dataset.Modality = TEXT_SR_CLASS, "SR"
    dataset.ReferencedPerformedProcedureStepSequence = []
    dataset.PerformedProcedureCodeSequence = []
    dataset.CompletionFlag = "COMPLETE" if report.is_final else "PARTIAL"
    dataset.VerificationFlag = "UNVERIFIED"  # who has signed is known to the sender; a verified one names an observer
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.ConceptNameCodeSequence = [_code(_REPORT)]
    sections: dict[str, Dataset] = {}
    for heading, text in report.lines:
        if heading not in sections:
            sections[heading] = _container(heading)
        item = Dataset()
        item.RelationshipType, item.ValueType = "CONTAINS", "TEXT"
        item.ConceptNameCodeSequence = [_code(_FINDING_TEXT)]
        item.TextValue = fitting("TextValue", text) or " "
        sections[heading].ContentSequence.append(item)
    dataset.ContentSequence = list(sections.values())


def _container(heading: str) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType, item.ContinuityOfContent = "CONTAINS", "CONTAINER", "SEPARATE"
    known = next((code for word, code in _SECTIONS.items() if word in heading.lower()), _FINDING)
    item.ConceptNameCodeSequence = [_code(known)]
    item.ContentSequence = []
    return item


def _code(code: tuple[str, str, str]) -> Dataset:
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = code
    return made
