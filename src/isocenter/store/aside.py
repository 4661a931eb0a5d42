"""Work that is done aside, in another thread, while its caller goes on: waiting for the disk, hashing.

Only for work that gives up the GIL. A hand-over costs some 30 microseconds, a tenth of what concurrent.futures takes.
"""

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar, cast

T = TypeVar("T")


class Task(Generic[T]):
    """A function that runs aside; made by `start`."""

    __slots__ = ("_done", "_error", "_function", "_value")

    def __init__(self, function: Callable[[], T]) -> None:
        self._function: Callable[[], T] | None = function
        self._value: T | None = None
        self._error: BaseException | None = None
        self._done = threading.Lock()
        self._done.acquire()

    def run(self) -> None:
        """Called by a thread of this module, once."""
        function, self._function = self._function, None
        try:
            self._value = cast(Callable[[], T], function)()
        except BaseException as error:  # noqa: BLE001  it belongs to whoever asks for the result
            self._error = error
        finally:
            self._done.release()

    def result(self) -> T:
        """Wait for the end; the value of the function. Raises what it raised. May be called again."""
        with self._done:
            if self._error is not None:
                raise self._error
            return cast(T, self._value)


class _Threads:
    """They start with the first task (a fork in between would lose them)."""

    # One waits for the disk while another hashes, for each of the senders that keep the cores busy; more would only queue there.
    number = 4 * (os.cpu_count() or 1)

    def __init__(self) -> None:
        self._queue: SimpleQueue[Task[object]] = SimpleQueue()
        self._lock = threading.Lock()
        self._running = False

    def put(self, task: "Task[object]") -> None:
        if not self._running:
            self._start()
        self._queue.put(task)

    def _start(self) -> None:
        with self._lock:
            if not self._running:
                for number in range(self.number):
                    threading.Thread(target=self._run, name=f"aside-{number}", daemon=True).start()
                self._running = True

    def _run(self) -> None:
        while True:
            self._queue.get().run()


_threads = _Threads()


def start(function: Callable[[], T]) -> Task[T]:
    """Run a function aside."""
    task = Task(function)
    _threads.put(cast("Task[object]", task))
    return task
