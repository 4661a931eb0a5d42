"""What somebody draws on the images of a study: kept, versioned, and written as DICOM on demand."""

from dataclasses import asdict
from typing import Any

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import array, integer, obj, text
from isocenter.domain.access import Permission
from isocenter.domain.errors import Kind
from isocenter.service import annotations

_ANY_OBJECT = {"type": "object", "additionalProperties": True}
_UID = Parameter("uid", "Study Instance UID", text(maxLength=128), "path", True)


def _kept(call: Call) -> Any:
    found = annotations.kept(call.context, call.principal, call.path["uid"], call.query.get("version"))
    return {"version": found.version, "items": found.items}


def _save(call: Call) -> Any:
    body = call.body
    return {"version": annotations.save(call.context, call.principal, call.path["uid"], body["set"], body["remove"])}


def _versions(call: Call) -> Any:
    found = annotations.versions(call.context, call.principal, call.path["uid"])
    return {"versions": [{**asdict(each), "at": each.at.isoformat()} for each in found]}


ENDPOINTS = (
    Endpoint(
        method="GET", path="/studies/{uid}/annotations", tag="annotations", needs=Permission.STUDY_READ, run=_kept,
        summary="What you drew on the images of a study",
        description="Items are the web client's JSON objects, each with an id. Only one's own are answered.",
        parameters=(_UID, Parameter("version", "an earlier version; the newest without it", integer(minimum=0))),
        answer=obj({"version": integer("0: nothing was ever drawn"), "items": array(_ANY_OBJECT)}),
        errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="POST", path="/studies/{uid}/annotations", tag="annotations", needs=Permission.STUDY_READ, run=_save,
        summary="Keep what was drawn",
        description="Sets items by their id and takes others away, as one new version; what is so already makes none. Durable "
        "when it is answered, and safe to be sent again.",
        parameters=(_UID,),
        body=obj({"set": array(_ANY_OBJECT), "remove": array(text(maxLength=64))}),
        answer=obj({"version": integer()}), errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="GET", path="/studies/{uid}/annotations/versions", tag="annotations", needs=Permission.STUDY_READ, run=_versions,
        summary="The versions of what you drew, the newest first",
        parameters=(_UID,),
        answer=obj({"versions": array(obj({"version": integer(), "at": text(), "set": integer(), "removed": integer()}))}),
        errors=(Kind.MISSING,),
    ),
)  # fmt: skip
