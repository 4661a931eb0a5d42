"""Which kinds of changes somebody wants to hear of: names and patterns of them, pure."""

from collections.abc import Iterable

from isocenter.domain.events import Event

MOST_PATTERNS = 50


class InvalidKinds(ValueError):
    """What is written is no kind of change; the message says which."""


def kinds(patterns: Iterable[str]) -> frozenset[Event]:
    """The kinds that patterns mean: `study.created`, `order.*`, `*`; of none: all. Raises InvalidKinds."""
    wanted = [pattern.strip() for pattern in patterns if pattern.strip()]
    if len(wanted) > MOST_PATTERNS:
        raise InvalidKinds(f"at most {MOST_PATTERNS} kinds are named")
    return frozenset(event for pattern in wanted for event in _kinds(pattern)) if wanted else frozenset(Event)


def _kinds(pattern: str) -> list[Event]:
    group, star, rest = pattern.partition("*")
    if star and not rest and (not group or group.endswith(".")):
        found = [event for event in Event if event.value.startswith(group)]
    else:
        found = [event for event in Event if event.value == pattern]
    if not found:
        raise InvalidKinds(f"there is no kind of change {pattern[:40]!r}; there are study.created, instance.*, * and others")
    return found
