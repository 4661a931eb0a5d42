"""Rejecting and deleting as IHE RAD IOCM has it, and legal holds."""

from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import array, boolean, integer, obj, ref, text
from isocenter.domain.access import Permission
from isocenter.domain.errors import Kind
from isocenter.domain.rejections import CODES, KINDS, LONGEST_REASON
from isocenter.service import ingest, rejections

_UID = Parameter("uid", "Study Instance UID", text(maxLength=128), "path", True)
_ID = Parameter("id", "the rejection", integer(minimum=1), "path", True)
_TIME = {"type": ["string", "null"], "format": "date-time"}
_REASON = text("why, for the log", maxLength=LONGEST_REASON)
_KIND = text(", ".join(f"{kind}: {meaning} ({value}, DCM)" for kind, (value, meaning) in CODES.items()), enum=list(CODES))
_FACTS = {
    "id": integer(), "at": text("RFC 3339", format="date-time"), "actor": text(), "kind": _KIND, "code": text("of DCM"),
    "reason": text(), "study_instance_uid": text(), "note_uid": text("SOP Instance UID of the rejection note"),
    "source": text(enum=["here", "received"]), "undone_at": _TIME, "undone_by": text(),
    "delete_at": {**_TIME, "description": "when what it hides is deleted; null: it is hidden only"}, "deleted_by": text(),
    "delete_reason": text(), "freed_at": _TIME, "objects": integer("that the note names"), "hidden": integer("that are kept"),
    "freed": integer("that are deleted"), "held": boolean("a legal hold forbids to delete them"),
}  # fmt: skip
REJECTION = obj(_FACTS)
HOLD = obj({"study_instance_uid": text(), "at": text("RFC 3339", format="date-time"), "actor": text(), "reason": text()})
_NAMED = obj({"study_instance_uid": text(), "series_instance_uid": text(), "sop_instance_uid": text(), "sop_class_uid": text(),
              "state": text("absent: it never was here; back: it is served", enum=["absent", "hidden", "freed", "back"])})


def _facts(each: rejections.Rejection) -> dict[str, Any]:
    told = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(each).items()}
    return {**told, "kind": KINDS[each.code]}


def _reject(call: Call) -> Any:
    body = call.body
    door = partial(ingest.begin, call.context, call.principal, source="upload")
    return _facts(rejections.reject(
        call.context, call.principal, call.path["uid"], door, kind=body["kind"], reason=body["reason"],
        series=body.get("series", ()), instances=body.get("instances", ()), to=body.get("to", ()),
    ))  # fmt: skip


def _list(call: Call) -> Any:
    query = call.query
    state = "" if query["state"] == "standing" else query["state"]
    found = rejections.page(call.context, call.principal, study=query.get("study", ""), state=state, limit=query["limit"],
                            before=query.get("cursor"))  # fmt: skip
    return {"rejections": [_facts(each) for each in found]}


def _get(call: Call) -> Any:
    found, study, objects = rejections.get(call.context, call.principal, call.path["id"])
    shown = ("PatientName", "PatientID", "StudyDate", "StudyDescription", "AccessionNumber")
    names = ("study_instance_uid", "series_instance_uid", "sop_instance_uid", "sop_class_uid", "state")
    return {"rejection": _facts(found), "study": {keyword: study.get(keyword, "") for keyword in shown},
            "objects": [{name: each[name] for name in names} for each in objects]}  # fmt: skip


def _restore(call: Call) -> Any:
    return _facts(rejections.restore(call.context, call.principal, call.path["id"]))


def _delete(call: Call) -> Any:
    return _facts(rejections.delete(call.context, call.principal, call.path["id"], call.body["reason"]))


def _keep(call: Call) -> Any:
    return _facts(rejections.keep(call.context, call.principal, call.path["id"]))


def _holds(call: Call) -> Any:
    return {"holds": [{**each, "at": each["at"].isoformat()} for each in rejections.holds(call.context, call.principal)]}


def _hold(call: Call) -> None:
    rejections.hold(call.context, call.principal, call.path["uid"], call.body["reason"])


def _release(call: Call) -> None:
    rejections.release(call.context, call.principal, call.path["uid"], call.body["reason"])


