"""Unique identifiers: what is one, and new ones of our own (PS3.5 Section 9, Annex B)."""

import re
import uuid

# Component: no leading zero, PS3.5 9.1; at least two components, since one alone names no object.
_UID = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+")
_SLOPPY = re.compile(r"[0-9.]*[0-9][0-9.]*")
MAX_LENGTH = 64  # PS3.5 9.1

# Under the 2.25 root (PS3.5 B.2): derived once from the name "isocenter" and kept, since peers' logs and quirk tables hold it.
IMPLEMENTATION_CLASS_UID = "2.25.338448557706577278102050964349615821063"
IMPLEMENTATION_VERSION_NAME = "ISOCENTER_0_1"  # SH, 16 characters at most


def is_valid(uid: str) -> bool:
    """Say whether `uid` is a UID as PS3.5 9.1 defines it: up to 64 characters, digits and dots, no leading zeros."""
    return len(uid) <= MAX_LENGTH and _UID.fullmatch(uid) is not None


def is_usable(uid: str) -> bool:
    """Say whether `uid` can name an object though it may be sloppy: digits and dots, 64 characters at most."""
    return 0 < len(uid) <= MAX_LENGTH and _SLOPPY.fullmatch(uid) is not None


def new_uid() -> str:
    """Return a new UID made from a random UUID (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid4().int}"
