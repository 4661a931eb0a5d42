"""Passkeys (W3C Web Authentication): signing in with a key that a telephone, a computer or a stick keeps, without the password.

The device has its owner prove themselves (a finger, a PIN) each time, which is asked for and checked: so no code is asked for
besides. A key is of one site: a false page that looks like ours gets nothing.
py_webauthn reads and checks what browsers send; it is loaded when the first one is asked for.
"""

import base64
import binascii
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
from sqlalchemy import Connection

from isocenter.domain import access, challenges
from isocenter.domain.access import Permission, Principal
from isocenter.domain.credentials import fingerprint
from isocenter.domain.errors import Conflict, Forbidden, Invalid, Missing, Unauthenticated
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.settings import Settings
from isocenter.store import accounts, archive_key, changes, passkeys
from isocenter.store.accounts import Account
from isocenter.store.passkeys import Passkey

if TYPE_CHECKING:
    from webauthn.authentication.verify_authentication_response import VerifiedAuthentication

__all__ = [
    "LONGEST_NAME", "Entered", "Passkey", "begin", "begin_enrolment", "enrol", "enter", "possible", "remove", "remove_all",
    "state",
]  # fmt: skip

LONGEST_NAME = 64
MOST = 20  # of one account
_ENTER = "enter"


@dataclass(frozen=True, slots=True)
class Entered:
    """Whose key it was. facts: for the log."""

    name: str
    facts: dict[str, Any]


def possible(settings: Settings) -> bool:
    """Whether browsers have passkeys for our address: a name, over HTTPS, or this very machine as localhost."""
    place = urlsplit(settings.url)
    try:
        ipaddress.ip_address(place.hostname or "")
    except ValueError:
        return place.scheme == "https" or place.hostname == "localhost"
    return False


def state(context: Context, principal: Principal) -> list[Passkey]:
    """One's own. Raises Forbidden to who has no account."""
    return context.database.read(lambda connection: passkeys.of(connection, _own(connection, principal).id))


def begin_enrolment(context: Context, principal: Principal) -> dict[str, Any]:
    """What the browser is asked to make a key with, after the edge had the password checked. Raises Conflict, Forbidden."""
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers import base64url_to_bytes
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    def read(connection: Connection) -> tuple[Account, list[Passkey]]:
        owner = _own(connection, principal)
        return owner, passkeys.of(connection, owner.id)

    owner, held = context.database.read(read)
    if len(held) >= MOST:
        raise Conflict(f"an account has at most {MOST} passkeys", where="name", kept="nothing was changed", hint="remove one")
    options = generate_registration_options(
        rp_id=_site(context.settings), rp_name=context.settings.aet.title(), user_name=owner.name, user_id=_handle(owner.id),
        challenge=_challenge(context, f"enrol {owner.name}"),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(base64url_to_bytes(each.credential_id)) for each in held],
    )  # fmt: skip
    return dict(json.loads(options_to_json(options)))


