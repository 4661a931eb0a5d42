"""One-time codes that an app on a telephone counts (TOTP, RFC 6238): six digits, SHA-1, 30 seconds, as all such apps know them.

The secret of an account is made from the archive's key and a nonce, so that the database, which has the nonce, does not have it.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote

DIGITS = 6
PERIOD = 30  # seconds
SKEW = 1  # steps that a telephone's clock may be before or after ours (RFC 6238 5.2)
RECOVERY_CODES = 10
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # none that look alike


def secret(key: bytes, nonce: str) -> bytes:
    """160 bits, as RFC 4226 4 recommends."""
    return hmac.digest(key, f"isocenter second factor {nonce}".encode(), hashlib.sha256)[:20]


def text_of(made: bytes) -> str:
    """The secret as people type it: base32 without padding."""
    return base64.b32encode(made).decode().rstrip("=")


def address(made: bytes, account: str, issuer: str) -> str:
    """What the QR code says to the app (Key URI format)."""
    return f"otpauth://totp/{quote(issuer)}:{quote(account)}?secret={text_of(made)}&issuer={quote(issuer)}"


def step(at: datetime) -> int:
    """The number of the time step at a moment."""
    return int(at.timestamp()) // PERIOD


def code(made: bytes, number: int) -> str:
    """The code of a time step (RFC 4226 5.3)."""
    digest = hmac.digest(made, number.to_bytes(8, "big"), hashlib.sha1)
    at = digest[-1] & 0xF
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 10**DIGITS:0{DIGITS}}"


def step_of(made: bytes, given: str, at: datetime, after: int) -> int | None:
    """The time step whose code was given, later than `after` (no code counts twice, RFC 6238 5.2); None: of none."""
    now = step(at)
    right = [number for number in range(now - SKEW, now + SKEW + 1) if hmac.compare_digest(code(made, number), given)]
    return next((number for number in right if number > after), None)


def plain(given: str) -> str:
    """A code as it is compared: its letters and digits. People type spaces and hyphens into it, programs anything."""
    return "".join(letter for letter in given if letter.isascii() and letter.isalnum()).lower()[:64]


def new_recovery_code() -> str:
    """A code for the day the telephone is lost: 50 bits in two groups."""
    letters = [secrets.choice(_ALPHABET) for _ in range(10)]
    return f"{''.join(letters[:5])}-{''.join(letters[5:])}"
