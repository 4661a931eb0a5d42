"""Studies that are asked for by C-MOVE or C-GET and are not here: fetched from the archives that are marked for it, then sent.

Only what is named by its Study Instance UID: a search would ask all archives about everything. An archive is asked by C-FIND
first, which nobody passes on, so that two archives that ask each other cannot go in circles.
"""

import time
from collections.abc import Iterable

from isocenter.dimse import status
from isocenter.dimse.exchange import Exchange
from isocenter.domain.access import Permission, allow
from isocenter.domain.errors import IsocenterError
from isocenter.domain.retrieval import OPEN, State
from isocenter.service import remote
from isocenter.service.remote import Retrieval

# Of one request: more is a list somebody has made of what should be here, and is better retrieved by hand.
MOST = 16
# Seconds between two looks, between two pending answers, until a worker has begun, and in all.
LOOK, HEARTBEAT, BEGIN, PATIENCE = 0.5, 5.0, 60.0, 1800.0


def fetch(exchange: Exchange, studies: Iterable[str]) -> bool:
    """Have the studies fetched, with pending answers meanwhile (PS3.4 C.4.2.1.6); True when at least one has come.

    Ends early when the requestor cancels; what is under way goes on.
    """
    session = exchange.session
    if not allow(session.principal, Permission.REMOTE_RETRIEVE):
        return False
    asked: list[Retrieval] = []
    for study in list(studies)[:MOST]:
        try:
            found = remote.fetch(session.context, session.principal, study, asker=session.calling_ae_title)
        except IsocenterError:  # no archive is marked, or none of them answers: it is not here, and that is the answer
            continue
        if found is not None:
            asked.append(found)
    ended = [_awaited(exchange, retrieval) for retrieval in asked]
    return any(one.tally.completed or one.tally.warning or one.state is State.DONE for one in ended)


def _awaited(exchange: Exchange, asked: Retrieval) -> Retrieval:
    """The retrieval as it is when it has ended, or when it is waited for no longer."""
    session, now, told = exchange.session, asked, time.monotonic()
    began = told
    while now.state in OPEN and not exchange.cancelled():
        waited = time.monotonic() - began
        if waited > PATIENCE or (now.begun_at is None and waited > BEGIN):
            break
        time.sleep(LOOK)
        if time.monotonic() - told > HEARTBEAT:
            told = time.monotonic()
            exchange.pending(status.PENDING, b"", number_of_remaining_suboperations=now.tally.remaining)
        now = remote.get(session.context, session.principal, asked.id)
    return now
