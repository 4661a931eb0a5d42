"""Verification, SCU: is a peer there, and if not, why (PS3.4 Annex A). Whatever happens is an outcome with words for people."""

import ssl
import time

from isocenter.dimse import client, status, tls
from isocenter.dimse.upper_layer.association import Limits
from isocenter.domain.errors import Broken
from isocenter.domain.verification import Outcome, Verified
from isocenter.settings import Settings

# For each step: the connection, the association, the answer. Who is there answers in milliseconds; a person is waiting.
PATIENCE = 5.0

NO_TLS = "nobody answers: TLS"  # how the message of `client.Unreachable` begins
_DEFAULT_HINT = "Its log has the reason."
_REJECTED = {
    "calling": "Add this archive's AE title, {calling}, to the devices that it knows.",
    "called": "It has another AE title than {called}: correct it here, or there.",
    "temporary": "It has too much to do just now; try again later.",
    "local limit": "It has too many associations open just now; try again later.",
}


def verify(
    host: str, port: int, calling: str, called: str, *, settings: Settings | None = None, patience: float = PATIENCE
) -> Verified:
    """C-ECHO to a peer; does not raise. settings: over TLS, as they have it. patience: seconds for each step."""
    began = time.monotonic()
    try:
        secured = None if settings is None else tls.to_call(settings)
    except Broken as error:
        return Verified(Outcome.FAILED, f"{_sentence(error.message)} {error.hint}", 0)
    outcome, message = _outcome(host, port, calling, called, secured, patience)
    return Verified(outcome, message, round((time.monotonic() - began) * 1000))


def _outcome(
    host: str, port: int, calling: str, called: str, secured: ssl.SSLContext | None, patience: float
) -> tuple[Outcome, str]:
    limits = Limits(artim_timeout=patience, idle_timeout=patience, pdu_timeout=patience)
    try:
        with client.Association(host, port, calling=calling, called=called, limits=limits, tls=secured) as association:
            code = association.echo()
    except client.Rejected as error:
        return Outcome.REJECTED, f"{_sentence(error.message)} {_hint(error.message, calling, called)}"
    except client.NotAccepted:
        return Outcome.NOT_OFFERED, f"{called} accepted the association, but it does not offer Verification. {_DEFAULT_HINT}"
    except client.Unreachable as error:
        hint = "Check host and port, that it is running, and the firewalls between."
        if error.message.startswith(NO_TLS):
            hint = "Does it speak TLS on this port, and is its certificate signed by one of dicom_tls_ca, for this host?"
        return Outcome.UNREACHABLE, f"{_sentence(error.message)} {hint}"
    except client.Lost as error:
        hint = "Is this its DICOM port, and does it want TLS?"
        if secured:
            hint = "Does it want a certificate of ours (dicom_tls_cert), and know who signed it?"
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
