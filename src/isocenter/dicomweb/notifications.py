"""Notification connections (PS3.18 8.10): WebSockets over which subscribers are told of work items as DICOM JSON (11.13).

Each connection reads its subscriber's events from the database, on from a number of its own; one poller a process, which runs
only while a connection is open, asks twice a second who has new ones. So it does not matter in which process an event comes to
be, and nothing is in memory only.
"""

import asyncio
import itertools
import logging
import re
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import orjson

from isocenter.dicom import json as dicom_json
from isocenter.dicom import keys, syntaxes
from isocenter.dicom.sop_classes import UPS_PUSH
from isocenter.dicomweb.address import ROOT, Addresses
from isocenter.dicomweb.exchange import Message, Receive, Scope, Send
from isocenter.domain.access import Principal
from isocenter.domain.errors import Forbidden, IsocenterError, Missing
from isocenter.service import ups_channels
from isocenter.service.context import Context
from isocenter.service.ups_channels import Waiting

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
CHECK_SECONDS = 5.0  # a connection ends so soon after its session
MOST = 500  # connections of one process
# RFC 6455 7.4.1
GOING_AWAY, POLICY_VIOLATION, TRY_AGAIN_LATER = 1001, 1008, 1013

Still = Callable[[Scope], Awaitable[Principal]]

_PATH = re.compile(rf"{ROOT}(?:/ws)?/subscribers/(?P<aetitle>[^/]+)/?")


class Notifications:
    """The connections of one process. Belongs to one event loop. still: asks again who is behind a request."""

    def __init__(self, context: Context, addresses: Addresses, still: Still) -> None:
        self._context = context
        self._addresses = addresses
        self._still = still
        self._open: dict[int, str] = {}
        self._numbers = itertools.count()
        self._newest: dict[str, int] = {}
        self._news = asyncio.Event()
        self._poller: asyncio.Task[None] | None = None
        self._stopping = False

    def stop(self) -> None:
        """End all connections: who wants to be told on comes back, to whoever answers then."""
        self._stopping = True
        self._tell()

    async def serve(self, scope: Scope, receive: Receive, send: Send, principal: Principal) -> None:
        """One connection, until either side ends it. Raises IsocenterErrors as long as it is not accepted."""
        found = _PATH.fullmatch(str(scope["path"]))
        if found is None:
            raise Missing("There is no such resource.")
        self._check_origin(scope, principal)
        aet = found["aetitle"].strip()
        place = await asyncio.to_thread(ups_channels.begin, self._context, principal, aet)
        if self._stopping or len(self._open) >= MOST:
            raise Forbidden("there are too many connections")
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        number = next(self._numbers)
        self._join(number, aet, place)
        left = asyncio.create_task(_until_left(receive))
        try:
            code = await self._follow(scope, send, principal, aet, place, left)
            if not left.done():
                await send({"type": "websocket.close", "code": code})
        finally:
            left.cancel()
            del self._open[number]

    def _check_origin(self, scope: Scope, principal: Principal) -> None:
        """A browser sends its cookie wherever a page opens a WebSocket to: only our own pages may (RFC 6455 10.2)."""
        if principal.via != "session":
            return
        origin = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"), "")
        if urlsplit(origin).netloc.lower() != urlsplit(self._addresses.base(scope)).netloc.lower():
            raise Forbidden("the connection was asked for by a page of another site", where="Origin")

    async def _follow(
        self, scope: Scope, send: Send, principal: Principal, aet: str, place: int, left: "asyncio.Task[None]"
    ) -> int:
        """Tell until somebody leaves; the code with which we end it."""
        messages = itertools.cycle(range(1, 0x10000))
        clock = asyncio.get_running_loop().time
        checked = clock()
        while not self._stopping and not left.done():
            news = self._news
            try:
                place = await self._tell_new(send, aet, place, messages) if self._newest.get(aet, 0) > place else place
            except IsocenterError as error:
                log.warning("events of work items cannot be read", extra={"facts": {"kind": error.kind.value}})
                return TRY_AGAIN_LATER
            if self._newest.get(aet, 0) > place:
                continue
            waiting = asyncio.create_task(news.wait())
            await asyncio.wait((waiting, left), timeout=POLL_SECONDS * 4, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if clock() - checked > CHECK_SECONDS:
                checked = clock()
                if not await self._unchanged(scope, principal):
                    return POLICY_VIOLATION
        return GOING_AWAY

    async def _tell_new(self, send: Send, aet: str, place: int, messages: "itertools.cycle[int]") -> int:
        found = await asyncio.to_thread(ups_channels.events, self._context, aet, place)
        if not found:
            return self._newest.get(aet, place)  # others have been told meanwhile, and it was removed
        for each in found:
            await send({"type": "websocket.send", "text": encode(each, next(messages))})
        await asyncio.to_thread(ups_channels.told, self._context, [each.id for each in found])
        return found[-1].id

    async def _unchanged(self, scope: Scope, principal: Principal) -> bool:
        try:
            return await self._still(scope) == principal
        except IsocenterError:
            return False

    def _join(self, number: int, aet: str, place: int) -> None:
        self._open[number] = aet
        self._newest.setdefault(aet, place)
        if self._poller is None or self._poller.done():
            self._poller = asyncio.get_running_loop().create_task(self._poll())

    async def _poll(self) -> None:
        """Until no connection is open. A database that is away for a while is asked again."""
        while self._open and not self._stopping:
            try:
                newest = await asyncio.to_thread(ups_channels.newest, self._context, sorted(set(self._open.values())))
                if newest != self._newest:
                    self._newest = newest
                    self._tell()
            except IsocenterError as error:
                log.warning("events of work items cannot be read", extra={"facts": {"kind": error.kind.value}})
                await asyncio.sleep(POLL_SECONDS * 4)
            await asyncio.sleep(POLL_SECONDS)

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


async def _until_left(receive: Receive) -> None:
    """What a subscriber says is not listened to: the standard gives it nothing to say."""
    while (await receive())["type"] != "websocket.disconnect":
        pass


def encode(event: Waiting, message_id: int) -> str:
    """An event as the message of a connection: N-EVENT-REPORT's fields (PS3.7 Table 10.3-1) and its information."""
    fields = {
        "00000002": {"vr": "UI", "Value": [UPS_PUSH]},  # PS3.4 CC.3.1: of all steps
        "00000100": {"vr": "US", "Value": [0x0100]},
        "00000110": {"vr": "US", "Value": [message_id]},
        "00001000": {"vr": "UI", "Value": [event.sop_instance_uid]},
        "00001002": {"vr": "US", "Value": [int(event.report.type)]},
    }
    data = keys.encode(event.report.information, syntaxes.EXPLICIT_VR_LITTLE_ENDIAN, keys.UTF_8)
    return orjson.dumps({**fields, **dicom_json.encoded_json(data)}).decode()


def refusal(error: Exception) -> Message:
    """The end of a connection that is not accepted: 403 to the client (ASGI)."""
    facts = {"kind": error.kind.value} if isinstance(error, IsocenterError) else {"kind": type(error).__name__}
    log.info("a notification connection was refused", extra={"facts": facts})
    return {"type": "websocket.close", "code": POLICY_VIOLATION}
