"""Where images may be sent, and the rules that send them, for administrators; what a rule would have done."""

from typing import Any

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import Schema, array, boolean, integer, obj, ref, text
from isocenter.domain.access import Permission
from isocenter.domain.errors import Kind
from isocenter.service import destinations, routing

_NAME = Parameter("name", "its name", text(maxLength=64), "path", True)
_ID = Parameter("id", "its number", integer(minimum=1), "path", True)
_HOURS = text("time of day on this machine, 08:00-17:30 or over midnight 22:00-06:00; empty: always", maxLength=11)
_TITLES = array(text(minLength=1, maxLength=16), "AE titles, * and ? are wildcards; none: any")

# What can be changed of a destination.
PLACE: dict[str, Schema] = {
    "address": text("AE title of a known peer, URL of a DICOMweb service, path of a folder", minLength=1, maxLength=1024),
    "username": text("for DICOMweb", maxLength=256),
    "secret": text("password; without a username a bearer token; never shown", maxLength=256),
    "paused": boolean("nothing is sent to it; of a peer, the peer is paused"),
    "throttle": integer("bytes a second, 0: no limit; of a peer, the peer's", minimum=0, maximum=1 << 30),
    "hours": _HOURS,
}
CONDITION = obj(
    {"attribute": text("keyword, see /routes/attributes", maxLength=64),
     "values": array(text(maxLength=256), "any of these: values, wildcards, ranges 20260101-20260131; empty text: no value"),
     "excludes": boolean("true: none of these")},
    "excludes",
)  # fmt: skip
RULE: dict[str, Schema] = {
    "name": text(minLength=1, maxLength=64),
    "enabled": boolean(),
    "senders": _TITLES,
    "called": {**_TITLES, "description": "AE titles under which it was sent here; wildcards as above; none: any"},
    "conditions": array(CONDITION, "all of which must hold"),
    "hours": {**_HOURS, "description": "when it came in; as of a destination"},
    "destinations": array(text(minLength=1, maxLength=64), "names of destinations, or AE titles of known peers"),
    "quiet_seconds": integer("a study waits so long after its newest instance", minimum=0, maximum=86400),
}
_OPTIONAL = tuple(name for name in RULE if name not in ("name", "destinations"))


def _destination(listed: destinations.Listed) -> dict[str, Any]:
    one = listed.destination
    return {
        "name": one.name, "kind": one.kind.value, "address": one.address, "username": one.username,
        "has_secret": bool(one.secret), "paused": one.paused, "throttle": one.throttle, "hours": one.hours,
        "waiting": listed.waiting, "failed": listed.failed, "sent": listed.sent,
    }  # fmt: skip


def _destinations(call: Call) -> Any:
    return {"destinations": [_destination(each) for each in destinations.destinations(call.context, call.principal)]}


def _add_destination(call: Call) -> Any:
    destinations.add_destination(call.context, call.principal, **call.body)
    return _destination(destinations.named(call.context, call.principal, call.body["name"]))


def _change_destination(call: Call) -> Any:
    destinations.change_destination(call.context, call.principal, call.path["name"], **call.body)
    return _destination(destinations.named(call.context, call.principal, call.path["name"]))


def _remove_destination(call: Call) -> None:
    destinations.remove_destination(call.context, call.principal, call.path["name"])


def _route(route: routing.Route) -> dict[str, Any]:
    times = {"created_at": route.created_at.isoformat(), "updated_at": route.updated_at.isoformat()}
    return {"id": route.id, **routing.facts_of(route.rule), **times}


def _routes(call: Call) -> Any:
    return {"routes": [_route(each) for each in routing.routes(call.context, call.principal)]}


def _add_route(call: Call) -> Any:
    return _route(routing.add_route(call.context, call.principal, call.body))


def _change_route(call: Call) -> Any:
    return _route(routing.change_route(call.context, call.principal, call.path["id"], call.body))


def _remove_route(call: Call) -> None:
    routing.remove_route(call.context, call.principal, call.path["id"])


def _attributes(call: Call) -> Any:
    return {"attributes": routing.attributes(call.principal)}


def _try(call: Call) -> Any:
    tried = routing.attempt(call.context, call.principal, call.body["rule"], call.body.get("last", 50))
    return {
        "studies": [_tried(each) for each in tried.studies], "studies_matched": tried.studies_matched,
        "instances_matched": tried.instances_matched,
    }  # fmt: skip


def _tried(tried: routing.StudyAttempt) -> dict[str, Any]:
    study = tried.study
    return {
        "StudyInstanceUID": study["study_instance_uid"], "PatientName": study["patient_name"], "PatientID": study["patient_id"],
        "StudyDate": study["study_date"], "StudyDescription": study["study_description"],
        "ModalitiesInStudy": [one for one in study["modalities_in_study"].split("\\") if one],
        "instances": tried.instances, "matched": tried.matched, "destinations": list(tried.destinations),
    }  # fmt: skip


ENDPOINTS = (
    Endpoint(
        method="GET", path="/destinations", tag="routing", needs=Permission.DELIVERY_MANAGE, run=_destinations,
        summary="Where images may be sent: destinations, and all known peers",
        answer=obj({"destinations": array(ref("Destination"))}),
    ),
    Endpoint(
        method="POST", path="/destinations", tag="routing", needs=Permission.ROUTE_MANAGE, run=_add_destination,
        summary="Make a destination known",
        description="A known peer needs none: it becomes a destination by being named.",
        body=obj(
            {"name": text(minLength=1, maxLength=64), "kind": text(enum=[kind.value for kind in destinations.Kind]), **PLACE},
            *(name for name in PLACE if name != "address"),
        ),
        answer=ref("Destination"), status=201, errors=(Kind.CONFLICT,),
    ),
    Endpoint(
        method="PATCH", path="/destinations/{name}", tag="routing", needs=Permission.ROUTE_MANAGE, run=_change_destination,
        summary="Change a destination; pause it, or let it go on",
        parameters=(_NAME,), body=obj(PLACE, *PLACE), answer=ref("Destination"), errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="DELETE", path="/destinations/{name}", tag="routing", needs=Permission.ROUTE_MANAGE, run=_remove_destination,
        summary="Forget a destination, and the deliveries to it",
        parameters=(_NAME,), status=204, errors=(Kind.MISSING, Kind.CONFLICT),
    ),
    Endpoint(
        method="GET", path="/routes", tag="routing", needs=Permission.ROUTE_MANAGE, run=_routes,
        summary="The rules that send images on", answer=obj({"routes": array(ref("Route"))}),
    ),
    Endpoint(
        method="POST", path="/routes", tag="routing", needs=Permission.ROUTE_MANAGE, run=_add_route,
        summary="Make a rule", description="It holds for what comes in from now on.",
        body=obj(RULE, *_OPTIONAL), answer=ref("Route"), status=201, errors=(Kind.CONFLICT,),
    ),
    Endpoint(
        method="POST", path="/routes/try", tag="routing", needs=Permission.ROUTE_MANAGE, run=_try,
        summary="What a rule would have done with the studies that came last",
        description="By whom they were sent, when, and what they say, as if the rule had been there. Nothing is sent.",
        body=obj({"rule": obj(RULE, *_OPTIONAL), "last": integer("studies", minimum=1, maximum=routing.MOST_STUDIES)}, "last"),
        answer=obj(
            {
                "studies": array(
                    obj(
                        {
                            "StudyInstanceUID": text(), "PatientName": text("PN"), "PatientID": text(), "StudyDate": text("DA"),
                            "StudyDescription": text(), "ModalitiesInStudy": array(text()), "instances": integer(),
                            "matched": integer("instances that would have been sent"),
                            "destinations": array(text(), "where to"),
                        }
                    )
                ),
                "studies_matched": integer(), "instances_matched": integer(),
            }
        ),
    ),
    Endpoint(
        method="GET", path="/routes/attributes", tag="routing", needs=Permission.ROUTE_MANAGE, run=_attributes,
        summary="The attributes that a rule's conditions may ask for", answer=obj({"attributes": array(text("keyword"))}),
    ),
    Endpoint(
        method="PATCH", path="/routes/{id}", tag="routing", needs=Permission.ROUTE_MANAGE, run=_change_route,
        summary="Change a rule, switch it on or off",
        parameters=(_ID,), body=obj(RULE, *RULE), answer=ref("Route"), errors=(Kind.MISSING, Kind.CONFLICT),
    ),
    Endpoint(
        method="DELETE", path="/routes/{id}", tag="routing", needs=Permission.ROUTE_MANAGE, run=_remove_route,
        summary="Forget a rule", description="Deliveries it has begun go on.",
        parameters=(_ID,), status=204, errors=(Kind.MISSING,),
    ),
)  # fmt: skip
