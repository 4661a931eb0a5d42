"""The wiring: builds Database, Blobs and Context, and hands each edge what it needs. The only place where objects meet.

    build_context   settings -> Context                  http_application          Context -> the ASGI application of the web role
    prepare         folder, schema, first user           serve_*, run_worker   the other roles, until they are told to stop

Each role imports its own edge only, when it starts: `isocenter user list` needs no web framework, the DICOM role neither.
"""

import gc
import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from isocenter import tenants
from isocenter.dicom.attributes import Level
from isocenter.domain.access import SYSTEM
from isocenter.domain.conformance import Statement
from isocenter.domain.errors import Away, Invalid, IsocenterError
from isocenter.domain.verification import Verified
from isocenter.service import accounts, audit_trail, filling, integrity, provider
from isocenter.service.context import Context, Row
from isocenter.service.pool import Pool
from isocenter.settings import Settings
from isocenter.store import connections, keys
from isocenter.store.blobs import Blobs
from isocenter.store.blobs_local import LocalBlobs
from isocenter.store.cache import NOTHING_KEPT, DiskCache
from isocenter.store.database import Database
from isocenter.store.peers import Peer
from isocenter.store.schema_ups import ups_global_subscription, ups_subscription

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def build_context(settings: Settings, pool: Pool | None = None) -> Context:
    """One process's view of the archive. Raises Broken or Unsupported when folder or database cannot be used.

    pool: that of another archive in the same process, which closes it; None: one of its own.
    """
    if settings.tenants:
        raise Invalid("this server has an archive for each of its institutions", kept="Nothing was done.",
                      hint=f"Say which one is meant: --tenant {'|'.join(settings.tenants)}")
    used = keys.of(settings)
    local = LocalBlobs(settings.blob_folder, used, write_once=settings.write_once)
    cache = DiskCache(settings.cache_folder, settings.cache_limit, reserve=2 * settings.min_free_space)
    database = _database(settings)
    return Context(database, _blobs(settings, local, database, cache), settings, verify=partial(_verify, settings), seek=_seek,
                   conformance=conformance, cache=NOTHING_KEPT if used else cache,
                   pool=pool or Pool(settings.transcoding_processes))


def _blobs(settings: Settings, local: LocalBlobs, database: Database, cache: DiskCache) -> Blobs:
    if settings.bucket is None:
        return local
    from isocenter.store import uploads  # what speaks to object stores is loaded only where there is one
    from isocenter.store.blobs_s3 import S3Blobs
    from isocenter.store.bucket import Bucket

    return S3Blobs(local, Bucket(settings), cache, uploads.Ledger(database))


def _verify(settings: Settings, host: str, port: int, calling: str, called: str, secure: bool) -> Verified:
    """`dimse.echoing.verify`, which is imported by the first who asks."""
    from isocenter.dimse import echoing

    return echoing.verify(host, port, calling, called, settings=settings if secure else None)


def _seek(context: Context, peer: Peer, level: Level, keys: Mapping[str, str], limit: int) -> Sequence[Row]:
    """`dimse.querying.find`, likewise."""
    from isocenter.dimse import querying

    return list(querying.find(context, peer, level, keys, limit=limit))


def conformance(settings: Settings) -> Statement:
    """`dimse.conformance.statement`, likewise."""
    from isocenter.dimse import conformance as made

    return made.statement(settings)


def _database(settings: Settings) -> Database:
    try:
        return Database(settings.database_url)
    except IsocenterError as error:
        # Who starts a process may know the driver's reason, and needs other advice than who sends an image.
        error.kept = "Nothing was changed."
        error.hint = error.hint or "Give the user that runs Isocenter the right to read and write it."
        if isinstance(error, Away):
            error.message = f"{error.message}: {connections.reason(error)}"
            error.hint = "Is it running, and does --database (or ISOCENTER_DATABASE) name its host, user, password and database?"
        raise


@contextmanager
def opened(settings: Settings) -> Iterator[Context]:
    """A Context for the length of a block."""
    context = build_context(settings)
    try:
        yield context
    finally:
        context.close()


def prepare(settings: Settings) -> dict[str, Any]:
    """Create folders, schema and, at the first start, the user admin. Returns {"first_start": bool, "password": str | None}."""
    provider.check(settings)
    with opened(settings) as context:
        given = os.environ.get("ISOCENTER_ADMIN_PASSWORD") or None
        first = not accounts.users(context, SYSTEM)
        _tell_subscribers(context)
        _begin_uploads(context)
        filling.announce(context)
        try:
            return {"first_start": first, "password": accounts.ensure_admin(context, given)}
        except Invalid as error:
            error.message = f"ISOCENTER_ADMIN_PASSWORD cannot be used: {error.message}"
            raise


def _tell_subscribers(context: Context) -> None:
    """Of work items, that we are back. What knows about them takes a third of a second to load: only where there are any."""
    def subscribed(connection: Connection) -> bool:
        return any(connection.execute(select(table).limit(1)).first() for table in (ups_subscription, ups_global_subscription))

    if not context.database.read(subscribed):
        return
    from isocenter.service import ups_reports

    ups_reports.restarted(context)


