"""Steps of modalities that report nothing are moved by their images (`service/progress.py`)."""

import logging
import threading

from isocenter.domain.errors import IsocenterError
from isocenter.service import progress
from isocenter.service.context import Context

log = logging.getLogger(__name__)

# Seconds between two looks: people and worklists see it within half a minute.
ROUND = 30.0


def run(context: Context, stop: threading.Event) -> None:
    """Follow images until `stop` is set. A database that is away is waited for."""
    while not stop.wait(ROUND):
        try:
            progress.follow_images(context)
        except IsocenterError as error:
            log.warning("a round failed and is repeated", extra={"facts": {"kind": error.kind.value}})
        except Exception:  # the next round may do better
            log.exception("images were not followed")
