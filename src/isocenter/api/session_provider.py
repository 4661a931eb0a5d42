"""Signing in with an account of the institution: to its provider and back, and what a page must know before anybody is there.

What must come back is with the browser alone, in a cookie that only the way back is sent: a code that somebody else got, or that
came to another browser, is of no use (OpenID Connect Core 15.5.2, RFC 9700 4.7). Whoever is not let in is told by the login page.
"""

import base64
import re
from typing import Any

import anyio.to_thread
import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from isocenter.api import provider
from isocenter.api.endpoint import Call, Door, Endpoint, Parameter
from isocenter.api.openapi import PREFIX
from isocenter.api.schema import boolean, obj, or_null, text
from isocenter.api.session import end_before, set_cookie
from isocenter.domain.access import Permission
from isocenter.domain.credentials import same
from isocenter.domain.errors import Kind, Missing
from isocenter.domain.provider import Refusal, Refused
from isocenter.service import passkeys, sessions
from isocenter.service import provider as vouching

HERE = f"{PREFIX}/session/provider"
COOKIE = "isocenter_provider"
KEPT_SECONDS = 900  # from the button to the way back: a forgotten password is set anew meanwhile
# A page of ours: no other site, whose address could begin with // or /\.
_OURS = re.compile(r"/(?![/\\])[!-~]{0,1023}")


def _provider(call: Call) -> provider.Provider:
    if not call.context.settings.oidc_issuer:
        raise Missing("there is no provider to sign in with", hint="sign in with name and password")
    return provider.of(call.context.settings)


def _back_address(call: Call) -> str:
    return f"{call.context.settings.url}{HERE}/back"


def _ways(call: Call) -> Any:
    settings = call.context.settings
    return {"provider": {"label": settings.oidc_label} if settings.oidc_issuer else None, "passkeys": passkeys.possible(settings)}


async def _begin(request: Request, call: Call) -> Response:
    asked = _provider(call)
    to = call.query["to"]
    try:
        begun = await call.authenticator.elsewhere(lambda: asked.begin(_back_address(call)))
    except Refused as refused:
        return await _refused(request, call, refused.why)
    kept = orjson.dumps([begun.state, begun.nonce, begun.verifier, to if _OURS.fullmatch(to) else "/"])
    response = _to(begun.url)
    https = call.authenticator.origin(request.scope).https
    response.set_cookie(COOKIE, base64.urlsafe_b64encode(kept).decode(), max_age=KEPT_SECONDS, path=HERE, httponly=True,
                        samesite="lax", secure=https)
    return response


async def _back(request: Request, call: Call) -> Response:
    asked = _provider(call)
    state, nonce, verifier, to = _kept(request)
    if not state or not same(state, call.query["state"]):
        return await _refused(request, call, Refusal.EXPIRED)
    if call.query["error"] or not call.query["code"]:
        return await _refused(request, call, Refusal.DENIED if call.query["error"] == "access_denied" else Refusal.UNTRUSTED)
    origin = call.authenticator.origin(request.scope)
    try:
        back, code = _back_address(call), call.query["code"]
        person = await call.authenticator.elsewhere(lambda: asked.finish(code, nonce, verifier, back))
    except Refused as refused:
        return await _refused(request, call, refused.why)
    try:
        vouched = await call.authenticator.hashing(lambda: vouching.resolve(call.context, person, origin.address))
    except Refused as refused:  # which is in the log already
        return _told(refused.why)
    begun = await anyio.to_thread.run_sync(sessions.vouched, call.context, vouched.name, origin.address, vouched.facts)
    await end_before(request, call)
    call.authenticator.forget()
    response = _to(to)
    response.delete_cookie(COOKIE, path=HERE, httponly=True, samesite="lax")
    set_cookie(response, begun.secret, origin.https)
    return response


async def _leave(request: Request, call: Call) -> Response:
    asked = _provider(call)
    home = f"{call.context.settings.url}/"
    try:
        return _to(await call.authenticator.elsewhere(lambda: asked.leave(home)) or home)
    except Refused as refused:
        return await _refused(request, call, refused.why)


def _kept(request: Request) -> tuple[str, str, str, str]:
    """What the browser kept for its way back; empty texts when it has nothing, or something else."""
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(request.cookies.get(COOKIE, "")))
    except ValueError:
        parts = None
    if not isinstance(parts, list) or len(parts) != 4 or not all(isinstance(part, str) for part in parts):
        return "", "", "", "/"
    state, nonce, verifier, to = parts
    return state, nonce, verifier, to if _OURS.fullmatch(to) else "/"


async def _refused(request: Request, call: Call, why: Refusal) -> Response:
    address = call.authenticator.origin(request.scope).address
    if why is not Refusal.DENIED:  # who thinks better of it has not tried
        await anyio.to_thread.run_sync(vouching.note_refused, call.context, why, address)
    return _told(why)


def _told(why: Refusal) -> Response:
    response = _to(f"/login?refused={why}")
    response.delete_cookie(COOKIE, path=HERE, httponly=True, samesite="lax")
    return response


def _to(url: str) -> Response:
    return RedirectResponse(url, 303, {"Cache-Control": "no-store"})


def _allow(call: Call) -> None:
    vouching.allow(call.context, call.principal, call.path["name"])


def _forbid(call: Call) -> None:
    try:
        vouching.forbid(call.context, call.principal, call.path["name"])
    finally:
        call.authenticator.forget()


_NAME = (Parameter("name", "the account", text(), "path", required=True),)


def _returned(name: str, what: str) -> Parameter:
    return Parameter(name, what, text(default=""))


ENDPOINTS = (
    Endpoint(
        method="GET", path="/session/ways", tag="session", needs=Door.PUBLIC, run=_ways,
        summary="How one can sign in", description="With name and password always.",
        answer=obj({"provider": or_null(obj({"label": text("what the button says")})),
                    "passkeys": boolean("browsers have passkeys for this address")}),
    ),
    Endpoint(
        method="GET", path="/session/provider", tag="session", needs=Door.PUBLIC, respond=_begin, status=303,
        summary="Sign in with the institution's provider",
        description="For a browser, which is sent there (OpenID Connect, code flow with PKCE) and comes back with a session.",
        parameters=(Parameter("to", "the page it goes on to, beginning with /", text(default="/")),), errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="GET", path="/session/provider/back", tag="session", needs=Door.PUBLIC, respond=_back, status=303, open_query=True,
        summary="The way back from the provider",
        description="Sets the cookie of POST /session and goes on; or to /login?refused=… when nobody was let in.",
        parameters=(_returned("code", "the provider's"), _returned("state", "ours"), _returned("error", "instead of a code")),
        errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="GET", path="/session/provider/leave", tag="session", needs=Door.PUBLIC, respond=_leave, status=303,
        summary="Sign out at the provider, too",
        description="For a browser that has signed out here; back to / where the provider offers nothing for it.",
        errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="PUT", path="/users/{name}/provider", tag="admin", needs=Permission.USER_MANAGE, run=_allow, status=204,
        summary="Let an account sign in with the provider",
        description="Whoever comes first with its name is its owner from then on; the password stays as it is.",
        parameters=_NAME, errors=(Kind.MISSING, Kind.CONFLICT),
    ),
    Endpoint(
        method="DELETE", path="/users/{name}/provider", tag="admin", needs=Permission.USER_MANAGE, run=_forbid, status=204,
        summary="Do not let it sign in with the provider any more", description="Ends its sessions.", parameters=_NAME,
        errors=(Kind.MISSING,),
    ),
)  # fmt: skip
