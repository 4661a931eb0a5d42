"""The worker's backups: one every `backup_every_hours` to the place of the settings, by one worker of all."""

import logging
import threading
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from isocenter.domain.errors import IsocenterError
from isocenter.service import backup
from isocenter.service.context import Context
from isocenter.store import audit
from isocenter.store.vaults import vault

log = logging.getLogger(__name__)

LOOK = 20.0  # seconds between two looks whether one is due
RETRY = timedelta(minutes=10)  # after one that failed
LEASE = timedelta(minutes=15)  # of a worker that says nothing any more


def run(context: Context, stop: threading.Event) -> None:
    """Back up when it is time until `stop` is set. What fails is told by doctor, metrics and the client, and tried again."""
    retry_at: datetime | None = None
    while context.settings.backup and not stop.is_set():
        try:
            if retry_at is None or context.clock() >= retry_at:
                retry_at = None if once(context, stop) else context.clock() + RETRY
        except IsocenterError as error:
            log.warning("a round failed and is repeated", extra={"facts": {"kind": error.kind.value}})
        except Exception:  # the lease ends, and the next round may do better
            log.exception("a backup failed")
            retry_at = context.clock() + RETRY
        stop.wait(LOOK)


class _Stopped(Exception):
    """The worker is to end: what was copied stays, and the next backup goes on with it."""


def once(context: Context, stop: threading.Event) -> bool:
    """Make a backup if one is due and nobody else makes it. False: it failed, which is noted. Raises IsocenterErrors."""
    name, now = backup.follower(context.settings.backup), context.clock()
    period = timedelta(hours=context.settings.backup_every_hours)
    known = context.database.read(partial(audit.relay, collector=name))
    if known is not None and known.told_at is not None and known.failing_since is None and now - known.told_at < period:
        return True
    claim = partial(audit.claim, collector=name, begin_after=0, now=now, until=now + LEASE)
    claimed = context.database.write(claim)
    if claimed is None:
        return True
    lease = _Lease(context, name, now + LEASE)
    done: dict[str, object] = {}
    try:
        target = vault(context.settings.backup, context.settings)
        report = backup.back_up(context, target, partial(_go_on, lease, stop), keep=context.settings.backup_keep)
        lacking = len(report.faults)
        reason = f"{lacking:,} file{'s' if lacking > 1 else ''} could not be had" if lacking else ""
        done = {"told_at": now, "last_reason": reason, "failing_since": (claimed.failing_since or now) if reason else None}
        return not reason
    except _Stopped:
        return True
    except IsocenterError as error:
        log.error("the backup failed and is tried again", extra={"facts": {"reason": error.message}})
        done = {"last_reason": error.message, "failing_since": claimed.failing_since or now}
        return False
    finally:
        lease.end(done)


def _go_on(lease: "_Lease", stop: threading.Event, count: int) -> None:
    if stop.is_set():
        raise _Stopped
    lease.renew()


class _Lease:
    """Ours while we make a backup, which may take a day."""

    def __init__(self, context: Context, name: str, until: datetime) -> None:
        self._context, self._name, self._until = context, name, until

    def renew(self) -> None:
        now = self._context.clock()
        if self._until - now < LEASE / 2:
            self._change({"lease_until": now + LEASE})
            self._until = now + LEASE

    def end(self, columns: dict[str, object]) -> None:
        with suppress(IsocenterError):  # it ends by itself
            self._change({**columns, "lease_until": None})

    def _change(self, columns: dict[str, object]) -> None:
        told = partial(audit.told, collector=self._name, lease=self._until, columns=columns)
        self._context.database.write(told)
