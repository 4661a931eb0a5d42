"""The study list over many studies: each order's first page and a deep one, and what an instance costs to add.

    python -m bench.study_list DATABASE_URL [STUDIES]

Fills an empty database with made-up studies (no files) where there are fewer; prints milliseconds, the median of RUNS.
"""

import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Connection

from bench import filling
from isocenter.domain.access import Everything
from isocenter.store import worklist
from isocenter.store.database import Database
from isocenter.store.schema import study
from isocenter.store.worklist import SORTS, Order

RUNS = 7


def milliseconds(run: Callable[[], object]) -> float:
    """The median of some runs, after one that warms the caches."""
    run()
    taken = []
    for _ in range(RUNS):
        began = time.perf_counter()
        run()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def one_more(number: int, connection: Connection) -> None:
    """What ingest does to the study's row for each instance."""
    counter = study.c.number_of_study_related_instances
    values = {counter: counter + 1, study.c.updated_at: datetime.now(UTC)}
    connection.execute(study.update().where(study.c.id == number).values(values))


def grow(database: Database, studies: int) -> float:
    """Microseconds of counting one more instance of a study that came lately, each in a transaction of its own."""
    chosen = random.Random(1)
    began = time.perf_counter()
    for _ in range(1000):
        database.write(partial(one_more, studies - chosen.randint(0, 50)))
    return (time.perf_counter() - began) * 1000


def first_page(order: Order, offset: int, connection: Connection) -> worklist.Page:
    """A page as the web client asks for it."""
    return worklist.page(connection, (), Everything(), order, limit=100, offset=offset, after=None)


def main(url: str, studies: int) -> None:
    """Print one line an order."""
    database = Database(url)
    filling.fill(database, studies)
    for keyword in SORTS:
        asked = ((Order(keyword, False), 0), (Order(keyword, True), 0), (Order(keyword, True), studies // 2))
        first, last, half = (milliseconds(partial(database.read, partial(first_page, *each))) for each in asked)
        print(f"{keyword:32} first {first:8.1f}   last {last:8.1f}   half way {half:8.1f} ms", flush=True)
    print(f"one more instance: {grow(database, studies):.0f} µs")
    database.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 200_000)