def _begin_uploads(context: Context) -> None:
    """With an object store: it must let us in, and this node's uploads begin anew. Raises Broken.

    One that is away is waited for: what was read lately can be read, and senders are told to try again later.
    """
    if context.settings.bucket is None:
        return
    from isocenter.store.bucket import Bucket
    from isocenter.work import uploads

    try:
        Bucket(context.settings).check()
    except Away:
        pass  # it is in the log
    uploads.restarted(context)


def _upload(context: Context, stop: threading.Event | None = None) -> threading.Thread | None:
    """Copying into an object store, beside what a process does; until stop is set or the context closed."""
    if not context.blobs.node:
        return None
    from isocenter.work import uploads

    thread = threading.Thread(target=uploads.run, args=(context, stop or threading.Event()), name="uploads", daemon=True)
    thread.start()
    return thread


@contextmanager
def _active(settings: Settings, role: str) -> Iterator[Context]:
    """A Context for the length of a role, whose beginning and end are noted."""
    with opened(settings) as context:
        audit_trail.began(context, role)
        yield context
        audit_trail.ended(context, role)


def http_application(context: Context) -> "ASGIApp":
    """The ASGI application of the web role."""
    from isocenter import site

    _upload(context)
    audit_trail.began(context, site.ROLE)
    return site.application(context)


def http_site(settings: Settings) -> "ASGIApp":
    """All that the web role answers: one archive, or one for each host."""
    parts = tenants.archives(settings)
    if "" in parts:
        return http_application(build_context(settings))
    from isocenter.hosts import ByHost

    pool = Pool(settings.transcoding_processes)
    return ByHost({tenants.host_of(part): http_application(build_context(part, pool)) for part in parts.values()})


def serve_dicom(
    settings: Settings, stop: threading.Event, places: int, listener: socket.socket, secure: socket.socket | None = None
) -> None:
    """The DICOM role: one process of those that share bound sockets. Returns after stop is set and all associations ended.

    places: a descriptor of `dimse.places.create`, shared with the others. secure: the socket for TLS.
    """
    from isocenter.dimse import server

    with ExitStack() as open_now:
        parts = tenants.archives(settings)
        contexts = {part.aet: open_now.enter_context(_active(part, "dicom")) for part in parts.values()}
        uploading = []
        for context in contexts.values():
            integrity.leftovers(context)  # of the process before, if it was killed
            uploading.append(_upload(context, stop))
        # What is loaded by now stays; and receiving makes many small objects, few of them in cycles: the collector's default
        # pace costs four busy associations 4 %.
        gc.freeze()
        gc.set_threshold(50_000, 50, 100)
        archives = next(iter(contexts.values())) if "" in parts else contexts
        server.serve(archives, stop, listener, secure, places)
        for thread in filter(None, uploading):
            thread.join()


def serve_hl7(settings: Settings, stop: threading.Event, plain: socket.socket | None, secure: socket.socket | None) -> None:
    """The HL7 role, on bound sockets. Returns after stop is set and what has begun is answered."""
    from isocenter.dimse import tls
    from isocenter.hl7 import server

    with _active(settings, "hl7") as context:
        certificates = tls.accepting(settings).context if secure is not None else None
        uploading = _upload(context, stop)
        server.serve(context, stop, plain, secure, certificates)
        if uploading is not None:
            uploading.join()


def run_worker(settings: Settings, stop: threading.Event) -> None:
    """The worker role: what follows ingest, until stop is set."""
    from isocenter.work import (
        anchoring,
        audit_relay,
        backups,
        commitments,
        copies,
        journal,
        notices,
        progress,
        rejections,
        relay,
        retrievals,
        scrubbing,
        sweeps,
        ups,
        webhooks,
    )
    from isocenter.work import filling as index_filling
    from isocenter.work import hl7 as hl7_messages

    # Beside the rounds: reading many files, or a peer that does not answer, makes no viewer wait for a document.
    beside = {
        "anchors": anchoring.run, "audit": audit_relay.run, "backups": backups.run,
        "commitments": commitments.report, "commitment-requests": commitments.ask, "copies": copies.run,
        "hl7": hl7_messages.run, "index": index_filling.run, "journal": journal.run,
        "notices": notices.run, "progress": progress.run, "rejections": rejections.run,
        "relay": relay.run, "retrievals": retrievals.run, "scrub": scrubbing.run,
        "ups-reports": ups.run, "webhooks": webhooks.run,
    }  # fmt: skip
    with _active(settings, "worker") as context:
        threads = [
            threading.Thread(target=run, args=(context, stop), name=name, daemon=True) for name, run in beside.items()
        ]  # fmt: skip
        for thread in threads:
            thread.start()
        if (uploading := _upload(context, stop)) is not None:
            threads.append(uploading)
        sweeps.run(context, stop)
        for thread in threads:
            thread.join()
