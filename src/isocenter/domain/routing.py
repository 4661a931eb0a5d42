"""Routing rules as data, and the pure question which of them an arrived instance meets.

    Rule         who sent it, whom it called, what its attributes say, when it came -> names of destinations
    Arrival      what is known about one instance that came in
    chosen()     rules x arrival -> destinations, each with the rule that chose it first

What a rule leaves open is met by everything; all that it states must be met. The same function answers for what has just arrived
and for what a rule would have done (`service.routing.attempt`), so that the two cannot differ.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, time
from functools import lru_cache
from typing import Any

from isocenter.dicom.attributes import BY_KEYWORD, Attribute, Matching
from isocenter.dicom.match import Match, Wildcard
from isocenter.dicom.query import InvalidKey, parse_match

# What comes from the files of the archive itself did not arrive: an index that is made anew must not send everything again.
NOT_ARRIVED = "reindex"

NAME = re.compile(r"[^\s/\\]([^/\\\x00-\x1f]{0,62}[^\s/\\])?")
"""The name of a rule or a destination."""

LONGEST_LIST = 64
LONGEST_QUIET = 24 * 3600
QUIET = 5

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")
# What is computed changes while a study arrives, or is no fact about an instance.
_NOT_ASKED = frozenset({"InstanceAvailability"})
_WITHOUT_CASE = frozenset({"LO", "SH", "ST", "LT", "UC", "UT", "CS"})


class InvalidRule(ValueError):
    """A rule that nobody could apply. where: the field; the message says what it should be."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(reason)
        self.where = where


@dataclass(frozen=True, slots=True)
class Condition:
    """An attribute has one of some values; with `excludes`, none of them.

    values: as keys of a query (PS3.4 C.2.2.2): single value, wildcards, range of dates, times or numbers; "" for no value at all.
    Unlike there, texts are compared without regard to case: who writes *chest* means CHEST too.
    """

    attribute: str
    values: tuple[str, ...]
    excludes: bool = False

    def __post_init__(self) -> None:
        if self.attribute not in ASKED:
            raise InvalidRule("conditions", f"{self.attribute!r} is no attribute that the index knows")
        if not self.values:
            raise InvalidRule("conditions", f"{self.attribute}: name at least one value")
        for value in self.values:
            _match(self.attribute, value)

    def holds(self, values: Mapping[str, str]) -> bool:
        """values: keyword -> text as in the index, "" or absent when there is none."""
        vr = ASKED[self.attribute].vr
        text = values.get(self.attribute, "")
        text = text.upper() if vr in _WITHOUT_CASE else text
        return any(_match(self.attribute, value).matches(text, vr) for value in self.values) != self.excludes


ASKED: dict[str, Attribute] = {
    keyword: attribute
    for keyword, attribute in BY_KEYWORD.items()
    if attribute.matching is not Matching.NONE and keyword not in _NOT_ASKED
}
"""The attributes that a condition may ask for."""


@lru_cache(maxsize=1024)
def _match(keyword: str, value: str) -> Match:
    attribute = ASKED[keyword]
    try:
        return parse_match(attribute, (value.upper() if attribute.vr in _WITHOUT_CASE else value) or '""')
    except InvalidKey as error:
        raise InvalidRule("conditions", str(error)) from None


