"""Cross-origin requests (Fetch Standard, 3.2): which web pages of other sites may ask DICOMweb, and what they may see of answers.

No credentials of ours go along: a page of another site brings a token of its own, and never uses the cookie of who looks at it.
"""

from collections.abc import Collection

from isocenter.dicomweb.exchange import Message, Scope, Send

_METHODS = b"GET, HEAD, POST, PUT, DELETE, OPTIONS"
_ASKED = b"Accept, Authorization, Content-Type, If-None-Match, If-Range, Range"
_SHOWN = (
    b"Accept-Ranges, Content-Disposition, Content-Location, Content-Range, ETag, JPIP-fsiz, Location, Retry-After, Warning, "
    b"X-Total-Count, X-Total-Count-Is-Estimate"
)
_DAY = b"86400"


class Cors:
    """The rule of one server. origins: as browsers write them, `https://viewer.example.org`; `*` for all."""

    def __init__(self, origins: Collection[str]) -> None:
        self._all = "*" in origins
        self._origins = frozenset(origin.rstrip("/").lower().encode() for origin in origins)

    def answering(self, scope: Scope, send: Send) -> Send:
        """Where the answer goes: with what lets the page see it, when it may."""
        if not self._origins:
            return send
        headers = self._allowed(scope)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        return sent

    async def preflight(self, scope: Scope, send: Send) -> bool:
        """Answer the browser's question before a request (Fetch, 4.8), which carries no credentials; False when it is none."""
        asked = any(name == b"access-control-request-method" for name, _ in scope["headers"])
        if not self._origins or scope["method"] != "OPTIONS" or not asked:
            return False
        headers = [*self._allowed(scope), (b"access-control-allow-methods", _METHODS), (b"access-control-allow-headers", _ASKED),
                   (b"access-control-max-age", _DAY)]  # fmt: skip
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return True

    def _allowed(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        origin = next((value for name, value in scope["headers"] if name == b"origin"), b"")
        vary = [] if self._all else [(b"vary", b"Origin")]
        if not origin or not (self._all or origin.lower() in self._origins):
            return vary
        named = b"*" if self._all else origin
        return [(b"access-control-allow-origin", named), (b"access-control-expose-headers", _SHOWN), *vary]
