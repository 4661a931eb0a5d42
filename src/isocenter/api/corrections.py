"""Corrections of whose a study is."""

from typing import Any

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import array, integer, obj, ref, text
from isocenter.domain.access import Permission
from isocenter.domain.errors import Kind
from isocenter.service import corrections

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


def _undo(call: Call) -> Any:
    return _facts(corrections.undo(call.context, call.principal, call.path["id"]))


ENDPOINTS = (
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