@dataclass(frozen=True, slots=True)
class Hours:
    """A time of day, 08:00-17:30; one that ends before it begins lasts over midnight, 22:00-06:00. "" is always."""

    text: str = ""

    def __post_init__(self) -> None:
        if self.text and not _HOURS.fullmatch(self.text):
            raise InvalidRule("hours", "write hours as 08:00-17:30 (22:00-06:00 lasts over midnight)")

    def include(self, at: time) -> bool:
        """Whether it is that time; the first moment belongs to it, the last does not."""
        if not self.text:
            return True
        begin, _, end = self.text.partition("-")
        now = f"{at:%H:%M}"
        return begin <= now < end if begin < end else now >= begin or now < end


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is to go where. senders, called: AE titles, * and ? are wildcards; none: any. quiet_seconds: a study waits so long
    after its newest instance before it is sent. Times of day are those of this machine."""

    name: str
    destinations: tuple[str, ...]
    senders: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    hours: Hours = field(default_factory=Hours)
    enabled: bool = True
    quiet_seconds: int = QUIET

    def meets(self, arrival: "Arrival") -> bool:
        """Whether the instance is one that the rule means."""
        return (
            _named(self.senders, arrival.sender)
            and _named(self.called, arrival.called)
            and self.hours.include(arrival.at.time())
            and all(condition.holds(arrival.values) for condition in self.conditions)
        )


    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise InvalidRule("name", "a name has 1 to 64 characters, no slash, and no space at its ends")
        if not self.destinations:
            raise InvalidRule("destinations", "it does not say where to send to")
        for field_ in ("senders", "called", "destinations", "conditions"):
            if len(getattr(self, field_)) > LONGEST_LIST:
                raise InvalidRule(field_, f"there are more than {LONGEST_LIST}")
        if not 0 <= self.quiet_seconds <= LONGEST_QUIET:
            raise InvalidRule("quiet_seconds", f"it is a number of seconds from 0 to {LONGEST_QUIET}")


@dataclass(frozen=True, slots=True)
class Arrival:
    """An instance that came in. sender, called: AE titles, "" when it did not come over DICOM. at: local time.

    values: keyword -> text of at least what the rules ask for.
    """

    study_instance_uid: str
    sop_instance_uid: str
    sender: str
    called: str
    at: datetime
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Choice:
    """A destination of one instance, and the rule that chose it."""

    destination: str
    rule: str
    quiet_seconds: int


def chosen(rules: Iterable[Rule], arrival: Arrival, titles: Mapping[str, str]) -> list[Choice]:
    """Where an instance goes: every destination once. titles: destination -> its AE title ("" when it has none).

    What comes from a destination does not go back there: two archives that route to each other would play ping-pong.
    """
    found: dict[str, Choice] = {}
    for rule in rules:
        if not rule.enabled or not rule.meets(arrival):
            continue
        for name in rule.destinations:
            if not arrival.sender or titles.get(name, "") != arrival.sender:
                found.setdefault(name, Choice(name, rule.name, rule.quiet_seconds))
    return list(found.values())


FIELDS = tuple(each.name for each in fields(Rule))


def rule_of(facts: Mapping[str, Any]) -> Rule:
    """The rule of some of FIELDS as plain values; conditions are {"attribute", "values", "excludes"}. Raises InvalidRule."""
    conditions = tuple(
        Condition(each["attribute"], tuple(each["values"]), bool(each.get("excludes", False)))
        for each in facts.get("conditions", ())
    )
    return Rule(
        name=facts["name"],
        destinations=_distinct(facts.get("destinations", ())),
        senders=_distinct(facts.get("senders", ())),
        called=_distinct(facts.get("called", ())),
        conditions=conditions,
        hours=Hours(facts.get("hours", "")),
        enabled=facts.get("enabled", True),
        quiet_seconds=facts.get("quiet_seconds", QUIET),
    )


def facts_of(rule: Rule) -> dict[str, Any]:
    """A rule as `rule_of` takes it, and as JSON can say it."""
    facts: dict[str, Any] = {name: getattr(rule, name) for name in FIELDS}
    facts |= {name: list(facts[name]) for name in ("senders", "called", "destinations")}
    conditions = [{"attribute": one.attribute, "values": list(one.values), "excludes": one.excludes} for one in rule.conditions]
    return facts | {"hours": rule.hours.text, "conditions": conditions}


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def asked(rules: Iterable[Rule]) -> frozenset[str]:
    """The keywords that the rules ask for."""
    return frozenset(condition.attribute for rule in rules for condition in rule.conditions)


def _named(patterns: Sequence[str], title: str) -> bool:
    return not patterns or any(Wildcard(pattern).matches(title.strip(), "AE") for pattern in patterns)
