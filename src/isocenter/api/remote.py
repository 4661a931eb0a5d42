"""Other archives: searched, and fetched from, with how far it is."""

from datetime import datetime
from typing import Any

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import array, boolean, integer, obj, or_null, ref, text
from isocenter.domain.access import Permission
from isocenter.domain.errors import Kind
from isocenter.domain.retrieval import State
from isocenter.service import remote
from isocenter.service.remote import Found, RemoteStudy, Retrieval

_AET = Parameter("aet", "AE title of the archive", text(), "path", True)
_STUDY = Parameter("uid", "Study Instance UID", text(maxLength=128), "path", True)
_UID = text("UID", minLength=1, maxLength=64)
_MOMENT = text("RFC 3339", format="date-time")
_COUNTS = ("remaining", "completed", "failed", "warning")

RETRIEVAL = obj(
    {
        "id": integer(), "aet": text("where from"), "StudyInstanceUID": text(),
        "SeriesInstanceUID": text("empty: the whole study"),
        "state": text(enum=[state.value for state in State]), "how": text("C-GET or C-MOVE; empty until it has ended"),
        **{name: integer("objects") for name in _COUNTS}, "reason": text("why it failed, or is tried again"),
        "attempts": integer(), "asked_by": text(), "asked_at": _MOMENT, "begun_at": or_null(_MOMENT),
        "ended_at": or_null(_MOMENT),
        "PatientName": text("as far as the study is here"), "StudyDescription": text("as far as the study is here"),
    }
)  # fmt: skip
REMOTE_STUDY = obj(
    {
        "aet": text("where it is"), **{keyword: text() for keyword in remote.RETURNED}, "ModalitiesInStudy": array(text()),
        "NumberOfStudyRelatedSeries": or_null(integer("there; null: not told")),
        "NumberOfStudyRelatedInstances": or_null(integer("there; null: not told")),
        "here": or_null(integer("instances of it that are here; null: no such study")),
        "retrieval": {**ref("Retrieval"), "description": "the newest of the whole study, when there is one"},
    },
    "retrieval",
)  # fmt: skip


