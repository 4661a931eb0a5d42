"""Steps of modalities without MPPS: images say that they have begun, and silence that they have ended.

What a modality reports by MPPS is not touched: it knows better. Nor is what a person has ended.
"""

from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from isocenter.domain.access import SYSTEM
from isocenter.domain.events import Event
from isocenter.domain.orders import StepState
from isocenter.service.context import Context
from isocenter.store import changes, orders
from isocenter.store.orders import Imaged

__all__ = ["follow_images"]

# Orders have the dates of where they were made, which may be a day ahead of UTC's.
_EASTERNMOST = timedelta(hours=14)


def follow_images(context: Context) -> int:
    """Move the steps of which there are images: to in progress, and when nothing has come for long to completed; how many."""
    minutes = context.settings.images_complete_minutes
    if not minutes:
        return 0
    now = context.clock()
    until = f"{now + _EASTERNMOST:%Y%m%d}"
    moved = 0
    for each in context.database.read(lambda connection: orders.imaged(connection, until)):
        is_quiet = now - each.last_at >= timedelta(minutes=minutes)
        wanted = StepState.COMPLETED if is_quiet else StepState.IN_PROGRESS
        if each.state is not wanted:
            moved += context.database.write(partial(_move, context=context, imaged=each, until=until, wanted=wanted))
    return moved


def _move(connection: Connection, context: Context, imaged: Imaged, until: str, wanted: StepState) -> bool:
    """Move one step; False when it is another matter by now: a modality or a person was quicker, or more images have come."""
    orders.lock(connection, imaged.order_id)
    if orders.imaged(connection, until, imaged.step_id) != [imaged]:
        return False
    orders.change_step(connection, imaged.step_id, {}, wanted)
    orders.settle(connection, imaged.order_id, context.clock())
    event = Event.PROCEDURE_COMPLETED if wanted is StepState.COMPLETED else Event.PROCEDURE_STARTED
    payload = {"study": imaged.study_instance_uid, "order": imaged.order_id, "by": "images"}
    changes.append(connection, event, imaged.study_instance_uid, SYSTEM.name, payload)
    return True
