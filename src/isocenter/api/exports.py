"""What leaves on paper, as pictures, films and files: asked and noted."""

from typing import Any

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import array, boolean, integer, obj, text
from isocenter.domain.access import Permission
from isocenter.domain.errors import Kind
from isocenter.service import exports
from isocenter.service.exports import Export

_UID = Parameter("uid", "Study Instance UID", text(maxLength=128), "path", True)
_MOST = 1_000_000


def _note(call: Call) -> Any:
    body = call.body
    wanted = Export(
        body["form"], body["count"], body.get("series", ()), body.get("drawings", False), body.get("patient", False),
        body.get("deidentified", False),
    )  # fmt: skip
    exports.note(call.context, call.principal, call.path["uid"], wanted)


ENDPOINTS = (
    Endpoint(
        method="POST", path="/studies/{uid}/exports", tag="exports", needs=Permission.STUDY_EXPORT, run=_note,
        summary="Ask to take something away, and have it noted",
        description="Who makes pictures, prints or files of a study for people asks before handing them out; the change log has "
        "a row (study.exported) when this is answered.",
        parameters=(_UID,),
        body=obj({
            "form": text(enum=list(exports.FORMS)), "count": integer("pictures or objects", minimum=1, maximum=_MOST),
            "series": array(text(maxLength=64)), "drawings": boolean("with what was drawn"),
            "patient": boolean("with words that name the patient"), "deidentified": boolean(),
        }, "series", "drawings", "patient", "deidentified"),
        status=204, errors=(Kind.MISSING,),
    ),
)  # fmt: skip
