"""The change log as accounts may see it: gathered for the web client, whole for programs, by the page and as it happens."""

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.live import facts
from isocenter.api.schema import array, integer, obj, ref, text
from isocenter.domain.access import Permission, require
from isocenter.service import changes

MOST = 1000


async def _events(request: Request, call: Call) -> Response:
    return _stream(request, call, None)


async def _feed(request: Request, call: Call) -> Response:
    return _stream(request, call, changes.kinds_of(call.query["kind"]))


def _stream(request: Request, call: Call, kinds: frozenset[str] | None) -> Response:
    require(call.principal, Permission.STUDY_QUERY)
    last = request.headers.get("last-event-id", "")
    after = int(last) if last.isascii() and last.isdigit() and len(last) <= 18 else call.query.get("since")
    still = partial(call.authenticator.still, request.scope)
    # no-transform and X-Accel-Buffering: a proxy that gathers or compresses would hold the events back.
    headers = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
    events = call.live.events(call.principal, after, still, kinds)
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


def _changes(call: Call) -> Any:
    found = changes.page(call.context, call.principal, call.query["since"], call.query["limit"], call.query["kind"])
    return {
        "changes": list(map(facts, found.changes)), "cursor": found.cursor, "next": found.cursor if found.more else None,
        "latest_change": changes.latest(call.context),
    }  # fmt: skip


_SINCE = "only changes after this number"
_KIND = Parameter("kind", "only these: study.created,order.* (with commas; none: all)", text(maxLength=1000, default=""))
_FROM = (
    Parameter("since", _SINCE, integer(minimum=0)),
    Parameter("Last-Event-ID", "the id of the last event seen", text(), "header"),
)

ENDPOINTS = (
    Endpoint(
        method="GET", path="/events", tag="changes", needs=Permission.STUDY_QUERY, respond=_events,
        summary="What happens, as it happens (server-sent events)",
        description="Events `change` with data {seq, kind, study, count}: only what the account may see, several of one kind and "
        "study gathered into one. `reset`: too much was missed, load everything afresh. `end`: the session is over. The id of an "
        "event is its number; Last-Event-ID (or since) continues after it. A comment every 15 s keeps the connection open.",
        parameters=_FROM,
        answer=text("a stream of events"), answer_type="text/event-stream",
    ),
    Endpoint(
        method="GET", path="/changes", tag="changes", needs=Permission.STUDY_QUERY, run=_changes,
        summary="The change feed: what has happened, oldest first",
        description="In the order of commits, without gaps, and the same however often it is asked. An account sees what it may "
        "learn of: who logged in and who looked at what is for administrators. Go on with since=cursor; when next is null, that "
        "was all for now. A page may be empty and not the last.",
        parameters=(
            Parameter("since", _SINCE, integer(minimum=0, default=0)),
            Parameter("limit", "at most so many", integer(minimum=1, maximum=MOST, default=100)),
            _KIND,
        ),
        answer=obj(
            {"changes": array(ref("Change")), "cursor": integer("since for what comes after these"),
             "next": {"type": ["integer", "null"], "description": "the same while there is more"}, "latest_change": integer()}
        ),
    ),
    Endpoint(
        method="GET", path="/changes/stream", tag="changes", needs=Permission.STUDY_QUERY, respond=_feed,
        summary="The change feed as it happens (server-sent events)",
        description="Events `change`, each with one change as /changes shows it, from Last-Event-ID or since (else from now), "
        "however long ago that was. `reset`: the number is of another database. `end`: the session is over.",
        parameters=(*_FROM, _KIND), answer=text("a stream of events"), answer_type="text/event-stream",
    ),
)  # fmt: skip
