"""The tables of orders; their columns are generated from `dicom.worklist.KEYS`.

    imaging_order 1─n scheduled_step      what is to be done; an order is one requested procedure, and with it one study
    performed_step                        what modalities did: MPPS objects (PS3.4 F.7)
    step_performed                        which of these was done for which of those: n to m
    availability_notice                   studies about which a peer is still to be told (PS3.4 Annex R)

Several values, and those of the items of a sequence, are joined by backslashes as in the index.
"""

from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, UniqueConstraint

from isocenter.dicom.worklist import KEYS, Key
from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata


def name_column(key: Key) -> str:
    """The column beside a person's name that holds it folded."""
    return f"{key.column}_key"


def _text(name: str) -> Column[Any]:
    return Column(name, Bytewise, nullable=False, server_default="")


def _columns(of_step: bool) -> list[Column[Any]]:
    columns = []
    for key in KEYS:
        if key.of_step is of_step:
            columns.append(_text(key.column))
            if key.vr == "PN":
                columns.append(_text(name_column(key)))
    return columns


def _id() -> Column[Any]:
    return Column("id", Identifier, primary_key=True, autoincrement=True)


def _child(table: str) -> Column[Any]:
    return Column(f"{table}_fk", Identifier, ForeignKey(f"{table}.id", ondelete="CASCADE"), nullable=False)


def _times(*names: str) -> list[Column[Any]]:
    return [Column(name, UtcDateTime, nullable=False) for name in names]


imaging_order = Table(
    "imaging_order", metadata, _id(),
    Column("state", Bytewise, nullable=False),  # domain.orders.OrderState
    Column("origin", Bytewise, nullable=False),  # api | modality: an MPPS that nobody had ordered
    _text("starts_at"),  # YYYYMMDDHHMMSS of its first step, for the order of lists
    *_columns(of_step=False),
    *_times("created_at", "updated_at"),
    UniqueConstraint("study_instance_uid"),
    Index(None, "starts_at", "id"),
    Index(None, "accession_number"),
    Index(None, "placer_order_number_imaging_service_request"),
    Index(None, "filler_order_number_imaging_service_request"),
    Index(None, "patient_id"),
    Index(None, "patient_name_key"),
    sqlite_autoincrement=True,
)

scheduled_step = Table(
    "scheduled_step", metadata, _id(), _child("imaging_order"),
    Column("state", Bytewise, nullable=False),  # domain.orders.StepState
    *_columns(of_step=True),
    UniqueConstraint("imaging_order_fk", "scheduled_procedure_step_id"),
    Index("ix_scheduled_step_worklist", "state", "scheduled_procedure_step_start_date"),
    sqlite_autoincrement=True,
)

performed_step = Table(
    "performed_step", metadata, _id(),
    Column("sop_instance_uid", Bytewise, nullable=False, unique=True),
    Column("state", Bytewise, nullable=False),  # domain.orders.PerformedState
    _text("study_instance_uid"),
    _text("performed_station_ae_title"),
    _text("started"),  # YYYYMMDDHHMMSS, as the modality says
    _text("ended"),
    Column("instances", Integer, nullable=False, server_default="0"),
    Column("content", LargeBinary, nullable=False),  # the data set, Explicit VR Little Endian, as last set
    _text("source_aet"),
    *_times("created_at", "updated_at"),
    Index(None, "study_instance_uid"),
    sqlite_autoincrement=True,
)

step_performed = Table(
    "step_performed", metadata, _child("scheduled_step"), _child("performed_step"),
    UniqueConstraint("scheduled_step_fk", "performed_step_fk"),
    Index(None, "performed_step_fk"),
)

availability_notice = Table(
    "availability_notice", metadata, _id(),
    Column("peer_aet", Bytewise, nullable=False),
    Column("study_instance_uid", Bytewise, nullable=False),
    *_times("created_at", "due_at"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False, server_default="0"),  # grows when more has come meanwhile
    Column("lease_until", UtcDateTime),
    UniqueConstraint("peer_aet", "study_instance_uid"),
    Index(None, "due_at"),
    sqlite_autoincrement=True,
)
