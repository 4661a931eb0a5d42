"""A bounded memory of what was asked for last. Safe to share between threads."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class LruCache(Generic[Key, Value]):
    """Keeps values while their costs together are within the budget; the least recently used go first."""

    def __init__(self, budget: int, cost: Callable[[Value], int]) -> None:
        self._budget = budget
        self._cost = cost
        self._held = 0
        self._values: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        """The value, which becomes the most recently used; None when it is not held."""
        with self._lock:
            held = self._values.get(key)
            if held is None:
                return None
            self._values.move_to_end(key)
            return held[0]

    def put(self, key: Key, value: Value) -> None:
        """Hold a value; one that costs more than the whole budget is not held."""
        cost = self._cost(value)
        with self._lock:
            self._drop(key)
            if cost > self._budget:
                return
            self._values[key] = (value, cost)
            self._held += cost
            while self._held > self._budget:
                self._drop(next(iter(self._values)))

    def _drop(self, key: Key) -> None:
        value = self._values.pop(key, None)
        if value is not None:
            self._held -= value[1]
