"""Lists of patients that accounts are limited to."""

from typing import Any

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import array, obj, ref, text
from isocenter.domain.access import Permission
from isocenter.domain.errors import Kind
from isocenter.service import patient_lists

LARGEST = 2 << 20  # bytes: ten thousand patients
_NAME = (Parameter("name", "the list", text(maxLength=patient_lists.LONGEST_NAME), "path", True),)
_PATIENT = obj({"PatientID": text(maxLength=64), "IssuerOfPatientID": text(maxLength=64)}, "IssuerOfPatientID")
LIST = obj({"name": text(), "about": text(), "changed_at": text("RFC 3339", format="date-time"), "actor": text("who changed it"),
            "patients": array(obj({"PatientID": text(), "IssuerOfPatientID": text()}))})


def _all(call: Call) -> Any:
    return {"lists": [_facts(each) for each in patient_lists.lists(call.context, call.principal)]}


def _facts(each: patient_lists.PatientList) -> dict[str, Any]:
    patients = [{"PatientID": patient_id, "IssuerOfPatientID": issuer} for patient_id, issuer in each.patients]
    return {"name": each.name, "about": each.about, "changed_at": each.at.isoformat(), "actor": each.actor, "patients": patients}


def _put(call: Call) -> None:
    patients = [(each["PatientID"], each.get("IssuerOfPatientID", "")) for each in call.body["patients"]]
    patient_lists.put(call.context, call.principal, call.path["name"], patients, call.body.get("about", ""))


def _remove(call: Call) -> None:
    patient_lists.remove(call.context, call.principal, call.path["name"])


ENDPOINTS = (
    Endpoint(
        method="GET", path="/patient-lists", tag="admin", needs=Permission.USER_MANAGE, run=_all,
        summary="All lists of patients", answer=obj({"lists": array(ref("PatientList"))}),
    ),
    Endpoint(
        method="PUT", path="/patient-lists/{name}", tag="admin", needs=Permission.USER_MANAGE, run=_put, status=204,
        summary="Make or change a list of patients",
        description="It then has these patients and no others. Accounts limited to it (studies: list=NAME) see their studies.",
        parameters=_NAME, largest=LARGEST, errors=(Kind.INVALID,),
        body=obj({"patients": array(_PATIENT), "about": text(maxLength=patient_lists.LONGEST_ABOUT)}, "about"),
    ),
    Endpoint(
        method="DELETE", path="/patient-lists/{name}", tag="admin", needs=Permission.USER_MANAGE, run=_remove, status=204,
        summary="Remove a list of patients to which no account is limited", parameters=_NAME,
        errors=(Kind.MISSING, Kind.CONFLICT),
    ),
)  # fmt: skip
