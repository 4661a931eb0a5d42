"""The only code that opens transactions: `read`, `write`, and `write_each` for what comes by the thousand.

Writers of one process form groups. Whoever comes while nobody writes leads: it takes everything that waits (at most
`GROUP`), runs it in ONE transaction and wakes the others after the COMMIT; what came meanwhile is the next group, led by its
first member. So a lone sender pays no change of thread, and sixteen senders pay one sync of the disk. Between processes the
leaders queue in the kernel (SQLite: flock) or in the database (PostgreSQL).

A function that fails does not disturb its group: its savepoint is rolled back and only its caller gets the error. Items of one
handler run as one call; when that fails they run again one by one. Functions may therefore run more than once: they must do
nothing but speak to the Connection.

On return the COMMIT is on the disk. On SQLite the leader has given up its lead before it syncs the log, and so the next group
writes meanwhile. Who has told of its rows elsewhere, durably, gives `then` and is not kept waiting for the log. When the COMMIT
itself fails, nobody knows whether it took place: `InDoubt`.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine

from isocenter.domain.errors import Broken, IsocenterError
from isocenter.store import changes, connections, migrations
from isocenter.store.afterwards import Afterwards

T = TypeVar("T")
Item = TypeVar("Item")

GROUP = 64  # jobs in one transaction: LIBRARIES 4.1 finds no gain above, and a failure repeats at most this many
ATTEMPTS = 20  # each lost race shows us a row that another process committed, so this is only met when something is very wrong


class InDoubt(Broken):
    """The connection broke during COMMIT: what was written may be there. Blobs must stay; sending again is safe."""


@dataclass(slots=True, eq=False)
class _Job:
    """One caller that waits. handler and item: what to do in one call with others of the same handler.

    waits: also for the log to be on the disk. log: to which it was committed.
    """

    handler: Callable[[Connection, Sequence[Any]], Sequence[Any]]
    item: Any
    waits: bool = True
    log: connections.Log | None = None
    woken: threading.Lock = field(default_factory=threading.Lock)
    done: bool = False
    value: Any = None
    error: BaseException | None = None


def _alone(connection: Connection, functions: Sequence[Callable[[Connection], Any]]) -> list[Any]:
    return [function(connection) for function in functions]


class Database:
    """The index. Safe to share between threads; each process makes its own (after a fork, never before).

    url: sqlite:////path/index.sqlite or postgresql+psycopg://... The schema is created or migrated here.
    Raises Broken when the database cannot be reached, is damaged, or is newer than this program.
    """

    def __init__(self, url: str) -> None:
        self.url = connections.parse_url(url)
        self.place = connections.place(self.url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        try:
            if self.is_sqlite:
                Path(cast(str, self.url.database)).parent.mkdir(parents=True, exist_ok=True)
            self._lock = connections.WriterLock(self.url)
        except OSError as error:
            raise Broken(f"the database {self.place} cannot be opened: {error.strerror}") from error
        self._reads: Engine = connections.reading(self.url)
        self._writes: Engine = connections.writing(self.url)
        self._log: connections.Log | None = None
        self._afterwards = Afterwards()
        self._connection: Connection | None = None
        self._mutex = threading.Lock()
        self._waiting: list[_Job] = []
        self._led = False
        self._closed = False
        try:
            migrations.apply(self._writes, self._lock, self.place)
        except Exception as error:
            self._writes.dispose()
            self._lock.close()
            known = connections.translated(error, self.place)
            if known is None:
                raise
            raise known from error

    def read(self, function: Callable[[Connection], T]) -> T:
        """Run a function in a read-only transaction that sees one state of the database.

        It is run again when a pooled connection turns out to be dead. Raises Broken when the database is away, Busy when too
        many wait.
        """
        for last in (False, True):
            try:
                with self._reads.connect() as connection:
                    return function(connection)
            except IsocenterError:
                raise
            except Exception as error:
                if connections.is_lost(error) and not last:
                    continue
                known = connections.translated(error, self.place)
                if known is None:
                    raise
                raise known from error
        raise AssertionError  # the loop returns or raises

    def secure(self) -> None:
        """What anybody has read until now is on the disk when it returns. Raises Broken."""
        try:
            connections.sync_log(self.url)
        except OSError as error:
            raise Broken(f"the log of the database {self.place} could not be synced: {error.strerror}") from error

    def write(self, function: Callable[[Connection], T]) -> T:
        """Run a function in a transaction and return its value after the COMMIT is on the disk.

        What the function raises is raised here and undoes all it did. Raises NoSpace, Busy, Broken, InDoubt.
        """
        return cast(T, self._submit(_Job(_alone, function)))

    def write_each(
        self, handler: Callable[[Connection, Sequence[Item]], Sequence[T]], item: Item, then: Callable[[T], None] | None = None
    ) -> T:
        """As `write`, for a handler that does the items of several callers in one call, in order, one result for each.

        then: called with the value, by another thread perhaps, once the COMMIT is on the disk; who gives it is answered as soon
        as others see the row, and must have told of it elsewhere, durably.
        """
        job = _Job(handler, item, waits=then is None)
        value = cast(T, self._submit(job))
        if then is not None:
            self._afterward(cast(connections.Log, job.log), partial(then, value))
        return value

    def _afterward(self, log: connections.Log, then: Callable[[], None]) -> None:
        if log.is_needed:
            if self._afterwards.add(log, then):
                return
            self._sync(log)
        then()

    def close(self) -> None:
        """Finish what has begun, refuse what comes later, give all connections back."""
        with self._mutex:
            self._closed = True
        self._afterwards.close()
        with self._lock.held():
            self._drop_connection()
        self._reads.dispose()
        self._writes.dispose()
        self._lock.close()

    def _submit(self, job: _Job) -> Any:
        job.woken.acquire()
        with self._mutex:
            if self._closed:
                raise Broken("the archive is stopping", kept=connections.KEPT, hint=connections.AGAIN)
            self._waiting.append(job)
            leads = not self._led
            self._led = True
        if not leads:
            job.woken.acquire()
        if not job.done:
            self._lead()
        if job.error is not None:
            raise job.error
        return job.value

    def _lead(self) -> None:
        with self._mutex:
            group = self._waiting[:GROUP]
            del self._waiting[:GROUP]
        try:
            try:
                log = self._run(group)
            finally:
                self._give_up_the_lead()
            for job in group:
                job.log = log
            if any(job.waits for job in group):
                self._sync(log)
        except BaseException as error:
            for job in group:
                job.error = job.error or self._told(error)
            if not isinstance(error, Exception):
                raise
        finally:
            for job in group:
                job.done = True
                job.woken.release()

    def _give_up_the_lead(self) -> None:
        with self._mutex:
            following = self._waiting[0] if self._waiting else None
            self._led = following is not None
        if following is not None:
            following.woken.release()

    def _sync(self, log: connections.Log) -> None:
        """Also when nothing was written: what a job has seen, and its caller relies on, may be another's commit of just now."""
        try:
            log.sync()
        except OSError as error:
            raise self._in_doubt(f"the log of the database {self.place} could not be synced: {error.strerror}") from error

    def _in_doubt(self, message: str) -> InDoubt:
        return InDoubt(message, kept="It is not known whether this was kept.", hint=connections.AGAIN)

    def _told(self, error: BaseException) -> BaseException:
        """The error as one caller gets it; each gets an object of its own."""
        if isinstance(error, InDoubt):
            return InDoubt(error.message, kept=error.kept, hint=error.hint)
        known = connections.translated(error, self.place)
        return known if known is not None else error

    def _run(self, group: list[_Job]) -> connections.Log:
        """One transaction for the group; again when the connection was dead already, or when other processes were in the way.

        Returns what has to be synced before anybody is answered.
        """
        with self._lock.held():
            for attempt in range(1, ATTEMPTS + 1):
                reused = self._connection is not None
                try:
                    return self._transaction(group, patient=attempt < ATTEMPTS)
                except InDoubt:
                    raise
                except Exception as error:
                    again = connections.is_race(error) or (reused and connections.is_lost(error))
                    if not again or attempt == ATTEMPTS:
                        raise
        raise AssertionError  # the loop returns or raises

    def _transaction(self, group: list[_Job], *, patient: bool) -> connections.Log:
        """patient: a race is raised, to begin again; otherwise it is told to the job that met it."""
        for job in group:
            job.value, job.error = None, None
        try:
            if self._connection is None:
                self._connection = self._writes.connect()
            connection = self._connection
            changes.begin(connection)
            connection.begin()
            self._run_units(connection, group, patient)
            changes.flush(connection)
        except BaseException as error:
            self._roll_back(connections.is_lost(error))
            raise
        self._commit(connection)
        if self._log is None:
            self._log = connections.Log(connection)
        return self._log

    def _commit(self, connection: Connection) -> None:
        try:
            connection.commit()
        except BaseException as error:
            self._drop_connection()
            if isinstance(connections.translated(error, self.place), Broken):
                raise self._in_doubt(f"the database {self.place} went away during the commit") from error
            raise

    def _run_units(self, connection: Connection, group: list[_Job], patient: bool) -> None:
        """A unit is one function, or all items of one handler. A single job needs no savepoint: its transaction is its own."""
        if len(group) == 1:
            self._attempt(connection, group)
            return
        units: dict[Any, list[_Job]] = {}
        for job in group:
            units.setdefault(id(job) if job.handler is _alone else job.handler, []).append(job)
        for jobs in units.values():
            if self._attempt_apart(connection, jobs, patient) is None or len(jobs) == 1:
                continue
            for job in jobs:
                job.error = None
            for job in jobs:
                self._attempt_apart(connection, [job], patient)

    def _attempt_apart(self, connection: Connection, jobs: list[_Job], patient: bool) -> Exception | None:
        """Run the jobs behind a savepoint; their error, if they have one, is noted in each."""
        try:
            with _Savepoint(connection):
                self._attempt(connection, jobs)
        except Exception as error:
            if connections.is_lost(error) or (patient and connections.is_race(error)):
                raise
            for job in jobs:
                job.error = self._told(error)
            return error
        return None

    @staticmethod
    def _attempt(connection: Connection, jobs: list[_Job]) -> None:
        values = jobs[0].handler(connection, [job.item for job in jobs])
        for job, value in zip(jobs, values, strict=True):
            job.value = value

    def _roll_back(self, lost: bool) -> None:
        if self._connection is None:
            return
        try:
            connections.forget(self._connection)
            if not lost:
                self._connection.rollback()
                return
        except Exception:  # noqa: BLE001 - whatever it is, this connection is of no more use
            pass
        self._drop_connection()

    def _drop_connection(self) -> None:
        connection, self._connection, self._log = self._connection, None, None
        if connection is not None:
            try:
                connection.invalidate()
                connection.close()
            except Exception:  # noqa: BLE001 - it is being thrown away
                pass


class _Savepoint:
    """A savepoint that also takes back the buffered changes and whatever handlers remember of rows that now vanish."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._mark = changes.mark(self._connection)
        self._say("SAVEPOINT unit")

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is None:
            self._say("RELEASE SAVEPOINT unit")
            return
        changes.cut(self._connection, self._mark)
        connections.forget(self._connection)
        if not connections.is_lost(error):
            self._say("ROLLBACK TO SAVEPOINT unit")
            self._say("RELEASE SAVEPOINT unit")

    def _say(self, statement: str) -> None:
        """To the driver: SQLAlchemy's own savepoints take 40 us, a fifth of a transaction."""
        cursor = self._connection.connection.cursor()
        try:
            cursor.execute(statement)
        finally:
            cursor.close()
