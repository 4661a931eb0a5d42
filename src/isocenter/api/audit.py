"""The audit: who did what to whom, searched and taken out as FHIR AuditEvents or DICOM audit messages."""

from datetime import UTC
from typing import Any

import anyio.to_thread
import orjson
from starlette.requests import Request
from starlette.responses import Response

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import array, integer, obj, or_null, ref, text
from isocenter.domain.access import Permission
from isocenter.domain.audit import Described, audit_xml, fhir_audit
from isocenter.service import audit_trail, changes
from isocenter.service.audit_trail import Search

MOST = 1000
MOST_TAKEN = 10_000  # of one file: about 20 MB

_SEARCH = (
    Parameter("patient", "a Patient ID", text(maxLength=64)),
    Parameter("issuer", "and its issuer; without it patients of every issuer", text(maxLength=64)),
    Parameter("study", "a Study Instance UID", text(maxLength=64)),
    Parameter("user", "an account, or the AE title of a peer", text(maxLength=64)),
    Parameter("kind", "only these: study.read,order.* (with commas; none: all)", text(maxLength=1000)),
    Parameter("from", "a date or a moment (RFC 3339): not before", text(maxLength=40)),
    Parameter("to", "a date or a moment: not after", text(maxLength=40)),
    Parameter("before", "only rows with a smaller number", integer(minimum=1)),
)


def _search(call: Call) -> Any:
    found = audit_trail.search(call.context, call.principal, _wanted(call), call.query["limit"])
    more = len(found) == call.query["limit"]
    return {"entries": [_entry(event) for event in found], "next": found[-1].entry.seq if more else None}


def _wanted(call: Call) -> Search:
    query = call.query
    kinds = changes.kinds_of(query["kind"]) if query.get("kind") else None
    return Search(
        query.get("patient") or None, query.get("issuer"), query.get("study") or None, query.get("user") or None, kinds,
        audit_trail.moment(query.get("from"), "from", UTC), audit_trail.moment(query.get("to"), "to", UTC, end=True),
        query.get("before"),
    )  # fmt: skip


def _entry(event: Described) -> dict[str, Any]:
    row, family = event.entry, event.family
    return {
        "seq": row.seq, "at": row.at.isoformat(), "kind": row.kind, "event": family.event.meaning, "action": family.action,
        "outcome": family.outcome, "actor": row.actor, "address": event.participants[0].address, "subject": row.subject,
        "study": row.study, "patient": dict(row.patient), "payload": dict(row.payload),
    }  # fmt: skip


async def _fhir(request: Request, call: Call) -> Response:
    return await anyio.to_thread.run_sync(_bundle, call)


async def _messages(request: Request, call: Call) -> Response:
    return await anyio.to_thread.run_sync(_document, call)


def _bundle(call: Call) -> Response:
    kept_by = audit_trail.archive(call.context)
    found = audit_trail.search(call.context, call.principal, _wanted(call), MOST_TAKEN)
    entries = [{"resource": fhir_audit(event, kept_by)} for event in found]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return _file(orjson.dumps(bundle), "application/fhir+json", "json")


def _document(call: Call) -> Response:
    kept_by = audit_trail.archive(call.context)
    found = audit_trail.search(call.context, call.principal, _wanted(call), MOST_TAKEN)
    messages = b"".join(audit_xml(event, kept_by).split(b"?>", 1)[1].strip() + b"\n" for event in found)
    return _file(b"<?xml version='1.0' encoding='utf-8'?>\n<AuditMessages>\n" + messages + b"</AuditMessages>\n",
                 "application/xml", "xml")


def _file(content: bytes, media_type: str, ending: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="audit.{ending}"', "Cache-Control": "no-store"}
    return Response(content, media_type=media_type, headers=headers)


_DESCRIPTION = "Newest first. Asking is noted in the log itself, without what was asked for."

ENDPOINTS = (
    Endpoint(
        method="GET", path="/audit", tag="audit", needs=Permission.CHANGE_READ, run=_search,
        summary="Who did what to whom", description=f"{_DESCRIPTION} Go on with before=next.",
        parameters=(*_SEARCH, Parameter("limit", "at most so many", integer(minimum=1, maximum=MOST, default=100))),
        answer=obj({"entries": array(ref("AuditEntry")), "next": or_null(integer("before, for older ones"))}),
    ),
    Endpoint(
        method="GET", path="/audit/fhir", tag="audit", needs=Permission.CHANGE_READ, respond=_fhir,
        summary="The same as a Bundle of FHIR R4 AuditEvents", description=f"{_DESCRIPTION} At most {MOST_TAKEN}.",
        parameters=_SEARCH, answer={"type": "object", "description": "a Bundle"}, answer_type="application/fhir+json",
    ),
    Endpoint(
        method="GET", path="/audit/messages", tag="audit", needs=Permission.CHANGE_READ, respond=_messages,
        summary="The same as DICOM audit messages (PS3.15 A.5)",
        description=f"{_DESCRIPTION} At most {MOST_TAKEN}, as an XML document of one AuditMessage a line.",
        parameters=_SEARCH, answer=text("AuditMessages"), answer_type="application/xml",
    ),
)  # fmt: skip
