"""The queue of what is sent to others: seen, asked for, sent again, cancelled."""

from typing import Any

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import array, boolean, integer, obj, ref, text
from isocenter.domain.access import Permission
from isocenter.domain.errors import Kind
from isocenter.service import deliveries

_ID = Parameter("id", "its number", integer(minimum=1), "path", True)
_STATES = [state.value for state in deliveries.State]


def _delivery(seen: deliveries.Seen, held: str) -> dict[str, Any]:
    return {
        "id": seen.id, "StudyInstanceUID": seen.study_instance_uid, **seen.study, "destination": seen.destination,
        "route": seen.route, "state": seen.state.value, "held": held, "reason": seen.reason, "attempts": seen.attempts,
        "instances": seen.instances, "sent": seen.sent, "failed": seen.failed, "created_at": seen.created_at.isoformat(),
        "updated_at": seen.updated_at.isoformat(), "due_at": seen.due_at.isoformat(),
    }  # fmt: skip


def _list(call: Call) -> Any:
    query = call.query
    state = deliveries.State(query["state"]) if "state" in query else None
    page = deliveries.page(
        call.context, call.principal, state=state, destination=query.get("destination"), study=query.get("study"),
        limit=query["limit"], after=query.get("cursor"),
    )  # fmt: skip
    return {"deliveries": [_delivery(one, page.held.get(one.destination, "")) for one in page.deliveries], "next": page.next}


def _get(call: Call) -> Any:
    seen, held, instances = deliveries.get(call.context, call.principal, call.path["id"])
    rows = [
        {"SOPInstanceUID": one.sop_instance_uid, "state": one.state.value, "status": one.status, "reason": one.reason,
         "attempts": one.attempts}
        for one in instances
    ]  # fmt: skip
    return {"delivery": _delivery(seen, held), "instances": rows}


def _ask(call: Call) -> Any:
    return {"deliveries": deliveries.ask(call.context, call.principal, call.body["studies"], call.body["destination"])}


def _resend(call: Call) -> None:
    deliveries.resend(call.context, call.principal, call.path["id"], everything=call.body.get("all", False))


def _resend_failed(call: Call) -> Any:
    return {"deliveries": deliveries.resend_failed(call.context, call.principal, call.body.get("destination"))}


def _cancel(call: Call) -> None:
    deliveries.cancel(call.context, call.principal, call.path["id"])


ENDPOINTS = (
    Endpoint(
        method="GET", path="/deliveries", tag="routing", needs=Permission.DELIVERY_MANAGE, run=_list,
        summary="Studies on their way to destinations, the ones that changed last first",
        parameters=(
            Parameter("state", "only these", text(enum=_STATES)),
            Parameter("destination", "only to this one", text(maxLength=64)),
            Parameter("study", "only this Study Instance UID", text(maxLength=64)),
            Parameter("limit", "at most so many", integer(minimum=1, maximum=500, default=100)),
            Parameter("cursor", "the value of next", integer(minimum=1)),
        ),
        answer=obj({"deliveries": array(ref("Delivery")), "next": {"type": ["integer", "null"], "description": "cursor"}}),
    ),
    Endpoint(
        method="POST", path="/deliveries/resend", tag="routing", needs=Permission.DELIVERY_MANAGE, run=_resend_failed,
        summary="Send again everything that was given up",
        body=obj({"destination": text("only to this one", maxLength=64)}, "destination"),
        answer=obj({"deliveries": integer("how many")}),
    ),
    Endpoint(
        method="GET", path="/deliveries/{id}", tag="routing", needs=Permission.DELIVERY_MANAGE, run=_get,
        summary="One delivery and what became of its instances", parameters=(_ID,),
        description="At most 1,000 instances, those that have not arrived first.",
        answer=obj(
            {
                "delivery": ref("Delivery"),
                "instances": array(
                    obj(
                        {"SOPInstanceUID": text(), "state": text(enum=["waiting", "sent", "failed"]),
                         "status": integer("what the destination answered last"), "reason": text(), "attempts": integer()}
                    )
                ),
            }
        ),
        errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="POST", path="/deliveries", tag="routing", needs=Permission.DELIVERY_MANAGE, run=_ask,
        summary="Send studies to a destination or a known peer",
        description="They go by the queue: retried, seen, and sent again there.",
        body=obj(
            {"studies": array(text("Study Instance UID", minLength=1, maxLength=64)),
             "destination": text("name, or AE title of a known peer", minLength=1, maxLength=64)}
        ),
        answer=obj({"deliveries": array(integer("number"), "one for each study")}), status=202, errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="POST", path="/deliveries/{id}/resend", tag="routing", needs=Permission.DELIVERY_MANAGE, run=_resend,
        summary="Send now what has not arrived, or everything once more",
        parameters=(_ID,), body=obj({"all": boolean("also what has arrived")}, "all"), status=204,
        errors=(Kind.MISSING, Kind.CONFLICT),
    ),
    Endpoint(
        method="POST", path="/deliveries/{id}/cancel", tag="routing", needs=Permission.DELIVERY_MANAGE, run=_cancel,
        summary="Send no more of it", description="What has arrived stays there.",
        parameters=(_ID,), status=204, errors=(Kind.MISSING, Kind.CONFLICT),
    ),
)  # fmt: skip
