"""Challenges that a server need not remember: random, dated and signed, for one purpose.

    8 bytes seconds since 1970 | 24 random | 32 HMAC-SHA256 over the purpose and those
"""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta

VALID = timedelta(minutes=5)
_BODY, _LENGTH = 32, 64


def make(key: bytes, purpose: str, now: datetime) -> bytes:
    """A new one."""
    body = int(now.timestamp()).to_bytes(8, "big") + secrets.token_bytes(24)
    return body + _sign(key, purpose, body)


def holds(key: bytes, purpose: str, challenge: bytes, now: datetime) -> bool:
    """Whether it was made with this key, for this purpose, and lately."""
    if len(challenge) != _LENGTH or not hmac.compare_digest(challenge[_BODY:], _sign(key, purpose, challenge[:_BODY])):
        return False
    made = datetime.fromtimestamp(int.from_bytes(challenge[:8], "big"), UTC)
    return made <= now + timedelta(seconds=1) and now - made <= VALID


def _sign(key: bytes, purpose: str, body: bytes) -> bytes:
    return hmac.digest(key, b"challenge\0" + purpose.encode() + b"\0" + body, hashlib.sha256)
