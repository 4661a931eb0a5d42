"""The durable engine behind three names: `enqueue` a piece of work, `has` it still, and `tend` what others have left.

DBOS, on a SQLite file of its own beside the index, or in the schema "dbos" of the same PostgreSQL. A piece of work is a function
and plain values; it has a name, and a name is taken once. It is begun again when the process that did it has died, so it must
find out itself what has been done already; pieces of one partition are done one at a time, in any order. What LIBRARIES 1.2
found by running is dealt with here:

    rollback journal       the file is opened in WAL mode            version of the code   pinned: VERSION
    whole backlog at once  worker_concurrency, one a partition       dead workers          each says that it lives (`tend`)
    no retention           what has ended is deleted (`tend`)        idle cost             the caller closes what is idle
"""

import logging
import os
import socket
import sqlite3
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine as SqlEngine
from sqlalchemy import create_engine, event

from isocenter.domain.errors import Broken
from isocenter.service.context import Context
from isocenter.store import engine as rows

log = logging.getLogger(__name__)

# Raised when this program could not finish what an older one began; who gave it then gives it anew, since `has` denies it.
VERSION = "1"
NAME = "isocenter"
QUEUE = "work"
# Pieces at once in one process, and of one partition in all processes.
AT_ONCE = 8
# Between two looks at the queue (seconds), which is also the least that each piece of a partition takes: ten studies a second to
# one destination. A look costs 4 ms of a processor.
LOOK = 0.1
# A worker that has not been heard of for so long is dead; it says each BEAT that it is not.
BEAT = 5.0
DEAD = timedelta(seconds=60)
# Pieces that ended are forgotten after so long: what they did is in rows of ours.
KEEP = timedelta(days=1)
_FORGOTTEN_TOGETHER = 500
_OPEN = ("ENQUEUED", "PENDING", "DELAYED")

Work = Mapping[str, Callable[..., None]]


