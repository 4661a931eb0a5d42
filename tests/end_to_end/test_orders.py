"""One examination through the whole server: ordered over HTTP, taken from the worklist, performed, stored, told."""

import re
import subprocess
import threading
from io import BytesIO
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import InstanceAvailabilityNotification, ModalityPerformedProcedureStep  # type: ignore[attr-defined]

import objects
from dimse.test_mpps import begun, ended
from servers import run, running

STEP = {
    "Modality": "CT", "ScheduledStationAETitle": ["CT1"], "ScheduledProcedureStepStartDate": "20261123",
    "ScheduledProcedureStepStartTime": "0930", "ScheduledProcedureStepID": "S1",
}  # fmt: skip


def test_ordered_performed_stored_and_told(tmp_path: Path) -> None:
    notified: list[Dataset] = []
    told = threading.Event()

    def take(event: evt.Event) -> tuple[int, None]:
        notified.append(event.attribute_list)
        told.set()
        return 0x0000, None

    ris = AE(ae_title="RIS")
    ris.add_supported_context(InstanceAvailabilityNotification)
    listener = ris.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_CREATE, take)])
    try:
        with running(tmp_path) as server:
            port = str(listener.server_address[1])
            added = run("peer", "add", "RIS", "127.0.0.1", port, "--notify-availability", "--data", str(server.data))
            assert added.returncode == 0, added.stderr
            client = server.client()
            made = client.post("/api/v1/orders", json={"PatientName": "Doe^Jane", "PatientID": "P1", "steps": [STEP]})
            assert made.status_code == 201, made.text
            study, place = made.json()["StudyInstanceUID"], f"/api/v1/orders/{made.json()['id']}"

            keys = ("-k", "(0040,0100)[0].ScheduledStationAETitle=CT1", "-k", "StudyInstanceUID")
            asked = ["findscu", "-W", "-aec", server.aet, *keys, "127.0.0.1", str(server.dicom_port)]
            said = subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60).stdout
            assert re.findall(r"\(0020,000d\) UI \[([\d.]+)\0?\]", said)[-1:] == [study], said

            uids = {"SOPInstanceUID": "1.2.1.1.0", "StudyInstanceUID": study, "SeriesInstanceUID": "1.2.1.1"}
            image = dcmread(BytesIO(objects.part10(**uids)))
            modality = AE(ae_title="CT1")
            modality.add_requested_context(ModalityPerformedProcedureStep)
            modality.add_requested_context(image.SOPClassUID, objects.EXPLICIT_LITTLE)
            association = modality.associate("127.0.0.1", server.dicom_port, ae_title=server.aet)
            uid = generate_uid()
            assert association.send_n_create(begun("S1", study=study), ModalityPerformedProcedureStep, uid)[0].Status == 0
            assert client.get(place).json()["state"] == "in_progress"
            assert association.send_c_store(image).Status == 0
            row = client.get("/api/v1/studies?q=P1").json()["studies"][0]
            assert (row["StudyInstanceUID"], row["procedure"]) == (study, "in_progress")
            assert association.send_n_set(ended(instances=1), ModalityPerformedProcedureStep, uid)[0].Status == 0
            association.release()
            assert client.get(place).json()["state"] == "completed"
            assert client.get(f"/api/v1/studies/{study}").json()["study"]["procedure"] == "completed"
            assert told.wait(25), server.output()
    finally:
        listener.shutdown()
    assert notified[0].StudyInstanceUID == study
    assert notified[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.1.1.0"
    assert notified[0].ReferencedPerformedProcedureStepSequence[0].ReferencedSOPInstanceUID == uid
