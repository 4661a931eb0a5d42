"""A modality stores, asks for storage commitment and is told: against the whole server with all its processes."""

import threading
from io import BytesIO
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import StorageCommitmentPushModel  # type: ignore[attr-defined]

import objects
from isocenter.dimse.commitment import WELL_KNOWN_INSTANCE
from servers import run, running


def test_stored_and_committed(tmp_path: Path) -> None:
    image = dcmread(BytesIO(objects.part10(SOPInstanceUID=objects.uid())))
    reports: list[tuple[int, Dataset]] = []
    told = threading.Event()

    def take(event: evt.Event) -> tuple[int, None]:
        reports.append((event.event_type, event.event_information))
        told.set()
        return 0x0000, None

    entity = AE(ae_title="CT1")
    entity.add_supported_context(StorageCommitmentPushModel, scu_role=False, scp_role=True)
    entity.add_requested_context(StorageCommitmentPushModel)
    entity.add_requested_context(image.SOPClassUID, objects.EXPLICIT_LITTLE)
    listener = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, take)])
    try:
        with running(tmp_path) as server:
            added = run("peer", "add", "CT1", "127.0.0.1", str(listener.server_address[1]), "--data", str(server.data))
            assert added.returncode == 0, added.stderr
            association = entity.associate("127.0.0.1", server.dicom_port, ae_title=server.aet)
            assert association.send_c_store(image).Status == 0
            request = Dataset()
            request.TransactionUID = generate_uid()
            request.ReferencedSOPSequence = [Dataset()]
            request.ReferencedSOPSequence[0].ReferencedSOPClassUID = image.SOPClassUID
            request.ReferencedSOPSequence[0].ReferencedSOPInstanceUID = image.SOPInstanceUID
            answer, _ = association.send_n_action(request, 1, StorageCommitmentPushModel, WELL_KNOWN_INSTANCE)
            assert answer.Status == 0
            association.release()
            assert told.wait(20), server.output()
    finally:
        listener.shutdown()
    ((event_type, report),) = reports
    assert event_type == 1 and report.TransactionUID == request.TransactionUID
    assert report.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID
