"""Orders: what is to be done, for people and information systems. Its fields are the rows of `dicom.worklist.KEYS`."""

from typing import Any

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import Schema, array, integer, obj, or_null, ref, text
from isocenter.dicom.worklist import KEYS, LONGEST, SEQUENCES, Key
from isocenter.domain.access import Permission
from isocenter.domain.errors import Invalid, Kind
from isocenter.domain.orders import OrderState, PerformedState, StepState
from isocenter.service import ordering
from isocenter.service.ordering import MOST_STEPS, NEEDED, NEEDED_OF_STEP, STATUS, STEP_ID

LARGEST_PAGE = 200
_ID = Parameter("id", "the order's number", integer(minimum=1), "path", True)
# How a value is written where it is not plain text of its VR
_FORMS = {"DA": "YYYYMMDD", "TM": "HHMMSS", "PN": "PN, Family^Given, with its component groups"}


def _field(key: Key) -> Schema:
    one = text(_FORMS.get(key.vr, ""), maxLength=LONGEST[key.vr])
    return array(one) if key.many and not key.sequence else one


def _fields(*, of_step: bool) -> dict[str, Schema]:
    fields = {key.keyword: _field(key) for key in KEYS if key.of_step is of_step and not key.sequence}
    for sequence, keys in SEQUENCES.items():
        if keys[0].of_step is of_step:
            properties = {key.keyword: _field(key) for key in keys}
            needed = () if not sequence.endswith("CodeSequence") else ("CodeValue", "CodingSchemeDesignator")
            fields[sequence] = array(obj(properties, *(name for name in properties if name not in needed)))
    return fields


_STEP_STATE = text(enum=[state.value for state in StepState])
_ORDER_FIELDS = _fields(of_step=False)
_STEP_FIELDS = {name: field for name, field in _fields(of_step=True).items() if name != STATUS}
_STEP_BODY = {"state": _STEP_STATE, **_STEP_FIELDS}

PERFORMED = obj(
    {
        "SOPInstanceUID": text("of the modality performed procedure step"),
        "state": text(enum=[state.value for state in PerformedState]), "PerformedStationAETitle": text(),
        "started": text("YYYYMMDDHHMMSS, as the modality says"), "ended": text("YYYYMMDDHHMMSS"),
        "instances": integer("it says it has made"),
    }
)  # fmt: skip
ORDER = obj(
    {
        "id": integer(), "state": text(enum=[state.value for state in OrderState]),
        "origin": text("modality: somebody was examined whom nobody had ordered", enum=["api", "modality"]),
        "created_at": text("RFC 3339", format="date-time"), "updated_at": text("RFC 3339", format="date-time"),
        **_ORDER_FIELDS,
        "steps": array(obj({"state": _STEP_STATE, **_STEP_FIELDS, "performed": array(PERFORMED)})),
    }
)  # fmt: skip


def _create(call: Call) -> Any:
    return ordering.told(ordering.create(call.context, call.principal, call.body))


def _get(call: Call) -> Any:
    return ordering.told(ordering.get(call.context, call.principal, call.path["id"]))


def _change(call: Call) -> Any:
    return ordering.told(ordering.change(call.context, call.principal, call.path["id"], call.body))


def _remove(call: Call) -> None:
    ordering.remove(call.context, call.principal, call.path["id"])


def _orders(call: Call) -> Any:
    query = dict(call.query)
    sort, limit, cursor = (query.pop(name) for name in ("sort", "limit", "cursor"))
    found = ordering.page(
        call.context, call.principal, query, descending=sort.startswith("-"), limit=limit, after=_after(cursor)
    )
    following = f"{found.next[0]}.{found.next[1]}" if found.next else None
    return {"orders": [ordering.told(order) for order in found.orders], "next": following}


def _after(cursor: str) -> tuple[str, int] | None:
    if not cursor:
        return None
    starts, dot, number = cursor.partition(".")
    if not dot or not (number.isascii() and number.isdigit() and len(number) <= 18):
        raise Invalid("it does not continue this list", where="cursor", hint="ask for the first page again")
    return starts, int(number)


def _query(name: str, description: str, **rules: Any) -> Parameter:
    return Parameter(name, description, {"type": "string", **rules})


ENDPOINTS = (
    Endpoint(
        method="GET", path="/orders", tag="orders", needs=Permission.ORDER_READ, run=_orders,
        summary="Orders, by the start of their first step",
        parameters=(
            _query("q", "name, patient ID or accession number begins with it"),
            _query("state", f"one or several with commas: {', '.join(state.value for state in OrderState)}"),
            _query("Modality", "of a step"),
            _query("ScheduledStationAETitle", "of a step"),
            _query("date", "of a step: YYYYMMDD or a range YYYYMMDD-YYYYMMDD, open at either end"),
            _query("StudyInstanceUID", "of its study"),
            _query("sort", "by start, or -start for the latest first", enum=["start", "-start"], default="start"),
            Parameter("limit", "orders at most", integer(minimum=1, maximum=LARGEST_PAGE, default=50)),
            _query("cursor", "`next` of the page before", default=""),
        ),
        answer=obj({"orders": array(ref("Order")), "next": or_null(text("a cursor"))}),
    ),
    Endpoint(
        method="POST", path="/orders", tag="orders", needs=Permission.ORDER_MANAGE, run=_create,
        summary="Order a procedure",
        description="Its steps are on the modality worklist from now on. IDs, accession number and Study Instance UID are made "
        f"when they are left out. At most {MOST_STEPS} steps.",
        body=obj(
            {**_ORDER_FIELDS, "steps": array(obj(_STEP_BODY, *(name for name in _STEP_BODY if name not in NEEDED_OF_STEP)))},
            *(name for name in _ORDER_FIELDS if name not in NEEDED),
        ),
        answer=ref("Order"), status=201, errors=(Kind.CONFLICT,),
    ),
    Endpoint(
        method="GET", path="/orders/{id}", tag="orders", needs=Permission.ORDER_READ, run=_get,
        summary="An order, its steps, and what was done for them", parameters=(_ID,), answer=ref("Order"), errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="PATCH", path="/orders/{id}", tag="orders", needs=Permission.ORDER_MANAGE, run=_change,
        summary="Change an order",
        description=f"Only what is given is changed. A step is named by its {STEP_ID}; one that is not known is added. A step's "
        "state moves it by hand, where no modality says so; the order's can be cancelled.",
        parameters=(_ID,),
        body=obj(
            {"state": text(enum=[OrderState.CANCELLED.value]), **_ORDER_FIELDS, "steps": array(obj(_STEP_BODY, *_STEP_BODY))},
            "state", "steps", *_ORDER_FIELDS,
        ),
        answer=ref("Order"), errors=(Kind.MISSING, Kind.CONFLICT),
    ),
    Endpoint(
        method="DELETE", path="/orders/{id}", tag="orders", needs=Permission.ORDER_MANAGE, run=_remove,
        summary="Remove an order for which nothing has been done", parameters=(_ID,), status=204,
        errors=(Kind.MISSING, Kind.CONFLICT),
    ),
)  # fmt: skip
