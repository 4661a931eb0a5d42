"""Marking studies and patients as sensitive."""

from dataclasses import asdict
from typing import Any

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import array, boolean, obj, ref, text
from isocenter.domain.access import Permission
from isocenter.domain.errors import Kind
from isocenter.service import sensitive

_UID = Parameter("uid", "Study Instance UID", text(maxLength=128), "path", True)
_BODY = obj({"reason": text("why, for the log", maxLength=sensitive.LONGEST_REASON),
             "patient": boolean("the patient whose study it is: all studies, also those that come later")}, "patient")
MARK = obj({"study_instance_uid": text("of a study; empty where it is a patient"), "patient_id": text(),
            "issuer_of_patient_id": text(), "at": text("RFC 3339", format="date-time"), "actor": text(), "reason": text()})


def _mark(call: Call) -> None:
    patient = call.body.get("patient", False)
    sensitive.mark(call.context, call.principal, call.path["uid"], call.body["reason"], patient=patient)


def _release(call: Call) -> None:
    patient = call.body.get("patient", False)
    sensitive.release(call.context, call.principal, call.path["uid"], call.body["reason"], patient=patient)


def _list(call: Call) -> Any:
    return {"marks": [{**asdict(each), "at": each.at.isoformat()} for each in sensitive.marked(call.context, call.principal)]}


ENDPOINTS = (
    Endpoint(
        method="GET", path="/sensitive", tag="sensitive", needs=Permission.SENSITIVE_MANAGE, also=Permission.STUDY_SENSITIVE,
        run=_list, summary="What is marked as sensitive, newest first", answer=obj({"marks": array(ref("SensitiveMark"))}),
    ),
    Endpoint(
        method="POST", path="/studies/{uid}/sensitive", tag="sensitive", needs=Permission.SENSITIVE_MANAGE, run=_mark,
        summary="Mark a study, or its patient, as sensitive",
        description="For everybody without the permission study:sensitive it is then not there: in no list, count, search, "
        "link or stream.",
        parameters=(_UID,), body=_BODY, status=204, errors=(Kind.MISSING, Kind.CONFLICT),
    ),
    Endpoint(
        method="POST", path="/studies/{uid}/sensitive/release", tag="sensitive", needs=Permission.SENSITIVE_MANAGE, run=_release,
        summary="Take the mark off a study, or its patient", parameters=(_UID,), body=_BODY, status=204, errors=(Kind.MISSING,),
    ),
)  # fmt: skip
