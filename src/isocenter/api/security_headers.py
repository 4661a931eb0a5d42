"""The headers that tell a browser what our pages may do, on every answer: one small ASGI middleware around everything."""

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from isocenter.api.forwarded import Forwarding

# Scripts come from our own origin only, never inline; WebAssembly (the image codecs) may be compiled, and bundlers start
# workers from blob: addresses. Styles may be inline: measurement tools position their labels with style attributes.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        # Encapsulated PDF in the browser's own viewer: bytes that our page has fetched, never an address.
        "frame-src blob:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

ALWAYS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    # Both together isolate the page, which SharedArrayBuffer (volume rendering) needs.
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-embedder-policy", b"require-corp"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(self)"),
    # Study UIDs stand in our addresses: no other site learns them.
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
# A year, RFC 6797 6.1.1; without includeSubDomains, since the neighbours are not ours to decide about.
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")


class SecurityHeaders:
    """Adds the headers to every HTTP answer; `proxies` are those whose X-Forwarded-Proto is believed."""

    def __init__(self, app: ASGIApp, proxies: Iterable[str] = ()) -> None:
        self._app = app
        self._forwarding = Forwarding(proxies)
        self._over_http = list(ALWAYS)
        self._over_https = [*ALWAYS, STRICT_TRANSPORT]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        extra = self._over_https if self._forwarding.origin(scope).https else self._over_http

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *extra]
            await send(message)

        await self._app(scope, receive, send_with_headers)
