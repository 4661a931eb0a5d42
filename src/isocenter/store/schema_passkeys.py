"""The tables of passkeys (WebAuthn credentials), on the metadata of `schema`."""

from sqlalchemy import Column, ForeignKey, Index, Table, Text

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata

passkey = Table(
    "passkey", metadata,
    Column("credential_id", Bytewise, primary_key=True),  # base64url, as browsers write it
    Column("account_id", Identifier, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("public_key", Bytewise, nullable=False),  # COSE, base64
    Column("sign_count", Identifier, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    Index(None, "account_id"),
)  # fmt: skip

# A challenge opens one session; kept as long as it would be valid.
passkey_challenge = Table(
    "passkey_challenge", metadata,
    Column("fingerprint", Bytewise, primary_key=True),
    Column("used_at", UtcDateTime, nullable=False),
)  # fmt: skip
