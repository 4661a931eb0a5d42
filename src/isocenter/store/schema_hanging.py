"""The tables of hanging protocols, on the metadata of `schema`."""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata

hanging_protocol = Table(
    "hanging_protocol", metadata,
    Column("id", Identifier, primary_key=True, autoincrement=True),
    Column("uid", Bytewise, nullable=False, unique=True),  # SOP Instance UID
    Column("owner", Bytewise, nullable=False),  # the account that made it
    Column("shared", Boolean, nullable=False),  # for everybody
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),  # JSON, as domain.hanging leaves it
    Column("changed_at", UtcDateTime, nullable=False),
    Index(None, "owner"),
    sqlite_autoincrement=True,
)  # fmt: skip

# Hanging Protocol objects as they came in. They belong to no study, and so to no folder of the archive; of two with one UID the
# first is served, and neither is ever lost.
hanging_object = Table(
    "hanging_object", metadata,
    Column("id", Identifier, primary_key=True, autoincrement=True),
    Column("uid", Bytewise, nullable=False),  # SOP Instance UID
    Column("sha256", Bytewise, nullable=False),  # of the data set
    Column("transfer_syntax_uid", Bytewise, nullable=False),
    Column("dataset_offset", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),  # the Part 10 file
    Column("source", Bytewise, nullable=False),
    Column("source_aet", Bytewise, nullable=False),
    Column("actor", Bytewise, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    UniqueConstraint("uid", "sha256"),
    sqlite_autoincrement=True,
)  # fmt: skip
