"""User Identity Negotiation (PS3.7 D.3.3.7): who sits at the device that calls, checked against the accounts.

A user name with its passcode (type 2) is checked as a login is, throttled like one, and the association may then do and see what
the account may. A user name alone (type 1) proves nothing: it changes no right, and is answered when there is such an account.
Other types are not supported and so not answered (D.3.3.7.2); the association goes on as that of the device.
"""

import logging
import threading
from dataclasses import replace

from isocenter.dimse.upper_layer.items import UserIdentityAC, UserIdentityRQ
from isocenter.dimse.upper_layer.pdu import NO_REASON_GIVEN, TEMPORARY_CONGESTION, AssociateRJ, AssociateRQ
from isocenter.domain import addresses
from isocenter.domain.errors import Busy, IsocenterError, Unauthenticated
from isocenter.service import sessions
from isocenter.service.context import Context
from isocenter.service.peers import Caller

log = logging.getLogger(__name__)

USERNAME, USERNAME_AND_PASSCODE = 1, 2  # PS3.7 Table D.3-14, User-Identity-Type

# argon2 keeps a core and tens of megabytes busy: a flood of associations costs only those who wait.
_HASHING = threading.BoundedSemaphore(2)

Identified = tuple[Caller, tuple[UserIdentityAC, ...]]
"""The caller, as whom the association acts, and what is answered."""


def identify(context: Context, request: AssociateRQ, caller: Caller, *, secured: bool) -> Identified | AssociateRJ:
    """Whose association it is. secured: over TLS; in clear text from another machine a passcode is not looked at."""
    given = request.find(UserIdentityRQ)
    required = context.settings.dicom_user_required
    if given is None or given.user_identity_type not in (USERNAME, USERNAME_AND_PASSCODE):
        return NO_REASON_GIVEN if required else (caller, ())
    address = caller.principal.address
    name = given.primary_field.decode("utf-8", "replace")  # Table D.3-14: encoded in UTF-8
    answer = (UserIdentityAC(b""),) if given.positive_response_requested else ()
    try:
        if given.user_identity_type == USERNAME:
            known = not required and sessions.is_account(context, name)
            return NO_REASON_GIVEN if required else (caller, answer if known else ())
        if not (secured or addresses.is_loopback(address)):
            facts = {"calling": request.calling_ae_title, "address": address}
            log.warning("a passcode came in clear text and is not looked at: dicom_tls is for that", extra={"facts": facts})
            return NO_REASON_GIVEN if required else (caller, ())
        passcode = given.secondary_field.decode("utf-8", "replace")
        with _HASHING:
            principal = sessions.association(context, name, passcode, address, request.calling_ae_title)
    except Unauthenticated:
        return NO_REASON_GIVEN
    except Busy:  # too many have failed: it may try again later
        return TEMPORARY_CONGESTION
    except IsocenterError:  # the database is away
        log.exception("cannot look up an account")
        return TEMPORARY_CONGESTION
    return replace(caller, principal=principal), answer
