"""One archive for the tests of Unified Procedure Steps, its users, and a clock that they can turn."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pynetdicom import AE
from sqlalchemy import Connection, delete

from dimse.conftest import Archive, bound
from dimse.ups.users import NOW, PULL, PUSH, QUERY, WATCH, Clock, User, Watcher
from isocenter.dimse.server import Server
from isocenter.domain.access import SYSTEM
from isocenter.service import peers
from isocenter.service.context import Context
from isocenter.store import schema, schema_ups


@pytest.fixture(scope="module")
def served(shared_context: Context) -> Iterator[Archive]:
    """One archive, its clock and its watcher for all tests, which find it empty."""
    made = replace(shared_context, clock=Clock())
    server = Server(made, bound())
    server.start()
    yield Archive(server, made)
    server.stop(0)


@pytest.fixture(scope="module")
def listener() -> Iterator[Watcher]:
    made = Watcher()
    with made.listening():
        yield made


@pytest.fixture
def clock(served: Archive) -> Clock:
    clock = served.context.clock
    assert isinstance(clock, Clock)
    clock.now = NOW
    return clock


@pytest.fixture
def archive(served: Archive, clock: Clock) -> Archive:
    def empty(connection: Connection) -> None:
        tables = schema_ups
        for table in (tables.ups_report, tables.ups_receiver, tables.ups_global_subscription, tables.ups, schema.peer):
            connection.execute(delete(table))

    served.context.database.write(empty)
    return served


@pytest.fixture
def watcher(archive: Archive, listener: Watcher) -> Watcher:
    listener.events.clear()
    listener.status = 0
    peers.add(archive.context, SYSTEM, aet="WATCHER", host="127.0.0.1", port=listener.port)
    return listener


@pytest.fixture
def user(archive: Archive) -> Iterator[User]:
    entity = AE(ae_title="PERFORMER")
    for sop_class in (PUSH, PULL, WATCH, QUERY):
        entity.add_requested_context(sop_class)
    association = entity.associate("127.0.0.1", archive.port, ae_title="ISOCENTER")
    assert association.is_established and len(association.accepted_contexts) == 4
    yield User(association)
    association.release()
