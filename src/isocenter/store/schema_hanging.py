"""The table of hanging protocols, on the metadata of `schema`."""

from sqlalchemy import Boolean, Column, Index, Table, Text

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