class Engine:
    """One of these a process. work: name -> function of plain values, which threads of the engine call."""

    def __init__(self, context: Context, work: Work) -> None:
        self._context = context
        self._host = _host()
        self.executor_id = f"{self._host}:{os.getpid()}:{_started(os.getpid())}"
        self._beaten = 0.0
        self._database = _database(context)
        try:
            self._launch(work)
        except Exception as error:
            self._destroy()
            hint = "The database's user must be allowed to make the schema dbos; the data folder must be writable."
            raise Broken(f"the durable engine cannot be started: {_reason(error)}", hint=hint) from error

    def _launch(self, work: Work) -> None:
        # Half a second of imports, for those only who have something to do.
        from dbos import DBOS, DBOSConfig
        from dbos._serialization import DBOSPortableJSON

        config = DBOSConfig(
            name=NAME, application_version=VERSION, executor_id=self.executor_id, system_database_engine=self._database,
            system_database_url=self._database.url.render_as_string(hide_password=False), serializer=DBOSPortableJSON,
            use_listen_notify=False, enable_otlp=False, log_level="WARNING", notification_listener_polling_interval_sec=0.5,
            scheduler_polling_interval_sec=3600.0,
        )  # fmt: skip
        self._dbos = DBOS(config=config)
        _log_as_we_do()

        def step(name: str, arguments: list[Any]) -> None:
            work[name](*arguments)

        def run(name: str, arguments: list[Any]) -> None:
            DBOS.run_step({"name": name}, step, name, arguments)

        self._run = DBOS.workflow(name="run")(run)
        self._beat()  # before anything is taken, so that what it leaves behind is found
        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=AT_ONCE, partition_concurrency=1, polling_interval_sec=LOOK,
                            on_conflict="always_update")  # fmt: skip
        self._take_over()

    def _destroy(self) -> None:
        from dbos import DBOS

        DBOS.destroy(destroy_registry=True)
        self._database.dispose()

    def enqueue(self, key: str, partition: str, name: str, *arguments: int | str) -> None:
        """Durable on return. key: its name, a second piece of the same key is none; of a partition one is done at a time."""
        from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

        with SetWorkflowID(key), SetEnqueueOptions(queue_partition_key=partition):
            DBOS.enqueue_workflow(QUEUE, self._run, name, list(arguments))

    def has(self, key: str) -> bool:
        """Whether a piece waits or is being done, by whomever. One that another VERSION began is not ours any more."""
        from dbos import DBOS

        status = DBOS.get_workflow_status(key)
        return status is not None and status.status in _OPEN and status.app_version == VERSION

    def tend(self) -> None:
        """To be called every few seconds: says that this process is alive, takes over from dead ones, forgets what has ended."""
        if time.monotonic() - self._beaten < BEAT:
            return
        self._beat()
        self._take_over()
        self._forget()

    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is being done."""
        from dbos import DBOS

        return not DBOS.list_workflows(status=list(_OPEN), app_version=VERSION, limit=1, load_input=False)

    def close(self, patience: float) -> None:
        """Take no more work, and wait at most so many seconds for what is being done."""
        deadline = time.monotonic() + patience
        while self._busy() and time.monotonic() < deadline:
            time.sleep(0.05)
        ended = not self._busy()
        self._destroy()
        if ended:  # what was cut off is taken over by whoever finds our name and not us
            self._context.database.write(partial(rows.forget, executor_id=self.executor_id))

    def _busy(self) -> bool:
        return bool(self._dbos._active_workflows_set.activeList())

    def _beat(self) -> None:
        now = self._context.clock()
        self._context.database.write(partial(rows.beat, executor_id=self.executor_id, host=self._host, now=now))
        self._beaten = time.monotonic()

    def _take_over(self) -> None:
        """What dead processes were doing waits again. DBOS leaves that to a service of its maker's (LIBRARIES 1.2, trap 2)."""
        from dbos._recovery import recover_pending_workflows

        now = self._context.clock()
        known = self._context.database.read(partial(rows.known, host=self._host))
        living = [name for name in known if _is_alive(name)]
        find = partial(rows.silent, seen_before=now - DEAD, host=self._host, living=living)
        for dead in self._context.database.read(find):
            if dead == self.executor_id:
                continue
            found = recover_pending_workflows(self._dbos, [dead])
            self._context.database.write(partial(rows.forget, executor_id=dead))
            log.warning("the work of a dead process goes on", extra={"facts": {"executor": dead, "pieces": len(found)}})

    def _forget(self) -> None:
        from dbos import DBOS

        before = (self._context.clock() - KEEP).isoformat()
        ended = DBOS.list_workflows(status=["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"], end_time=before,
                                    limit=_FORGOTTEN_TOGETHER, load_input=False, load_output=False)  # fmt: skip
        if ended:
            DBOS.delete_workflows([each.workflow_id for each in ended])


def path(context: Context) -> Path:
    """The file of an embedded archive."""
    return context.settings.data.absolute() / "engine.sqlite"


def _database(context: Context) -> SqlEngine:
    """The connections of DBOS, ours to configure: a few, and on SQLite in WAL mode with writers that queue."""
    url = context.database.url
    if url.get_backend_name() == "postgresql":
        return create_engine(url, pool_size=4, max_overflow=4, pool_pre_ping=True,
                             connect_args={"connect_timeout": 5, "application_name": "isocenter-engine"})  # fmt: skip
    engine = create_engine(f"sqlite:///{path(context)}", pool_size=8, max_overflow=8)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    return engine


def _reason(error: Exception) -> str:
    """The first line of what went wrong, without the statement and its address."""
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0]


def _log_as_we_do() -> None:
    """Its logger brings a handler of its own; ours tells the same in our form."""
    logger = logging.getLogger("dbos")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.propagate = True


def _host() -> str:
    """This machine since it was started, and what of its processes we see: where a process number means one process."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{socket.gethostname()}/{boot[:8]}/{os.stat('/proc/self/ns/pid').st_ino}"


def _started(pid: int) -> str:
    """When a process was started, in the kernel's ticks; "" when there is none. proc(5), field 22."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _is_alive(executor_id: str) -> bool:
    _, pid, started = executor_id.rsplit(":", 2)
    return _started(int(pid)) == started
