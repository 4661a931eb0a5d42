"""Emergency access ("break-glass"): for which purposes, and how long. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

from isocenter.domain.errors import Invalid

# HL7 v3 ActReason, PurposeOfUse (2.16.840.1.113883.1.11.20448): code -> what it means here
PURPOSES: Mapping[str, str] = MappingProxyType(
    {
        "ETREAT": "Emergency treatment",
        "TREAT": "Treatment: called in, or standing in for somebody",
        "COC": "Coordination of care: handover, conference",
        "PATSFTY": "Patient safety: a mix-up, or a finding somebody must be told",
    }
)
SHORTEST_REASON, LONGEST_REASON = 10, 1000


def why(purpose: str, reason: str) -> str:
    """The reason, tidied. Raises Invalid: of another purpose, or one that says nothing."""
    if purpose not in PURPOSES:
        raise Invalid(f"a purpose is one of {', '.join(PURPOSES)}", where="purpose", kept="Nothing was opened.")
    text = " ".join(reason.split())
    if not SHORTEST_REASON <= len(text) <= LONGEST_REASON:
        raise Invalid(f"a reason has {SHORTEST_REASON} to {LONGEST_REASON:,} characters", where="reason",
                      kept="Nothing was opened.", hint="Say it so that whoever reviews it tomorrow understands.")
    return text
