"""Logging in and out of the web client, and one's own password."""

from functools import partial
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from isocenter.api.auth import COOKIE, session_secret
from isocenter.api.emergency import facts as emergency_facts
from isocenter.api.endpoint import Call, Door, Endpoint, Parameter, json_response
from isocenter.api.schema import array, boolean, integer, obj, ref, text
from isocenter.domain.access import Only, Permission, Principal, scope
from isocenter.domain.credentials import MAXIMUM_PASSWORD, MINIMUM_PASSWORD, csrf_token
from isocenter.domain.errors import IsocenterError, Kind
from isocenter.domain.sharing import Opens
from isocenter.service import accounts, emergency, factors, preferences, sessions, sharing


def answer(call: Call, principal: Principal, secret: str) -> dict[str, Any]:
    """What the page is told of who is there. secret: the cookie's value."""
    return {
        "user": {
            "name": principal.name, "role": principal.role,
            "permissions": sorted(permission.value for permission in principal.permissions),
        },
        "csrf_token": csrf_token(secret) if secret else "",
        "idle_seconds": call.context.settings.session_idle_minutes * 60,
        "emergency": [emergency_facts(each) for each in emergency.active(call.context, principal, secret)],
        "to_review": emergency.to_review(call.context, principal),
        "link": _link(call, principal),
    }  # fmt: skip


def _link(call: Call, principal: Principal) -> dict[str, Any] | None:
    if not principal.link:
        return None
    link, opened = sharing.shown(call.context, principal), scope(principal, Permission.STUDY_READ)
    studies = list(opened.studies) if isinstance(opened, Only) else []
    return {
        # Whom a link is for is its maker's note, but who sends in sees under which name.
        "opens": link.opens, "label": link.label if link.opens == Opens.UPLOAD else "", "maker": link.maker,
        "expires_at": link.expires_at.isoformat(), "download": link.download, "studies": studies,
    }  # fmt: skip


def set_cookie(response: Response, secret: str, https: bool, seconds: int | None = None) -> None:
    """seconds: how long the browser keeps it. Without: the cookie ends with the browser, the session on the server."""
    response.set_cookie(COOKIE, secret, max_age=seconds, path="/", httponly=True, samesite="lax", secure=https)


async def end_before(request: Request, call: Call) -> None:
    """A login over a login: the cookie is replaced, so the session behind it would be left lying."""
    before = session_secret(request.scope)
    if not before:
        return
    try:
        principal = await call.authenticator.still(request.scope)
    except IsocenterError:
        return  # it has ended, or belongs to nobody
    await anyio.to_thread.run_sync(sharing.close if principal.kind == "link" else sessions.end, call.context, before, principal)
    call.authenticator.forget()


async def _begin(request: Request, call: Call) -> Response:
    origin = call.authenticator.origin(request.scope)
    username, password = call.body["username"], call.body["password"]
    code = call.body.get("code", "")
    begun = await call.authenticator.hashing(lambda: sessions.begin(call.context, username, password, origin.address, code))
    await end_before(request, call)
    response = json_response(answer(call, begun.principal, begun.secret))
    set_cookie(response, begun.secret, origin.https)
    return response


async def _who(request: Request, call: Call) -> Response:
    secret = session_secret(request.scope) if call.principal.via in ("session", "link") else ""
    return json_response(await anyio.to_thread.run_sync(answer, call, call.principal, secret))


async def _end(request: Request, call: Call) -> Response:
    end = sharing.close if call.principal.kind == "link" else sessions.end
    await anyio.to_thread.run_sync(end, call.context, session_secret(request.scope), call.principal)
    call.authenticator.forget()
    response = json_response(None)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    return response


async def _change_password(request: Request, call: Call) -> Response:
    context, principal = call.context, call.principal
    secret = _secret(request, call)

    def change() -> None:
        sessions.confirm(context, principal, call.body["current"])
        accounts.change_own_password(context, principal, call.body["password"], secret)

    await call.authenticator.hashing(change)
    call.authenticator.forget()
    return json_response(None)


def _factor(call: Call) -> Any:
    held = factors.state(call.context, call.principal)
    return {"enabled": held.enabled, "recovery_left": held.recovery_left}


def _begin_factor(call: Call) -> Any:
    begun = factors.begin(call.context, call.principal)
    return {"secret": begun.secret, "address": begun.address}


def _confirm_factor(call: Call) -> Any:
    return {"recovery_codes": factors.confirm(call.context, call.principal, call.body["code"])}


async def _remove_factor(request: Request, call: Call) -> Response:
    def remove() -> None:
        sessions.confirm(call.context, call.principal, call.body["current"], call.body["code"])
        factors.remove(call.context, call.principal)

    await call.authenticator.hashing(remove)
    return json_response(None)


def _secret(request: Request, call: Call) -> str:
    """The secret of the session that asks; "" when it is none."""
    return session_secret(request.scope) if call.principal.via == "session" else ""


async def _list(request: Request, call: Call, *, everyone: bool) -> Response:
    mine = _secret(request, call)
    held = await anyio.to_thread.run_sync(lambda: sessions.current(call.context, call.principal, everyone=everyone, mine=mine))
    rows = [
        {"id": each.id, "user": each.user, "address": each.address, "created_at": each.created_at.isoformat(),
         "seen_at": each.seen_at.isoformat(), "this": each.this} for each in held
    ]  # fmt: skip
    return json_response({"sessions": rows})


