"""The table of files being brought under another key, on the metadata of `schema`."""

from sqlalchemy import Column, Table

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata

renewal = Table(
    "renewal", metadata,
    Column("place", Bytewise, primary_key=True),  # a folder, "": the archive
    Column("key", Bytewise, nullable=False),  # under which they are to be; "": out of all
    Column("began_at", UtcDateTime, nullable=False),
    Column("heard_at", UtcDateTime, nullable=False),  # when it was last seen at work
    Column("ended_at", UtcDateTime, nullable=True),
    Column("expected", Identifier, nullable=False),  # files there were when it began
    Column("files", Identifier, nullable=False),  # looked at
    Column("changed", Identifier, nullable=False),
    Column("faults", Identifier, nullable=False),
    Column("reached", Bytewise, nullable=False),  # the blob key it has come to
)  # fmt: skip
