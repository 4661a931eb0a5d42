"""Alembic's entry: runs the migrations on the connection that it was handed (see `migrations.apply`)."""

from typing import Any, Literal

from alembic import context

from isocenter.store import schema_annotations as schema_annotations
from isocenter.store import schema_audit as schema_audit
from isocenter.store import schema_corrections as schema_corrections
from isocenter.store import schema_deidentification as schema_deidentification
from isocenter.store import schema_hanging as schema_hanging
from isocenter.store import schema_hl7 as schema_hl7
from isocenter.store import schema_index as schema_index  # its tables are on the same metadata
from isocenter.store import schema_orders as schema_orders  # its tables are on the same metadata
from isocenter.store import schema_routing as schema_routing
from isocenter.store import schema_scrub as schema_scrub
from isocenter.store import schema_seen as schema_seen
from isocenter.store import schema_uploads as schema_uploads
from isocenter.store import schema_ups as schema_ups  # its tables are on the same metadata
from isocenter.store import schema_webhooks as schema_webhooks
from isocenter.store.schema import Bytewise, Identifier, UtcDateTime, metadata


def render_item(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """Migrations must not import the schema of the day: our types are drafted as the names that script.py.mako defines."""
    if kind == "type" and (isinstance(item, UtcDateTime) or item is Bytewise):
        return "BYTEWISE"
    return "IDENTIFIER" if kind == "type" and item is Identifier else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=render_item,
    render_as_batch=context.config.attributes["connection"].dialect.name == "sqlite",
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
