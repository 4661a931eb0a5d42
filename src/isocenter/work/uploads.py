"""What this node has on its disk only is copied into the object store: rows, leases, several at a time.

Runs in every process of a node, since any of them may be the only one; with `storage_safe_in` = 2 it finds only what failed.
"""

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

from isocenter.domain.errors import Away, IsocenterError, Missing
from isocenter.service import integrity
from isocenter.service.context import Context
from isocenter.store import uploads
from isocenter.store.uploads import Upload

log = logging.getLogger(__name__)

# Between two looks for what is due; when there was nothing for a while, up to the second (seconds).
ROUND, SLOWEST_ROUND = 0.5, 3.0
THREADS = 4
CLAIMED = 16
# When the store does not answer, and when it refuses; then twice as long, up to an hour.
AWAY, REFUSED, LONGEST = timedelta(seconds=5), timedelta(minutes=1), timedelta(hours=1)


def run(context: Context, stop: threading.Event) -> None:
    """Make rounds until `stop` is set; nothing is to be done where blobs stay where they are put."""
    if not context.blobs.node:
        return
    pause = ROUND
    with ThreadPoolExecutor(THREADS, thread_name_prefix="upload") as pool:
        while not stop.wait(pause) and not context.blobs.closed:
            try:
                pause = 0.0 if upload_due(context, pool) else min(SLOWEST_ROUND, max(pause, ROUND) * 1.2)
            except IsocenterError as error:
                pause = ROUND
                log.warning("a round of uploads failed and is repeated", extra={"facts": {"kind": error.kind.value}})


def upload_due(context: Context, pool: ThreadPoolExecutor) -> int:
    """Copy what is due, some of it. Returns how many objects were tried."""
    blobs, now = context.blobs, context.clock()
    if not context.database.read(partial(uploads.is_due, node=blobs.node, now=now)):
        return 0
    claimed = context.database.write(partial(uploads.claim, node=blobs.node, now=now, limit=CLAIMED))
    tried = list(pool.map(partial(_copy, context), claimed))
    blobs.flush()
    _again(context, [(each, pause) for each, pause in zip(claimed, tried, strict=True) if pause is not None])
    return len(claimed)


def _copy(context: Context, each: Upload) -> timedelta | None:
    """None when it is in the store; else how long to wait for the next try."""
    try:
        context.blobs.upload(each.key, each.size, each.sha256)
        return None
    except Away:
        first = AWAY
    except Missing:
        first = REFUSED
        log.error("an object is neither on the disk nor in the object store", extra={"facts": {"key": each.key}})
    except (IsocenterError, OSError) as error:
        first = REFUSED
        log.error("an object cannot be copied into the object store", extra={"facts": {"key": each.key, "reason": str(error)}})
    return min(LONGEST, first * (1 << min(each.attempts, 10)))


def _again(context: Context, failed: Sequence[tuple[Upload, timedelta]]) -> None:
    now = context.clock()
    for pause in {pause for _, pause in failed}:
        keys = [each.key for each, theirs in failed if theirs == pause]
        context.database.write(partial(uploads.again, keys=keys, at=now + pause))


def restarted(context: Context) -> None:
    """A node begins: what its killed processes held may be copied at once, and files that have lost their row get one."""
    if not context.blobs.node:
        return
    context.database.write(partial(uploads.restarted, node=context.blobs.node, now=context.clock()))
    integrity.adrift(context)
