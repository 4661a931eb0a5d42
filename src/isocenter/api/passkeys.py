"""Signing in with a passkey, and one's own passkeys."""

from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from isocenter.api.endpoint import Call, Door, Endpoint, Parameter, json_response
from isocenter.api.schema import array, obj, or_null, ref, text
from isocenter.api.session import answer, end_before, set_cookie
from isocenter.domain.access import Permission
from isocenter.domain.credentials import MAXIMUM_PASSWORD
from isocenter.domain.errors import Kind
from isocenter.service import passkeys, sessions


async def _enter(request: Request, call: Call) -> Response:
    origin = call.authenticator.origin(request.scope)

    def enter() -> sessions.Begun:
        entered = passkeys.enter(call.context, call.body["credential"], origin.address)
        return sessions.vouched(call.context, entered.name, origin.address, entered.facts)

    begun = await anyio.to_thread.run_sync(enter)
    await end_before(request, call)
    response = json_response(answer(call, begun.principal, begun.secret))
    set_cookie(response, begun.secret, origin.https)
    return response


def _begin(call: Call) -> Any:
    return {"options": passkeys.begin(call.context)}


def _state(call: Call) -> Any:
    return {"passkeys": [
        {"id": each.credential_id, "name": each.name, "created_at": each.created_at.isoformat(),
         "used_at": each.used_at.isoformat() if each.used_at else None} for each in passkeys.state(call.context, call.principal)
    ]}  # fmt: skip


def _begin_enrolment(call: Call) -> Any:
    sessions.confirm(call.context, call.principal, call.body["current"])
    return {"options": passkeys.begin_enrolment(call.context, call.principal)}


def _enrol(call: Call) -> None:
    passkeys.enrol(call.context, call.principal, call.body["credential"], call.body["name"])


def _remove(call: Call) -> None:
    passkeys.remove(call.context, call.principal, call.body["id"])


def _remove_all(call: Call) -> None:
    passkeys.remove_all(call.context, call.principal, call.path["name"])


_OPTIONS = obj({"options": {"type": "object", "additionalProperties": True}})
_CREDENTIAL = {"type": "object", "additionalProperties": True, "description": "PublicKeyCredential.toJSON()"}
_MOMENT = text("RFC 3339", format="date-time")

ENDPOINTS = (
    Endpoint(
        method="POST", path="/session/passkey/begin", tag="session", needs=Door.PUBLIC, run=_begin,
        summary="Begin to sign in with a passkey", answer=_OPTIONS, errors=(Kind.CONFLICT,),
        description="options: for navigator.credentials.get (Web Authentication). They hold for five minutes and one sign-in.",
    ),
    Endpoint(
        method="POST", path="/session/passkey", tag="session", needs=Door.PUBLIC, respond=_enter,
        summary="Sign in with a passkey",
        description="As POST /session; a second step is not asked for, since the device has asked for one.",
        body=obj({"credential": _CREDENTIAL}), answer=ref("Session"), errors=(Kind.UNAUTHENTICATED, Kind.CONFLICT),
    ),
    Endpoint(
        method="GET", path="/session/passkeys", tag="session", needs=Door.SIGNED_IN, run=_state, summary="One's own passkeys",
        answer=obj({"passkeys": array(obj({"id": text(), "name": text(), "created_at": _MOMENT, "used_at": or_null(_MOMENT)}))}),
    ),
    Endpoint(
        method="POST", path="/session/passkeys/begin", tag="session", needs=Door.SIGNED_IN, run=_begin_enrolment, hashes=True,
        summary="Begin to add a passkey", body=obj({"current": text("the password", minLength=1, maxLength=MAXIMUM_PASSWORD)}),
        description="options: for navigator.credentials.create.", answer=_OPTIONS, errors=(Kind.CONFLICT,),
    ),
    Endpoint(
        method="POST", path="/session/passkeys", tag="session", needs=Door.SIGNED_IN, run=_enrol, status=204,
        summary="Add a passkey", errors=(Kind.CONFLICT,),
        body=obj({"credential": _CREDENTIAL, "name": text("which device it is", maxLength=passkeys.LONGEST_NAME)}),
    ),
    Endpoint(
        method="POST", path="/session/passkeys/remove", tag="session", needs=Door.SIGNED_IN, run=_remove, status=204,
        summary="Remove a passkey", body=obj({"id": text(maxLength=2048)}), errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="DELETE", path="/users/{name}/passkeys", tag="admin", needs=Permission.USER_MANAGE, run=_remove_all, status=204,
        summary="Remove all passkeys of an account", parameters=(Parameter("name", "the account", text(), "path", True),),
        errors=(Kind.MISSING,),
    ),
)  # fmt: skip
