"""The archive's own key, of which secrets are made that the database is not to hold: of webhooks, of second factors."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from isocenter.domain.errors import Broken
from isocenter.settings import Settings

KEY_FILE = "webhook.key"  # webhooks were the first to need it


def of(settings: Settings) -> bytes:
    """The setting webhook_key, or a key of this data folder that is made when it is first needed. Raises Broken."""
    if settings.webhook_key:
        return settings.webhook_key.encode()
    path = settings.data / KEY_FILE
    try:
        if not path.exists():
            _make(path)
        return path.read_bytes()
    except OSError as error:
        raise Broken(f"the archive's key cannot be read: {error.strerror}", hint=f"Look at {path}.") from None


def _make(path: Path) -> None:
    """A file that is whole as soon as it has its name; the first of several processes makes it."""
    made, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # 0600
    try:
        with open(made, "wb") as file:
            file.write(secrets.token_hex(32).encode())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)
