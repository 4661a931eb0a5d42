"""The keys that blobs are encrypted under, from where the settings say they are: a file, the environment, or a command.

A key-encryption key wraps the key of each blob (`store.sealing`) and never leaves this process. Each is known by eight bytes of
its SHA-256, which files bear: so a file says which key it needs, and nothing about it.
"""

import base64
import binascii
import hashlib
import os
import shlex
import subprocess
from functools import lru_cache
from pathlib import Path

from isocenter.domain.errors import Away, Broken
from isocenter.settings import Settings

ID = 8  # bytes
_COMMAND_SECONDS = 60
_MAKE = "A key is 32 random bytes in hex or base64, made for example by: openssl rand -base64 32"


class Keys:
    """The current key (None: new blobs are not encrypted) and those that older blobs are under. Safe to share between threads."""

    def __init__(self, current: bytes | None, older: tuple[bytes, ...] = ()) -> None:
        self._keys = {name(key): key for key in (*older, *([current] if current else []))}
        self.current = name(current) if current else None

    def __contains__(self, key_id: bytes) -> bool:
        return key_id in self._keys

    def wrap(self, data_key: bytes) -> bytes:
        """A blob's key under the current key, by AES Key Wrap (RFC 3394): 8 bytes more."""
        from cryptography.hazmat.primitives.keywrap import aes_key_wrap

        if self.current is None:
            raise ValueError("there is no current key")
        return aes_key_wrap(self._keys[self.current], data_key)

    def unwrap(self, key_id: bytes, wrapped: bytes) -> bytes:
        """A blob's key. Raises Away when its key-encryption key is not among ours, Broken when it is not what was written."""
        from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

        key = self._keys.get(key_id)
        if key is None:
            raise Away(f"the object is encrypted under the key {key_id.hex()}, which is not here", kept="Its bytes are safe.",
                       hint="An administrator should name that key with encryption_key or encryption_old_keys.")
        try:
            return aes_key_unwrap(key, wrapped)
        except InvalidUnwrap:
            raise Broken("the file of this object is damaged: its key cannot be read",
                         hint="An administrator should run `isocenter verify`.") from None


def name(key: bytes) -> bytes:
    """What files call a key."""
    return hashlib.sha256(b"isocenter key-encryption key\0" + key).digest()[:ID]


def of(settings: Settings) -> Keys | None:
    """The keys of the settings; None when nothing is or was encrypted. Raises Broken when one cannot be had."""
    if not settings.encryption_key and not settings.encryption_old_keys:
        return None
    return _of(settings.encryption_key, settings.encryption_old_keys)


@lru_cache(maxsize=4)  # a command is asked once in a process
def _of(current: str, older: str) -> Keys:
    before = tuple(_read("encryption_old_keys", each.strip()) for each in older.split(",") if each.strip())
    return Keys(_read("encryption_key", current) if current else None, before)


def _read(setting: str, place: str) -> bytes:
    kind, _, rest = place.partition(":")
    try:
        text = {"file": _file, "env": _variable, "command": _command}[kind](rest)
    except OSError as error:
        raise _unusable(setting, f"{rest or place} cannot be read: {error.strerror or error}") from None
    except subprocess.SubprocessError:
        raise _unusable(setting, "the command that gives the key failed or took too long") from None
    key = _decoded(text.strip())
    if key is None:
        raise _unusable(setting, "what is there is no key")
    return key


def _file(path: str) -> str:
    return Path(path).read_text("ascii", errors="replace")


def _variable(variable: str) -> str:
    return os.environ.get(variable, "")


def _command(line: str) -> str:
    words = shlex.split(line)
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=_COMMAND_SECONDS, check=True)
    return done.stdout.decode("ascii", errors="replace")


def _decoded(text: str) -> bytes | None:
    for decode in (bytes.fromhex, lambda value: base64.b64decode(value, validate=True)):
        try:
            key = decode(text)
        except (ValueError, binascii.Error):
            continue
        if len(key) == 32:
            return key
    return None


def _unusable(setting: str, reason: str) -> Broken:
    return Broken(f"{setting}: {reason}", kept="Nothing was changed.", hint=_MAKE)
