"""The table of emergency access, on the metadata of `schema`."""

from sqlalchemy import Column, Index, Table, Text

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata

emergency = Table(
    "emergency", metadata,
    Column("id", Identifier, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("account", Bytewise, nullable=False),
    Column("address", Bytewise, nullable=False),
    Column("session_hash", Bytewise, nullable=False),  # of the one session that it is for
    Column("patient_id", Bytewise, nullable=False),
    Column("issuer_of_patient_id", Bytewise, nullable=False),
    Column("purpose", Bytewise, nullable=False),  # domain.emergency.PURPOSES
    Column("reason", Text, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("ended_by", Bytewise, nullable=False, server_default=""),  # "" when the time was over
    Column("reviewed_at", UtcDateTime),
    Column("reviewed_by", Bytewise, nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    Index(None, "session_hash"),
    Index(None, "ended_at"),
    sqlite_autoincrement=True,
)  # fmt: skip
