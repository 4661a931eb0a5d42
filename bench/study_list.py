"""The study list over many studies: each order's first page and a deep one, and what an instance costs to add.

    python -m bench.study_list DATABASE_URL [STUDIES]

Fills an empty database with made-up studies (no files) where there are fewer; prints milliseconds, the median of RUNS.
"""

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, func, insert, select, text

from isocenter.domain.access import Everything
from isocenter.store import worklist
from isocenter.store.database import Database
from isocenter.store.schema import patient, series, study, study_modality
from isocenter.store.worklist import SORTS, Order

RUNS = 7
TOGETHER = 5000
MODALITIES = ("CT", "MR", "CR", "DX", "US", "MG", "NM", "PT", "XA", "SR")
NAMES = ("Adams", "Baker", "Clark", "Davis", "Evans", "Frank", "Ghosh", "Hills", "Irwin", "Jones", "Klein", "Lopez")


def rows(first: int, last: int) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """Patient, study, study_modality and series of each number."""
    for number in range(first, last):
        made = random.Random(number)
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
        family, images = made.choice(NAMES), int(made.lognormvariate(4, 1.5)) + 1
        name = f"{family}{number % 997}^{made.choice(NAMES)}"
        date = f"{made.randint(2010, 2026)}{made.randint(1, 12):02}{made.randint(1, 28):02}"
        time_of_day = f"{made.randint(0, 23):02}{made.randint(0, 59):02}{made.randint(0, 59):02}"
        person = {"patient_name": name, "patient_name_key": name.upper(), "patient_id": f"P{number}",
                  "patient_birth_date": f"{made.randint(1930, 2020)}0101", "patient_sex": made.choice("MF")}
        times = {"received_at": at, "updated_at": at}
        modality = made.choice(MODALITIES)
        yield (
            {"id": number, "identity": f"i{number}", **person, **times},
            {"id": number, "patient_fk": number, **person, **times, "study_instance_uid": f"1.2.3.{number}", "study_date": date,
             "study_time": time_of_day, "accession_number": f"A{number}",
             "study_description": f"{modality} of {family}", "modalities_in_study": modality,
             "referring_physician_name": f"House^{family}", "referring_physician_name_key": f"HOUSE^{family}".upper(),
             "number_of_study_related_series": images % 9 + 1, "number_of_study_related_instances": images},
            {"study_fk": number, "modality": modality, "study_date": date, "patient_name_key": name.upper()},
            {"id": number, "study_fk": number, "series_instance_uid": f"1.2.3.{number}.1", "modality": modality,
             "number_of_series_related_instances": images, **times},
        )


def fill(database: Database, studies: int) -> None:
    """Add what is missing."""
    have = database.read(lambda connection: connection.execute(select(func.max(study.c.id))).scalar() or 0)
    for first in range(have + 1, studies + 1, TOGETHER):
        batch = list(zip(*rows(first, min(first + TOGETHER, studies + 1)), strict=True))

        def write(connection: Connection, batch: list[Any] = batch) -> None:
            for table, values in zip((patient, study, study_modality, series), batch, strict=True):
                connection.execute(insert(table), list(values))

        database.write(write)
    database.write(lambda connection: connection.execute(text("analyze")))


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
    fill(database, studies)
    for keyword in SORTS:
        asked = ((Order(keyword, False), 0), (Order(keyword, True), 0), (Order(keyword, True), studies // 2))
        first, last, half = (milliseconds(partial(database.read, partial(first_page, *each))) for each in asked)
        print(f"{keyword:32} first {first:8.1f}   last {last:8.1f}   half way {half:8.1f} ms", flush=True)
    print(f"one more instance: {grow(database, studies):.0f} µs")
    database.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 200_000)
