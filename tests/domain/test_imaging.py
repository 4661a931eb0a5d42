"""What `admit` says of an object by itself."""

from typing import Any

import pytest

from isocenter.dicom.part10 import Header, scan
from isocenter.dicom.source import BytesSource
from isocenter.domain.access import SYSTEM
from isocenter.domain.imaging import Accept, Arrival, Quarantine, Refuse, admit
from objects import CT, part10


def arrival(data: bytes, **facts: Any) -> Arrival:
    header: Header = scan(BytesSource(data))
    return Arrival(principal=SYSTEM, header=header, size=len(data), source="dimse", **facts)


def test_an_ordinary_object_is_accepted() -> None:
    assert admit(arrival(part10(SOPInstanceUID="1.2"), command_sop_class_uid=CT, command_sop_instance_uid="1.2")) == Accept(())


@pytest.mark.parametrize(("facts", "where"), [
    ({"command_sop_class_uid": "1.9"}, "SOPClassUID"),
    ({"command_sop_instance_uid": "1.9"}, "SOPInstanceUID"),
    ({"target_study_instance_uid": "1.9"}, "StudyInstanceUID"),
])
def test_what_is_not_what_the_request_said_is_refused(facts: dict[str, str], where: str) -> None:
    verdict = admit(arrival(part10(), **facts))
    assert isinstance(verdict, Refuse) and verdict.mismatch and verdict.where == where


@pytest.mark.parametrize("where", ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"])
@pytest.mark.parametrize(("uid", "reason"), [
    ("1." * 32 + "1", "longer than 64"), ("1.2.abc", "no UID"), ("1/../2", "no UID"), ("", "has no"),
])
def test_unusable_uids_are_quarantined(where: str, uid: str, reason: str) -> None:
    data = part10(**{"SOPClassUID": CT, "SOPInstanceUID": "1.2", where: uid})
    verdict = admit(arrival(data))
    assert isinstance(verdict, Quarantine) and verdict.where == where and reason in verdict.reason
    assert not uid or uid not in verdict.reason


@pytest.mark.parametrize("uid", ["1.02.3", "1", "999.1", "1..2", "1." * 31 + "12"])
def test_sloppy_uids_are_accepted(uid: str) -> None:
    assert isinstance(admit(arrival(part10(StudyInstanceUID=uid))), Accept)


def test_a_file_meta_group_that_names_something_else_is_a_warning() -> None:
    meta, other = part10(SOPInstanceUID="1.2.3.4.5"), part10(SOPInstanceUID="1.2.3.4.6")
    mixed = meta[: scan(BytesSource(meta)).dataset_offset] + other[scan(BytesSource(other)).dataset_offset :]
    verdict = admit(arrival(mixed))
    assert isinstance(verdict, Accept) and "MediaStorageSOPInstanceUID differs from the data set" in verdict.warnings
