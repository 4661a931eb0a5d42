"""Links for people without an account, and what outside parties sent in over them."""

from datetime import datetime
from functools import partial
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from isocenter.api.endpoint import Call, Door, Endpoint, Parameter, json_response
from isocenter.api.schema import array, boolean, integer, obj, or_null, ref, text
from isocenter.api.session import answer, end_before, set_cookie
from isocenter.domain.access import Permission
from isocenter.domain.errors import Kind
from isocenter.domain.sharing import DAYS, DEFAULT_BYTES, LONGEST_DAYS, LONGEST_LABEL, MOST_BYTES, Code, Opens, State
from isocenter.service import ingest, received, sessions, sharing
from isocenter.service.sharing import Change, Listed, Wanted

_SHARE = Permission.STUDY_SHARE
_RESOLVE = Permission.QUARANTINE_RESOLVE
_WORDS = ("PatientName", "PatientID", "StudyDate", "StudyDescription")
_MOMENT = text("RFC 3339", format="date-time")
SHARE = obj({
    "id": integer(), "opens": text(enum=list(Opens)), "label": text("whom or what it is for"),
    "state": text("used: its code has opened it in one browser", enum=list(State)),
    "StudyInstanceUID": text("the study, or the one of the patient it was made from; empty for an upload link"),
    "study": obj({keyword: text() for keyword in _WORDS}, *_WORDS, description="empty when you may not see it"),
    "download": boolean("files may be taken away"), "code": text(enum=list(Code)),
    "maker": text("empty: the command line"), "created_at": _MOMENT, "expires_at": _MOMENT,
    "withdrawn_at": or_null(_MOMENT), "withdrawn_by": text(),
    "openings": integer(), "opened_at": or_null(_MOMENT),
    "most_bytes": integer("what an upload link takes"), "bytes": integer("what came over it"),
})  # fmt: skip
RECEIVED = obj({
    "link": integer(), "label": text("of the link"), "StudyInstanceUID": text(), "objects": integer(), "bytes": integer(),
    "first_at": _MOMENT, "last_at": _MOMENT,
})  # fmt: skip
_ID = Parameter("id", "the number of a link", integer(minimum=1), "path", True)
_STUDY = Parameter("uid", "Study Instance UID", text(maxLength=128), "path", True)
_TEXTS = {"type": "object", "additionalProperties": True}


