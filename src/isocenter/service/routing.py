"""Routing: what goes where by itself, and what a rule would have done.

    routes, add_route, change_route, remove_route
    attempt   a rule on the studies that came last: shows, does nothing
    relay     asks the rules about what has come in since, and plans deliveries
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Invalid, Missing
from isocenter.domain.events import Event
from isocenter.domain.routing import ASKED, Arrival, Choice, InvalidRule, Rule, asked, chosen, facts_of, rule_of
from isocenter.service.context import Context
from isocenter.store import changes, deliveries
from isocenter.store import routing as rows
from isocenter.store.deliveries import Planned
from isocenter.store.routing import Route

__all__ = ["Attempt", "Route", "StudyAttempt", "facts_of"]

MOST_STUDIES = 1000

# Changes of one round of the relay: up to 64 instances each.
TOGETHER = 50


# ---- rules


def described(facts: Mapping[str, Any]) -> Rule:
    """The rule of some fields (`domain.routing.FIELDS`). Raises Invalid."""
    try:
        return rule_of(facts)
    except InvalidRule as error:
        raise Invalid(str(error), where=error.where) from None


def attributes(principal: Principal) -> list[str]:
    """The keywords that conditions may ask for."""
    access.require(principal, Permission.ROUTE_MANAGE)
    return list(ASKED)


def routes(context: Context, principal: Principal) -> list[Route]:
    """All rules."""
    access.require(principal, Permission.ROUTE_MANAGE)
    return context.database.read(rows.routes)


def route_named(context: Context, principal: Principal, name: str) -> Route:
    """The rule of a name. Raises Missing."""
    access.require(principal, Permission.ROUTE_MANAGE)
    found = context.database.read(lambda connection: rows.route_named(connection, name))
    if found is None:
        raise _missing("name")
    return found


def add_route(context: Context, principal: Principal, facts: Mapping[str, Any]) -> Route:
    """Make a rule; it holds for what comes from now on. Raises Invalid, Conflict."""
    access.require(principal, Permission.ROUTE_MANAGE)
    rule = described(facts)

    def write(connection: Connection) -> Route:
        at = context.clock()
        _ensure(connection, rule, at)
        _begin_now(connection)
        route_id = rows.add_route(connection, rule, at)
        changes.append(connection, Event.ROUTE_CREATED, rule.name, principal.name, {"enabled": rule.enabled})
        return _route(connection, route_id)

    return context.database.write(write)


def change_route(context: Context, principal: Principal, route_id: int, facts: Mapping[str, Any]) -> Route:
    """Change the given fields of a rule, or switch it on and off. Raises Invalid, Missing, Conflict."""
    access.require(principal, Permission.ROUTE_MANAGE)

    def write(connection: Connection) -> Route:
        rule = described(facts_of(_route(connection, route_id).rule) | dict(facts))
        _ensure(connection, rule, context.clock())
        _begin_now(connection)
        rows.change_route(connection, route_id, rule, context.clock())
        changes.append(connection, Event.ROUTE_UPDATED, rule.name, principal.name, {"changed": sorted(facts)})
        return _route(connection, route_id)

    return context.database.write(write)


def remove_route(context: Context, principal: Principal, route_id: int) -> None:
    """Forget a rule; deliveries it has begun go on. Raises Missing."""
    access.require(principal, Permission.ROUTE_MANAGE)

    def write(connection: Connection) -> None:
        name = _route(connection, route_id).rule.name
        rows.drop_route(connection, route_id)
        changes.append(connection, Event.ROUTE_REMOVED, name, principal.name)

    context.database.write(write)


def _begin_now(connection: Connection) -> None:
    """Where there was no rule, nobody followed the log closely: what has come until now is not asked about any more."""
    if not any(each.rule.enabled for each in rows.routes(connection)):
        rows.advance(connection, rows.cursor(connection), changes.latest(connection))


def _route(connection: Connection, route_id: int) -> Route:
    found = rows.route_of(connection, route_id)
    if found is None:
        raise _missing("id")
    return found


def _missing(where: str) -> Missing:
    return Missing("there is no such rule", where=where, hint="isocenter route list shows those that there are")


def _ensure(connection: Connection, rule: Rule, at: datetime) -> None:
    """Every name is one of a destination; a known peer becomes one by being named. Raises Invalid."""
    for name in rule.destinations:
        if not rows.ensure_destination(connection, name, at):
            raise _nowhere(name)


def _nowhere(name: str) -> Invalid:
    return Invalid(f"there is no destination and no known peer {name}", where="destinations",
                   hint="isocenter destination add NAME, or isocenter peer add AET HOST PORT")  # fmt: skip


# ---- what a rule would have done


@dataclass(frozen=True, slots=True)
class StudyAttempt:
    """A study a rule was tried on. study: column -> text. matched: instances that would have gone to `destinations`."""

    study: Mapping[str, str]
    instances: int
    matched: int
    destinations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a rule would have done: every study it was tried on, newest first."""

    studies: list[StudyAttempt]

    @property
    def studies_matched(self) -> int:
        """Studies of which something would have been sent."""
        return sum(each.matched > 0 for each in self.studies)

    @property
    def instances_matched(self) -> int:
        """Instances that would have been sent."""
        return sum(each.matched for each in self.studies)


