"""The table of what is on one node's disk only and must be copied into the object store, on the metadata of `schema`."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table

from isocenter.store.schema import Bytewise, UtcDateTime, metadata

upload = Table(
    "upload", metadata,
    Column("key", Bytewise, primary_key=True),
    Column("node", Bytewise, nullable=False),  # on whose disk the bytes are
    Column("sha256", Bytewise, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),  # who works on it moves it: its lease
    Column("attempts", Integer, nullable=False, server_default="0"),
    Index(None, "node", "due_at"),
    Index(None, "added_at"),
)
