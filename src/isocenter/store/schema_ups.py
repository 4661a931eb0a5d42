"""The tables of Unified Procedure Steps, on the metadata of `schema`.

    ups 1─n ups_subscription                         who is told what becomes of a step, and keeps it from being removed
    ups_global_subscription                          who is subscribed to steps as they are created, to those that match
    ups_receiver 1─n ups_report                      what is still to be told, in order, and when the receiver is tried again

A step is one encoded data set (Explicit VR Little Endian, Unicode); beside it are the columns by which it is found.
"""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, UniqueConstraint, false

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata


def _id() -> Column[int]:
    return Column("id", Identifier, primary_key=True, autoincrement=True)


def _web() -> Column[bool]:
    """Whether it is told over a WebSocket (UPS-RS) instead of by N-EVENT-REPORT: as the subscriber has asked last."""
    return Column("web", Boolean, nullable=False, server_default=false())


def _text(name: str) -> Column[str]:
    return Column(name, Bytewise, nullable=False, server_default="")


ups = Table(
    "ups", metadata, _id(),
    Column("sop_instance_uid", Bytewise, nullable=False, unique=True),
    Column("state", Bytewise, nullable=False),
    _text("transaction_uid"),  # the lock of the performer
    _text("priority"),
    _text("worklist_label"),
    _text("patient_id"),
    _text("study_instance_uid"),
    _text("starts"),  # dicom.match.instant() of Scheduled Procedure Step Start DateTime
    Column("data_set", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Index(None, "state", "starts"),
    Index(None, "ended_at"),
    sqlite_autoincrement=True,
)

ups_subscription = Table(
    "ups_subscription", metadata,
    Column("ups_fk", Identifier, ForeignKey("ups.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("aet", Bytewise, primary_key=True),
    Column("deletion_lock", Boolean, nullable=False),
    _web(),
    Index(None, "aet"),
)

ups_global_subscription = Table(
    "ups_global_subscription", metadata, _id(),
    Column("aet", Bytewise, nullable=False),
    Column("matching_keys", LargeBinary, nullable=False),  # an encoded data set; empty: every step
    Column("deletion_lock", Boolean, nullable=False),
    _web(),
    UniqueConstraint("aet", "matching_keys"),
    sqlite_autoincrement=True,
)

ups_receiver = Table(
    "ups_receiver", metadata,
    Column("aet", Bytewise, primary_key=True),
    Column("due_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lease_until", UtcDateTime),
)

ups_report = Table(
    "ups_report", metadata, _id(),
    Column("aet", Bytewise, nullable=False),
    Column("sop_instance_uid", Bytewise, nullable=False),
    Column("event_type", Integer, nullable=False),
    Column("information", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    _web(),
    Column("told_at", UtcDateTime),  # over a WebSocket; it stays for a while, for other connections of the subscriber
    Index(None, "aet", "id"),
    Index(None, "told_at"),
    Index(None, "created_at"),
    sqlite_autoincrement=True,
)
