"""Verification, SCU: is a peer there, and if not, why (PS3.4 Annex A). Whatever happens is an outcome with words for people."""

import time

from isocenter.dimse import client, status
from isocenter.dimse.upper_layer.association import Limits
from isocenter.domain.verification import Outcome, Verified

# For each step: the connection, the association, the answer. Who is there answers in milliseconds; a person is waiting.
PATIENCE = 5.0

_DEFAULT_HINT = "Its log has the reason."
_REJECTED = {
    "calling": "Add this archive's AE title, {calling}, to the devices that it knows.",
    "called": "It has another AE title than {called}: correct it here, or there.",
    "temporary": "It has too much to do just now; try again later.",
    "local limit": "It has too many associations open just now; try again later.",
}


def verify(host: str, port: int, calling: str, called: str, *, patience: float = PATIENCE) -> Verified:
    """C-ECHO to a peer; does not raise. patience: seconds for each step."""
    began = time.monotonic()
    outcome, message = _outcome(host, port, calling, called, patience)
    return Verified(outcome, message, round((time.monotonic() - began) * 1000))


def _outcome(host: str, port: int, calling: str, called: str, patience: float) -> tuple[Outcome, str]:
    limits = Limits(artim_timeout=patience, idle_timeout=patience, pdu_timeout=patience)
    try:
        with client.Association(host, port, calling=calling, called=called, limits=limits) as association:
            code = association.echo()
    except client.Rejected as error:
        return Outcome.REJECTED, f"{_sentence(error.message)} {_hint(error.message, calling, called)}"
    except client.NotAccepted:
        return Outcome.NOT_OFFERED, f"{called} accepted the association, but it does not offer Verification. {_DEFAULT_HINT}"
    except client.Unreachable as error:
        hint = "Check host and port, that it is running, and the firewalls between."
        return Outcome.UNREACHABLE, f"{_sentence(error.message)} {hint}"
    except client.Lost as error:
        hint = "Is this its DICOM port, and does it want TLS?"
        return Outcome.NO_ANSWER, f"{host}:{port} took the connection, but {error.message}. {hint}"
    if code != status.SUCCESS:
        return Outcome.FAILED, f"{called} answered with status {code:04X}H, {status.describe(code).text}. {_DEFAULT_HINT}"
    return Outcome.ANSWERED, f"{called} answered."


def _hint(words: str, calling: str, called: str) -> str:
    reason = words.partition(": ")[2]
    hint = next((hint for beginning, hint in _REJECTED.items() if reason.startswith(beginning)), _DEFAULT_HINT)
    return hint.format(calling=calling, called=called)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
