"""Corrections of whose a study is."""

from contextlib import suppress
from functools import partial
from typing import Any

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import array, integer, obj, ref, text
from isocenter.domain.access import Permission
from isocenter.domain.errors import Kind, Missing
from isocenter.service import corrections, ingest, rejections, splitting

_ID = Parameter("id", "the correction", integer(minimum=1), "path", True)
_NEEDS = Permission.STUDY_CORRECT
_WHO = {
    "PatientID": text(), "IssuerOfPatientID": text(), "PatientName": text("PN"), "PatientBirthDate": text("YYYYMMDD or empty"),
    "PatientSex": text("F, M, O or empty"),
}  # fmt: skip
PATIENT = obj(_WHO, *(keyword for keyword in _WHO if keyword != "PatientID"))
_TIME = {"type": ["string", "null"], "format": "date-time"}
CORRECTION = obj({
    "id": integer(), "at": text("RFC 3339", format="date-time"), "actor": text(), "reason": text(), "patient": obj(_WHO),
    "studies": array(text("Study Instance UID")), "undone_at": _TIME, "undone_by": text(),
})  # fmt: skip


def _facts(each: corrections.Correction) -> dict[str, Any]:
    return {
        "id": each.id, "at": each.at.isoformat(), "actor": each.actor, "reason": each.reason, "patient": dict(each.patient),
        "studies": list(each.studies), "undone_at": each.undone_at.isoformat() if each.undone_at else None,
        "undone_by": each.undone_by,
    }  # fmt: skip


def _list(call: Call) -> Any:
    query = call.query
    found = corrections.page(call.context, call.principal, study=query.get("study", ""), limit=query["limit"],
                             before=query.get("cursor"))
    return {"corrections": [_facts(each) for each in found]}


def _correct(call: Call) -> Any:
    body = call.body
    return _facts(corrections.correct(call.context, call.principal, body["studies"], body["patient"], body["reason"]))


def _merge(call: Call) -> Any:
    body = call.body
    return _facts(corrections.merge(call.context, call.principal, body["PatientID"], body.get("IssuerOfPatientID", ""),
                                    body["into"], body["reason"]))


def _split_facts(each: splitting.Split) -> dict[str, Any]:
    return {
        "id": each.id, "at": each.at.isoformat(), "actor": each.actor, "reason": each.reason, "objects": len(each.made),
        "study_instance_uid": each.study_instance_uid, "into_uid": each.into_uid,
        "undone_at": each.undone_at.isoformat() if each.undone_at else None, "undone_by": each.undone_by,
    }  # fmt: skip


def _split(call: Call) -> Any:
    """Copies first, then the rejection: whoever is killed in between has both studies, and loses nothing."""
    context, principal, study, body = call.context, call.principal, call.path["uid"], call.body
    door = partial(ingest.begin, context, principal, source="upload")
    copied = splitting.copy(context, principal, study, body["series"], door, into=body.get("into", ""),
                            patient=body.get("patient"), reason=body["reason"])  # fmt: skip
    rejections.reject(context, principal, study, door, kind="worklist", reason=f"split: {body['reason']}"[:1000],
                      instances=list(copied.made))  # fmt: skip
    return _split_facts(splitting.done(context, principal, study, copied, body["reason"]))


def _splits(call: Call) -> Any:
    return {"splits": [_split_facts(each) for each in splitting.page(call.context, call.principal, call.path["uid"])]}


def _unsplit(call: Call) -> None:
    """The originals first, then the copies go: nothing is hidden twice."""
    context, principal = call.context, call.principal
    found = splitting.get(context, principal, call.path["id"])
    rejections.restore_all(context, principal, list(found.made))
    door = partial(ingest.begin, context, principal, source="upload")
    with suppress(Missing):  # they were rejected otherwise
        rejections.reject(context, principal, found.into_uid, door, kind="worklist", reason=f"split {found.id} was taken back",
                          instances=list(found.made.values()))  # fmt: skip
    splitting.undone(context, principal, found.id)


def _undo(call: Call) -> Any:
    return _facts(corrections.undo(call.context, call.principal, call.path["id"]))


_STUDY = Parameter("uid", "Study Instance UID", text(maxLength=128), "path", True)
SPLIT = obj({
    "id": integer(), "at": text("RFC 3339", format="date-time"), "actor": text(), "reason": text(), "objects": integer(),
    "study_instance_uid": text(), "into_uid": text("where they are now"), "undone_at": _TIME, "undone_by": text(),
})  # fmt: skip

ENDPOINTS = (
    Endpoint(
        method="GET", path="/studies/{uid}/splits", tag="corrections", needs=_NEEDS, run=_splits,
        summary="What was taken out of a study, or put into it, newest first", parameters=(_STUDY,),
        answer=obj({"splits": array(ref("Split"))}),
    ),
    Endpoint(
        method="POST", path="/studies/{uid}/splits", tag="corrections", needs=_NEEDS, also=Permission.STUDY_REJECT, run=_split,
        summary="Take series out of a study, into one of their own or another",
        description="The objects are stored again with new UIDs, as those of the other study and its patient, and what was there "
        "is rejected (113038). Originals are kept; it can be taken back.",
        parameters=(_STUDY,), largest=1 << 20,
        body=obj({"series": array(text(maxLength=64)), "into": text("a Study Instance UID that is held", maxLength=64),
                  "patient": PATIENT, "reason": text(maxLength=900)}, "into", "patient"),
        answer=ref("Split"), status=201, errors=(Kind.MISSING, Kind.CONFLICT, Kind.NO_SPACE),
    ),
    Endpoint(
        method="POST", path="/splits/{id}/undo", tag="corrections", needs=_NEEDS, also=Permission.STUDY_REJECT, run=_unsplit,
        summary="Take a split back", parameters=(Parameter("id", "the split", integer(minimum=1), "path", True),),
        status=204, errors=(Kind.MISSING, Kind.CONFLICT, Kind.NO_SPACE),
    ),
    Endpoint(
        method="GET", path="/corrections", tag="corrections", needs=_NEEDS, run=_list,
        summary="Corrections of whose studies are, newest first",
        parameters=(
            Parameter("study", "only those of this Study Instance UID", text()),
            Parameter("limit", "at most so many", integer(minimum=1, maximum=500, default=100)),
            Parameter("cursor", "the id of the last one that was read", integer(minimum=1)),
        ),
        answer=obj({"corrections": array(ref("Correction"))}),
    ),
    Endpoint(
        method="POST", path="/corrections", tag="corrections", needs=_NEEDS, run=_correct,
        summary="Say whose studies are: demographics, or another patient",
        description="What arrived stays as it is. Everything that leaves the archive says what was corrected.",
        body=obj({"studies": array(text("Study Instance UID")), "patient": PATIENT, "reason": text()}),
        answer=ref("Correction"), status=201, errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="POST", path="/corrections/merge", tag="corrections", needs=_NEEDS, run=_merge,
        summary="Give all studies of a patient to another",
        body=obj({"PatientID": text(), "IssuerOfPatientID": text(), "into": PATIENT, "reason": text()}, "IssuerOfPatientID"),
        answer=ref("Correction"), status=201, errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="POST", path="/corrections/{id}/undo", tag="corrections", needs=_NEEDS, run=_undo,
        summary="Take a correction back", parameters=(_ID,), answer=ref("Correction"), errors=(Kind.MISSING, Kind.CONFLICT),
    ),
)  # fmt: skip