def _at(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _share(listed: Listed) -> dict[str, Any]:
    row = listed.share
    return {
        "id": row.id, "opens": row.opens, "label": row.label, "state": listed.state.value, "StudyInstanceUID": row.study_uid,
        "study": {keyword: listed.study[keyword] for keyword in _WORDS if keyword in listed.study},
        "download": row.download, "code": row.code, "maker": row.maker,
        "created_at": _at(row.created_at), "expires_at": _at(row.expires_at), "withdrawn_at": _at(row.withdrawn_at),
        "withdrawn_by": row.withdrawn_by, "openings": row.openings, "opened_at": _at(row.opened_at),
        "most_bytes": row.most_bytes, "bytes": row.bytes,
    }  # fmt: skip


def _list(call: Call) -> Any:
    limit = call.query["limit"]
    found = sharing.page(call.context, call.principal, call.query.get("before"), limit)
    settings = call.context.settings
    return {
        "shares": [_share(each) for each in found], "next": found[-1].share.id if len(found) == limit else None,
        "most_days": settings.share_max_days, "needs_code": settings.share_needs_code,
    }  # fmt: skip


def _create(call: Call) -> Any:
    body = call.body
    days = body.get("days", min(DAYS, call.context.settings.share_max_days))
    wanted = Wanted(
        Opens(body["opens"]), body.get("StudyInstanceUID", ""), body.get("label", ""), days, body.get("download", False),
        Code(body.get("code", "none")), body.get("most_bytes", DEFAULT_BYTES),
    )  # fmt: skip
    made = sharing.create(call.context, call.principal, wanted)
    listed = sharing.get(call.context, call.principal, made.share.id)
    return {"share": _share(listed), "secret": made.secret, "path": sharing.path_of(made.secret), "code": made.code}


def _get(call: Call) -> Any:
    return _share(sharing.get(call.context, call.principal, call.path["id"]))


def _withdraw(call: Call) -> None:
    try:
        sharing.withdraw(call.context, call.principal, call.path["id"])
    finally:
        call.authenticator.forget()


def _code(call: Call) -> Any:
    return {"code": sharing.new_code(call.context, call.principal, call.path["id"])}


def _history(call: Call) -> Any:
    return {"entries": gathered(sharing.history(call.context, call.principal, call.path["id"]))}


def gathered(found: "list[Change] | Any") -> list[dict[str, Any]]:
    """Changes, newest first; what follows each other and says the same is one entry with a count: a CT of 500 objects."""
    entries: list[dict[str, Any]] = []
    for change in found:
        payload = change.payload
        said = {
            "kind": change.kind, "study": str(payload.get("study") or ""), "address": str(payload.get("address") or ""),
            "reason": str(payload.get("reason") or payload.get("form") or ""),
        }  # fmt: skip
        if entries and all(entries[-1][name] == value for name, value in said.items()):
            entries[-1]["count"] += 1
        else:
            entries.append({"at": change.at.isoformat(), **said, "count": 1})
    return entries


async def _open(request: Request, call: Call) -> Response:
    origin = call.authenticator.origin(request.scope)
    body, context = call.body, call.context
    work = lambda: sharing.open_link(  # noqa: E731
        context, body["token"], body.get("code"), origin.address, partial(sessions.known, context)
    )
    opened = await (call.authenticator.hashing(work) if body.get("code") else anyio.to_thread.run_sync(work))
    await end_before(request, call)
    response = json_response(await anyio.to_thread.run_sync(answer, call, opened.principal, opened.secret))
    set_cookie(response, opened.secret, origin.https, opened.seconds)
    return response


# ---- what came in


def _received(call: Call) -> Any:
    return {
        "received": [
            {"link": each.link, "label": each.label, "StudyInstanceUID": each.study, "objects": each.objects,
             "bytes": each.bytes, "first_at": _at(each.first_at), "last_at": _at(each.last_at)}
            for each in received.page(call.context, call.principal)
        ]
    }  # fmt: skip


def _look(call: Call) -> Any:
    found = received.look(call.context, call.principal, call.path["id"], call.path["uid"])
    return {"values": found.values, "joins": found.joins, "contradicts": list(found.contradicts)}


def _accept(call: Call) -> Any:
    context, principal = call.context, call.principal
    door = partial(ingest.begin, context, principal, source="upload")
    done = received.accept(
        context, principal, call.path["id"], call.path["uid"], how=call.body["as"], after=call.body.get("after", 0), door=door
    )
    failed = [{"SOPInstanceUID": each.sop_instance_uid, "reason": each.reason} for each in done.failed]
    return {"accepted": done.accepted, "failed": failed, "next": done.next}


def _refuse(call: Call) -> Any:
    return {"refused": received.refuse(call.context, call.principal, call.path["id"], call.path["uid"], call.body["reason"])}


ENDPOINTS = (
    Endpoint(
        method="POST", path="/session/link", tag="session", needs=Door.PUBLIC, respond=_open,
        summary="Open a link that somebody was sent",
        description="Sets the cookie isocenter_session, as logging in does; a session that was there ends. 401 with `where` "
        "code: it asks for a code. Five wrong ones lock it.",
        body=obj({"token": text("what the link ends with", minLength=16, maxLength=128),
                  "code": text("the code, with or without its dash", maxLength=32)}, "code"),
        answer=ref("Session"), errors=(Kind.UNAUTHENTICATED, Kind.MISSING),
    ),
    Endpoint(
        method="GET", path="/shares", tag="shares", needs=_SHARE, run=_list,
        summary="Links: one's own, or everybody's for who may manage them", description="The newest first.",
        parameters=(Parameter("limit", "at most so many", integer(minimum=1, maximum=500, default=100)),
                    Parameter("before", "the value of next", integer(minimum=1))),
        answer=obj({"shares": array(ref("Share")), "next": {"type": ["integer", "null"], "description": "before"},
                    "most_days": integer("that a new link may last"), "needs_code": boolean("a new link must ask for one")}),
    ),
    Endpoint(
        method="POST", path="/shares", tag="shares", needs=_SHARE, run=_create, hashes=True,
        summary="Make a link to a study, to a patient's studies, or for sending in",
        description="It never opens more than who made it may see and do. The address ends with `path`; it and the code are told "
        "this once. A link that is for sending in needs study:store, one with download study:export.",
        body=obj({"opens": text(enum=list(Opens)), "StudyInstanceUID": text("the study, or one of the patient", maxLength=64),
                  "label": text("whom or what it is for", maxLength=LONGEST_LABEL),
                  "days": integer("until it expires", minimum=1, maximum=LONGEST_DAYS), "download": boolean("files may be taken"),
                  "code": text("once: the code opens it in one browser", enum=list(Code)),
                  "most_bytes": integer("what an upload link takes", minimum=1, maximum=MOST_BYTES)},
                 "StudyInstanceUID", "label", "days", "download", "code", "most_bytes"),
        answer=obj({"share": ref("Share"), "secret": text(), "path": text("to put behind the address of the archive"),
                    "code": text("to be told by another way; empty without one")}),
        errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="GET", path="/shares/{id}", tag="shares", needs=_SHARE, run=_get, summary="One link", parameters=(_ID,),
        answer=ref("Share"), errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="DELETE", path="/shares/{id}", tag="shares", needs=_SHARE, run=_withdraw, summary="Withdraw a link",
        description="Whoever looks through it stops seeing at once. It stays in the list.", parameters=(_ID,), status=204,
        errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="POST", path="/shares/{id}/code", tag="shares", needs=_SHARE, run=_code, hashes=True,
        summary="Another code for a link that has one",
        description="For another browser, or after too many wrong tries. Whoever is in stays in.", parameters=(_ID,),
        answer=obj({"code": text()}), errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="GET", path="/shares/{id}/history", tag="shares", needs=_SHARE, run=_history,
        summary="Who opened a link when and from where, and what they did", description="The newest first.", parameters=(_ID,),
        answer=obj({"entries": array(obj({
            "at": _MOMENT, "kind": text("of the change log"), "study": text(), "address": text(), "reason": text(),
            "count": integer("so often, one after the other"),
        }))}), errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="GET", path="/received", tag="shares", needs=Permission.QUARANTINE_READ, run=_received,
        summary="What came over upload links and waits, by link and study", description="It names nobody.",
        answer=obj({"received": array(ref("Received"))}),
    ),
    Endpoint(
        method="GET", path="/received/{id}/studies/{uid}", tag="shares", needs=_RESOLVE, run=_look,
        also=Permission.QUARANTINE_READ, summary="Whom it is about, as it says, and whom of the archive it would join",
        description="The change log has a row for each look.", parameters=(_ID, _STUDY),
        answer=obj({"values": _TEXTS, "joins": or_null(_TEXTS), "contradicts": array(text("a keyword"))}),
        errors=(Kind.MISSING, Kind.UNSUPPORTED),
    ),
    Endpoint(
        method="POST", path="/received/{id}/studies/{uid}/accept", tag="shares", needs=_RESOLVE, run=_accept,
        also=Permission.STUDY_STORE, summary="Take in what waits of a study, some hundred objects at once",
        description="Call again with after until next is null. What came stays in quarantine as it came.",
        parameters=(_ID, _STUDY),
        body=obj({"as": text("apart: under an issuer of its own, so that no patient is joined", enum=["said", "apart"]),
                  "after": integer("the value of next", minimum=0)}, "after"),
        answer=obj({"accepted": integer(), "failed": array(obj({"SOPInstanceUID": text(), "reason": text()})),
                    "next": {"type": ["integer", "null"], "description": "after"}}),
        errors=(Kind.MISSING, Kind.NO_SPACE),
    ),
    Endpoint(
        method="POST", path="/received/{id}/studies/{uid}/refuse", tag="shares", needs=_RESOLVE, run=_refuse,
        summary="Take a study off the list without taking it in", description="Its files stay in quarantine.",
        parameters=(_ID, _STUDY), body=obj({"reason": text(minLength=1, maxLength=500)}), answer=obj({"refused": integer()}),
        errors=(Kind.MISSING,),
    ),
)  # fmt: skip
