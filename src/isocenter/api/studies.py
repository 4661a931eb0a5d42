"""The study list and one study of the web client."""

from collections.abc import Mapping
from typing import Any

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import array, boolean, integer, obj, or_null, ref, text
from isocenter.domain.access import Permission
from isocenter.domain.errors import Kind
from isocenter.service import worklist

# A page of the virtual scroll; larger ones only cost memory on both sides.
LARGEST_PAGE = 500
# Jumping deeper than this into a list means stepping over more index entries than one request may cost.
DEEPEST_OFFSET = 1_000_000


def _study(row: Mapping[str, Any]) -> dict[str, Any]:
    modalities = [name for name in row["ModalitiesInStudy"].split("\\") if name]
    return {**row, "ModalitiesInStudy": modalities, "received_at": row["received_at"].isoformat()}


def _studies(call: Call) -> Any:
    query = dict(call.query)
    sort, limit, offset, cursor = (query.pop(name) for name in ("sort", "limit", "offset", "cursor"))
    found = worklist.find(call.context, call.principal, query, sort=sort, limit=limit, offset=offset, cursor=cursor)
    return {
        "studies": [_study(row) for row in found.studies],
        "next": found.next,
        "total": found.total,
        "total_is_estimate": found.total_is_estimate,
        "latest_change": found.latest_change,
    }


def _detail(call: Call) -> Any:
    found = worklist.detail(call.context, call.principal, call.path["uid"])
    return {
        "study": _study(found.study),
        "series": [
            {
                **series.values,
                "SeriesNumber": _number(series.values["SeriesNumber"]),
                "SOPClassUIDs": list(series.sop_class_uids),
                "first": _instance(series.first),
                "middle": _instance(series.middle),
            }
            for series in found.series
        ],
        "priors": [
            {**_study(row), "relevance": {"score": told.score, "reason": told.reason}}
            for row, told in zip(found.priors, found.relevance, strict=True)
        ],
    }


def _number(value: str) -> int | None:
    """An IS as a number; null when there is none, or none that can be read."""
    try:
        return int(value)
    except ValueError:
        return None


def _instance(shown: Any) -> dict[str, Any]:
    return {
        "SOPInstanceUID": shown.sop_instance_uid, "SOPClassUID": shown.sop_class_uid, "NumberOfFrames": shown.number_of_frames,
        "Rows": shown.rows, "Columns": shown.columns, "TransferSyntaxUID": shown.transfer_syntax_uid,
    }  # fmt: skip


_SORTS = [sign + key for key in worklist.SORT_KEYS for sign in ("", "-")]

ENDPOINTS = (
    Endpoint(
        method="GET", path="/studies", tag="studies", needs=Permission.STUDY_QUERY, linked=True, run=_studies,
        summary="A page of the study list",
        description="Texts are what the value begins with; names without regard to case and accents, and words find family and "
        "given name. Sorted on the server by any column, ties by arrival. next continues after the last row, steady while "
        "studies arrive; offset jumps. total is exact for small lists, else an estimate.",
        parameters=(
            Parameter("q", "name, patient ID or accession number begins with"),
            *(Parameter(name, "begins with") for name in worklist.PREFIXES),
            Parameter("StudyDate", "YYYYMMDD, or a range YYYYMMDD-YYYYMMDD, open at either end"),
            Parameter("ModalitiesInStudy", "any of these, separated by commas"),
            Parameter("declared", "NAME=VALUE: an attribute of the setting index_attributes begins with the value"),
            Parameter("sort", "a column, - before it: descending", text(enum=_SORTS, default="-StudyDate")),
            Parameter("limit", "at most so many rows", integer(minimum=1, maximum=LARGEST_PAGE, default=100)),
            Parameter("offset", "skip so many rows", integer(minimum=0, maximum=DEEPEST_OFFSET, default=0)),
            Parameter("cursor", "the value of next; offset counts no more", text(default="")),
        ),
        answer=obj(
            {"studies": array(ref("Study")), "next": or_null(text("cursor of the next page")), "total": integer(),
             "total_is_estimate": boolean(), "latest_change": integer("the newest change when the page was read")}
        ),
    ),
    Endpoint(
        method="GET", path="/studies/{uid}", tag="studies", needs=Permission.STUDY_QUERY, linked=True, run=_detail,
        summary="A study, its series, and the patient's other studies",
        description="The other studies are those of the same patient as corrected, the newest first; relevance says how much "
        "each helps to read this one (0 to 100), and why.",
        parameters=(Parameter("uid", "Study Instance UID", text(maxLength=128), "path", True),),
        answer=obj({"study": ref("Study"), "series": array(ref("Series")), "priors": array(ref("Prior"))}),
        errors=(Kind.MISSING,),
    ),
)  # fmt: skip
