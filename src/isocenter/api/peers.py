"""DICOM peers, for administrators."""

from datetime import datetime
from typing import Any

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import Schema, array, boolean, integer, obj, ref, text
from isocenter.domain.access import Permission
from isocenter.domain.dimse_services import DimseService
from isocenter.domain.errors import Kind
from isocenter.domain.retrieval import AskedWhen
from isocenter.domain.verification import Outcome
from isocenter.service import peers

_AET = Parameter("aet", "its AE title", text(), "path", True)
# What can be said about a peer beside its AE title.
FACTS: dict[str, Schema] = {
    "host": text("name or address", minLength=1, maxLength=253),
    "port": integer(minimum=1, maximum=65535),
    "description": text(maxLength=256),
    "allowed_ips": array(text("10.1.0.0/16", maxLength=64), "networks it may call from; none: its own address"),
    "max_associations": integer("of it, at once; 0: as the settings have it", minimum=0, maximum=10000),
    "preferred_syntaxes": array(text("UID", maxLength=64), "transfer syntaxes it had better send, the dearest first"),
    "tls": boolean("it is called over TLS"),
    "services": array(text(enum=list(DimseService)), "what it may use of this archive; none: everything"),
    "character_set": text("Specific Character Set of what it writes without saying so, such as ISO_IR 100", maxLength=256),
    "issuer": text("Issuer of Patient ID of what it sends without one", maxLength=peers.LONGEST_ISSUER),
    "throttle": integer("bytes a second it is sent at most; 0: no limit", minimum=0, maximum=peers.MOST_THROTTLE),
    "parallel": integer("associations opened at once to send to it", minimum=1, maximum=peers.MOST_PARALLEL),
    "paused": boolean("nothing is sent to it by itself"),
    "asks_commitment": boolean("after something was sent to it, it is asked whether it keeps that (storage commitment)"),
    "notify_availability": boolean("it is told when instances have become available (instance availability notification)"),
    "archive": text("search: people may search it and fetch from it; fetch: it is also asked for what is not here",
                    enum=list(AskedWhen)),
}


def _moment(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _peer(peer: peers.Peer) -> dict[str, Any]:
    return {
        "aet": peer.aet, **{name: getattr(peer, name) for name in FACTS}, "services": sorted(peer.services),
        "created_at": _moment(peer.created_at),
        "last_seen_at": _moment(peer.last_seen_at), "associations": peer.associations, "instances": peer.instances,
    }  # fmt: skip


def _peers(call: Call) -> Any:
    return {"peers": [_peer(peer) for peer in peers.peers(call.context, call.principal)]}


def _add(call: Call) -> Any:
    return _peer(peers.add(call.context, call.principal, **call.body))


def _change(call: Call) -> Any:
    return _peer(peers.change(call.context, call.principal, call.path["aet"], **call.body))


def _remove(call: Call) -> None:
    peers.remove(call.context, call.principal, call.path["aet"])


def _echo(call: Call) -> Any:
    verified = peers.echo(call.context, call.principal, call.path["aet"])
    return {
        "ok": verified.ok, "outcome": verified.outcome.value, "message": verified.message, "milliseconds": verified.milliseconds,
    }  # fmt: skip


ENDPOINTS = (
    Endpoint(
        method="GET", path="/peers", tag="admin", needs=Permission.PEER_MANAGE, run=_peers,
        summary="All known DICOM peers", answer=obj({"peers": array(ref("Peer"))}),
    ),
    Endpoint(
        method="POST", path="/peers", tag="admin", needs=Permission.PEER_MANAGE, run=_add,
        summary="Make a DICOM peer known",
        body=obj(
            {"aet": text("its AE title", minLength=1, maxLength=16), **FACTS},
            *(name for name in FACTS if name not in ("host", "port")),
        ),
        answer=ref("Peer"), status=201, errors=(Kind.CONFLICT,),
    ),
    Endpoint(
        method="PATCH", path="/peers/{aet}", tag="admin", needs=Permission.PEER_MANAGE, run=_change,
        summary="Change what is known about a DICOM peer",
        description="Holds for associations that begin from now on.",
        parameters=(_AET,), body=obj(FACTS, *FACTS), answer=ref("Peer"), errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="DELETE", path="/peers/{aet}", tag="admin", needs=Permission.PEER_MANAGE, run=_remove,
        summary="Forget a DICOM peer", parameters=(_AET,), status=204, errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="POST", path="/peers/{aet}/echo", tag="admin", needs=Permission.PEER_MANAGE, run=_echo,
        summary="Ask a DICOM peer whether it is there (C-ECHO)",
        description="Answers 200 whatever came of it, after some seconds at most; outcome is for programs, message for people.",
        parameters=(_AET,),
        answer=obj(
            {"ok": boolean("it answered, and with Success"), "outcome": text(enum=[outcome.value for outcome in Outcome]),
             "message": text("what happened, and what to do"), "milliseconds": integer("until then")}
        ),
        errors=(Kind.MISSING,),
    ),
)  # fmt: skip
