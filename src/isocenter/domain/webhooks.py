"""Webhooks, pure: what may be told where, how a message is signed (standardwebhooks.com), and what its answer means.

    Taken         2xx: go on with the next
    Refused       this message is not wanted; tried a few times, then put aside, and those after it go on
    Unavailable   nobody is there, or nobody lets us in: tried for days, in order; then the webhook is stopped and loses nothing
"""

import base64
import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from isocenter.domain.addresses import plain

SECRET_PREFIX = "whsec_"
MOST_TOGETHER = 100  # changes of one message
LONGEST_URL = 1024

# Until a message is sent again; the last for all further tries.
RETRIES = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600))
REFUSALS = 4  # of one message, which is put aside then
GIVE_UP = timedelta(days=7)  # an address that was unavailable for so long is told nothing more until a person says so
LONGEST_WAIT = timedelta(hours=1)  # that a receiver can ask for (Retry-After)


class Outcome(StrEnum):
    """What an answer means for the message and for those after it."""

    TAKEN = "taken"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    GONE = "gone"


# 4xx that say something of the address or of the moment, not of this message: who we are, where it is, not now.
_NOT_OF_THE_MESSAGE = frozenset({401, 402, 403, 404, 405, 407, 408, 421, 423, 425, 429})


def judged(status: int) -> Outcome:
    """What a status means; 0: there was no answer. A redirection is none: it is not followed."""
    if 200 <= status <= 299:
        return Outcome.TAKEN
    if status == 410:
        return Outcome.GONE
    return Outcome.REFUSED if 400 <= status <= 499 and status not in _NOT_OF_THE_MESSAGE else Outcome.UNAVAILABLE


def wait(attempts: int, asked_seconds: int = 0) -> timedelta:
    """Until the next try. attempts: how many have failed, 1 at least; asked_seconds: what the receiver asks for."""
    return max(RETRIES[min(attempts, len(RETRIES)) - 1], min(timedelta(seconds=max(asked_seconds, 0)), LONGEST_WAIT))


def fault_of_url(url: str) -> str:
    """What is wrong with an address; "" when nothing is."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "it is no address"
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return "write https://host/path"
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "leave user, password and fragment out: who receives checks the signature"
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        return f"it has {LONGEST_URL} printable ASCII characters at most, and no spaces"
    return ""


def may_be_called(address: str) -> bool:
    """Whether messages may go to an IP address. Clouds give out their machines' keys at link-local ones (169.254.169.254)."""
    number: ipaddress.IPv4Address | ipaddress.IPv6Address = plain(address.partition("%")[0])
    return not (number.is_link_local or number.is_multicast or number.is_unspecified or number.is_reserved)


def secret(key: bytes, nonce: str) -> bytes:
    """The secret of a webhook: made from the archive's key, so that the database, which has the nonce, does not have it."""
    return hmac.digest(key, f"isocenter webhook {nonce}".encode(), hashlib.sha256)


def key_id(key: bytes) -> str:
    """By what a key is recognised, without being told."""
    return hmac.digest(key, b"isocenter webhook key", hashlib.sha256)[:12].hex()


def shown(made: bytes) -> str:
    """A secret as it is given to people."""
    return SECRET_PREFIX + base64.b64encode(made).decode("ascii")


def signature(made: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of webhook-signature."""
    content = b"%b.%d.%b" % (message_id.encode(), timestamp, body)
    return "v1," + base64.b64encode(hmac.digest(made, content, hashlib.sha256)).decode("ascii")


def headers(made: bytes, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of a message. timestamp: seconds since 1970; receivers refuse old ones, so each try has its own."""
    return {
        "Content-Type": "application/json", "webhook-id": message_id, "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(made, message_id, timestamp, body),
    }  # fmt: skip


def message_id(webhook_id: int, numbers: Sequence[int]) -> str:
    """The same for every try of a message, so that who was told twice knows."""
    return f"isocenter-{webhook_id}-{numbers[0]}-{numbers[-1]}"
