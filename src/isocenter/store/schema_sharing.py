"""The tables of links for people without an account, on the metadata of `schema`."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text, false

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata

share = Table(
    "share", metadata,
    Column("id", Identifier, primary_key=True, autoincrement=True),
    Column("token_hash", Bytewise, nullable=False, unique=True),  # SHA-256 of what the link ends with
    Column("opens", Bytewise, nullable=False),  # domain.sharing.Opens
    Column("label", Text, nullable=False, server_default=""),
    Column("study_uid", Bytewise, nullable=False, server_default=""),
    Column("identity", Bytewise, nullable=False, server_default=""),  # domain.patient.identity, when it opens a patient
    Column("download", Boolean, nullable=False, server_default=false()),
    Column("code", Bytewise, nullable=False, server_default="none"),  # domain.sharing.Code
    Column("code_hash", Text, nullable=False, server_default=""),  # argon2: it is short
    Column("tries", Integer, nullable=False, server_default="0"),  # wrong codes since the last right one
    Column("code_used_at", UtcDateTime),
    Column("maker", Bytewise, nullable=False, server_default=""),  # an account; "" for the command line
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    Column("withdrawn_by", Bytewise, nullable=False, server_default=""),
    Column("openings", Integer, nullable=False, server_default="0"),
    Column("opened_at", UtcDateTime),
    Column("most_bytes", Identifier, nullable=False, server_default="0"),  # of an upload link
    Column("bytes", Identifier, nullable=False, server_default="0"),  # that came over it
    Index(None, "maker"),
    sqlite_autoincrement=True,
)  # fmt: skip

share_session = Table(
    "share_session", metadata,
    Column("token_hash", Bytewise, primary_key=True),  # SHA-256 of the browser's cookie
    Column("share_id", Identifier, ForeignKey("share.id", ondelete="CASCADE"), nullable=False),
    Column("address", Bytewise, nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "share_id"),
)  # fmt: skip
