"""The exceptions list of the web client."""

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any, get_args

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import array, boolean, integer, obj, ref, text
from isocenter.domain.access import Permission, require
from isocenter.domain.errors import Conflict, Kind
from isocenter.service import corrections, exceptions, ingest
from isocenter.service.exceptions import OpenFile

PIECE = 256 * 1024
KINDS = list(get_args(exceptions.Kind))

_WHO = ("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex")
PROPOSAL = obj({
    "action": text(enum=list(get_args(exceptions.Action))), "sentence": text("what it does"),
    "patient": boolean("it means one, whom /exceptions/{id}/patient tells"),
})  # fmt: skip


def _case(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "kind": row["kind"],
        "reason": row["reason"],
        "where": row["where"],
        "StudyInstanceUID": row["study_instance_uid"],
        "SeriesInstanceUID": row["series_instance_uid"],
        "SOPInstanceUID": row["sop_instance_uid"],
        "SOPClassUID": row["sop_class_uid"],
        "kept": bool(row["blob_key"]),
        "size": row["size"],
        "source": row["source"],
        "source_aet": row["source_aet"],
        "address": row["address"],
        "actor": row["actor"],
        "occurrences": row["occurrences"],
        "first_at": row["first_at"].isoformat(),
        "last_at": row["last_at"].isoformat(),
        "dismissed_at": row["dismissed_at"].isoformat() if row["dismissed_at"] else None,
        "dismissed_by": row["dismissed_by"],
        "proposal": _proposal(row["proposal"]),
    }


def _proposal(found: exceptions.Proposal) -> dict[str, Any]:
    """Whom it means is asked for by itself: the list names no patient."""
    return {"action": found.action, "sentence": found.sentence, "patient": bool(found.patient)}


def _whom(call: Call) -> Any:
    return dict(exceptions.whom(call.context, call.principal, call.path["id"]))


def _list(call: Call) -> Any:
    query = call.query
    page = exceptions.page(
        call.context, call.principal, kind=query.get("kind"), dismissed=query["dismissed"] == "true", limit=query["limit"],
        after=query.get("cursor"),
    )  # fmt: skip
    return {"exceptions": [_case(row) for row in page.cases], "next": page.next}


async def _file(request: Request, call: Call) -> Response:
    kept = await anyio.to_thread.run_sync(exceptions.open_kept, call.context, call.principal, call.path["id"])
    headers = {
        "Cache-Control": "no-store",
        "Content-Length": str(kept.size),
        "Content-Disposition": f'attachment; filename="exception-{call.path["id"]}.dcm"',
    }
    return StreamingResponse(_pieces(kept), media_type="application/dicom", headers=headers)


async def _pieces(kept: OpenFile) -> AsyncIterator[bytes]:
    offset = 0
    with kept:
        while piece := await anyio.to_thread.run_sync(kept.read_at, offset, PIECE):
            offset += len(piece)
            yield piece


def _resolve(call: Call) -> None:
    context, principal, number = call.context, call.principal, call.path["id"]
    require(principal, Permission.QUARANTINE_RESOLVE)
    row, proposal = exceptions.get(context, principal, number)
    if proposal.action != call.body["action"]:
        raise Conflict("something else is proposed by now", where="action", hint="Load the list again.")
    if proposal.action == "serve":
        exceptions.serve(context, principal, number)
    elif proposal.action == "tell":
        exceptions.tell(context, principal, number)
    elif proposal.action == "settle":
        exceptions.dismiss(context, principal, number)
    elif proposal.action == "correct":
        reason = f"exception {number}: {row['reason']}"
        corrections.correct(context, principal, [row["study_instance_uid"]], proposal.patient, reason)
        exceptions.dismiss(context, principal, number)
    else:
        exceptions.refile(context, principal, number, partial(ingest.begin, context, principal, source="upload"))


def _dismiss(call: Call) -> None:
    exceptions.dismiss(call.context, call.principal, call.path["id"])


ENDPOINTS = (
    Endpoint(
        method="GET", path="/exceptions", tag="exceptions", needs=Permission.QUARANTINE_READ, run=_list,
        summary="What needs a person's eye: quarantined, versions, patient conflicts, refused, not committed elsewhere",
        description="The ones seen last first. What a sender repeats is one row with occurrences.",
        parameters=(
            Parameter("kind", "only this kind", text(enum=KINDS)),
            Parameter("dismissed", "true: also those that were dismissed", text(enum=["true", "false"], default="false")),
            Parameter("limit", "at most so many", integer(minimum=1, maximum=500, default=100)),
            Parameter("cursor", "the value of next", integer(minimum=1)),
        ),
        answer=obj({"exceptions": array(ref("Exception")), "next": {"type": ["integer", "null"], "description": "cursor"}}),
    ),
    Endpoint(
        method="GET", path="/exceptions/{id}/file", tag="exceptions", needs=Permission.QUARANTINE_READ, respond=_file,
        summary="The bytes that were kept of one, as they came",
        parameters=(Parameter("id", "its number", integer(minimum=1), "path", True),),
        answer={"type": "string", "format": "binary"}, answer_type="application/dicom", errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="GET", path="/exceptions/{id}/patient", tag="exceptions", needs=Permission.QUARANTINE_RESOLVE, run=_whom,
        summary="The patient whom the proposal for one means", description="The change log has a row for each look.",
        parameters=(Parameter("id", "its number", integer(minimum=1), "path", True),),
        answer=obj({keyword: text() for keyword in _WHO}), errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="POST", path="/exceptions/{id}/resolve", tag="exceptions", needs=Permission.QUARANTINE_RESOLVE, run=_resolve,
        also=Permission.STUDY_CORRECT, summary="Do what is proposed for one",
        description="It is taken off the list when it is done; nothing that came is deleted. Corrections can be taken back.",
        parameters=(Parameter("id", "its number", integer(minimum=1), "path", True),),
        body=obj({"action": text("the one of its proposal", enum=list(get_args(exceptions.Action)))}),
        status=204, errors=(Kind.MISSING, Kind.CONFLICT, Kind.NO_SPACE),
    ),
    Endpoint(
        method="POST", path="/exceptions/{id}/dismiss", tag="exceptions", needs=Permission.QUARANTINE_RESOLVE, run=_dismiss,
        summary="Take one off the list",
        description="What was kept of it stays. It comes back when it happens again.",
        parameters=(Parameter("id", "its number", integer(minimum=1), "path", True),),
        status=204, errors=(Kind.MISSING,),
    ),
)  # fmt: skip
