"""A bounded pool of processes for work on pixels: codecs take a core, and a hostile image must not take the server with it.

    pool.run_sync(transcoding.frame, data, layout)      waits in the caller's thread
    await pool.run(transcoding.frame, data, layout)     waits without holding a thread of the caller's

Functions are top-level functions that take picklable values and return bytes; an open file goes along as `Handle(fd)`, and is a
descriptor of the worker's own there. What comes back is bytes or the text of an error, never pickled: a worker that was
taken over by what it decodes must not reach further. Workers start when they are first needed, and end when they have been idle.
"""

import asyncio
import json
import os
import pickle
import resource
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

from isocenter.dicom.elements import Malformed
from isocenter.domain.errors import Broken, Busy, NoSpace, Unsupported

T = TypeVar("T")
Call = Callable[..., bytes]

MOST_PROCESSES = 4
WAITING = 64  # requests beyond those that are worked on; more would wait longer than clients do
IDLE_SECONDS = 30.0  # a worker has 60 MB of codecs
TASK_SECONDS = 300.0  # longer than any frame or object takes; a worker that hangs is ended
WORKER_MEMORY = 6 << 30  # address space; a codec that wants more than any frame can need is stopped by it

_HEAD = struct.Struct("<cQ")
_CALL, _RESULT, _ERROR, _BYE = b"C", b"R", b"E", b"B"
_MOST_FILES = 8
_PIECE = 1 << 20
_START = "import sys; sys.path[:] = sys.argv[2:]; from isocenter.service.pool import work; work(int(sys.argv[1]))"


@dataclass(frozen=True, slots=True)
class Handle:
    """An open file among the arguments: the worker gets a descriptor of its own in its place, which it need not close."""

    fd: int


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a handle stood; its descriptor travels beside the arguments."""

    index: int


class _Gone(Exception):
    """The worker has ended."""


class Pool:
    """At most `processes` workers (0: one a core, at most 4) and `waiting` requests that wait for one; beyond that it is Busy."""

    def __init__(self, processes: int = 0, waiting: int = WAITING, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self.processes = processes or min(MOST_PROCESSES, len(os.sched_getaffinity(0)))
        self._waiting = waiting
        self._idle_seconds = idle_seconds
        self._threads: ThreadPoolExecutor | None = None
        self._mine = threading.local()
        self._workers: set[_Worker] = set()
        self._pending = 0
        self._lock = threading.Lock()
        self._closed = False

    async def run(self, function: Callable[..., bytes] | str, *arguments: Any) -> bytes:
        """What `function(*arguments)` returns in a worker; a function may be named "module:function", to not be imported here.

        Raises Busy, Broken (the worker died), Malformed, Unsupported, NoSpace.
        """
        return await asyncio.wrap_future(self.submit(function, *arguments))

    def run_sync(self, function: Callable[..., bytes] | str, *arguments: Any) -> bytes:
        """The same, waiting in this thread."""
        return self.submit(function, *arguments).result()

    def submit(self, function: Callable[..., bytes] | str, *arguments: Any) -> "Future[bytes]":
        """The same as a future: one that is canceled before its turn is not worked on. Raises Busy.

        The files of handles must stay open until it is done.
        """
        return self.job(lambda call: call(function, *arguments))

    def job(self, work: Callable[["Call"], T]) -> "Future[T]":
        """What `work(call)` returns: in a thread of the pool, where `call(function, *arguments)` has a worker to itself.

        For what is read before and kept after the call, which then waits for its turn as well. Raises Busy.
        """
        with self._lock:
            if self._closed:
                raise Busy("this process is ending", hint="Ask again.")
            if self._pending >= self.processes + self._waiting:
                raise Busy("too many images are being converted just now", retry_after=2, hint="Ask again in a moment.")
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self.processes, thread_name_prefix="pool")
            self._pending += 1
            threads = self._threads
        future = threads.submit(work, self._call)
        future.add_done_callback(self._done)
        return future

    @property
    def workers(self) -> list[int]:
        """Process ids of the workers that are alive."""
        with self._lock:
            return [worker.pid for worker in self._workers if worker.alive]

    def close(self) -> None:
        """End the workers, also those at work, and wait for them. Safe to call twice."""
        with self._lock:
            self._closed = True
            threads, self._threads = self._threads, None
            workers = list(self._workers)
        for worker in workers:
            worker.kill()
        if threads is not None:
            threads.shutdown(wait=True, cancel_futures=True)
        for worker in list(self._workers):
            worker.end()

    def _done(self, future: "Future[Any]") -> None:
        with self._lock:
            self._pending -= 1

    def _call(self, function: Callable[..., bytes] | str, *arguments: Any) -> bytes:
        """In the thread that owns a worker: the call, by a new worker when the last one has ended idle."""
        name = function if isinstance(function, str) else f"{function.__module__}:{function.__qualname__}"
        files = [each.fd for each in arguments if isinstance(each, Handle)]
        places = iter(range(len(files)))
        call = pickle.dumps((name, [_Place(next(places)) if isinstance(each, Handle) else each for each in arguments]))
        while True:
            worker = getattr(self._mine, "worker", None)
            if worker is None or not worker.alive:
                worker = self._start(worker)
            try:
                kind, answer = worker.call(call, files)
            except (_Gone, OSError):
                self._end(worker)
                if self._closed:
                    raise Busy("this process is ending", hint="Ask again.") from None
                raise Broken("the process that converts images ended unexpectedly",
                             hint="If it stays, this image may be damaged: retrieve it as it is stored.") from None
            if kind == _BYE:
                self._end(worker)
                continue
            if kind == _ERROR:
                raise _error(answer)
            return bytes(answer)

    def _start(self, last: "_Worker | None") -> "_Worker":
        if last is not None:
            self._end(last)
        worker = self._mine.worker = _Worker(self._idle_seconds)
        with self._lock:
            self._workers.add(worker)
            closed = self._closed
        if closed:
            worker.kill()
        return worker

    def _end(self, worker: "_Worker") -> None:
        worker.end()
        self._mine.worker = None
        with self._lock:
            self._workers.discard(worker)


class _Worker:
    """One process and the socket to it."""

    def __init__(self, idle_seconds: float) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-c", _START, str(theirs.fileno()), *sys.path]
            self._process = subprocess.Popen(command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, env=_environment())
        self._socket = ours
        ours.settimeout(TASK_SECONDS)
        ours.sendall(struct.pack("<d", idle_seconds))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def call(self, call: bytes, files: list[int]) -> tuple[bytes, bytearray]:
        """(kind, answer). Raises _Gone, OSError (also after TASK_SECONDS)."""
        try:
            socket.send_fds(self._socket, [_HEAD.pack(_CALL, len(call))], files)
            self._socket.sendall(call)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it may have said why: see below
        kind, length = _HEAD.unpack(_exactly(self._socket, _HEAD.size))
        return kind, _exactly(self._socket, length)

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        """Safe to call twice."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


