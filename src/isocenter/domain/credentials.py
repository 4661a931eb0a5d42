"""Passwords, secrets and the price of guessing: everything about credentials that needs no database.

Passwords are kept as argon2id hashes (RFC 9106); sessions and tokens are 256 random bits of which only a SHA-256 is kept:
a random secret needs no slow hash, since nobody can search 2^256 of them. Guessing costs time: see `delay`.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from isocenter.domain.errors import Invalid
from isocenter.settings import Settings

# NIST SP 800-63B 5.1.1: length is what counts, rules about digits and capitals do harm; a bound keeps argon2's work bounded.
MINIMUM_PASSWORD = 12
MAXIMUM_PASSWORD = 1024
# The few that people type when they are asked for twelve characters.
# Guesses a password must be worth, in powers of ten (zxcvbn): ten a second would take decades, and nobody is let try that fast.
LEAST_GUESSES = 8.0
_LOOKED_AT = 72  # characters; of a longer one the beginning must do
_PRODUCT = ("isocenter", "pacs", "dicom", "radiology")

# Guesses that cost nothing, then 1, 2, 4 ... seconds. An address may fail oftener, since a hospital sits behind one; and its
# delay grows further than the account's, so that one address cannot keep an account's owner out for long.
FREE_FAILURES = {"account": 5, "address": 20}
LONGEST_DELAY = {"account": 60, "address": 900}
# Failures older than this are forgotten: nobody is locked out for ever.
FORGET_AFTER_SECONDS = 3600


def check_password(password: str, username: str) -> None:
    """Raise Invalid unless the password may be set for a new or changed account."""
    reason = ""
    if len(password) < MINIMUM_PASSWORD:
        reason = f"shorter than {MINIMUM_PASSWORD} characters"
    elif len(password) > MAXIMUM_PASSWORD:
        reason = f"longer than {MAXIMUM_PASSWORD} characters"
    elif len(set(password)) < 4:
        reason = "made of fewer than four different characters"
    elif username.lower() in password.lower() and len(password) < len(username) + MINIMUM_PASSWORD - 4:
        reason = "little more than the user's name"
    elif _guesses(password, username) < LEAST_GUESSES:
        reason = "one that is guessed soon: common words, names, dates, rows of keys or repetitions"
    if reason:
        hint = "a sentence of several words is a good one"
        raise Invalid(f"the password is {reason}", where="password", kept="nothing was changed", hint=hint)


def _guesses(password: str, username: str) -> float:
    from zxcvbn import zxcvbn  # its lists are loaded when the first password is set

    return float(zxcvbn(password[:_LOOKED_AT], user_inputs=[username, *_PRODUCT])["guesses_log10"])


def new_password() -> str:
    """A generated password a person can type: five groups of four out of 32 symbols, 100 bits, none that look alike."""
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(5))


def new_secret() -> str:
    """256 random bits, url-safe: a session cookie or a bearer token."""
    return secrets.token_urlsafe(32)


def fingerprint(secret: str) -> str:
    """What is kept of a secret: SHA-256, hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def csrf_token(session_secret: str) -> str:
    """The token a page must repeat in `X-CSRF-Token`; derived from the HttpOnly cookie, so that a foreign page cannot know it."""
    return hmac.new(session_secret.encode(), b"isocenter csrf", hashlib.sha256).hexdigest()


def same(left: str, right: str) -> bool:
    """Compare two secrets in a time that tells nothing."""
    return hmac.compare_digest(left.encode(), right.encode())


def delay(failures: int, keyed_by: str) -> int:
    """Seconds to wait after the last of `failures`; `keyed_by` is "account" or "address"."""
    excess = failures - FREE_FAILURES[keyed_by]
    # 2**10 is over every cap: the exponent is bounded before it is used.
    return min(2 ** min(excess, 10), LONGEST_DELAY[keyed_by]) if excess >= 0 else 0


def left_of_delay(failures: int, age: float, keyed_by: str) -> float:
    """Seconds of the delay that are left when the last failure is `age` seconds ago; 0 or less: none."""
    return delay(failures, keyed_by) - age if age < FORGET_AFTER_SECONDS else 0.0


@dataclass(frozen=True, slots=True)
class Passwords:
    """argon2id with these costs; `memory_kib` is held for the time of one hash (tens of milliseconds)."""

    memory_kib: int
    passes: int

    @classmethod
    def of(cls, settings: Settings) -> "Passwords":
        """The costs that the settings ask for."""
        return cls(settings.argon2_memory_kib, settings.argon2_passes)

    def _hasher(self) -> PasswordHasher:
        return PasswordHasher(time_cost=self.passes, memory_cost=self.memory_kib, parallelism=1, type=Type.ID)

    def hash(self, password: str) -> str:
        """The encoded hash, its parameters and salt inside it."""
        return self._hasher().hash(password)

    def verify(self, password: str, password_hash: str) -> bool:
        """Whether the password is the one hashed. A damaged hash is nobody's password."""
        if len(password) > MAXIMUM_PASSWORD:
            return False
        try:
            return self._hasher().verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other costs than today's, and should be made again at the next login."""
        return self._hasher().check_needs_rehash(password_hash)
