"""The table of who gets the change log elsewhere, on the metadata of `schema`: a row a collector, and how far it was told."""

from sqlalchemy import Column, Table, Text

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata

audit_relay = Table(
    "audit_relay", metadata,
    Column("collector", Bytewise, primary_key=True),  # its address
    Column("cursor", Identifier, nullable=False),  # change.seq up to which it has been told
    Column("lease_until", UtcDateTime),  # the worker that tells it
    Column("told_at", UtcDateTime),
    Column("failing_since", UtcDateTime),
    Column("last_reason", Text, nullable=False, server_default=""),
)
