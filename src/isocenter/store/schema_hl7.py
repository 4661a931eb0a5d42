"""The table of HL7 messages, on the metadata of `schema`: each as it came, what became of it, and who is at work on it."""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata

hl7_message = Table(
    "hl7_message", metadata,
    Column("id", Identifier, primary_key=True, autoincrement=True),
    Column("state", Bytewise, nullable=False),  # domain.hl7.State
    Column("sender", Bytewise, nullable=False),  # MSH-3|MSH-4
    Column("control_id", Bytewise, nullable=False),  # MSH-10
    Column("sha256", Bytewise, nullable=False),  # of the content: some senders begin their numbers anew
    Column("kind", Bytewise, nullable=False),  # ORM^O01
    Column("patient_id", Bytewise, nullable=False),
    Column("number", Bytewise, nullable=False),  # of the order: placer's, filler's or accession number
    Column("address", Bytewise, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("acknowledgement", Bytewise, nullable=False, server_default=""),  # AA, AE, AR; "" before the answer
    Column("code", Bytewise, nullable=False, server_default=""),  # of HL7 table 0357
    Column("place", Bytewise, nullable=False, server_default=""),  # where it is wrong: PID-3.1
    Column("reason", Text, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("received_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    Column("lease_until", UtcDateTime),
    UniqueConstraint("sender", "control_id", "sha256"),
    Index(None, "state", "lease_until"),
    Index(None, "patient_id"),
    Index(None, "number"),
    sqlite_autoincrement=True,
)
