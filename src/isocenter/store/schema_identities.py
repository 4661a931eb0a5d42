"""The table of whom the provider knows our accounts as, on the metadata of `schema`."""

from sqlalchemy import Column, ForeignKey, Table, UniqueConstraint

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata

identity = Table(
    "identity", metadata,
    Column("account_id", Identifier, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("issuer", Bytewise, nullable=False),
    Column("subject", Bytewise),  # null: allowed by an administrator, and whoever comes first with the account's name is it
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("issuer", "subject"),
)  # fmt: skip
