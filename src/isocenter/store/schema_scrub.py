"""The tables of the worker's rounds over all files, on the metadata of `schema`.

    scrub     a row a kind of round ("scrub": is every file what it was? "replica": is it in the second storage?): how far it is
    damage    files that were found missing or damaged, and what became of them
"""

from sqlalchemy import Column, Index, Table, Text

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata

scrub = Table(
    "scrub", metadata,
    Column("name", Bytewise, primary_key=True),
    Column("place", Bytewise, nullable=False, server_default=""),  # the second storage that after_id is about
    Column("area", Bytewise, nullable=False, server_default="archive"),
    Column("after_id", Identifier, nullable=False, server_default="0"),  # of instance or exception, as the area says
    Column("began_at", UtcDateTime, nullable=False),
    Column("files", Identifier, nullable=False, server_default="0"),
    Column("bytes", Identifier, nullable=False, server_default="0"),
    # the last round that came to its end
    Column("last_began_at", UtcDateTime),
    Column("last_ended_at", UtcDateTime),
    Column("last_files", Identifier, nullable=False, server_default="0"),
    Column("last_bytes", Identifier, nullable=False, server_default="0"),
    Column("reason", Text, nullable=False, server_default=""),  # why it does not go on
    Column("due_at", UtcDateTime, nullable=False),
    Column("lease_until", UtcDateTime),
)

damage = Table(
    "damage", metadata,
    Column("id", Identifier, primary_key=True, autoincrement=True),
    Column("blob_key", Bytewise, nullable=False, unique=True),
    Column("sop_instance_uid", Bytewise, nullable=False),
    Column("kind", Bytewise, nullable=False),  # missing | damaged
    Column("detail", Text, nullable=False),
    Column("found_at", UtcDateTime, nullable=False),
    Column("mended_at", UtcDateTime),
    Column("mended_by", Bytewise, nullable=False, server_default=""),  # replica | other: it was sent again, or put back by hand
    Index(None, "mended_at"),
)
