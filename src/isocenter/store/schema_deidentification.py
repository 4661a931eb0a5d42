"""The table of de-identification projects, on the metadata of `schema`."""

from sqlalchemy import Boolean, Column, Table, Text

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata

deid_project = Table(
    "deid_project", metadata,
    Column("id", Identifier, primary_key=True, autoincrement=True),
    Column("name", Bytewise, nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("secret", Bytewise, nullable=False),  # hexadecimal; whoever has it can tell patients from their pseudonyms
    Column("value", Text, nullable=False),  # JSON, as domain.deidentification leaves it
    Column("closed", Boolean, nullable=False),  # nothing leaves by it any more; it is kept, for its pseudonyms are in the world
    Column("changed_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)  # fmt: skip