def attempt(context: Context, principal: Principal, facts: Mapping[str, Any], last: int) -> Attempt:
    """Try a rule, switched on or not, on the studies that came last: as they came, by whom and when. Nothing is sent.

    facts: as for `add_route`. Raises Invalid.
    """
    access.require(principal, Permission.ROUTE_MANAGE)
    rule = replace(described(facts), enabled=True)

    def read(connection: Connection) -> Attempt:
        titles = rows.titles(connection)
        for name in rule.destinations:
            if name not in titles and not rows.is_peer(connection, name):
                raise _nowhere(name)
            titles.setdefault(name, name)
        latest = rows.latest_studies(connection, min(max(last, 1), MOST_STUDIES))
        return Attempt([_tried(connection, rule, study, titles) for study in latest])

    return context.database.read(read)


def _tried(connection: Connection, rule: Rule, study: Mapping[str, str], titles: Mapping[str, str]) -> StudyAttempt:
    instances = matched = 0
    names: Counter[str] = Counter()
    for arrival in rows.arrivals_of_study(connection, int(study["id"]), asked([rule])):
        instances += 1
        found = chosen([rule], arrival, titles)
        matched += bool(found)
        names.update(choice.destination for choice in found)
    return StudyAttempt(study, instances, matched, tuple(name for name in rule.destinations if names[name]))


# ---- what rules do


def relay(context: Context) -> int:
    """Ask the rules about the next instances of the change log, and plan deliveries; returns how many changes were read.

    Cursor and deliveries move in one transaction: a worker that is killed has done all of it, or nothing.
    """

    def read(connection: Connection) -> tuple[int, int, int, list[Rule], list[Arrival], dict[str, str]]:
        seen = rows.cursor(connection)
        rules = [each.rule for each in rows.routes(connection) if each.rule.enabled]
        if not rules:
            latest = changes.latest(connection)
            return seen, latest, 0, [], [], {}
        found = changes.since(connection, seen, TOGETHER, (Event.INSTANCE_STORED,))
        uids = [uid for change in found for uid in change.payload["instances"]]
        arrivals = rows.arrivals(connection, uids, asked(rules))
        return seen, found[-1].seq if found else seen, len(found), rules, arrivals, rows.titles(connection)

    seen, last, count, rules, arrivals, titles = context.database.read(read)
    if last == seen:
        return 0
    planned = _planned(context.clock(), rules, arrivals, titles)
    if planned or count or last - seen >= TOGETHER:  # without rules the cursor need not follow each change
        context.database.write(partial(_follow, seen=seen, last=last, planned=planned, now=context.clock()))
    return count


def _follow(connection: Connection, seen: int, last: int, planned: list[Planned], now: datetime) -> None:
    if rows.advance(connection, seen, last):
        deliveries.plan(connection, planned, now)


def _planned(now: datetime, rules: list[Rule], arrivals: list[Arrival], titles: Mapping[str, str]) -> list[Planned]:
    first: dict[tuple[str, str], Choice] = {}
    uids: dict[tuple[str, str], list[str]] = defaultdict(list)
    for arrival in arrivals:
        for choice in chosen(rules, arrival, titles):
            key = arrival.study_instance_uid, choice.destination
            first.setdefault(key, choice)
            uids[key].append(arrival.sop_instance_uid)
    return [
        Planned(*key, first[key].rule, now + timedelta(seconds=first[key].quiet_seconds), tuple(uids[key]))
        for key in sorted(first)  # one order of locks for all workers
    ]
