"""Which images of a study somebody has really looked at."""

from typing import Any

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import array, integer, obj, text
from isocenter.domain.access import Permission
from isocenter.domain.errors import Kind
from isocenter.service import seen

_IMAGES = {"type": "object", "additionalProperties": True, "description": 'SOP Instance UID -> frames, as "1" or "1-3,7"'}
_UID = Parameter("uid", "Study Instance UID", text(maxLength=128), "path", True)


def _seen(call: Call) -> Any:
    return {
        "series": [
            {"SeriesInstanceUID": each.series_uid, "frames": each.frames, "seen": each.seen, "words": each.words,
             "images": each.images}
            for each in seen.seen(call.context, call.principal, call.path["uid"])
        ]
    }  # fmt: skip


def _note(call: Call) -> Any:
    told = {each["SeriesInstanceUID"]: each["images"] for each in call.body["series"]}
    return {"new": seen.note(call.context, call.principal, call.path["uid"], told)}


ENDPOINTS = (
    Endpoint(
        method="GET", path="/studies/{uid}/seen", tag="studies", needs=Permission.STUDY_READ, run=_seen,
        summary="Which images of a study you have seen",
        description="Of each series with pictures: how many frames it has, how many were on your screen, which, and what a "
        "report may say of it (12 images of series 4 not seen; empty when all were). Only one's own are answered.",
        parameters=(_UID,),
        answer=obj(
            {"series": array(obj({"SeriesInstanceUID": text(), "frames": integer(), "seen": integer(), "words": text(),
                                  "images": _IMAGES}))}
        ),
        errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="POST", path="/studies/{uid}/seen", tag="studies", needs=Permission.STUDY_READ, run=_note,
        summary="Keep which images were seen",
        description="Adds to what is kept; durable when it is answered, and safe to be sent again. What the archive does not "
        "have is left out.",
        parameters=(_UID,),
        body=obj({"series": array(obj({"SeriesInstanceUID": text(maxLength=128), "images": _IMAGES}))}),
        answer=obj({"new": integer("frames that had not been seen before")}), errors=(Kind.MISSING,),
    ),
)  # fmt: skip
