"""The newest migration makes what the metadata describe, on both databases."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from isocenter.store import migrations
from isocenter.store.database import Database
from isocenter.store.tables import metadata


def test_head_is_the_newest_migration() -> None:
    scripts = ScriptDirectory.from_config(migrations.config())
    assert scripts.get_heads() == [migrations.HEAD]


def test_migrations_make_the_metadata(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"compare_type": True, "compare_server_default": False}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    assert database.read(differences) == []


def test_indexes_and_collations_are_there(database: Database) -> None:
    def look(connection: Connection) -> tuple[set[str | None], str | None]:
        indexes = {index["name"] for index in inspect(connection).get_indexes("study")}
        collation = None
        if connection.dialect.name == "postgresql":
            (column,) = [c for c in inspect(connection).get_columns("study") if c["name"] == "patient_name_key"]
            collation = column["type"].collation  # type: ignore[attr-defined]
        return indexes, collation

    indexes, collation = database.read(look)
    assert {"ix_study_name", "ix_study_date", "ix_study_patient_id", "ix_study_accession_number"} <= indexes
    assert collation in (None, "C") if database.is_sqlite else collation == "C"


def test_a_second_start_does_nothing(database_url: str) -> None:
    Database(database_url).close()
    opened = Database(database_url)
    assert opened.read(migrations.revision) == migrations.HEAD
    opened.close()
