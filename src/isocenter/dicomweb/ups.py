"""UPS-RS, the Worklist Service (PS3.18 11): the use cases of UPS over DIMSE, as resources.

    POST   /workitems[?UID]                               GET   /workitems?keys            GET   /workitems/UID
    POST   /workitems/UID[?transaction UID]               PUT   /workitems/UID/state       POST  /workitems/UID/cancelrequest
    POST   /workitems/UID/subscribers/AET[?deletionlock]  DELETE  the same                 POST  .../suspend
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from pydicom.dataset import Dataset

from isocenter.dicom.query import InvalidKey
from isocenter.dicom.sop_classes import UPS_FILTERED_GLOBAL_SUBSCRIPTION, UPS_GLOBAL_SUBSCRIPTION
from isocenter.dicomweb import status, ups_search, workitems
from isocenter.dicomweb.exchange import Exchange
from isocenter.domain.errors import Invalid
from isocenter.domain.ups import Reason, Refused
from isocenter.service import ups, ups_reports
from isocenter.service.context import Context
from isocenter.settings import AE_TITLE

Handler = Callable[[Context, Exchange], Awaitable[None]]

_INCONSISTENT = "The submitted request is inconsistent with the current state of the Workitem."
_PAYLOAD = "The request payload does not satisfy the requirements."

# Every Reason: the status, and the words of its Warning header (PS3.18 Tables 11.4.3-1 to 11.10.3-1 and the text behind each).
ANSWERS: Mapping[Reason, tuple[int, str]] = MappingProxyType(
    {
        Reason.DUPLICATE: (409, "The Target Workitem already exists."),
        Reason.NO_SUCH_STEP: (404, "The Target Workitem was not found."),
        Reason.NO_LONGER_UPDATED: (409, _INCONSISTENT),
        Reason.WRONG_TRANSACTION: (400, "The Transaction UID is incorrect."),
        Reason.ALREADY_IN_PROGRESS: (409, _INCONSISTENT),
        Reason.ONLY_CREATED_SCHEDULED: (400, _INCONSISTENT),
        Reason.FINAL_STATE_NOT_MET: (409, _INCONSISTENT),
        Reason.UNKNOWN_RECEIVER: (404, "The target Subscription was not found."),
        Reason.NOT_CREATED_SCHEDULED: (400, _PAYLOAD),
        Reason.NOT_IN_PROGRESS: (409, "The target URI did not reference a claimed Workitem."),
        Reason.ALREADY_COMPLETED_NO_CANCEL: (409, "The UPS is already COMPLETED."),
        Reason.PERFORMER_UNREACHABLE: (409, "The performer cannot be contacted."),
        Reason.WRONG_ACTION: (400, "Only a Worklist Subscription can be suspended."),
        Reason.MISSING_ATTRIBUTE: (400, _PAYLOAD),
        Reason.MISSING_VALUE: (400, _PAYLOAD),
        Reason.INVALID_VALUE: (400, _PAYLOAD),
        Reason.CREATED_WITH_MODIFICATIONS: (201, "The Workitem was created with modifications."),
        Reason.ALREADY_CANCELED: (200, "The UPS is already in the requested state of CANCELED."),
        Reason.ALREADY_COMPLETED: (200, "The UPS is already in the requested state of COMPLETED."),
    }
)
_NO_TRANSACTION = "The Transaction UID is missing."
_WORKLISTS = frozenset({UPS_GLOBAL_SUBSCRIPTION, UPS_FILTERED_GLOBAL_SUBSCRIPTION})


class NoTransaction(Refused):
    """The request is refused for want of a Transaction UID."""


def _answering(handler: Handler, *, ended: int = 409) -> Handler:
    """A handler whose refusals are answered as this service has it. ended: the status where a step has ended (11.6.3: 400)."""

    async def answer(context: Context, exchange: Exchange) -> None:
        try:
            await handler(context, exchange)
        except Refused as refused:
            code, text = ANSWERS[refused.reason]
            if refused.reason is Reason.NO_LONGER_UPDATED:
                code = ended
            text = _NO_TRANSACTION if isinstance(refused, NoTransaction) else text
            told = status.problem(refused)
            headers = [each for each in told.headers if each[0] != b"content-length"]
            await exchange.reply(code, (*headers, _warning(exchange, text)), told.body)
        except InvalidKey as error:
            raise Invalid(f"{error.keyword} cannot be searched for: {error.reason}.", where=error.keyword) from None

    return answer


def _warning(exchange: Exchange, text: str) -> tuple[bytes, bytes]:
    """PS3.18 11: Warning: 299 <service>: text."""
    return b"warning", f"299 {exchange.base}: {text}".encode("latin-1", "replace")


def _told(exchange: Exchange, reason: Reason | None) -> tuple[tuple[bytes, bytes], ...]:
    return () if reason is None else (_warning(exchange, ANSWERS[reason][1]),)


def _uid(exchange: Exchange) -> str:
    return exchange.parameters["workitem"]


def _location(exchange: Exchange, uid: str) -> bytes:
    return f"{exchange.base}/workitems/{uid}".encode()


async def _create(context: Context, exchange: Exchange) -> None:
    given = await workitems.read(exchange)
    named = {_bare(exchange, "workitem", "AffectedSOPInstanceUID"), *(_taken(given, keyword) for keyword in _NAMES)} - {""}
    if len(named) > 1:
        raise Invalid("The request names several UIDs.", where="SOPInstanceUID", hint="Name one.")
    created = await exchange.run(ups.create, context, exchange.principal, given, "".join(named))
    place = _location(exchange, created.sop_instance_uid)
    headers = ((b"location", place), (b"content-location", place), *_told(exchange, created.warning))
    await exchange.reply(201, headers)


# The command's attribute is none of the data set (11.4.1.4), though some send it; the other names the step (Table 11.4.1-1).
_NAMES = ("AffectedSOPInstanceUID", "SOPInstanceUID")


def _taken(given: Dataset, keyword: str) -> str:
    text = str(given.get(keyword) or "")
    given.pop(keyword, None)
    return text


def _bare(exchange: Exchange, *names: str) -> str:
    """A query parameter that is written as ?UID (11.4.1, 11.6.1), or under a name. Raises Invalid for any other."""
    found = ""
    for name, text in exchange.query():
        if name in names and text:
            found = text
        elif not text:
            found = name
        elif name not in ("accept", "charset"):
            raise Invalid("There is no such parameter.", where=name[:80])
    return found


async def _retrieve(context: Context, exchange: Exchange) -> None:
    form = workitems.form_of(exchange, single=True)
    step = await exchange.run(ups.get, context, exchange.principal, _uid(exchange))
    headers = ((b"content-location", _location(exchange, _uid(exchange))),)
    await workitems.answer(exchange, 200, form, [await exchange.run(workitems.encode, step)], headers)


async def _update(context: Context, exchange: Exchange) -> None:
    given = await workitems.read(exchange)
    transaction = _bare(exchange, "transaction-uid", "transaction", "TransactionUID")
    if transaction:
        given.TransactionUID = transaction
    try:
        await exchange.run(ups.update, context, exchange.principal, _uid(exchange), given)
    except Refused as refused:
        raise _of_transaction(refused, given) from None
    await exchange.reply(200, ((b"content-location", _location(exchange, _uid(exchange))),))


async def _change_state(context: Context, exchange: Exchange) -> None:
    given = await workitems.read(exchange)
    wanted, transaction = str(given.get("ProcedureStepState") or ""), str(given.get("TransactionUID") or "")
    try:
        warning = await exchange.run(ups.change_state, context, exchange.principal, _uid(exchange), wanted, transaction)
    except Refused as refused:
        raise _of_transaction(refused, given) from None
    headers = ((b"content-location", _location(exchange, _uid(exchange))), *_told(exchange, warning))
    await exchange.reply(200, headers)


def _of_transaction(refused: Refused, given: Dataset) -> Refused:
    if refused.reason is Reason.WRONG_TRANSACTION and not given.get("TransactionUID"):
        return NoTransaction(refused.reason, "TransactionUID")
    return refused


async def _request_cancel(context: Context, exchange: Exchange) -> None:
    information = await workitems.read(exchange, optional=True)
    # The account, where the address names no AE title: the performer wants to know with whom to speak.
    asking = exchange.parameters.get("aetitle") or exchange.principal.name[:16]
    warning = await exchange.run(ups.request_cancel, context, exchange.principal, _uid(exchange), information, asking)
    await exchange.reply(202, ((b"content-location", _location(exchange, _uid(exchange))), *_told(exchange, warning)))


async def _search(context: Context, exchange: Exchange) -> None:
    form = workitems.form_of(exchange, single=False)
    wanted = ups_search.parse(exchange.query())

    def encode(step: Dataset) -> bytes:
        return workitems.encode(ups_search.answered(wanted, step))

    def search() -> list[bytes]:
        page = wanted.limit + 1, wanted.offset
        return ups.search(context, exchange.principal, wanted.asked, encode, *page, fuzzy=wanted.fuzzy)

    found = await exchange.run(search)
    if not found:
        await exchange.reply(204, ((b"cache-control", b"no-store"),))  # 11.9.3: No Content
        return
    more = wanted.capped and len(found) > wanted.limit
    warnings = [_warning(exchange, "There are additional results that can be requested")] if more else []
    await workitems.answer(exchange, 206 if more else 200, form, found[: wanted.limit], warnings)


def _aet(exchange: Exchange) -> str:
    aet = exchange.parameters["aetitle"].strip()
    if not AE_TITLE.fullmatch(aet):
        raise Invalid("An AE title is 1 to 16 printable ASCII characters without a backslash.", where="aetitle")
    return aet


async def _subscribe(context: Context, exchange: Exchange) -> None:
    query, filtered = exchange.query(), _uid(exchange) == UPS_FILTERED_GLOBAL_SUBSCRIPTION
    lock = dict(query).get("deletionlock", "false").lower()
    if lock not in ("true", "false"):
        raise Invalid("deletionlock is true or false.", where="deletionlock")
    matching = ups_search.filter_of(query) if filtered else Dataset()
    if filtered and not matching:
        raise Invalid("A filtered subscription has a filter.", where="filter", hint="Add filter=Attribute=value,...")
    to = ups_reports.Subscriber(_aet(exchange), web=True)

    def subscribe() -> None:
        asking = exchange.principal
        ups_reports.subscribe(context, asking, _uid(exchange), to, deletion_lock=lock == "true", matching=matching)

    await exchange.run(subscribe)
    await exchange.reply(201, ((b"content-location", exchange.channel(to.aet).encode()),))


async def _unsubscribe(context: Context, exchange: Exchange) -> None:
    await exchange.run(ups_reports.unsubscribe, context, exchange.principal, _uid(exchange), _aet(exchange))
    await exchange.reply(200, ())


async def _suspend(context: Context, exchange: Exchange) -> None:
    await exchange.run(ups_reports.suspend, context, exchange.principal, _uid(exchange), _aet(exchange))
    await exchange.reply(200, ())


create, retrieve, search = map(_answering, (_create, _retrieve, _search))
update = _answering(_update, ended=400)
change_state, request_cancel = map(_answering, (_change_state, _request_cancel))
subscribe, unsubscribe, suspend = map(_answering, (_subscribe, _unsubscribe, _suspend))
