"""Hanging protocols: how studies lie on the screen."""

from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from isocenter.api.endpoint import Call, Endpoint, Parameter, json_response
from isocenter.api.schema import array, boolean, integer, obj, ref, text
from isocenter.domain.access import Permission
from isocenter.domain.errors import Invalid, Kind
from isocenter.service import hanging

_ID = Parameter("id", "the protocol", integer(minimum=1), "path", True)
_BODY = {"type": "object", "description": "name, description, applies, sets, stages: docs/viewer.md"}
_SHARED = boolean("for everybody; needs hanging:share")
PROTOCOL = obj(
    {
        "id": integer(), "name": text(), "shared": _SHARED, "owner": text("the account that made it"),
        "mine": boolean("whether one may change it"), "protocol": _BODY, "changed_at": text("RFC 3339", format="date-time"),
    }
)  # fmt: skip


def _facts(call: Call, kept: hanging.Kept) -> dict[str, Any]:
    return {
        "id": kept.id, "name": kept.name, "shared": kept.shared, "owner": kept.owner,
        "mine": hanging.may_change(call.principal, kept), "protocol": kept.protocol, "changed_at": kept.changed_at.isoformat(),
    }  # fmt: skip


RECEIVED = obj(
    {
        "id": integer(), "uid": text("SOP Instance UID"), "name": text("\"\" when the viewer cannot show it"),
        "problem": text("why it cannot be shown, \"\" when it can"), "source": text("dimse, stow, import, upload"),
        "source_aet": text("the AE title that sent it"), "received_at": text("RFC 3339", format="date-time"),
    }
)  # fmt: skip


def _received(call: Call) -> Any:
    return {
        "objects": [
            {"id": held.id, "uid": held.uid, "name": name, "problem": problem, "source": held.source,
             "source_aet": held.source_aet, "received_at": held.received_at.isoformat()}
            for held, name, problem in hanging.received(call.context, call.principal)
        ]
    }  # fmt: skip


def _take_over(call: Call) -> Any:
    return _facts(call, hanging.take_over(call.context, call.principal, call.path["id"]))


async def _received_dicom(request: Request, call: Call) -> Response:
    held = await anyio.to_thread.run_sync(hanging.received_object, call.context, call.principal, call.path["id"])
    headers = {"Content-Disposition": f'attachment; filename="hanging-protocol-received-{held.id}.dcm"'}
    return Response(held.content, media_type="application/dicom", headers=headers)


def _list(call: Call) -> Any:
    return {"protocols": [_facts(call, each) for each in hanging.protocols(call.context, call.principal)]}


def _add(call: Call) -> Any:
    return _facts(call, hanging.add(call.context, call.principal, call.body["protocol"], call.body.get("shared", False)))


def _change(call: Call) -> Any:
    body = call.body
    changed = hanging.change(call.context, call.principal, call.path["id"], body.get("protocol"), body.get("shared"))
    return _facts(call, changed)


def _remove(call: Call) -> None:
    hanging.remove(call.context, call.principal, call.path["id"])


async def _dicom(request: Request, call: Call) -> Response:
    content = await anyio.to_thread.run_sync(hanging.as_dicom, call.context, call.principal, call.path["id"])
    headers = {"Content-Disposition": f'attachment; filename="hanging-protocol-{call.path["id"]}.dcm"'}
    return Response(content, media_type="application/dicom", headers=headers)


async def _take(request: Request, call: Call) -> Response:
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > hanging.LONGEST_OBJECT:
            raise Invalid("the file is too long for a hanging protocol", where="body")
    kept = await anyio.to_thread.run_sync(hanging.from_dicom, call.context, call.principal, bytes(content))
    return json_response(_facts(call, kept), 201)


_NEEDS = Permission.STUDY_READ
ENDPOINTS = (
    Endpoint(
        method="GET", path="/hanging-protocols", tag="hanging", needs=_NEEDS, run=_list,
        summary="One's own hanging protocols, and those of everybody", answer=obj({"protocols": array(ref("HangingProtocol"))}),
    ),
    Endpoint(
        method="POST", path="/hanging-protocols", tag="hanging", needs=_NEEDS, run=_add,
        summary="Keep a hanging protocol", body=obj({"protocol": _BODY, "shared": _SHARED}, "shared"),
        answer=ref("HangingProtocol"), status=201,
    ),
    Endpoint(
        method="POST", path="/hanging-protocols/dicom", tag="hanging", needs=_NEEDS, respond=_take,
        summary="Keep what a DICOM object (Hanging Protocol Storage) says, as one's own",
        body={"type": "string", "format": "binary"}, body_type="application/octet-stream",
        answer=ref("HangingProtocol"), status=201,
    ),
    Endpoint(
        method="GET", path="/hanging-protocols/received", tag="hanging", needs=_NEEDS, run=_received,
        summary="Hanging Protocol objects that came in by C-STORE, STOW-RS or import", answer=obj({"objects": array(RECEIVED)}),
    ),
    Endpoint(
        method="POST", path="/hanging-protocols/received/{id}", tag="hanging", needs=_NEEDS, run=_take_over,
        summary="Keep what one of them says, as one's own", parameters=(_ID,), answer=ref("HangingProtocol"), status=201,
        errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="GET", path="/hanging-protocols/received/{id}/dicom", tag="hanging", needs=_NEEDS, respond=_received_dicom,
        summary="One of them, byte for byte as it came", parameters=(_ID,), answer={"type": "string", "format": "binary"},
        answer_type="application/dicom", errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="PATCH", path="/hanging-protocols/{id}", tag="hanging", needs=_NEEDS, run=_change,
        summary="Change, publish or withdraw one", parameters=(_ID,),
        body=obj({"protocol": _BODY, "shared": _SHARED}, "protocol", "shared"), answer=ref("HangingProtocol"),
        errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="DELETE", path="/hanging-protocols/{id}", tag="hanging", needs=_NEEDS, run=_remove,
        summary="Forget one", parameters=(_ID,), status=204, errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="GET", path="/hanging-protocols/{id}/dicom", tag="hanging", needs=_NEEDS, respond=_dicom,
        summary="One as a DICOM object", parameters=(_ID,), answer={"type": "string", "format": "binary"},
        answer_type="application/dicom", errors=(Kind.MISSING,),
    ),
)  # fmt: skip
