"""Alembic's entry: runs the migrations on the connection that it was handed (see `migrations.apply`)."""

from typing import Any, Literal

from alembic import context

from isocenter.store.schema import Bytewise, Identifier, UtcDateTime
from isocenter.store.tables import metadata


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