def _moment(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _retrieval(asked: Retrieval) -> dict[str, Any]:
    return {
        "id": asked.id, "aet": asked.peer_aet, "StudyInstanceUID": asked.study_instance_uid,
        "SeriesInstanceUID": asked.series_instance_uid, "state": asked.state.value, "how": asked.how,
        **{name: getattr(asked.tally, name) for name in _COUNTS}, "reason": asked.reason, "attempts": asked.attempts,
        "asked_by": asked.asked_by, "asked_at": _moment(asked.asked_at), "begun_at": _moment(asked.begun_at),
        "ended_at": _moment(asked.ended_at), "PatientName": asked.patient_name, "StudyDescription": asked.study_description,
    }  # fmt: skip


def _count(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None


def _study(found: RemoteStudy) -> dict[str, Any]:
    told = found.values
    return {
        "aet": found.peer_aet, **told,
        "ModalitiesInStudy": [name for name in told["ModalitiesInStudy"].split("\\") if name],
        **{name: _count(told[name]) for name in ("NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances")},
        "here": found.here, **({"retrieval": _retrieval(found.retrieval)} if found.retrieval else {}),
    }  # fmt: skip


def _archives(call: Call) -> Any:
    known = remote.archives(call.context, call.principal)
    return {"archives": [{"aet": peer.aet, "description": peer.description, "fetch": peer.archive == "fetch"} for peer in known]}


def _search(call: Call) -> Any:
    found: Found = remote.search(call.context, call.principal, call.path["aet"], call.query)
    return {"studies": [_study(each) for each in found.studies], "limited": found.is_limited}


def _elsewhere(call: Call) -> Any:
    found = remote.elsewhere(call.context, call.principal, call.path["uid"])
    silent = [{"aet": each.peer_aet, "reason": each.reason} for each in found.silent]
    return {"studies": [_study(each) for each in found.studies], "silent": silent}


def _ask(call: Call) -> Any:
    body = call.body
    series = body.get("SeriesInstanceUID", "")
    return _retrieval(remote.ask(call.context, call.principal, body["aet"], body["StudyInstanceUID"], series))


def _fetch(call: Call) -> Any:
    found = remote.fetch(call.context, call.principal, call.path["uid"])
    return {"retrieval": _retrieval(found)} if found else {}


def _retrievals(call: Call) -> Any:
    study = call.query.get("StudyInstanceUID", "")
    asked = remote.retrievals(call.context, call.principal, limit=call.query["limit"], study=study)
    return {"retrievals": [_retrieval(each) for each in asked]}


def _cancel(call: Call) -> None:
    remote.cancel(call.context, call.principal, call.path["id"])


# What asking an archive may come to, beside what every request may.
_ASKING = (Kind.MISSING, Kind.AWAY)

ENDPOINTS = (
    Endpoint(
        method="GET", path="/remote", tag="remote", needs=Permission.REMOTE_QUERY, run=_archives,
        summary="The peers that are archives",
        answer=obj({"archives": array(obj({"aet": text(), "description": text(), "fetch": boolean("asked on a miss")}))}),
    ),
    Endpoint(
        method="GET", path="/remote/{aet}/studies", tag="remote", needs=Permission.REMOTE_QUERY, run=_search,
        summary="Search another archive (C-FIND)",
        description="Waits for its answer. Names match from their beginning, the description anywhere, the rest as typed; * and "
        "? are wildcards. At least one of them must be given.",
        parameters=(_AET, *(Parameter(keyword, "matching key") for keyword in remote.SEARCHED_BY)),
        answer=obj({"studies": array(ref("RemoteStudy")), "limited": boolean(f"it has more than {remote.MOST_STUDIES}")}),
        errors=_ASKING,
    ),
    Endpoint(
        method="GET", path="/studies/{uid}/elsewhere", tag="remote", needs=Permission.REMOTE_QUERY, run=_elsewhere,
        summary="The patient's studies in other archives that are not here",
        description="Asks the archives that are marked for it, and waits for them; silent are those that could not be asked.",
        parameters=(_STUDY,),
        answer=obj({"studies": array(ref("RemoteStudy")), "silent": array(obj({"aet": text(), "reason": text()}))}),
        errors=_ASKING,
    ),
    Endpoint(
        method="POST", path="/studies/{uid}/fetch", tag="remote", needs=Permission.REMOTE_RETRIEVE, run=_fetch,
        summary="Fetch a study that is not here from the archive that has it",
        description="Asks the archives that are marked for it, one after the other. An empty answer: none has it.",
        parameters=(_STUDY,), answer=obj({"retrieval": ref("Retrieval")}, "retrieval"), errors=_ASKING,
    ),
    Endpoint(
        method="POST", path="/retrievals", tag="remote", needs=Permission.REMOTE_RETRIEVE, run=_ask,
        summary="Fetch a study, or one series of it, from an archive",
        description="The answer comes at once; GET /retrievals tells how far it is. What is under way is not begun twice.",
        body=obj({"aet": text(maxLength=16), "StudyInstanceUID": _UID, "SeriesInstanceUID": _UID}, "SeriesInstanceUID"),
        answer=ref("Retrieval"), status=202, errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="GET", path="/retrievals", tag="remote", needs=Permission.REMOTE_RETRIEVE, run=_retrievals,
        summary="What is or was fetched, the newest first",
        parameters=(
            Parameter("StudyInstanceUID", "of this study only", text(maxLength=128)),
            Parameter("limit", "at most so many", integer(minimum=1, maximum=500, default=100)),
        ),
        answer=obj({"retrievals": array(ref("Retrieval"))}),
    ),
    Endpoint(
        method="POST", path="/retrievals/{id}/cancel", tag="remote", needs=Permission.REMOTE_RETRIEVE, run=_cancel,
        summary="End a retrieval; what has come stays",
        parameters=(Parameter("id", "its number", integer(minimum=1), "path", True),), status=204, errors=(Kind.MISSING,),
    ),
)  # fmt: skip
