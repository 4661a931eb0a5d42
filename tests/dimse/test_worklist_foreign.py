"""The modality worklist as Orthanc and pynetdicom's own application ask for it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import ModalityWorklistInformationFind  # type: ignore[attr-defined]

import objects
from dimse.conftest import Archive
from isocenter.domain.access import SYSTEM
from isocenter.service import ordering
from remotes import ORTHANC, orthanc

CODES = [{"CodeValue": value, "CodingSchemeDesignator": "99A", "CodeMeaning": value} for value in ("LIVER", "SPLEEN")]


@pytest.fixture
def filled(archive: Archive) -> Archive:
    """An ultrasound for Jane, and a CT."""
    for modality, name in (("US", "Doe^Jane"), ("CT", "Doe^John")):
        step = {"Modality": modality, "ScheduledStationAETitle": f"{modality}1", "ScheduledProcedureStepStartDate": "20261124",
                "ScheduledProcedureStepStartTime": "1700", "ScheduledProtocolCodeSequence": CODES}  # fmt: skip
        ordering.create(archive.context, SYSTEM, {"PatientName": name, "PatientID": name, "steps": [step]})
    return archive


@pytest.mark.skipif(not ORTHANC.exists(), reason="Orthanc is not installed")
def test_orthanc_asks_as_a_modality(filled: Archive, tmp_path: Path) -> None:
    step = {"Modality": "US", "ScheduledProcedureStepStartDate": "", "ScheduledProtocolCodeSequence": []}
    keys = {"PatientName": "", "ScheduledProcedureStepSequence": [step]}
    with orthanc(tmp_path, filled.port) as asking:
        (one,) = asking.http.post("/modalities/isocenter/find-worklist", json=keys).json()
    assert one["PatientName"] == "Doe^Jane"
    (found,) = one["ScheduledProcedureStepSequence"]
    assert found["ScheduledProcedureStepStartDate"] == "20261124"
    assert [code["CodeValue"] for code in found["ScheduledProtocolCodeSequence"]] == ["LIVER", "SPLEEN"]


def test_names_are_found_by_every_spelling(archive: Archive) -> None:
    """All names of PS3.5 annexes H to K, and of other alphabets."""
    step = {"Modality": "CT", "ScheduledStationAETitle": "CT1", "ScheduledProcedureStepStartDate": "20261124",
            "ScheduledProcedureStepStartTime": "1700"}  # fmt: skip
    for number, name in enumerate(objects.spellings()):
        ordering.create(archive.context, SYSTEM, {"PatientName": name, "PatientID": f"P{number}", "steps": [step]})
    entity = AE(ae_title="CT1")
    entity.add_requested_context(ModalityWorklistInformationFind)
    association = entity.associate("127.0.0.1", archive.port)
    for name, ways in objects.spellings().items():
        for way in ways:
            identifier = Dataset()
            identifier.SpecificCharacterSet = "ISO_IR 192"
            identifier.PatientName = way
            answers = list(association.send_c_find(identifier, ModalityWorklistInformationFind))
            found = [str(each.PatientName) for _, each in answers if each]
            assert name in found, (way, found, answers[-1][0])
    association.release()


def test_pynetdicoms_findscu_asks_as_a_modality(filled: Archive) -> None:
    keys = ("-k", "PatientName=", "-k", "ScheduledProcedureStepSequence[0].ScheduledStationAETitle=CT1")
    done = subprocess.run([sys.executable, "-m", "pynetdicom", "findscu", "-v", "-W", *keys, "127.0.0.1", str(filled.port)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert re.findall(r"\(0010,0010\) PN \[(\w.*?)\]", done.stdout) == ["Doe^John"], done.stdout
