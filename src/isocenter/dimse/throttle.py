"""How fast a peer is sent to: bytes per second of all that this process sends it, on however many associations."""

import threading
import time
from collections.abc import Iterator
from typing import ClassVar

# A piece takes this long at the rate, so that a slow line is used evenly and a stop is seen soon (seconds).
EVENLY = 0.25
SMALLEST = 1024  # bytes


class Throttle:
    """A rate that threads share. 0: no limit."""

    _shared: ClassVar[dict[str, "Throttle"]] = {}
    _sharing: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, bytes_per_second: int) -> None:
        self.rate = bytes_per_second
        self._lock = threading.Lock()
        self._free = 0.0  # when the next byte may leave

    @classmethod
    def of(cls, aet: str, bytes_per_second: int) -> "Throttle":
        """That of a peer; one whose limit was changed holds for what is being sent already, too."""
        with cls._sharing:
            throttle = cls._shared.setdefault(aet, cls(bytes_per_second))
            throttle.rate = bytes_per_second
            return throttle

    def pieces(self, data: bytes | memoryview, stop: threading.Event) -> Iterator[bytes | memoryview]:
        """The data, each piece when it may leave; the rest at once after `stop`."""
        start = 0
        view = memoryview(data)
        while start < len(view):
            rate = self.rate
            size = max(SMALLEST, int(rate * EVENLY)) if rate else len(view)
            piece = view[start : start + size]
            if rate:
                stop.wait(self._delay(len(piece), rate))
            yield piece
            start += size

    def _delay(self, size: int, rate: int) -> float:
        """Seconds until so many bytes may leave, which are then taken as having left."""
        with self._lock:
            now = time.monotonic()
            begin = max(now, self._free)
            self._free = begin + size / rate
            return begin - now
