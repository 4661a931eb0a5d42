"""Hanging Protocol objects: stored like any object, found and retrieved (PS3.4 Annex U), with pynetdicom, on both databases."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, build_context, build_role, evt

from dimse.conftest import Archive, bound
from isocenter.dicom import hanging, sop_classes
from isocenter.dimse.server import Server
from isocenter.domain.access import SYSTEM
from isocenter.service import hanging as protocols
from isocenter.service import ingest, peers
from isocenter.service.context import Context

STORAGE, FIND = sop_classes.HANGING_PROTOCOL_STORAGE, sop_classes.HANGING_PROTOCOL_FIND
MOVE, GET = sop_classes.HANGING_PROTOCOL_MOVE, sop_classes.HANGING_PROTOCOL_GET
MINE: dict[str, Any] = {
    "name": "Röntgen Thorax", "applies": [{"fact": "modality", "is": "any", "values": ["CR"]}],
    "sets": [{"rules": [{"fact": "modality", "is": "any", "values": ["CR"], "required": True}]}],
    "stages": [{"layout": "1x1", "cells": [{"set": 0}]}],
}  # fmt: skip


@pytest.fixture(scope="module")
def archive(shared_context: Context) -> Iterator[Archive]:
    server = Server(shared_context, bound())
    server.start()
    yield Archive(server, shared_context)
    server.stop(0)


@pytest.fixture(scope="module")
def real(data: Path) -> Dataset:
    return pydicom.dcmread(data / "hanging-protocol/NeurosurgeryPlan.dcm")


def store(archive: Archive, dataset: Dataset) -> int:
    entity = AE(ae_title="PLANNER")
    entity.add_requested_context(STORAGE, dataset.file_meta.TransferSyntaxUID)
    association = entity.associate("127.0.0.1", archive.port, ae_title="ISOCENTER")
    try:
        return int(association.send_c_store(dataset).Status)
    finally:
        association.release()


def keys(**values: object) -> Dataset:
    asked = Dataset()
    for keyword, value in values.items():
        setattr(asked, keyword, value)
    return asked


def find(archive: Archive, asked: Dataset, syntax: str = ExplicitVRLittleEndian) -> tuple[int, list[Dataset]]:
    entity = AE(ae_title="PLANNER")
    entity.add_requested_context(FIND, syntax)
    association = entity.associate("127.0.0.1", archive.port, ae_title="ISOCENTER")
    answers = list(association.send_c_find(asked, FIND))
    association.release()
    return int(answers[-1][0].Status), [found for answer, found in answers[:-1] if found is not None]


def names(archive: Archive, **values: object) -> list[str]:
    status, found = find(archive, keys(**{"HangingProtocolName": "", **values}))
    assert status == 0x0000
    return [str(each.HangingProtocolName) for each in found]


def get(archive: Archive, syntax: str = ExplicitVRLittleEndian, **values: object) -> tuple[Dataset, list[Dataset]]:
    received: list[Dataset] = []

    def on_store(event: evt.Event) -> int:
        received.append(event.dataset)
        return 0

    entity = AE(ae_title="PLANNER")
    contexts = [build_context(GET), build_context(STORAGE, syntax)]
    association = entity.associate("127.0.0.1", archive.port, contexts=contexts, ext_neg=[build_role(STORAGE, scp_role=True)],
                                   evt_handlers=[(evt.EVT_C_STORE, on_store)], ae_title="ISOCENTER")  # fmt: skip
    answers = list(association.send_c_get(keys(**values), GET))
    association.release()
    return answers[-1][0], received


def test_an_object_is_stored_once_found_by_its_attributes_and_comes_back_as_it_was(archive: Archive, real: Dataset) -> None:
    assert [store(archive, real), store(archive, real)] == [0x0000, 0x0000]
    (held, name, problem), *others = protocols.received(archive.context, SYSTEM)
    assert (others, name, problem, held.source_aet) == ([], "NeurosurgeryPlan", "", "PLANNER")
    assert pydicom.dcmread(BytesIO(held.content)) == real
    assert not archive.files() and not archive.files("quarantine")

    uid = str(real.SOPInstanceUID)
    by_modality = [keys(Modality="CT")]
    for found, asked in (
        (True, {}), (True, {"HangingProtocolName": "Neuro*"}), (True, {"SOPInstanceUID": uid}),
        (True, {"HangingProtocolDefinitionSequence": by_modality}), (True, {"HangingProtocolLevel": real.HangingProtocolLevel}),
        (True, {"NumberOfPriorsReferenced": real.NumberOfPriorsReferenced}),
        (False, {"HangingProtocolName": "neuro*"}), (False, {"SOPInstanceUID": "1.2.3"}),
        (False, {"HangingProtocolDefinitionSequence": [keys(Modality="MG")]}), (False, {"NumberOfPriorsReferenced": 99}),
    ):  # fmt: skip
        assert names(archive, **asked) == (["NeurosurgeryPlan"] if found else []), asked
    asked = keys(HangingProtocolDefinitionSequence=[keys(Modality="CT", Laterality="")], HangingProtocolCreator="")
    (answer,) = find(archive, asked, ImplicitVRLittleEndian)[1]
    assert (answer.SOPClassUID, answer.SOPInstanceUID) == (STORAGE, uid)
    assert answer.HangingProtocolCreator == real.HangingProtocolCreator
    assert {each.Modality for each in answer.HangingProtocolDefinitionSequence} == {"CT", "MR"}

    final, (received,) = get(archive, SOPInstanceUID=uid)
    assert (final.Status, final.NumberOfCompletedSuboperations) == (0x0000, 1)
    assert received == real
    final, (received,) = get(archive, ImplicitVRLittleEndian, SOPInstanceUID=[uid, "1.2.3"])
    assert received.HangingProtocolName == "NeurosurgeryPlan"
    assert len(received.DisplaySetsSequence) == len(real.DisplaySetsSequence)
    assert get(archive, HangingProtocolName="Neuro*")[0].Status == 0xA900


def test_it_is_moved_to_a_peer(archive: Archive, real: Dataset) -> None:
    store(archive, real)
    received: list[Dataset] = []

    def on_store(event: evt.Event) -> int:
        received.append(event.dataset)
        return 0

    entity = AE(ae_title="STATION")
    entity.add_supported_context(STORAGE)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, on_store)])
    peers.add(archive.context, SYSTEM, aet="STATION", host="127.0.0.1", port=server.server_address[1])
    try:
        mover = AE(ae_title="PLANNER")
        mover.add_requested_context(MOVE)
        association = mover.associate("127.0.0.1", archive.port, ae_title="ISOCENTER")
        answers = list(association.send_c_move(keys(SOPInstanceUID=real.SOPInstanceUID), "STATION", MOVE))
        association.release()
    finally:
        server.shutdown()
    assert answers[-1][0].Status == 0x0000
    assert received == [real]


def test_another_object_of_the_same_uid_is_kept_and_the_first_is_served(archive: Archive, real: Dataset) -> None:
    store(archive, real)
    other = pydicom.dcmread(BytesIO(_written(real)))
    other.HangingProtocolName = "Changed"
    assert store(archive, other) == 0x0000
    assert names(archive, SOPInstanceUID=real.SOPInstanceUID) == ["NeurosurgeryPlan"]
    with ingest.begin(archive.context, SYSTEM, source="import") as reception:
        reception.write(_written(other))
        assert reception.finish().status == "duplicate"


def _written(dataset: Dataset) -> bytes:
    to = BytesIO()
    dataset.save_as(to)
    return to.getvalue()


def test_what_was_published_here_is_found_too_and_is_another_object_after_each_change(archive: Archive) -> None:
    kept = protocols.add(archive.context, SYSTEM, MINE)
    assert names(archive, HangingProtocolName="R*") == []
    protocols.change(archive.context, SYSTEM, kept.id, shared=True)
    (first,) = find(archive, keys(HangingProtocolName="Röntgen*", SpecificCharacterSet="ISO_IR 100"))[1]
    assert first.HangingProtocolName == "Röntgen Thorax" and first.SpecificCharacterSet == "ISO_IR 100"
    assert hanging.from_dataset(get(archive, SOPInstanceUID=first.SOPInstanceUID)[1][0])["name"] == "Röntgen Thorax"
    protocols.change(archive.context, SYSTEM, kept.id, MINE | {"name": "Röntgen Knie"})
    (second,) = find(archive, keys(HangingProtocolName="Röntgen*", SpecificCharacterSet="ISO_IR 192"))[1]
    assert second.HangingProtocolName == "Röntgen Knie" and second.SOPInstanceUID != first.SOPInstanceUID
    assert get(archive, SOPInstanceUID=first.SOPInstanceUID)[1] == []
    protocols.remove(archive.context, SYSTEM, kept.id)


def test_a_damaged_one_is_kept_and_hides_no_other(archive: Archive, real: Dataset) -> None:
    store(archive, real)
    broken = pydicom.dcmread(BytesIO(_written(real)))
    broken.SOPInstanceUID = broken.file_meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.3680043.10.77"
    content = _written(broken)
    level = content.index(b"\x72\x00\x14\x00US")
    with ingest.begin(archive.context, SYSTEM, source="import") as reception:
        reception.write(content[: level + 4] + b"DS" + content[level + 6 : level + 8] + b"?!" + content[level + 10 :])
        assert reception.finish().status == "stored"
    (held, name, problem), *_ = protocols.received(archive.context, SYSTEM)
    assert held.uid.endswith(".77") and (bool(name) or bool(problem))
    assert "NeurosurgeryPlan" in names(archive)
    assert len(names(archive, SOPInstanceUID=real.SOPInstanceUID)) == 1
