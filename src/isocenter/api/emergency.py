"""Emergency access ("break-glass"), and its review."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from isocenter.api.auth import session_secret
from isocenter.api.endpoint import Call, Door, Endpoint, Parameter, json_response
from isocenter.api.schema import array, integer, obj, ref, text
from isocenter.domain.access import Permission
from isocenter.domain.emergency import LONGEST_REASON, PURPOSES, SHORTEST_REASON
from isocenter.domain.errors import Kind
from isocenter.service import emergency
from isocenter.service.emergency import Emergency

_ID = Parameter("id", "the access", integer(minimum=1), "path", True)
_MOMENT = text("RFC 3339", format="date-time")
_TIME = {"type": ["string", "null"], "format": "date-time"}
_PURPOSE = text("; ".join(f"{code}: {meaning}" for code, meaning in PURPOSES.items()), enum=list(PURPOSES))
EMERGENCY = obj({
    "id": integer(), "at": _MOMENT, "until": _MOMENT, "account": text(), "address": text(), "patient_id": text(),
    "issuer_of_patient_id": text(), "purpose": _PURPOSE, "reason": text(), "ended_at": _TIME,
    "ended_by": text("who closed it; empty when its time was over"), "reviewed_at": _TIME, "reviewed_by": text(), "note": text(),
})  # fmt: skip
_LOOKED = obj({"at": _MOMENT, "kind": text("of the change log"), "study_instance_uid": text(), "study_description": text()})


def facts(each: Emergency) -> dict[str, Any]:
    """As `EMERGENCY`."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(each).items()}


async def _begin(request: Request, call: Call) -> Response:
    body = call.body
    whose = emergency.Whose(body.get("PatientID", ""), body.get("IssuerOfPatientID"), body.get("AccessionNumber", ""))
    secret = session_secret(request.scope) if call.principal.via == "session" else ""
    made = await anyio.to_thread.run_sync(
        lambda: emergency.begin(call.context, call.principal, secret, whose, body["purpose"], body["reason"])
    )
    call.authenticator.forget()
    return json_response(facts(made), 201)


def _end(call: Call) -> None:
    emergency.end(call.context, call.principal, call.path["id"])
    call.authenticator.forget()


def _list(call: Call) -> Any:
    found = emergency.page(call.context, call.principal, limit=call.query["limit"], before=call.query.get("cursor"))
    return {"accesses": [facts(each) for each in found]}


def _get(call: Call) -> Any:
    found, looked = emergency.get(call.context, call.principal, call.path["id"])
    return {"access": facts(found), "looked": [{**asdict(each), "at": each.at.isoformat()} for each in looked]}


def _review(call: Call) -> None:
    emergency.review(call.context, call.principal, call.path["id"], call.body.get("note", ""))


ENDPOINTS = (
    Endpoint(
        method="POST", path="/emergency", tag="emergency", needs=Permission.STUDY_EMERGENCY, respond=_begin,
        summary="Open the studies of a patient whom one may not see, in an emergency",
        description="Only for a person's web session, and only to that session, for the time of the setting emergency_minutes. "
        "The patient is named by the exact PatientID or the exact AccessionNumber. Administrators are told at once.",
        body=obj({"PatientID": text(maxLength=64), "IssuerOfPatientID": text(maxLength=64),
                  "AccessionNumber": text(maxLength=64), "purpose": _PURPOSE,
                  "reason": text("for the review", minLength=SHORTEST_REASON, maxLength=LONGEST_REASON)},
                 "PatientID", "IssuerOfPatientID", "AccessionNumber"),
        answer=ref("Emergency"), status=201, errors=(Kind.MISSING, Kind.CONFLICT),
    ),
    Endpoint(
        method="POST", path="/emergency/{id}/end", tag="emergency", needs=Door.SIGNED_IN, run=_end,
        summary="Close an emergency access now: one's own, or anybody's for who reviews", parameters=(_ID,), status=204,
        errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="GET", path="/emergency", tag="emergency", needs=Permission.EMERGENCY_REVIEW, run=_list,
        summary="Emergency accesses, newest first",
        parameters=(Parameter("limit", "at most so many", integer(minimum=1, maximum=500, default=100)),
                    Parameter("cursor", "the id of the last one that was read", integer(minimum=1))),
        answer=obj({"accesses": array(ref("Emergency"))}),
    ),
    Endpoint(
        method="GET", path="/emergency/{id}", tag="emergency", needs=Permission.EMERGENCY_REVIEW, run=_get,
        summary="An emergency access, and what was done with the patient's studies meanwhile", parameters=(_ID,),
        answer=obj({"access": ref("Emergency"), "looked": array(_LOOKED, "at most 1,000")}), errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="POST", path="/emergency/{id}/review", tag="emergency", needs=Permission.EMERGENCY_REVIEW, run=_review,
        summary="Say that an emergency access was looked into", parameters=(_ID,),
        body=obj({"note": text(maxLength=emergency.LONGEST_NOTE)}, "note"), status=204, errors=(Kind.MISSING, Kind.CONFLICT),
    ),
)  # fmt: skip