def _revoke(call: Call) -> None:
    try:
        sessions.revoke(call.context, call.principal, call.path["id"])
    finally:
        call.authenticator.forget()


def _preferences(call: Call) -> Any:
    return preferences.preferences(call.context, call.principal)


def _prefer(call: Call) -> None:
    preferences.set_preference(call.context, call.principal, call.path["part"], call.body)


_ANY_OBJECT = {"type": "object", "additionalProperties": True}
_SESSIONS = obj({"sessions": array(ref("SignedIn"))})
_CODE = text("six digits, or a code from paper", maxLength=64)
_PASSWORD = text("at most 1,024 characters", minLength=1, maxLength=MAXIMUM_PASSWORD)

ENDPOINTS = (
    Endpoint(
        method="POST", path="/session", tag="session", needs=Door.PUBLIC, respond=_begin,
        summary="Log in",
        description="Sets the cookie isocenter_session (HttpOnly, SameSite=Lax). Requests that change something must then carry "
        "csrf_token as X-CSRF-Token. An account with a second step gets 401 with where: code until the code of its app (or one "
        "from paper) is sent with the password. After some failed logins 429 says with Retry-After how many seconds to wait.",
        body=obj({"username": text(minLength=1, maxLength=256), "password": _PASSWORD, "code": _CODE}, "code"),
        answer=ref("Session"), errors=(Kind.UNAUTHENTICATED,),
    ),
    Endpoint(
        method="GET", path="/session", tag="session", needs=Door.SIGNED_IN, linked=True, respond=_who,
        summary="Who is logged in",
        description="csrf_token is empty under Bearer and Basic, which need none.",
        answer=ref("Session"),
    ),
    Endpoint(
        method="DELETE", path="/session", tag="session", needs=Door.SIGNED_IN, linked=True, respond=_end,
        summary="Log out", status=204,
    ),
    Endpoint(
        method="POST", path="/session/password", tag="session", needs=Door.SIGNED_IN, respond=_change_password,
        summary="Change one's own password",
        description="Ends all other sessions of the account.",
        body=obj({"current": _PASSWORD, "password": text("the new one", minLength=MINIMUM_PASSWORD, maxLength=MAXIMUM_PASSWORD)}),
        status=204,
    ),
    Endpoint(
        method="GET", path="/session/factor", tag="session", needs=Door.SIGNED_IN, run=_factor,
        summary="Whether one signs in in two steps", errors=(Kind.FORBIDDEN,),
        answer=obj({"enabled": boolean("a code is asked for"), "recovery_left": integer("codes on paper not used yet")}),
    ),
    Endpoint(
        method="POST", path="/session/factor", tag="session", needs=Door.SIGNED_IN, run=_begin_factor,
        summary="Begin to sign in in two steps",
        description="For an app that counts one-time codes (RFC 6238). Nothing changes before the first code is confirmed.",
        answer=obj({"secret": text("base32"), "address": text("otpauth://, for a QR code")}),
        errors=(Kind.CONFLICT, Kind.FORBIDDEN),
    ),
    Endpoint(
        method="POST", path="/session/factor/confirm", tag="session", needs=Door.SIGNED_IN, run=_confirm_factor,
        summary="Confirm the second step with its first code", body=obj({"code": _CODE}),
        description="From now on one is asked for. The codes for paper are told this once; each works once.",
        answer=obj({"recovery_codes": array(text())}), errors=(Kind.CONFLICT, Kind.FORBIDDEN),
    ),
    Endpoint(
        method="POST", path="/session/factor/remove", tag="session", needs=Door.SIGNED_IN, respond=_remove_factor,
        summary="Sign in with the password alone again", body=obj({"current": _PASSWORD, "code": _CODE}), status=204,
        errors=(Kind.FORBIDDEN, Kind.MISSING),
    ),
    Endpoint(
        method="GET", path="/session/all", tag="session", needs=Door.SIGNED_IN, respond=partial(_list, everyone=False),
        summary="Where one is signed in",
        description="One's own sessions that have not ended, last used first; `this` is the one that asks. Not for tokens.",
        answer=_SESSIONS, errors=(Kind.FORBIDDEN,),
    ),
    Endpoint(
        method="GET", path="/sessions", tag="admin", needs=Permission.USER_MANAGE, respond=partial(_list, everyone=True),
        summary="Everyone who is signed in", description="Last used first.", answer=_SESSIONS,
    ),
    Endpoint(
        method="DELETE", path="/sessions/{id}", tag="session", needs=Door.SIGNED_IN, run=_revoke,
        summary="End a session",
        description="One's own, or anybody's with user:manage. It is refused at once, by other processes after two seconds.",
        parameters=(Parameter("id", "what it is called in the list", text(maxLength=64), "path", True),),
        status=204, errors=(Kind.FORBIDDEN, Kind.MISSING),
    ),
    Endpoint(
        method="GET", path="/session/preferences", tag="session", needs=Door.SIGNED_IN, linked=True, run=_preferences,
        summary="How one likes to work", description="Parts by name; what they mean is the web client's.", answer=_ANY_OBJECT,
    ),
    Endpoint(
        method="PUT", path="/session/preferences/{part}", tag="session", needs=Door.SIGNED_IN, run=_prefer,
        summary="Replace one part of one's preferences", description="An empty object forgets it.",
        parameters=(Parameter("part", "its name", text(maxLength=32), place="path", required=True),),
        body=_ANY_OBJECT, status=204, errors=(Kind.MISSING,),
    ),
)  # fmt: skip
