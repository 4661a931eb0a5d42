"""HTTP of a server with several institutions (isocenter.tenants): which one answers is told by the host that was asked for."""

import asyncio
from collections.abc import Mapping

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Asked by the supervisor and by load balancers, by address; nothing in the answer is anybody's.
HEALTH = frozenset({"/healthz", "/readyz"})


class ByHost:
    """ASGI application of several archives. A host that is none of theirs gets nothing (RFC 9110 15.5.20)."""

    def __init__(self, applications: Mapping[str, ASGIApp]) -> None:
        """applications: host, in lower case and without a port -> what answers there."""
        self._applications = dict(applications)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand one request on, or the server's lifespan to all."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        application = self._applications.get(host_asked(scope))
        if application is not None:
            await application(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["path"] in HEALTH:
            await self._health(scope, receive, send)
        else:
            await _nobody(send)

    async def _health(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The first answer that is not 200, or the last."""
        answer: list[Message] = []
        for application in self._applications.values():
            answer = []

            async def keep(message: Message, kept: list[Message] = answer) -> None:
                kept.append(message)

            await application(scope, receive, keep)
            if answer[0]["status"] != 200:
                break
        for message in answer:
            await send(message)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Each application has its own beginning and end; the server's are over when all are."""
        ways = [(asyncio.Queue[Message](), asyncio.Queue[Message]()) for _ in self._applications]
        pairs = zip(self._applications.values(), ways, strict=True)
        tasks = [asyncio.create_task(_alive(application, scope, *way)) for application, way in pairs]
        while True:
            message = await receive()
            for told, _ in ways:
                await told.put(message)
            answers = [await said.get() for _, said in ways]
            failed = [answer for answer in answers if not answer["type"].endswith(".complete")]
            if message["type"] == "lifespan.shutdown":
                await asyncio.gather(*tasks)
            await send(failed[0] if failed else answers[0])
            if message["type"] == "lifespan.shutdown":
                return


async def _alive(application: ASGIApp, scope: Scope, told: asyncio.Queue[Message], said: asyncio.Queue[Message]) -> None:
    await application(scope, told.get, said.put)


def host_asked(scope: Scope) -> str:
    """The host of the request, in lower case and without its port; "" where there is none, or more than one."""
    hosts = {value for name, value in scope["headers"] if name == b"host"}
    text = hosts.pop().decode("latin-1").lower() if len(hosts) == 1 else ""
    return text[1 : text.find("]")] if text.startswith("[") else text.partition(":")[0]


async def _nobody(send: Send) -> None:
    error = {"kind": "missing", "message": "no archive of this server has this name", "where": "", "kept": "",
             "hint": "Ask for the address under which your institution's archive is known."}  # fmt: skip
    body = orjson.dumps({"error": error})
    length = (b"content-length", str(len(body)).encode())
    headers = [(b"content-type", b"application/json"), length, (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 421, "headers": headers})
    await send({"type": "http.response.body", "body": body})
