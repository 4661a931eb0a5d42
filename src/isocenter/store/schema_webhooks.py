"""The tables of webhooks, on the metadata of `schema`.

    webhook 1─n webhook_failure      who is told of changes, how far it has been told; messages that were put aside

What is still to be told is no rows: it is the change log after the webhook's number.
"""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text, false

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata

webhook = Table(
    "webhook", metadata,
    Column("id", Identifier, primary_key=True, autoincrement=True),
    Column("name", Bytewise, nullable=False, unique=True),
    Column("url", Text, nullable=False),
    Column("kinds", Text, nullable=False),  # patterns, with commas
    Column("together", Integer, nullable=False),  # changes of one message at most
    Column("enabled", Boolean, nullable=False),
    Column("nonce", Bytewise, nullable=False),  # with the archive's key it makes the secret
    Column("key_id", Bytewise, nullable=False),
    Column("cursor", Identifier, nullable=False),  # change.seq up to which it has been told
    Column("until", Identifier),  # change.seq with which a message ends that failed: it is tried again as it was
    Column("due_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),  # of this message that failed
    Column("failing_since", UtcDateTime),
    Column("lease_until", UtcDateTime),
    Column("test_asked", Boolean, nullable=False, server_default=false()),
    Column("told", Identifier, nullable=False, server_default="0"),  # changes so far
    Column("told_at", UtcDateTime),
    Column("last_status", Integer, nullable=False, server_default="0"),
    Column("last_reason", Text, nullable=False, server_default=""),
    Column("last_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)

webhook_failure = Table(
    "webhook_failure", metadata,
    Column("id", Identifier, primary_key=True, autoincrement=True),
    Column("webhook_fk", Identifier, ForeignKey("webhook.id", ondelete="CASCADE"), nullable=False),
    Column("first_seq", Identifier, nullable=False),
    Column("last_seq", Identifier, nullable=False),
    Column("changes", Integer, nullable=False),
    Column("status", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failed_at", UtcDateTime, nullable=False),
    Column("resend_asked", Boolean, nullable=False, server_default=false()),
    Index(None, "webhook_fk", "id"),
    Index(None, "resend_asked"),
    sqlite_autoincrement=True,
)
