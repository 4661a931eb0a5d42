"""Webhooks, for administrators."""

from datetime import datetime
from typing import Any

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import Schema, array, boolean, integer, obj, or_null, ref, text
from isocenter.domain.access import Permission
from isocenter.domain.errors import Kind
from isocenter.domain.webhooks import MOST_TOGETHER
from isocenter.service import webhooks

_NAME = Parameter("name", "the webhook", text(), "path", True)
_ID = Parameter("id", "the message", integer(minimum=1), "path", True)
_MOMENT = text("RFC 3339", format="date-time")
# What can be said about a webhook beside its name.
_FACTS: dict[str, Schema] = {
    "url": text("where messages are posted to (http or https)", minLength=1, maxLength=1024),
    "kinds": array(text("study.created, instance.*, *", maxLength=64), "the changes it is told of"),
    "together": integer("changes of one message at most", minimum=1, maximum=MOST_TOGETHER),
}
_ENABLED = boolean("false: it is told nothing, and goes on from there when it is enabled again")
WEBHOOK = obj(
    {
        "name": text(), **_FACTS, "enabled": _ENABLED, "cursor": integer("the change up to which it has been told"),
        "waiting": integer("changes after that in the log, of all kinds"), "told": integer("changes so far"),
        "told_at": or_null(_MOMENT), "attempts": integer("of the message that waits, which failed"),
        "due_at": text("when that is tried again", format="date-time"), "failing_since": or_null(_MOMENT),
        "failures": integer("messages that were put aside"), "last_status": integer("HTTP status of the last answer; 0: none"),
        "last_reason": text("why the last message was not taken; empty when it was"), "last_at": or_null(_MOMENT),
        "created_at": _MOMENT,
    }
)  # fmt: skip
_FAILURE = obj(
    {
        "id": integer(), "first": integer("the number of its first change"), "last": integer("of its last"),
        "changes": integer("how many"), "status": integer("HTTP status; 0: no answer"), "reason": text(), "attempts": integer(),
        "failed_at": _MOMENT, "resend_asked": boolean("it will be sent once more"),
    }
)  # fmt: skip
_COUNT = obj({"messages": integer("how many")})
_SECRET = text("for checking signatures (standardwebhooks.com); not shown again")


