"""What operators and their machines ask: /healthz (alive), /readyz (able to work), /metrics (Prometheus)."""

import errno
import time
from collections.abc import Callable
from typing import Protocol

import anyio.to_thread
import orjson
from sqlalchemy import Connection, text
from starlette.types import Receive, Scope, Send

from isocenter import __version__, metrics
from isocenter.domain import access
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Busy, Forbidden, IsocenterError, Unauthenticated
from isocenter.service import auditing, backup, deliveries, encrypting, scrubbing, system, webhooks
from isocenter.service.context import Context

PATHS = frozenset({"/healthz", "/readyz", "/metrics"})

# Readiness is asked by several probes a second in some clusters; one look at disk and database serves them all.
REMEMBERED_SECONDS = 1.0

JSON = (b"content-type", b"application/json")
FRESH = (b"cache-control", b"no-store")


class Operations:
    """ASGI application for PATHS. /healthz and /readyz answer anybody and tell nothing about patients or peers."""

    def __init__(self, context: Context, authenticator: "Authenticates") -> None:
        self._context = context
        self._authenticator = authenticator
        self._problems: list[str] = []
        self._looked = -REMEMBERED_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer GET and HEAD of one of PATHS."""
        if scope["method"] not in {"GET", "HEAD"}:
            refused: dict[str, object] = {"error": {"kind": "unsupported", "message": "only GET and HEAD here"}}
            await answer(send, 405, refused, (b"allow", b"GET, HEAD"))
        elif scope["path"] == "/healthz":
            await answer(send, 200, {"status": "alive", "version": __version__})
        elif scope["path"] == "/readyz":
            await self._readyz(send)
        else:
            await self._metrics(scope, send)

    async def _readyz(self, send: Send) -> None:
        if time.monotonic() - self._looked >= REMEMBERED_SECONDS:
            self._problems = await anyio.to_thread.run_sync(problems, self._context)
            self._looked = time.monotonic()
        ready = not self._problems
        await answer(send, 200 if ready else 503, {"status": "ready" if ready else "not ready", "problems": self._problems})

    async def _metrics(self, scope: Scope, send: Send) -> None:
        try:
            access.require(await self._authenticator.principal(scope), access.Permission.SYSTEM_READ)
        except IsocenterError as error:
            # RFC 9110 11.6.1; never Basic, for which a browser would open its own dialogue
            challenge = ((b"www-authenticate", b'Bearer realm="isocenter"'),) if isinstance(error, Unauthenticated) else ()
            await answer(send, *refusal(error), *challenge)
            return
        # What the processes count is of all institutions that share them, AE titles included: nobody is told.
        counted = not self._context.settings.tenant
        body = await anyio.to_thread.run_sync(lambda: metrics.exposition(gauges(self._context), counted=counted))
        headers = [(b"content-type", metrics.CONTENT_TYPE.encode()), FRESH]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Authenticates(Protocol):
    """What this module needs of api.auth.Authenticator."""

    async def principal(self, scope: Scope) -> access.Principal:
        """Who asks. Raises Unauthenticated, Forbidden or Busy."""


def problems(context: Context) -> list[str]:
    """Why this process cannot do its work at the moment; empty when it can. No secrets: anybody may ask."""
    found: list[str] = []
    checks: tuple[tuple[str, Callable[[], object]], ...] = (
        ("the database does not answer", lambda: context.database.read(_ask)),
        ("the storage cannot be written", lambda: _space(context)),
    )
    for sentence, check in checks:
        try:
            check()
        except IsocenterError:
            found.append(sentence)
        except OSError as error:
            full = error.errno == errno.ENOSPC
            found.append("the disk is full: storing is refused, reading works" if full else sentence)
    return found


def _ask(connection: Connection) -> object:
    return connection.execute(text("select 1")).scalar()


def _space(context: Context) -> None:
    if context.blobs.free_space() < context.settings.min_free_space:
        raise OSError(errno.ENOSPC, "full")


def gauges(context: Context) -> dict[str, tuple[str, float]]:
    """Facts read at the moment of a scrape: name -> (help, value)."""
    facts = {"isocenter_free_bytes": ("Bytes that can still be stored", float(context.blobs.free_space()))}
    tables = {"studies": "study", "series": "series", "instances": "instance", "series_waiting": "series_dirty",
              "viewing_copies": "viewing_copy", "copies_waiting": "series_copy_due"}
    for name, table in tables.items():
        facts[f"isocenter_{name}"] = (f"Rows of {table}", float(_count(context, table)))
    on_their_way, given_up = deliveries.figures(context)
    facts["isocenter_deliveries_waiting"] = ("Studies on their way to a destination", float(on_their_way))
    if context.settings.bucket is not None:
        waiting, oldest = system.uploads(context)
        facts["isocenter_uploads_waiting"] = ("Objects on a node's disk that are not in the object store yet", float(waiting))
        facts["isocenter_uploads_oldest_seconds"] = ("For how long the oldest of them waits", oldest)
    facts["isocenter_deliveries_failed"] = ("Studies whose delivery was given up", float(given_up))
    not_told, put_aside = webhooks.figures(context)
    facts["isocenter_webhooks_failing"] = ("Webhooks that are not reached, or were stopped for that", float(not_told))
    facts["isocenter_webhook_messages_put_aside"] = ("Messages that receivers did not want", float(put_aside))
    damaged, mended = scrubbing.figures(context)
    facts["isocenter_files_damaged"] = ("Files that are missing or damaged and could not be put back", float(damaged))
    facts["isocenter_files_mended"] = ("Files that were missing or damaged and are whole again", float(mended))
    if (ended := scrubbing.last_ended(context)) is not None:
        facts["isocenter_scrub_ended"] = ("When all files were last compared with the index, Unix time", ended.timestamp())
    backups = backup.state(context, SYSTEM)
    if backups.made_at is not None:
        facts["isocenter_backup_made"] = ("When the last backup was made, Unix time", backups.made_at.timestamp())
    failing = backups.late or backups.failing_since is not None or backups.faults > 0
    facts["isocenter_backup_failing"] = ("1: the last backup is too old, there is none, or the next one fails", float(failing))
    anchored = auditing.state(context, SYSTEM)
    if anchored.at is not None:
        facts["isocenter_audit_anchored"] = ("When the head of the change log was last noted outside, Unix time",
                                             anchored.at.timestamp())
    facts["isocenter_audit_anchor_failing"] = ("1: it cannot be noted", float(anchored.failing_since is not None))
    for each in encrypting.renewals(context, SYSTEM):
        if not each.place:
            facts["isocenter_encryption_renewal_files"] = ("Files looked at by the last `encryption renew`", float(each.files))
            facts["isocenter_encryption_renewal_expected"] = ("Files there were when it began", float(each.expected))
            facts["isocenter_encryption_renewal_open"] = ("1: it has not ended", float(each.ended_at is None))
    settings = context.settings
    pairs = {"dicom": settings.dicom_certificate if settings.dicom_tls else None, "http": (settings.tls_cert,)}
    for port, pair in pairs.items():
        if (end := system.certificate_end(pair)) is not None:
            facts[f"isocenter_{port}_certificate_ends"] = (f"When the certificate of {port} ends, Unix time", end.timestamp())
    return facts


def _count(context: Context, table: str) -> int:
    return context.database.read(lambda connection: int(connection.execute(text(f"select count(*) from {table}")).scalar_one()))


def refusal(error: IsocenterError) -> tuple[int, dict[str, object]]:
    """Status and body for a caller who may not read this."""
    statuses = ((Busy, 429), (Unauthenticated, 401), (Forbidden, 403))
    status = next((status for kind, status in statuses if isinstance(error, kind)), 500)
    return status, {"error": {"kind": error.kind.value, "message": error.message, "hint": error.hint}}


async def answer(send: Send, status: int, body: dict[str, object], *more: tuple[bytes, bytes]) -> None:
    """A small JSON answer that nobody caches."""
    await send({"type": "http.response.start", "status": status, "headers": [JSON, FRESH, *more]})
    await send({"type": "http.response.body", "body": orjson.dumps(body)})
