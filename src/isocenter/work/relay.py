"""The worker's round that sends: change log -> rules -> deliveries -> engine, which runs only while there is something to send.

Nothing is in memory only: a worker that is killed leaves rows, and whoever comes next goes on from them.
"""

import logging
import threading
import time
from datetime import timedelta
from functools import partial

from isocenter.domain.errors import IsocenterError
from isocenter.service import deliveries, routing
from isocenter.service.context import Context
from isocenter.service.deliveries import Due
from isocenter.work import forwarding
from isocenter.work.engine import Engine

log = logging.getLogger(__name__)

# Between two looks into the change log (seconds); when nothing came for a while they become rarer.
ROUND = 0.5
SLOWEST_ROUND = 2.0
# An engine with nothing to do is closed after so many seconds.
IDLE = 20.0
# What the engine has lost is looked for, and what has ended long ago forgotten, this often.
HOUSEKEEPING = timedelta(minutes=10)
LOST = timedelta(minutes=1)

_DELIVER = "deliver"


def run(context: Context, stop: threading.Event) -> None:
    """Relay until `stop` is set; what has begun is finished, or stopped between two instances. A database that is away is
    waited for."""
    relay = Relay(context, stop)
    pause = ROUND
    while not stop.is_set():
        did_something = False
        try:
            did_something = relay.turn()
        except IsocenterError as error:
            log.warning("a round failed and is repeated", extra={"facts": {"kind": error.kind.value, "reason": str(error)}})
        except Exception:  # the next round may do better, and images wait
            log.exception("a round of the relay failed")
        pause = ROUND if did_something else min(SLOWEST_ROUND, pause * 1.2)
        stop.wait(0.0 if did_something else pause)
    relay.close()


class Relay:
    """What one worker process does, turn by turn."""

    def __init__(self, context: Context, stop: threading.Event) -> None:
        self._context = context
        self._stop = stop
        self._engine: Engine | None = None
        self._busy_at = 0.0
        self._looked: dict[str, float] = {}

    def turn(self) -> bool:
        """One round; whether there was something to do."""
        read = routing.relay(self._context)
        is_open = deliveries.is_open(self._context)
        if self._engine is None and is_open:
            self._engine = Engine(self._context, {_DELIVER: partial(forwarding.deliver, self._context, self._stop)})
        given = 0
        if self._engine is not None:
            given = deliveries.feed(self._context, partial(_give, self._engine))
            self._tend(self._engine, is_open)
        if self._is_time("ended", HOUSEKEEPING):
            deliveries.purge(self._context)
        return bool(read or given)

    def close(self) -> None:
        """End: the rounds that run see `stop` between two instances."""
        if self._engine is not None:
            self._engine.close(self._context.settings.grace_seconds)
            self._engine = None

    def _tend(self, engine: Engine, is_open: bool) -> None:
        engine.tend()
        if self._is_time("lost", LOST):
            deliveries.lost(self._context, lambda due: engine.has(deliveries.key(due)))
        if is_open:
            self._busy_at = time.monotonic()
        elif time.monotonic() - self._busy_at > IDLE and engine.is_idle():
            self._engine = None
            engine.close(0.0)

    def _is_time(self, what: str, every: timedelta) -> bool:
        now = time.monotonic()
        if now - self._looked.setdefault(what, now) < every.total_seconds():
            return False
        self._looked[what] = now
        return True


def _give(engine: Engine, due: Due) -> None:
    engine.enqueue(deliveries.key(due), due.destination, _DELIVER, due.id, due.round)
