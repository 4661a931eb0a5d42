"""Draft the next migration: `python -m isocenter.store.migrations "what changes"`. Read what it wrote, then set HEAD to it."""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from isocenter.store import connections, migrations


def draft(message: str) -> None:
    """Write versions/NNNN_....py from the difference between a fresh database at HEAD and the metadata."""
    with tempfile.TemporaryDirectory() as folder:
        engine = connections.writing(connections.parse_url(f"sqlite:///{Path(folder) / 'draft.sqlite'}"))
        settings = migrations.config()
        revisions = [script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()]
        with engine.connect() as connection:
            settings.attributes["connection"] = connection
            if revisions:
                command.upgrade(settings, "head")
            command.revision(settings, message, autogenerate=True, rev_id=f"{int(max(revisions, default=0)) + 1:04d}")
        engine.dispose()


if __name__ == "__main__":
    draft(" ".join(sys.argv[1:]) or "change")
