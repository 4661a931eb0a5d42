"""The tables of routing, on the metadata of `schema`.

    destination                     where images may be sent: a known peer, a DICOMweb server, a folder
    route                           rules: what goes where
    delivery 1─n delivery_instance  a study on its way to a destination, and what became of each instance
    relay                           how far the change log has been read
    engine_worker                   processes that do durable work, and when they were last alive
"""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata

destination = Table(
    "destination", metadata,
    Column("id", Identifier, primary_key=True, autoincrement=True),
    Column("name", Bytewise, nullable=False, unique=True),
    Column("kind", Bytewise, nullable=False),  # domain.delivery.Kind
    Column("address", Bytewise, nullable=False),  # AE title, URL or path
    Column("username", Bytewise, nullable=False, server_default=""),
    Column("secret", Text, nullable=False, server_default=""),  # it has to be told to the other side, so it cannot be a hash
    Column("paused", Boolean, nullable=False),
    Column("throttle", Integer, nullable=False, server_default="0"),  # bytes a second; 0: none
    Column("hours", Bytewise, nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)

route = Table(
    "route", metadata,
    Column("id", Identifier, primary_key=True, autoincrement=True),
    Column("name", Bytewise, nullable=False, unique=True),
    Column("enabled", Boolean, nullable=False),
    Column("definition", Text, nullable=False),  # JSON: what the rule asks for and where it sends
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)

delivery = Table(
    "delivery", metadata,
    Column("id", Identifier, primary_key=True, autoincrement=True),
    Column("study_instance_uid", Bytewise, nullable=False),
    Column("destination_fk", Identifier, ForeignKey("destination.id", ondelete="CASCADE"), nullable=False),
    Column("route", Bytewise, nullable=False, server_default=""),  # the rule that began it; "": a person
    Column("state", Bytewise, nullable=False),  # domain.delivery.State
    Column("round", Integer, nullable=False, server_default="0"),  # how often it was given to the engine
    Column("attempts", Integer, nullable=False, server_default="0"),  # rounds in a row that failed
    Column("reason", Text, nullable=False, server_default=""),
    Column("failing_since", UtcDateTime),
    Column("due_at", UtcDateTime, nullable=False),
    Column("lease_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("study_instance_uid", "destination_fk"),
    Index(None, "destination_fk", "state"),
    Index(None, "state", "due_at"),
    Index(None, "updated_at"),
    sqlite_autoincrement=True,
)

delivery_instance = Table(
    "delivery_instance", metadata,
    Column("delivery_fk", Identifier, ForeignKey("delivery.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("sop_instance_uid", Bytewise, primary_key=True),
    Column("state", Bytewise, nullable=False),  # domain.delivery.InstanceState
    Column("status", Integer, nullable=False, server_default="0"),  # what the other side answered
    Column("reason", Text, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
)

relay = Table(
    "relay", metadata,
    Column("name", Bytewise, primary_key=True),
    Column("seq", Identifier, nullable=False),
)

engine_worker = Table(
    "engine_worker", metadata,
    Column("executor_id", Bytewise, primary_key=True),
    Column("host", Bytewise, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
)