def _environment() -> dict[str, str]:
    """No passwords, which a worker has no use for; and one thread, since there are as many workers as cores."""
    names = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {**kept, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _exactly(connection: socket.socket, length: int) -> bytearray:
    buffer = bytearray(length)
    view, deadline = memoryview(buffer), time.monotonic() + TASK_SECONDS
    while view:
        got = connection.recv_into(view[:_PIECE])
        if not got or time.monotonic() > deadline:
            raise _Gone
        view = view[got:]
    return buffer


def _error(answer: bytes | bytearray) -> Exception:
    facts = json.loads(answer)
    kind, reason, where = str(facts.get("kind")), str(facts.get("reason"))[:500], str(facts.get("where"))[:100]
    if kind == "malformed":
        return Malformed(reason, where)
    if kind == "unsupported":
        return Unsupported(reason, where=where)
    if kind == "no_space":
        return NoSpace("there is no room to convert the image", hint="An administrator should free some space.")
    return Broken(f"an image could not be converted ({reason})", hint="Retrieve it as it is stored.")


# ---- in the worker


def work(descriptor: int) -> None:
    """The worker: calls, one after the other, until nobody wants any more."""
    os.nice(5)  # receiving and answering go first
    resource.setrlimit(resource.RLIMIT_AS, (WORKER_MEMORY, WORKER_MEMORY))
    with socket.socket(fileno=descriptor) as connection:
        try:
            (idle_seconds,) = struct.unpack("<d", _exactly(connection, 8))
            while select.select([connection], [], [], idle_seconds)[0]:
                kind, answer = _answer(*_receive(connection))
                connection.sendall(_HEAD.pack(kind, len(answer)))
                connection.sendall(answer)
            connection.sendall(_HEAD.pack(_BYE, 0))  # the answer to a call that crosses it on its way
        except (_Gone, OSError):
            return  # the other side is gone


def _receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    head, files, _, _ = socket.recv_fds(connection, _HEAD.size, _MOST_FILES)
    if not head:
        raise _Gone
    head += bytes(_exactly(connection, _HEAD.size - len(head)))
    return bytes(_exactly(connection, _HEAD.unpack(head)[1])), files


def _answer(call: bytes, files: list[int]) -> tuple[bytes, bytes]:
    try:
        name, arguments = pickle.loads(call)
        module, _, qualified = name.partition(":")
        function = getattr(import_module(module), qualified)
        return _RESULT, function(*[files[each.index] if isinstance(each, _Place) else each for each in arguments])
    except Malformed as fault:
        facts = {"kind": "malformed", "reason": fault.reason, "where": fault.where}
    except Unsupported as error:
        facts = {"kind": "unsupported", "reason": error.message, "where": error.where}
    except (OSError, MemoryError):
        facts = {"kind": "no_space"}
    except Exception as error:  # noqa: BLE001  the text of an error may hold anything: its type is enough
        facts = {"kind": "broken", "reason": type(error).__name__}
    finally:
        for fd in files:
            os.close(fd)
    return _ERROR, json.dumps(facts).encode()
