"""Instance Availability Notification, SCU (PS3.4 Annex R): N-CREATE tells a peer what of a study can be retrieved from us."""

import uuid

from pydicom.dataset import Dataset

from isocenter.dicom import attributes, datasets, syntaxes
from isocenter.dicom.sop_classes import INSTANCE_AVAILABILITY_NOTIFICATION, MODALITY_PERFORMED_PROCEDURE_STEP
from isocenter.dimse import client, status
from isocenter.dimse.messages import DATA_SET, Command, CommandField
from isocenter.dimse.status import Category
from isocenter.dimse.upper_layer.association import Limits
from isocenter.domain.errors import Broken
from isocenter.service.availability import Notice
from isocenter.service.context import Context
from isocenter.service.peers import Peer

PATIENCE = 20.0  # for each step of a notification (seconds)
_NAMES = uuid.UUID("6f1d3c52-5f0c-4c0e-9d3b-3f0a7a1f6a42")


def notify(context: Context, peer: Peer, notice: Notice) -> None:
    """Tell a peer. Raises Rejected, Lost, NotAccepted; Broken when it refuses.

    The notification has the same UID whenever it is repeated: a peer that has it already says so (0111), and then it was told.
    """
    limits = Limits(artim_timeout=PATIENCE, idle_timeout=PATIENCE)
    contexts = ((INSTANCE_AVAILABILITY_NOTIFICATION, syntaxes.OF_MESSAGES),)
    with client.to_peer(context, peer, contexts=contexts, limits=limits) as association:
        command = Command(
            command_field=CommandField.N_CREATE_RQ,
            command_data_set_type=DATA_SET,
            affected_sop_class_uid=INSTANCE_AVAILABILITY_NOTIFICATION,
            affected_sop_instance_uid=f"2.25.{uuid.uuid5(_NAMES, notice.name).int}",  # PS3.5 B.2
        )
        syntax = association.transfer_syntax(INSTANCE_AVAILABILITY_NOTIFICATION)
        data_set = datasets.encode(_attributes(notice, context.settings.aet), syntax)
        answer = association.request(INSTANCE_AVAILABILITY_NOTIFICATION, command, data_set)
    code = status.PROCESSING_FAILURE if answer.status is None else answer.status
    if code != status.DUPLICATE_SOP_INSTANCE and status.describe(code).category not in (Category.SUCCESS, Category.WARNING):
        raise Broken(f"the peer answered the notification with status {code:04X}H", where=peer.aet)


def _attributes(notice: Notice, retrieve_ae_title: str) -> Dataset:
    """PS3.4 Table R.3.2-1; further attributes are forbidden."""
    series = [
        _item(SeriesInstanceUID=uid, ReferencedSOPSequence=[_instance(*each, retrieve_ae_title) for each in instances])
        for uid, instances in notice.series.items()
    ]
    return _item(
        ReferencedPerformedProcedureStepSequence=[
            _item(ReferencedSOPClassUID=MODALITY_PERFORMED_PROCEDURE_STEP, ReferencedSOPInstanceUID=uid,
                  PerformedWorkitemCodeSequence=[])
            for uid in notice.performed
        ],
        StudyInstanceUID=notice.study_instance_uid,
        ReferencedSeriesSequence=series,
    )  # fmt: skip


def _instance(sop_class_uid: str, sop_instance_uid: str, retrieve_ae_title: str) -> Dataset:
    return _item(
        ReferencedSOPClassUID=sop_class_uid, ReferencedSOPInstanceUID=sop_instance_uid, InstanceAvailability="ONLINE",
        RetrieveAETitle=retrieve_ae_title,
    )  # fmt: skip


def _item(**values: object) -> Dataset:
    """A data set by keyword; UIDs are taken as they are, sloppy ones too."""
    dataset = Dataset()
    for keyword, value in values.items():
        tag = attributes.tag_of(keyword)
        assert tag is not None, keyword
        dataset.add(datasets.element(tag, attributes.vr_of(tag), value))
    return dataset
