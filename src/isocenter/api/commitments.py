"""What other archives were asked to keep, and what they said (storage commitment as SCU)."""

from datetime import datetime
from typing import Any

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import array, integer, obj, or_null, text
from isocenter.domain.access import Permission
from isocenter.domain.errors import Kind
from isocenter.service import commitment_requests
from isocenter.service.commitment_requests import STATES, CommitmentRequest

_ID = Parameter("id", "its number", integer(minimum=1), "path", True)
_FACTS = {
    "id": integer(),
    "aet": text("the peer that was asked"),
    "TransactionUID": text(),
    "state": text("due: to be asked; asked: its report is awaited", enum=list(STATES)),
    "reason": text("why it is not committed, or could not be asked yet"),
    "instances": integer("how many it was asked for"),
    "failed": integer("of these, how many it does not commit to"),
    "attempts": integer("how often it was tried to ask"),
    "created_at": text(format="date-time"),
    "asked_at": or_null(text(format="date-time")),
    "answered_at": or_null(text(format="date-time")),
}


def _moment(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _facts(request: CommitmentRequest) -> dict[str, Any]:
    return {
        "id": request.id, "aet": request.peer_aet, "TransactionUID": request.transaction_uid, "state": request.state,
        "reason": request.reason, "instances": len(request.references), "failed": request.failed, "attempts": request.attempts,
        "created_at": request.created_at.isoformat(), "asked_at": _moment(request.asked_at),
        "answered_at": _moment(request.answered_at),
    }  # fmt: skip


def _list(call: Call) -> Any:
    query = call.query
    page = commitment_requests.page(
        call.context, call.principal, state=query.get("state"), limit=query["limit"], after=query.get("cursor")
    )
    return {"commitments": [_facts(request) for request in page.requests], "next": page.next}


def _one(call: Call) -> Any:
    request = commitment_requests.get(call.context, call.principal, call.path["id"])
    instances = [
        {"SOPClassUID": each.sop_class_uid, "SOPInstanceUID": each.sop_instance_uid, "FailureReason": each.failure or None}
        for each in request.references
    ]
    return {"commitment": _facts(request), "instances": instances}


def _again(call: Call) -> None:
    commitment_requests.again(call.context, call.principal, call.path["id"])


ENDPOINTS = (
    Endpoint(
        method="GET", path="/commitments", tag="exceptions", needs=Permission.QUARANTINE_READ, run=_list,
        summary="What other archives were asked to keep (storage commitment), newest first",
        description="Peers with asks_commitment are asked after something was sent to them. What is not committed, or never "
        "answered, is an exception, too.",
        parameters=(
            Parameter("state", "only these", text(enum=list(STATES))),
            Parameter("limit", "at most so many", integer(minimum=1, maximum=500, default=100)),
            Parameter("cursor", "the value of next", integer(minimum=1)),
        ),
        answer=obj({"commitments": array(obj(_FACTS)), "next": or_null(integer("cursor"))}),
    ),
    Endpoint(
        method="GET", path="/commitments/{id}", tag="exceptions", needs=Permission.QUARANTINE_READ, run=_one,
        summary="One of them with its instances",
        parameters=(_ID,),
        answer=obj(
            {"commitment": obj(_FACTS), "instances": array(obj(
                {"SOPClassUID": text(), "SOPInstanceUID": text(),
                 "FailureReason": or_null(integer("(0008,1197); null: committed, or not answered yet"))}))}
        ),
        errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="POST", path="/commitments/{id}/ask", tag="exceptions", needs=Permission.QUARANTINE_RESOLVE, run=_again,
        summary="Ask once more", description="For what is settled, for example after the instances were sent again.",
        parameters=(_ID,), status=204, errors=(Kind.MISSING,),
    ),
)  # fmt: skip
