"""Users of Unified Procedure Steps, by pynetdicom: who orders and performs, and who watches."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import (
    UnifiedProcedureStepEvent,
    UnifiedProcedureStepPull,
    UnifiedProcedureStepPush,
    UnifiedProcedureStepQuery,
    UnifiedProcedureStepWatch,
    UPSFilteredGlobalSubscriptionInstance,
    UPSGlobalSubscriptionInstance,
)

from dimse.conftest import Archive
from isocenter.dicom.attributes import tag_of, vr_of
from isocenter.work import ups as worker

PUSH, PULL, WATCH, QUERY = (
    UnifiedProcedureStepPush, UnifiedProcedureStepPull, UnifiedProcedureStepWatch, UnifiedProcedureStepQuery,
)  # fmt: skip
GLOBAL, FILTERED = UPSGlobalSubscriptionInstance, UPSFilteredGlobalSubscriptionInstance
STATE, CANCEL_REQUESTED, PROGRESS, RESTARTED, ASSIGNED = 1, 2, 3, 4, 5
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def data_set(**values: Any) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        tag = tag_of(keyword)
        assert tag is not None, keyword
        made.add(DataElement(tag, vr_of(tag), value, validation_mode=IGNORE))
    return made


def code(value: str) -> Dataset:
    return data_set(CodeValue=value, CodingSchemeDesignator="99X", CodeMeaning=value)


def step(**values: Any) -> Dataset:
    """What is given to N-CREATE: every attribute of Type 1 and 2."""
    usual: dict[str, Any] = {
        "SpecificCharacterSet": "ISO_IR 192", "ProcedureStepState": "SCHEDULED", "ScheduledProcedureStepPriority": "MEDIUM",
        "ProcedureStepLabel": "Segment the liver", "ScheduledProcedureStepStartDateTime": "20261122093000+0000",
        "InputReadinessState": "READY", "WorklistLabel": "AI", "PatientName": "Müller^Jörg", "PatientID": "P1",
        "PatientBirthDate": "19700101", "PatientSex": "M", "AdmissionID": "", "IssuerOfAdmissionIDSequence": [],
        "AdmittingDiagnosesDescription": "", "AdmittingDiagnosesCodeSequence": [], "ReferencedRequestSequence": [],
        "ScheduledProcessingParametersSequence": [], "ScheduledStationNameCodeSequence": [],
        "ScheduledStationClassCodeSequence": [], "ScheduledStationGeographicLocationCodeSequence": [],
        "ScheduledWorkitemCodeSequence": [code("SEG")], "CommentsOnTheScheduledProcedureStep": "",
        "InputInformationSequence": [], "StudyInstanceUID": "1.2.3.4", "ProcedureStepProgressInformationSequence": [],
        "UnifiedProcedureStepPerformedProcedureSequence": [],
    }  # fmt: skip
    return data_set(**{**usual, **values})


def performed() -> Dataset:
    return data_set(
        PerformedStationNameCodeSequence=[code("STATION")], PerformedProcedureStepStartDateTime="20261122093000",
        PerformedWorkitemCodeSequence=[code("SEG")], PerformedProcedureStepEndDateTime="20261122094000",
        OutputInformationSequence=[],
    )  # fmt: skip


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class User:
    """An SCU of all classes on one association."""

    association: Association

    def create(self, given: Dataset, uid: str | None = None) -> tuple[int, Dataset | None]:
        answer, supplied = self.association.send_n_create(given, PUSH, uid)
        return int(answer.Status), supplied

    def act(self, action: int, uid: str, context: str = WATCH, **information: Any) -> int:
        # None, not an empty one: pynetdicom would announce a data set and send none
        given = data_set(**information) if information else None
        answer, _ = self.association.send_n_action(given, action, PUSH, uid, meta_uid=context)
        return int(answer.Status)

    def begin(self, uid: str, lock: str) -> int:
        return self.act(1, uid, PULL, ProcedureStepState="IN PROGRESS", TransactionUID=lock)

    def change(self, uid: str, **attributes: Any) -> int:
        answer, _ = self.association.send_n_set(data_set(**attributes), PUSH, uid, meta_uid=PULL)
        return int(answer.Status)

    def get(self, uid: str, *tags: int, context: str = PULL) -> tuple[int, Dataset | None]:
        answer, found = self.association.send_n_get(list(tags), PUSH, uid, meta_uid=context)
        return int(answer.Status), found

    def find(self, context: str = PULL, **keys: Any) -> list[Dataset]:
        *pending, (last, _) = list(self.association.send_c_find(data_set(**keys), context))
        assert last.Status == 0, f"{last.Status:04X}"
        return [found for _, found in pending if found is not None]

    def subscribe(self, uid: str, aet: str = "WATCHER", lock: str = "FALSE", **keys: Any) -> int:
        return self.act(3, uid, ReceivingAE=aet, DeletionLock=lock, **keys)


@dataclass
class Watcher:
    """A subscriber that listens; it answers events with `status`."""

    status: int = 0
    port: int = 0
    events: list[tuple[int, str, Dataset]] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[None]:
        entity = AE(ae_title="WATCHER")
        entity.require_called_aet = True
        entity.add_supported_context(UnifiedProcedureStepEvent, scu_role=False, scp_role=True)

        def take(event: evt.Event) -> tuple[int, None]:
            request = event.request
            self.events.append((event.event_type, str(request.AffectedSOPInstanceUID), event.event_information))
            assert request.AffectedSOPClassUID == PUSH
            return self.status, None

        server = entity.start_server(("127.0.0.1", self.port), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, take)])
        self.port = int(server.server_address[1])
        try:
            yield
        finally:
            server.shutdown()

    def told(self, uid: str) -> list[tuple[int, str]]:
        """What it was told of a step so far: (event type, state)."""
        of_step = (each for each in self.events if each[1] == uid)
        return [(kind, str(information.get("ProcedureStepState", ""))) for kind, _, information in of_step]


def deliver(archive: Archive) -> None:
    """What the worker does: all that is due."""
    while worker.report_due(archive.context):
        pass
