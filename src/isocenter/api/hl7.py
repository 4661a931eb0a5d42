"""HL7 messages that came in: looked through, read, and done again."""

from typing import Any

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import array, integer, obj, or_null, ref, text
from isocenter.domain.access import Permission
from isocenter.domain.errors import Kind
from isocenter.domain.hl7.answers import State
from isocenter.service import hl7

LARGEST_PAGE = 200
SHOWN = 1 << 20  # bytes of a message that are shown; a document in it may be larger
_ID = Parameter("id", "the message's number", integer(minimum=1), "path", True)
_MOMENT = text("RFC 3339", format="date-time")
MESSAGE = obj(
    {
        "id": integer(), "state": text(enum=[state.value for state in State]), "type": text("MSH-9: ORM^O01"),
        "sender": text("MSH-3|MSH-4"), "control_id": text("MSH-10"), "PatientID": text(),
        "order_number": text("of the placer, else of the filler"), "address": text("where it came from"),
        "acknowledgement": text("AA, AE or AR; empty: not answered yet"), "code": text("of HL7 table 0357"),
        "where": text("where it is wrong: PID-3.1"), "reason": text(), "attempts": integer(), "received_at": _MOMENT,
        "settled_at": or_null(_MOMENT),
    }
)  # fmt: skip


def _facts(each: hl7.Kept) -> dict[str, Any]:
    return {
        "id": each.id, "state": each.state.value, "type": each.kind, "sender": each.sender, "control_id": each.control_id,
        "PatientID": each.patient_id, "order_number": each.number, "address": each.address,
        "acknowledgement": each.acknowledgement, "code": each.code, "where": each.place, "reason": each.reason,
        "attempts": each.attempts, "received_at": each.received_at.isoformat(),
        "settled_at": each.settled_at.isoformat() if each.settled_at else None,
    }  # fmt: skip


def _list(call: Call) -> Any:
    query = call.query
    found = hl7.page(call.context, call.principal, text=query.get("q", ""), state=query.get("state", ""),
                     kind=query.get("type", ""), limit=query["limit"], after=query.get("before"))
    return {"messages": [_facts(each) for each in found.messages], "next": found.next}


def _get(call: Call) -> Any:
    kept, content = hl7.get(call.context, call.principal, call.path["id"])
    return {"message": _facts(kept), "content": content[:SHOWN].decode("utf-8", "replace"), "size": len(content)}


def _replay(call: Call) -> None:
    hl7.replay(call.context, call.principal, call.path["id"])


_NEEDS = Permission.HL7_MANAGE
ENDPOINTS = (
    Endpoint(
        method="GET", path="/hl7-messages", tag="hl7", needs=_NEEDS, run=_list, summary="HL7 messages, the latest first",
        parameters=(
            Parameter("q", "patient ID, order number, control ID or sender begins with it"),
            Parameter("state", "what became of it", {"type": "string", "enum": ["", *(state.value for state in State)]}),
            Parameter("type", "ORM, ORM^O01"),
            Parameter("limit", "messages at most", integer(minimum=1, maximum=LARGEST_PAGE, default=50)),
            Parameter("before", "`next` of the page before", integer(minimum=1)),
        ),
        answer=obj({"messages": array(ref("HL7Message")), "next": or_null(integer("a message's number"))}),
    ),
    Endpoint(
        method="GET", path="/hl7-messages/{id}", tag="hl7", needs=_NEEDS, run=_get, summary="A message as it came",
        parameters=(_ID,), errors=(Kind.MISSING,),
        answer=obj({"message": ref("HL7Message"), "content": text("at most 1 MiB of it"), "size": integer("bytes")}),
    ),
    Endpoint(
        method="POST", path="/hl7-messages/{id}/replay", tag="hl7", needs=_NEEDS, run=_replay,
        summary="Do a message once more", description="The worker does it within seconds. What it asks for is found by its "
        "numbers, so that nothing is made twice; what has changed since is changed back.",
        parameters=(_ID,), status=204, errors=(Kind.MISSING,),
    ),
)  # fmt: skip
