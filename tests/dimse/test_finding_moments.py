"""C-FIND with what extended negotiation agrees on (PS3.4 C.5.1.1), by pynetdicom, on both databases."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation

import objects
from dimse.conftest import Archive, bound
from dimse.test_finding import PATIENT_ROOT, STUDY_ROOT, asked, store
from isocenter.dimse import conformance
from isocenter.dimse.server import Server
from isocenter.service import filling
from isocenter.service.context import Context

# Four studies around midnight in Tokyo, of which the last does not say in which zone it was.
STUDIES = {
    "1.6.1": ("20260105", "0030", "+0900"),
    "1.6.2": ("20260104", "1545", "+0100"),  # 23:45 of the 4th in Tokyo
    "1.6.3": ("20260104", "1015", "-0500"),  # 00:15 of the 5th
    "1.6.4": ("20260105", "1200", ""),
}
NAMES = {"1.6.1": "MEYER^HANS", "1.6.2": "Moore^Hans"}


@pytest.fixture(scope="module")
def archive(shared_context: Context) -> Iterator[Archive]:
    declared = replace(shared_context.settings, index_attributes="ContrastBolusAgent@SERIES,0019xx0C[ACME]:LO@STUDY")
    shared_context = replace(shared_context, settings=declared)
    filling.announce(shared_context)
    for uid, (date, time, zone) in STUDIES.items():
        store(shared_context, objects.part10(
            64, StudyInstanceUID=uid, SeriesInstanceUID=f"{uid}.1", PatientID=uid, StudyDate=date, StudyTime=time,
            PatientName=NAMES.get(uid, ""),
            ContrastBolusAgent=f"agent {uid[-1]}", SeriesDate=date, SeriesTime=time, TimezoneOffsetFromUTC=zone,
        ))  # fmt: skip
    server = Server(shared_context, bound())
    server.start()
    yield Archive(server, shared_context)
    server.stop(0)


def found(
    archive: Archive, level: str = "STUDY", *, extended: bytes = b"", model: str = STUDY_ROOT, **keys: str
) -> dict[str, str]:
    """Study (or patient) -> date, time and zone of each answer. extended: what is proposed for the SOP class."""
    entity = AE()
    entity.add_requested_context(model)
    item = SOPClassExtendedNegotiation()
    item.sop_class_uid, item.service_class_application_information = model, extended
    association = entity.associate("127.0.0.1", archive.port, ae_title="ISOCENTER", ext_neg=[item] if extended else [])
    assert association.is_established
    identifier = asked(level, **{"StudyInstanceUID": "", "StudyDate": "", "StudyTime": "", **keys})
    *answers, (last, _) = list(association.send_c_find(identifier, model))
    association.release()
    assert last.Status == 0, f"{last.Status:04X}"
    return {
        str(each.get("StudyInstanceUID") or each.PatientID): " ".join(
            str(each[keyword].value) for keyword in ("StudyDate", "StudyTime", "TimezoneOffsetFromUTC") if each.get(keyword)
        )
        for _, each in answers
        if each is not None
    }


@pytest.mark.parametrize(
    ("proposed", "agreed"),
    [
        (b"\1", b"\1"),
        (b"\0", b"\0"),
        (b"\1\1\1", b"\1\1\1"),
        (b"\1\0\1\1\1\1\1", b"\1\0\1\1\0\1\1"),
        (b"\1" * 9, b"\1\1\1\1\0\1\1"),
    ],
)
def test_what_is_agreed_on(archive: Archive, proposed: bytes, agreed: bytes) -> None:
    entity = AE()
    entity.add_requested_context(PATIENT_ROOT)
    item = SOPClassExtendedNegotiation()
    item.sop_class_uid, item.service_class_application_information = PATIENT_ROOT, proposed
    association = entity.associate("127.0.0.1", archive.port, ext_neg=[item])
    answered = association.acceptor.sop_class_extended
    association.release()
    assert answered == {PATIENT_ROOT: agreed}


def test_a_span_of_time_is_one_when_that_was_negotiated(archive: Archive) -> None:
    keys = {"StudyDate": "20260104-20260105", "StudyTime": "1530-1100"}
    assert set(found(archive, extended=b"\1\1", **keys)) == {"1.6.1", "1.6.2"}
    keys["StudyTime"] = "1000-1600"
    assert set(found(archive, extended=b"\1\1", **keys)) == set(STUDIES), "from the 4th at ten to the 5th at four"
    assert set(found(archive, **keys)) == {"1.6.2", "1.6.3", "1.6.4"}, "without: between ten and four of each day"
    assert set(found(archive, extended=b"\1\0", **keys)) == {"1.6.2", "1.6.3", "1.6.4"}
    assert set(found(archive, extended=b"\1\1", SeriesDate="20260105-20260106", SeriesTime="0100-0000")) == {"1.6.4"}


def test_a_day_is_one_where_it_is_asked_for(archive: Archive) -> None:
    assert found(archive, StudyDate="20260105") == {"1.6.1": "20260105 0030", "1.6.4": "20260105 1200"}
    tokyo = found(archive, StudyDate="20260105", TimezoneOffsetFromUTC="+0900")
    assert tokyo == {"1.6.1": "20260105 0030 +0900", "1.6.3": "20260105 0015 +0900", "1.6.4": "20260105 1200"}
    assert found(archive, StudyDate="20260104", TimezoneOffsetFromUTC="+0900") == {"1.6.2": "20260104 2345 +0900"}
    london = found(archive, TimezoneOffsetFromUTC="+0000")
    assert london == {
        "1.6.1": "20260104 1530 +0000", "1.6.2": "20260104 1445 +0000", "1.6.3": "20260104 1515 +0000", "1.6.4": "20260105 1200",
    }  # fmt: skip


def test_a_time_of_day_is_one_where_it_is_asked_for(archive: Archive) -> None:
    assert set(found(archive, StudyTime="0000-0100", TimezoneOffsetFromUTC="+0900")) == {"1.6.1", "1.6.3"}
    assert set(found(archive, StudyTime="2300-", TimezoneOffsetFromUTC="+0900")) == {"1.6.2"}
    assert set(found(archive, SeriesTime="2300-2359", TimezoneOffsetFromUTC="+0900")) == {"1.6.2"}
    patients = found(archive, "PATIENT", model=PATIENT_ROOT, StudyTime="2300-", TimezoneOffsetFromUTC="+0900", PatientID="")
    assert set(patients) == {"1.6.2"}, "asked of its studies"
    keys = {"StudyDate": "20260105-20260105", "StudyTime": "0000-0020", "TimezoneOffsetFromUTC": "+0900"}
    assert set(found(archive, extended=b"\1\1\1\1", **keys)) == {"1.6.3"}


def test_what_is_no_zone_is_said(archive: Archive) -> None:
    entity = AE()
    entity.add_requested_context(STUDY_ROOT)
    association = entity.associate("127.0.0.1", archive.port)
    identifier = asked("STUDY", StudyInstanceUID="", TimezoneOffsetFromUTC="CET")
    ((last, _),) = list(association.send_c_find(identifier, STUDY_ROOT))
    association.release()
    assert last.Status == 0xC000 and last.OffendingElement == 0x00080201


def test_several_values_and_none_at_all(archive: Archive) -> None:
    agreed = b"\1" * 7
    assert set(found(archive, extended=agreed, PatientID="1.6.1\\*.4\\1.7")) == {"1.6.1", "1.6.4"}
    assert set(found(archive, extended=agreed, PatientID="1.6.1", PatientComments='""')) == {"1.6.1"}
    assert found(archive, extended=agreed, PatientID='""') == {}


def test_names_as_they_sound(archive: Archive) -> None:
    """PS3.4 C.2.2.2.1.1, where it was negotiated."""
    assert set(found(archive, extended=b"\1\0\1", PatientName="Hanns^Maier")) == {"1.6.1"}
    assert set(found(archive, extended=b"\1\0\1", PatientName="Maier*")) == set()
    assert set(found(archive, extended=b"\1\0\0", PatientName="Maier")) == set(found(archive, PatientName="Maier")) == set()


def test_declared_attributes_are_keys(archive: Archive) -> None:
    """Of the level asked for, above it and below it; private ones by their creator, in whatever block it is (PS3.5 7.8.1)."""
    entity = AE()
    entity.add_requested_context(STUDY_ROOT)
    association = entity.associate("127.0.0.1", archive.port, ae_title="ISOCENTER")

    def answers(level: str, **keys: str) -> list[Dataset]:
        wanted = asked(level, **{"StudyInstanceUID": "", **keys})
        wanted.private_block(0x19, "SOMEBODY", create=True).add_new(1, "LO", "")
        wanted.private_block(0x19, "ACME", create=True).add_new(0x0C, "LO", "")
        *found, (last, _) = list(association.send_c_find(wanted, STUDY_ROOT))
        assert last.Status == 0 and {status.Status for status, _ in found} <= {0xFF01}, "one of the private keys is not known"
        return [each for _, each in found if each is not None]

    (study,) = answers("STUDY", ContrastBolusAgent="agent 2")
    assert study.StudyInstanceUID == "1.6.2" and "ContrastBolusAgent" not in study
    assert (study[0x0019, 0x0011].value, study[0x0019, 0x110C].value) == ("ACME", "")
    found = answers("SERIES", ContrastBolusAgent="agent *", SeriesInstanceUID="")
    assert {(each.SeriesInstanceUID, each.ContrastBolusAgent) for each in found} == {
        (f"{uid}.1", f"agent {uid[-1]}") for uid in STUDIES
    }
    association.release()
    told = conformance.statement(archive.context.settings)
    assert "ContrastBolusAgent" in str(told) and "0019xx0C[ACME]" in str(told)
