"""The tables of second factors, on the metadata of `schema`."""

from sqlalchemy import Column, ForeignKey, Table

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata

factor = Table(
    "factor", metadata,
    Column("account_id", Identifier, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("nonce", Bytewise, nullable=False),  # of domain.totp.secret
    Column("created_at", UtcDateTime, nullable=False),
    Column("confirmed_at", UtcDateTime),  # the first code that was right; before that it is asked of nobody
    Column("last_step", Identifier, nullable=False, server_default="0"),  # time step of the last code that was taken
)  # fmt: skip

recovery_code = Table(
    "recovery_code", metadata,
    Column("account_id", Identifier, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("code_hash", Bytewise, primary_key=True),  # SHA-256: random, and throttled as passwords are; gone when it was used
)  # fmt: skip
