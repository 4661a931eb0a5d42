"""The attributes that are indexed besides the usual ones, for the administration page."""

from typing import Any

from isocenter.api.endpoint import Call, Endpoint
from isocenter.api.schema import array, integer, obj, or_null, text
from isocenter.domain.access import Permission
from isocenter.domain.errors import Kind
from isocenter.service import filling
from isocenter.service.filling import Progress


def _told(each: Progress) -> dict[str, Any]:
    return {
        "name": each.name, "vr": each.vr, "level": each.level, "state": each.state, "fraction": each.fraction,
        "looked_at": each.looked_at, "errors": each.errors, "last_error": each.last_error,
        "declared_at": each.declared_at.isoformat(),
        "finished_at": each.finished_at.isoformat() if each.finished_at else None,
    }  # fmt: skip


def _list(call: Call) -> Any:
    return {"attributes": [_told(each) for each in filling.progress(call.context, call.principal)]}


def _again(call: Call) -> Any:
    filling.again(call.context, call.principal, call.body["name"])
    return _list(call)


_ATTRIBUTE = obj(
    {"name": text("keyword, path or private tag with its creator; names: how names sound"), "vr": text(),
     "level": text("PATIENT, STUDY, SERIES or IMAGE"), "state": text("filling, complete or removing"),
     "fraction": {"type": "number", "description": "of what was held when it was declared, 0 to 1"},
     "looked_at": integer("objects; studies for names"), "errors": integer("objects that could not be read"),
     "last_error": text(), "declared_at": text("when"), "finished_at": or_null(text("when"))}
)  # fmt: skip
_ANSWER = obj({"attributes": array(_ATTRIBUTE)})

ENDPOINTS = (
    Endpoint(
        method="GET", path="/index-attributes", tag="admin", needs=Permission.SYSTEM_READ, run=_list,
        summary="What is indexed by declaration, and how far it is filled in", answer=_ANSWER,
    ),
    Endpoint(
        method="POST", path="/index-attributes", tag="admin", needs=Permission.SYSTEM_MANAGE, run=_again,
        summary="Fill one in once more", body=obj({"name": text()}), answer=_ANSWER, errors=(Kind.MISSING,),
    ),
)  # fmt: skip
