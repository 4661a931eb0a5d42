"""Events of a subscriber get their numbers in the order of commits, on both databases: who reads on from a number misses none."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from sqlalchemy import Connection

from isocenter.domain import ups
from isocenter.store import ups_reports
from isocenter.store.database import Database
from isocenter.store.ups_reports import Subscriber


def test_a_later_event_waits_for_the_commit_of_an_earlier_one(database_url: str) -> None:
    """Two processes: the first has added an event and not committed when the second adds one for the same subscriber."""
    first, second = Database(database_url), Database(database_url)
    added, go_on = threading.Event(), threading.Event()
    now = datetime.now(UTC)

    def add(connection: Connection, step: str) -> None:
        ups_reports.add(connection, [Subscriber("READING", web=True)], step, [ups.restarted()], now)

    def slowly(connection: Connection) -> None:
        add(connection, "1.1")
        added.set()
        assert go_on.wait(30)

    def read(after: int) -> list[tuple[int, str]]:
        found = first.read(lambda connection: ups_reports.after(connection, "READING", after, 10))
        return [(each.id, each.sop_instance_uid) for each in found]

    first.write(lambda connection: add(connection, "1.0"))
    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(first.write, slowly)
        assert added.wait(30)
        other = threads.submit(second.write, lambda connection: add(connection, "1.2"))
        other_ended = threading.Event()
        other.add_done_callback(lambda done: other_ended.set())
        other_ended.wait(0.5)
        seen = read(0)  # what a connection would be told now, and read on from
        go_on.set()
        one.result(30)
        other.result(30)
        seen += read(seen[-1][0] if seen else 0)
    assert [step for _, step in seen] == ["1.0", "1.1", "1.2"]
    first.close()
    second.close()

