"""The change log: a live feed for every account, and the log itself for administrators."""

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import array, integer, obj, ref, text
from isocenter.domain.access import Permission, require
from isocenter.service import changes

MOST = 1000


async def _events(request: Request, call: Call) -> Response:
    require(call.principal, Permission.STUDY_QUERY)
    last = request.headers.get("last-event-id", "")
    after = int(last) if last.isascii() and last.isdigit() and len(last) <= 18 else call.query.get("since")
    still = partial(call.authenticator.still, request.scope)
    # no-transform and X-Accel-Buffering: a proxy that gathers or compresses would hold the events back.
    headers = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
    return StreamingResponse(call.live.events(call.principal, after, still), media_type="text/event-stream", headers=headers)


def _changes(call: Call) -> Any:
    since, limit = call.query["since"], call.query["limit"]
    found = changes.page(call.context, call.principal, since, limit)
    rows = [
        {"seq": change.seq, "at": change.at.isoformat(), "kind": change.kind, "subject": change.subject, "actor": change.actor,
         "payload": change.payload}
        for change in found
    ]  # fmt: skip
    following = found[-1].seq if len(found) == limit else None
    return {"changes": rows, "next": following, "latest_change": changes.latest(call.context)}


_SINCE = "only changes after this number"

ENDPOINTS = (
    Endpoint(
        method="GET", path="/events", tag="changes", needs=Permission.STUDY_QUERY, respond=_events,
        summary="What happens, as it happens (server-sent events)",
        description="Events `change` with data {seq, kind, study, count}: only what the account may see, several of one kind and "
        "study gathered into one. `reset`: too much was missed, load everything afresh. `end`: the session is over. The id of an "
        "event is its number; Last-Event-ID (or since) continues after it. A comment every 15 s keeps the connection open.",
        parameters=(
            Parameter("since", _SINCE, integer(minimum=0)),
            Parameter("Last-Event-ID", "the id of the last event seen", text(), "header"),
        ),
        answer=text("a stream of events"), answer_type="text/event-stream",
    ),
    Endpoint(
        method="GET", path="/changes", tag="changes", needs=Permission.CHANGE_READ, run=_changes,
        summary="The change log, oldest first",
        parameters=(
            Parameter("since", _SINCE, integer(minimum=0, default=0)),
            Parameter("limit", "at most so many", integer(minimum=1, maximum=MOST, default=100)),
        ),
        answer=obj(
            {"changes": array(ref("Change")), "next": {"type": ["integer", "null"], "description": "since for the next page"},
             "latest_change": integer()}
        ),
    ),
)  # fmt: skip
