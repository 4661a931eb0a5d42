"""C-FIND: what a workstation types (a name's beginning, a month, a modality), as p95 over one association.

Beside Orthanc with the same small objects in both; over an index of a million studies it is part of `growth`.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from bench import filling, measure, peers
from isocenter.dicom import datasets, sop_classes, syntaxes
from isocenter.dimse.client import Association
from isocenter.dimse.messages import DATA_SET, Command, CommandField

STUDIES = 2000  # in both archives
QUESTIONS = 200
RETURNED = ("PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyTime", "AccessionNumber", "StudyDescription",
            "NumberOfStudyRelatedInstances")  # fmt: skip
FIND = sop_classes.STUDY_ROOT_FIND

Figures = dict[str, dict[str, list[float]]]


def small_object(study: filling.Made, sop_instance_uid: str) -> Dataset:
    """An object of the first series of a made-up study, without pixels."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = CTImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = sop_instance_uid
    ds.SpecificCharacterSet, ds.InstanceNumber = "ISO_IR 100", "1"
    for keyword, value in {**study.study, **study.series[0]}.items():
        setattr(ds, keyword, value)
    return ds


def _objects(folder: Path) -> Path:
    """One small object for each of some studies."""
    folder.mkdir(parents=True)
    for number in range(1, STUDIES + 1):
        study = filling.made(number)
        ds = small_object(study, f"{study.series[0]['SeriesInstanceUID']}.1")
        ds.save_as(folder / f"{number:05d}.dcm", enforce_file_format=True)
    return folder


def _questions() -> Iterator[Dataset]:
    made = random.Random(1)
    for _ in range(QUESTIONS):
        ds = Dataset()
        ds.QueryRetrieveLevel = "STUDY"
        year, month = made.randint(2010, 2026), made.randint(1, 12)
        ds.PatientName, ds.ModalitiesInStudy = f"{made.choice(filling.FAMILIES)[:3]}*", made.choice(filling.MODALITIES)
        ds.StudyDate = f"{year}{month:02}01-{year}{month:02}28"
        for keyword in RETURNED:
            setattr(ds, keyword, None)
        yield ds


def ask(peer: peers.Peer) -> tuple[list[float], int]:
    """The seconds of each question with its answers, over one association; and how many answers there were in all."""
    command = Command(
        command_field=CommandField.C_FIND_RQ, command_data_set_type=DATA_SET, affected_sop_class_uid=FIND, priority=0
    )
    taken, matches = [], 0
    contexts = [(FIND, syntaxes.OF_MESSAGES)]
    with Association("127.0.0.1", peer.dicom_port, calling="BENCH", called=peer.aet, contexts=contexts) as association:
        syntax = association.transfer_syntax(FIND)
        for question in _questions():
            data_set = datasets.encode(question, syntax)
            began = time.perf_counter()
            matches += sum(1 for _ in association.answers(FIND, command, data_set)) - 1
            taken.append(time.perf_counter() - began)
    return taken, matches


def beside(work: Path, rounds: int, figures: Figures) -> None:
    """Both archives with the same studies, asked in turn. Stops when they do not find the same."""
    folder = _objects(work / "find-objects")
    servers = [peers.isocenter(work / "find-isocenter"), peers.orthanc(work / "find-orthanc")]
    try:
        for peer in servers:
            measure.cstore(peer, [folder])
        for _ in range(rounds):
            found = {}
            for peer in servers:
                taken, found[peer.name] = ask(peer)
                seconds = statistics.quantiles(taken, n=20)[-1]
                figures["find"][peer.name].append(seconds)
                print(f"C-FIND, {STUDIES} studies, {peer.name}: p95 {seconds * 1000:.1f} ms", flush=True)
            if len(set(found.values())) > 1:
                raise SystemExit(f"the archives do not find the same: {found}")
    finally:
        for peer in servers:
            peer.stop()