def _moment(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _facts(call: Call, each: webhooks.Webhook) -> dict[str, Any]:
    return {
        "name": each.name, "url": each.url, "kinds": each.kinds.split(","), "together": each.together, "enabled": each.enabled,
        "cursor": each.cursor, "waiting": webhooks.waiting(call.context, each), "told": each.told,
        "told_at": _moment(each.told_at), "attempts": each.attempts, "due_at": each.due_at.isoformat(),
        "failing_since": _moment(each.failing_since), "failures": each.failures, "last_status": each.last_status,
        "last_reason": each.last_reason, "last_at": _moment(each.last_at), "created_at": each.created_at.isoformat(),
    }  # fmt: skip


def _list(call: Call) -> Any:
    return {"webhooks": [_facts(call, each) for each in webhooks.all_(call.context, call.principal)]}


def _add(call: Call) -> Any:
    added, secret = webhooks.add(call.context, call.principal, **call.body)
    return {"webhook": _facts(call, added), "secret": secret}


def _get(call: Call) -> Any:
    return _facts(call, webhooks.get(call.context, call.principal, call.path["name"]))


def _change(call: Call) -> Any:
    return _facts(call, webhooks.change(call.context, call.principal, call.path["name"], **call.body))


def _remove(call: Call) -> None:
    webhooks.remove(call.context, call.principal, call.path["name"])


def _secret(call: Call) -> Any:
    return {"secret": webhooks.new_secret(call.context, call.principal, call.path["name"])}


def _test(call: Call) -> None:
    webhooks.test(call.context, call.principal, call.path["name"])


def _failures(call: Call) -> Any:
    found = webhooks.failures(call.context, call.principal, call.path["name"])
    rows = [
        {"id": each.id, "first": each.first_seq, "last": each.last_seq, "changes": each.changes, "status": each.status,
         "reason": each.reason, "attempts": each.attempts, "failed_at": each.failed_at.isoformat(),
         "resend_asked": each.resend_asked}
        for each in found
    ]  # fmt: skip
    return {"failures": rows}


def _resend(call: Call) -> Any:
    return {"messages": webhooks.resend(call.context, call.principal, call.path["name"], call.path.get("id"))}


def _drop(call: Call) -> Any:
    return {"messages": webhooks.drop(call.context, call.principal, call.path["name"], call.path.get("id"))}


_NEEDS = Permission.WEBHOOK_MANAGE
ENDPOINTS = (
    Endpoint(
        method="GET", path="/webhooks", tag="webhooks", needs=_NEEDS, run=_list,
        summary="Who is told of changes by signed requests", answer=obj({"webhooks": array(ref("Webhook"))}),
    ),
    Endpoint(
        method="POST", path="/webhooks", tag="webhooks", needs=_NEEDS, run=_add,
        summary="Tell an address of changes from now on",
        description="Each message is a POST of {type, timestamp, data: {webhook, archive, changes}}, changes as /changes shows "
        "them, signed as standardwebhooks.com has it. In order, and at least once: a change's seq, or webhook-id, tells what is "
        "told again. What is not answered with 2xx is tried again.",
        body=obj(
            {"name": text(minLength=1, maxLength=64), **_FACTS, "since": integer("also changes after this number", minimum=0)},
            "together", "since",
        ),
        answer=obj({"webhook": ref("Webhook"), "secret": _SECRET}), status=201, errors=(Kind.CONFLICT,),
    ),
    Endpoint(
        method="GET", path="/webhooks/{name}", tag="webhooks", needs=_NEEDS, run=_get, summary="One of them",
        parameters=(_NAME,), answer=ref("Webhook"), errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="PATCH", path="/webhooks/{name}", tag="webhooks", needs=_NEEDS, run=_change,
        summary="Change, stop or enable one", description="What waits is tried at once.",
        parameters=(_NAME,), body=obj({**_FACTS, "enabled": _ENABLED}, *_FACTS, "enabled"), answer=ref("Webhook"),
        errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="DELETE", path="/webhooks/{name}", tag="webhooks", needs=_NEEDS, run=_remove,
        summary="Tell an address nothing more", parameters=(_NAME,), status=204, errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="POST", path="/webhooks/{name}/secret", tag="webhooks", needs=_NEEDS, run=_secret,
        summary="Make another secret", description="Messages are signed with it from now on.",
        parameters=(_NAME,), answer=obj({"secret": _SECRET}), errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="POST", path="/webhooks/{name}/test", tag="webhooks", needs=_NEEDS, run=_test,
        summary="Send a message that tells of nothing",
        description="The worker sends it within seconds; what came of it is last_status and last_reason, from last_at on.",
        parameters=(_NAME,), status=204, errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="GET", path="/webhooks/{name}/failures", tag="webhooks", needs=_NEEDS, run=_failures,
        summary="Messages that were put aside, the latest first",
        parameters=(_NAME,), answer=obj({"failures": array(_FAILURE)}), errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="POST", path="/webhooks/{name}/failures/resend", tag="webhooks", needs=_NEEDS, run=_resend,
        summary="Send all of them once more", parameters=(_NAME,), answer=_COUNT, errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="POST", path="/webhooks/{name}/failures/{id}/resend", tag="webhooks", needs=_NEEDS, run=_resend,
        summary="Send one of them once more", parameters=(_NAME, _ID), answer=_COUNT, errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="DELETE", path="/webhooks/{name}/failures", tag="webhooks", needs=_NEEDS, run=_drop,
        summary="Forget all of them", parameters=(_NAME,), answer=_COUNT, errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="DELETE", path="/webhooks/{name}/failures/{id}", tag="webhooks", needs=_NEEDS, run=_drop,
        summary="Forget one of them", parameters=(_NAME, _ID), answer=_COUNT, errors=(Kind.MISSING,),
    ),
)  # fmt: skip
