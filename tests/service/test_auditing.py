"""The change log is a chain: whatever is done to a row behind our back is found, and nothing else."""

import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select, update

from isocenter.domain.errors import Invalid
from isocenter.service import auditing
from isocenter.service.context import Context
from isocenter.store import changes
from isocenter.store.schema import change

ROWS = 8


def write(context: Context, count: int = ROWS, actor: str = "ray") -> None:
    for number in range(count):
        context.database.write(lambda c, number=number: changes.append(c, "study.read", f"1.2.{number}", actor, {"é": number}))


def rows(connection: Connection) -> list[Any]:
    return list(connection.execute(select(change).order_by(change.c.seq)).all())


def test_what_was_written_is_sound_whoever_wrote_it(context: Context) -> None:
    threads = [threading.Thread(target=write, args=(context, 20, name)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    audit = auditing.look(context)
    assert audit.is_sound and audit.rows == 60 and audit.older == 0
    number, _, digest = audit.head.partition(":")
    write(context, 3)
    assert auditing.look(context, audit.head).anchored
    assert auditing.look(context, f"{number}:{'0' * 64}").anchored is False
    assert auditing.look(context, f"999:{digest}").anchored is False


damage = st.one_of(
    st.tuples(st.just("change"), st.integers(0, ROWS - 1), st.sampled_from([*changes._NAMES, "hash"])),
    st.tuples(st.just("remove"), st.integers(0, ROWS - 2), st.just("")),
    st.tuples(st.just("swap"), st.integers(0, ROWS - 2), st.just("")),
    st.tuples(st.just("blank"), st.integers(0, ROWS - 1), st.just("")),
    st.tuples(st.just("copy"), st.integers(1, ROWS - 2), st.just("")),
)


def harm(connection: Connection, how: str, at: int, column: str) -> None:
    """What somebody with the database in hand could do."""
    held = rows(connection)
    if how == "change":
        value = getattr(held[at], column)
        other = value.replace(year=2001) if column == "at" else "0" * 64 if column == "hash" else f"{value}!"
        connection.execute(update(change).where(change.c.seq == held[at].seq).values({column: other}))
    elif how == "remove":
        connection.execute(delete(change).where(change.c.seq == held[at].seq))
    elif how == "blank":
        connection.execute(update(change).where(change.c.seq == held[at].seq).values(hash=""))
    else:
        one, two = held[at], held[at + 1]
        columns = changes._NAMES if how == "copy" else (*changes._NAMES, "hash")
        for row, other in ((one, two), (two, one)) if how == "swap" else ((one, two),):
            values = {name: getattr(other, name) for name in columns}
            connection.execute(update(change).where(change.c.seq == row.seq).values(values))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(damage, min_size=1, max_size=2))
def test_whatever_is_done_to_a_row_is_found(shared_context: Context, done: list[tuple[str, int, str]]) -> None:
    shared_context.database.write(lambda c: c.execute(delete(change)))
    write(shared_context)
    before = shared_context.database.read(rows)
    for how, at, column in done:
        shared_context.database.write(lambda c, how=how, at=at, column=column: harm(c, how, min(at, len(rows(c)) - 2), column))
    audit = auditing.look(shared_context)
    assert audit.is_sound == (shared_context.database.read(rows) == before), (done, audit)


def test_an_end_that_was_cut_off_is_found_by_a_head_that_was_noted(context: Context) -> None:
    write(context)
    head = auditing.look(context).head
    context.database.write(lambda c: c.execute(delete(change).where(change.c.seq == int(head.partition(":")[0]))))
    assert auditing.look(context).is_sound
    assert not auditing.look(context, head).is_sound


def test_rows_from_before_the_chain_and_from_an_older_program_in_between(context: Context) -> None:
    """An older node beside us writes rows without a hash: they are told of, and the chain goes on past them."""
    old = {"at": context.clock(), "kind": "study.read", "subject": "1", "actor": "x", "payload": "{}"}
    context.database.write(lambda c: c.execute(insert(change).values(old)))
    write(context, 3)
    assert auditing.look(context).is_sound and auditing.look(context).older == 1
    context.database.write(lambda c: c.execute(insert(change).values(old)))
    write(context, 3)
    audit = auditing.look(context)
    assert not audit.broken and len(audit.unchained) == 1 and audit.rows == 8


def test_what_is_no_head(sqlite_context: Context) -> None:
    for text in ("x", "1:ff", f"-1:{'0' * 64}"):
        with pytest.raises(Invalid):
            auditing.look(sqlite_context, text)
