"""How well what is kept is: the worker's rounds over all files, the second storage, what was found damaged."""

from datetime import datetime
from typing import Any

from isocenter.api.endpoint import Call, Endpoint
from isocenter.api.schema import array, boolean, integer, obj, or_null, text
from isocenter.domain.access import Permission
from isocenter.domain.errors import Kind
from isocenter.service import auditing, backup, encrypting, scrubbing


def _integrity(call: Call) -> Any:
    health = scrubbing.health(call.context, call.principal)
    scrub, replica = health.scrub, health.replica
    last = backup.state(call.context, call.principal)
    noted = auditing.state(call.context, call.principal)
    return {
        "rate": health.rate,
        "expected": health.expected,
        "round": scrub and {
            "began_at": _moment(scrub.began_at), "files": scrub.files, "bytes": scrub.bytes, "reason": scrub.reason,
            "last_ended_at": _moment(scrub.last_ended_at), "last_files": scrub.last_files, "last_bytes": scrub.last_bytes,
        },
        "replica": replica and {"place": replica.place, "behind": health.behind, "reason": replica.reason},
        "backup": {"place": last.place, "every_hours": last.every_hours, "made_at": _moment(last.made_at), "faults": last.faults,
                   "failing_since": _moment(last.failing_since), "reason": last.reason, "late": last.late},
        "anchors": {"places": list(noted.places), "every_hours": noted.every_hours, "at": _moment(noted.at), "head": noted.head,
                    "failing_since": _moment(noted.failing_since), "reason": noted.reason},
        "renewals": [
            {"place": each.place, "key": each.key, "began_at": _moment(each.began_at), "ended_at": _moment(each.ended_at),
             "expected": each.expected, "files": each.files, "changed": each.changed, "faults": each.faults,
             "stopped": encrypting.is_stopped(call.context, each)}
            for each in encrypting.renewals(call.context, call.principal)
        ],
        "damaged": health.damaged,
        "mended": health.mended,
        "files": [
            {"file": each.blob_key, "sop_instance_uid": each.sop_instance_uid, "kind": each.kind, "detail": each.detail,
             "found_at": _moment(each.found_at), "mended_at": _moment(each.mended_at), "mended_by": each.mended_by}
            for each in health.damages
        ],
    }  # fmt: skip


def _again(call: Call) -> Any:
    scrubbing.again(call.context, call.principal)


def _moment(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


_INSTANT = text("ISO 8601")
_ROUND = obj(
    {"began_at": _INSTANT, "files": integer("looked at so far"), "bytes": integer(),
     "reason": text("why it does not go on; or empty"), "last_ended_at": or_null(_INSTANT),
     "last_files": integer("of the last whole round"), "last_bytes": integer()}
)  # fmt: skip
_REPLICA = obj({"place": text("URL"), "behind": integer("files that are not in it yet"), "reason": text("why not; or empty")})
_BACKUP = obj(
    {"place": text("where the worker makes them; empty: it makes none"), "every_hours": {"type": "number"},
     "made_at": or_null(_INSTANT),
     "faults": integer("files that the last one could not have"), "failing_since": or_null(_INSTANT),
     "reason": text("why the worker's fails; or empty"), "late": boolean()}
)  # fmt: skip
_ANCHORS = obj(
    {"places": array(text("where the head of the change log is noted")), "every_hours": {"type": "number"},
     "at": or_null(_INSTANT), "head": text("NUMBER:HASH of the last; or empty"), "failing_since": or_null(_INSTANT),
     "reason": text("why it cannot be noted; or empty")}
)  # fmt: skip
_RENEWAL = obj(
    {"place": text("a folder; empty: the archive"), "key": text("under which the files are to be; empty: in clear"),
     "began_at": _INSTANT, "ended_at": or_null(_INSTANT), "expected": integer("files there were when it began"),
     "files": integer("looked at"), "changed": integer(), "faults": integer("that could not be read"),
     "stopped": boolean("it was broken off")}
)  # fmt: skip
_FILE = obj(
    {"file": text("storage key"), "sop_instance_uid": text(), "kind": text(enum=["missing", "damaged"]), "detail": text(),
     "found_at": _INSTANT, "mended_at": or_null(_INSTANT), "mended_by": text("replica, other or empty")}
)  # fmt: skip

ENDPOINTS = (
    Endpoint(
        method="GET", path="/system/integrity", tag="admin", needs=Permission.SYSTEM_READ, run=_integrity,
        summary="Whether every file is what it was: the rounds of the worker, and what they found",
        answer=obj(
            {"rate": integer("bytes a second; 0: no rounds"), "expected": integer("files that the index speaks of"),
             "round": or_null(_ROUND), "replica": or_null(_REPLICA), "backup": _BACKUP, "anchors": _ANCHORS,
             "renewals": array(_RENEWAL, "files brought under another key, the last time of each place"),
             "damaged": integer("files that are not whole now"),
             "mended": integer("files that were not, and are again"), "files": array(_FILE)}
        ),
    ),
    Endpoint(
        method="POST", path="/system/integrity", tag="admin", needs=Permission.SYSTEM_MANAGE, run=_again, status=204,
        summary="Begin the next round over all files now", errors=(Kind.MISSING,),
    ),
)  # fmt: skip