def enrol(context: Context, principal: Principal, credential: Mapping[str, Any], name: str) -> None:
    """Keep the public half of a key that was made. Raises Invalid, Conflict, Forbidden."""
    from webauthn import verify_registration_response
    from webauthn.helpers.exceptions import WebAuthnException

    name = name.strip()
    if not name or len(name) > LONGEST_NAME:
        raise Invalid(f"a passkey's name has 1 to {LONGEST_NAME} characters", where="name")
    challenge = _answered(context, credential, f"enrol {principal.name}")
    try:
        if challenge is None:
            raise ValueError
        made = verify_registration_response(
            credential=dict(credential), expected_challenge=challenge, expected_rp_id=_site(context.settings),
            expected_origin=context.settings.url, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise Invalid("what the browser sent is no passkey for this site", where="credential", kept="nothing was changed",
                      hint="begin again") from None
    number = base64.urlsafe_b64encode(made.credential_id).rstrip(b"=").decode()

    def write(connection: Connection) -> None:
        owner = _own(connection, principal)
        if passkeys.find(connection, number) is not None:
            raise Conflict("this passkey is known already", where="credential", kept="nothing was changed")
        key = base64.b64encode(made.credential_public_key).decode()
        passkeys.add(connection, Passkey(number, owner.id, key, made.sign_count, name, context.clock()))
        _note(connection, owner, principal)

    context.database.write(write)


def remove(context: Context, principal: Principal, credential_id: str) -> None:
    """Remove one of one's own. Raises Missing."""

    def write(connection: Connection) -> None:
        owner = _own(connection, principal)
        if not credential_id or not passkeys.remove(connection, owner.id, credential_id):
            raise Missing("there is no such passkey", where="id")
        _note(connection, owner, principal)

    context.database.write(write)


def remove_all(context: Context, principal: Principal, name: str) -> None:
    """Remove all of another's, whose telephone was lost. Raises Missing."""
    access.require(principal, Permission.USER_MANAGE)

    def write(connection: Connection) -> None:
        owner = accounts.account(connection, name.strip().lower())
        if owner is None or not passkeys.remove(connection, owner.id):
            raise Missing("there is no such account, or it has no passkeys", where="name")
        _note(connection, owner, principal)

    context.database.write(write)


def begin(context: Context) -> dict[str, Any]:
    """What the browser is asked to sign with any of its keys for this site; nothing is told of which there are."""
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import UserVerificationRequirement

    options = generate_authentication_options(rp_id=_site(context.settings), challenge=_challenge(context, _ENTER),
                                              user_verification=UserVerificationRequirement.REQUIRED)
    return dict(json.loads(options_to_json(options)))


def enter(context: Context, credential: Mapping[str, Any], address: str) -> Entered:
    """Whose key has signed. Raises Unauthenticated; which of all that does not hold is told to nobody but the log."""
    challenge, number = _answered(context, credential, _ENTER), credential.get("id")
    found = passkeys.find if isinstance(number, str) and len(number) < 2048 else None
    held = context.database.read(lambda connection: found(connection, str(number))) if found and challenge else None
    signed = _verified(context, credential, challenge, held) if held and challenge else None
    owner = _used(context, held, signed.new_sign_count, challenge) if held and signed and challenge else None
    if held is None or owner is None:
        facts = {"address": address, "known": held is not None, "reason": "passkey"}
        context.database.write(lambda connection: changes.append(connection, Event.LOGIN_FAILED, "", "", facts))
        raise Unauthenticated("the passkey does not open this", hint="sign in with name and password, and look at your passkeys")
    return Entered(owner.name, {"passkey": held.name})


def _verified(
    context: Context, credential: Mapping[str, Any], challenge: bytes, held: Passkey
) -> "VerifiedAuthentication | None":
    from webauthn import verify_authentication_response
    from webauthn.helpers.exceptions import WebAuthnException

    handle = credential.get("response", {}).get("userHandle")
    if handle and handle != base64.urlsafe_b64encode(_handle(held.account_id)).rstrip(b"=").decode():
        return None
    try:
        return verify_authentication_response(
            credential=dict(credential), expected_challenge=challenge, expected_rp_id=_site(context.settings),
            expected_origin=context.settings.url, credential_public_key=base64.b64decode(held.public_key),
            credential_current_sign_count=held.sign_count, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError):
        return None


def _used(context: Context, held: Passkey, count: int, challenge: bytes) -> Account | None:
    """Note the use; None when the challenge was used before, or the account or its key is no more."""
    now = context.clock()

    def write(connection: Connection) -> Account | None:
        owner = next((each for each in accounts.accounts(connection) if each.id == held.account_id), None)
        if owner is None or owner.disabled or passkeys.find(connection, held.credential_id) is None:
            return None
        if not passkeys.spend(connection, fingerprint(challenge.hex()), now, now - 2 * challenges.VALID):
            return None
        passkeys.use(connection, held.credential_id, count, now)
        return owner

    return context.database.write(write)


def _challenge(context: Context, purpose: str) -> bytes:
    return challenges.make(archive_key.of(context.settings), purpose, context.clock())


def _answered(context: Context, credential: Mapping[str, Any], purpose: str) -> bytes | None:
    """The challenge that a browser answered; None when it is none of ours."""
    try:
        told = credential["response"]["clientDataJSON"]
        challenge = _unpacked(orjson.loads(_unpacked(told))["challenge"])
    except (KeyError, TypeError, ValueError, binascii.Error):
        return None
    return challenge if challenges.holds(archive_key.of(context.settings), purpose, challenge, context.clock()) else None


def _unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _site(settings: Settings) -> str:
    if not possible(settings):
        raise Conflict("passkeys need an address with a name, over HTTPS", where="public_url", hint="set public_url")
    return urlsplit(settings.url).hostname or ""


def _handle(account_id: int) -> bytes:
    return account_id.to_bytes(8, "big")


def _own(connection: Connection, principal: Principal) -> Account:
    owner = accounts.account(connection, principal.name) if principal.kind == "user" else None
    if owner is None:
        raise Forbidden("passkeys are a person's", hint="log in with the password")
    return owner


def _note(connection: Connection, owner: Account, principal: Principal) -> None:
    changes.append(connection, Event.ACCOUNT_UPDATED, owner.name, principal.name, {"changed": ["passkeys"]})
