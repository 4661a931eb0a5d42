"""What somebody draws on the images of a study: kept, versioned, and written as DICOM on demand."""

from dataclasses import asdict
from functools import partial
from typing import Any

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import array, boolean, integer, obj, text
from isocenter.domain.access import Permission, require
from isocenter.domain.errors import Kind
from isocenter.service import annotations, exporting, ingest, seen

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


def _export(call: Call) -> Any:
    context, principal, uid, body = call.context, call.principal, call.path["uid"], call.body
    require(principal, Permission.STUDY_STORE)
    covered = seen.seen(context, principal, uid) if body.get("unseen") else None
    series_uid, outcome = exporting.export(
        context, principal, uid, annotations.kept(context, principal, uid).items,
        partial(ingest.begin, context, principal, source="upload"),
        form=body["form"], title=body.get("title", ""), note=body.get("note", ""), view=body.get("view"),
        unseen=None if covered is None else [each.words for each in covered if each.words],
    )  # fmt: skip
    return {
        "StudyInstanceUID": uid, "SeriesInstanceUID": series_uid, "SOPInstanceUID": outcome.sop_instance_uid,
        "status": outcome.status,
    }  # fmt: skip


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
    Endpoint(
        method="POST", path="/studies/{uid}/annotations/export", tag="annotations", needs=Permission.STUDY_STORE, run=_export,
        summary="Write what you drew as DICOM, into the archive",
        description="SR: a Comprehensive SR after TID 1500 with every measurement. PR: a grayscale or colour softcopy "
        "presentation state of the view, with what is drawn on its series. KO: the key images, titled after CID 7010. Each "
        "is a new series. With unseen, an SR also says which images you have not had on the screen (as GET seen tells), series "
        "by series, or that there are none.",
        parameters=(_UID,),
        body=obj({"form": text(enum=["SR", "PR", "KO"]), "title": text(maxLength=64), "note": text(maxLength=1000),
                  "view": _ANY_OBJECT, "unseen": boolean("SR: say what was not seen")}, "title", "note", "view", "unseen"),
        answer=obj({"StudyInstanceUID": text(), "SeriesInstanceUID": text(), "SOPInstanceUID": text(), "status": text()}),
        errors=(Kind.MISSING, Kind.NO_SPACE, Kind.CONFLICT),
    ),
)  # fmt: skip