_ANSWERS = (Kind.MISSING, Kind.CONFLICT)

ENDPOINTS = (
    Endpoint(
        method="POST", path="/studies/{uid}/rejections", tag="rejections", needs=Permission.STUDY_REJECT, run=_reject,
        summary="Reject a study, or some of its series or instances (IHE RAD IOCM)",
        description="A rejection note (Key Object Selection) is stored, what it names is hidden at every door, and the note is "
        "sent to every destination that was sent some of it, and to those named here. Nothing is deleted.",
        parameters=(_UID,),
        body=obj({"kind": _KIND, "reason": _REASON, "series": array(text(maxLength=64)), "instances": array(text(maxLength=64)),
                  "to": array(text("a destination or a peer", maxLength=64))}, "series", "instances", "to"),
        answer=ref("Rejection"), status=201, errors=(*_ANSWERS, Kind.NO_SPACE), largest=1 << 20,
    ),
    Endpoint(
        method="GET", path="/rejections", tag="rejections", needs=Permission.REJECTED_READ, run=_list,
        summary="Rejections, newest first",
        parameters=(
            Parameter("study", "only those of this Study Instance UID", text()),
            Parameter("state", "standing; marked: those to be deleted; all: those that were taken back, too",
                      text(enum=["standing", "marked", "all"], default="standing")),
            Parameter("limit", "at most so many", integer(minimum=1, maximum=500, default=100)),
            Parameter("cursor", "the id of the last one that was read", integer(minimum=1)),
        ),
        answer=obj({"rejections": array(ref("Rejection"))}),
    ),
    Endpoint(
        method="GET", path="/rejections/{id}", tag="rejections", needs=Permission.REJECTED_READ, run=_get,
        summary="A rejection, its study, and the objects that its note names",
        description="Each object can be had by WADO-RS under its UIDs by who may ask this, and by nobody else.",
        parameters=(_ID,),
        answer=obj({
            "rejection": ref("Rejection"), "objects": array(_NAMED, "at most 1,000"),
            "study": obj({"PatientName": text("PN"), "PatientID": text(), "StudyDate": text(), "StudyDescription": text(),
                          "AccessionNumber": text()}),
        }),
        errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="POST", path="/rejections/{id}/restore", tag="rejections", needs=Permission.REJECTED_READ,
        also=Permission.STUDY_REJECT, run=_restore, summary="Take a rejection back: its objects are served again",
        parameters=(_ID,), answer=ref("Rejection"), errors=_ANSWERS,
    ),
    Endpoint(
        method="POST", path="/rejections/{id}/delete", tag="rejections", needs=Permission.STUDY_DELETE, run=_delete,
        summary="Delete for good what a rejection hides, after the time of grace",
        description="The second step. Rows and files go in the background; the change log keeps a tombstone of each object.",
        parameters=(_ID,), body=obj({"reason": _REASON}), answer=ref("Rejection"), errors=_ANSWERS,
    ),
    Endpoint(
        method="POST", path="/rejections/{id}/keep", tag="rejections", needs=Permission.STUDY_DELETE, run=_keep,
        summary="Do not delete it after all; it stays hidden", parameters=(_ID,), answer=ref("Rejection"), errors=_ANSWERS,
    ),
    Endpoint(
        method="GET", path="/holds", tag="rejections", needs=Permission.REJECTED_READ, run=_holds,
        summary="Legal holds: studies of which nothing may be deleted", answer=obj({"holds": array(ref("Hold"))}),
    ),
    Endpoint(
        method="POST", path="/studies/{uid}/hold", tag="rejections", needs=Permission.STUDY_HOLD, run=_hold,
        summary="Set a legal hold on a study", parameters=(_UID,), body=obj({"reason": _REASON}), status=204, errors=_ANSWERS,
    ),
    Endpoint(
        method="POST", path="/studies/{uid}/hold/release", tag="rejections", needs=Permission.STUDY_HOLD, run=_release,
        summary="End a legal hold", parameters=(_UID,), body=obj({"reason": _REASON}), status=204, errors=_ANSWERS,
    ),
)  # fmt: skip
