"""Work done aside."""

import threading

import pytest

from isocenter.store import aside


def test_many_tasks_each_with_its_own_result() -> None:
    tasks = [aside.start(lambda number=number: number * number) for number in range(500)]
    assert [task.result() for task in tasks] == [number * number for number in range(500)]
    assert tasks[7].result() == 49


def test_an_error_goes_to_whoever_asks_each_time() -> None:
    def fail() -> None:
        raise ValueError("no")

    task = aside.start(fail)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            task.result()
    assert aside.start(lambda: 1).result() == 1


def test_the_caller_goes_on_meanwhile() -> None:
    gate = threading.Event()
    task = aside.start(lambda: gate.wait(10))
    gate.set()
    assert task.result()
