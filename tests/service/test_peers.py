"""Known DICOM peers: administered, let in, counted and asked, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.domain.access import SYSTEM, Role, by_role
from isocenter.domain.errors import Conflict, Invalid, Missing, Unauthenticated
from isocenter.domain.verification import Outcome, Verified
from isocenter.service import peers
from isocenter.service.context import Context
from isocenter.settings import Address

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
JPEG_LS = "1.2.840.10008.1.2.4.80"


@pytest.fixture
def open_(context: Context) -> Context:
    """An archive that listens to the world."""
    return replace(context, settings=replace(context.settings, dicom=Address("0.0.0.0", 11112)))


def test_unknown_peers_come_in_on_loopback_only(context: Context, open_: Context) -> None:
    caller = peers.let_in(context, "ANY-SCP", "127.0.0.1")
    assert caller == peers.Caller(by_role("ANY-SCP", Role.SERVICE, "peer", "dicom", "127.0.0.1"), None)
    with pytest.raises(Unauthenticated) as error:
        peers.let_in(open_, "ANY-SCP", "192.0.2.7")
    assert "peer add" in error.value.hint


def test_with_tls_on_the_network_unknown_peers_come_in_from_this_machine_only(context: Context) -> None:
    tls = replace(context.settings, dicom_tls=Address("0.0.0.0", 2762))
    archive = replace(context, settings=tls)
    assert peers.let_in(archive, "ANY-SCP", "127.0.0.1").peer is None
    with pytest.raises(Unauthenticated):
        peers.let_in(archive, "ANY-SCP", "192.0.2.7")
    local = replace(context, settings=replace(tls, dicom_tls=Address("127.0.0.1", 2762)))
    assert peers.let_in(local, "ANY-SCP", "127.0.0.1").peer is None


def test_a_peer_calls_from_the_address_it_was_added_with(open_: Context) -> None:
    peers.add(open_, SYSTEM, aet="CT1", host="192.0.2.7", port=104)
    peers.add(open_, SYSTEM, aet="MR1", host="mr1.hospital.example", port=104)
    for aet, address in (("CT1", "192.0.2.7"), ("CT1", "::ffff:192.0.2.7"), ("MR1", "192.0.2.99")):
        caller = peers.let_in(open_, aet, address)
        assert caller.principal.name == aet and caller.peer == peers.get(open_, aet)
    for aet, address in (("CT1", "192.0.2.8"), ("ct1", "192.0.2.7")):
        with pytest.raises(Unauthenticated):
            peers.let_in(open_, aet, address)


def test_a_peer_with_networks_calls_from_these_only_also_where_anybody_may_come(context: Context, open_: Context) -> None:
    networks = ["10.1.2.3/16", "2001:db8::/32", "192.0.2.9"]
    added = peers.add(context, SYSTEM, aet="CT1", host="192.0.2.7", port=104, allowed_ips=networks)
    assert added.allowed_ips == ("10.1.0.0/16", "2001:db8::/32", "192.0.2.9")
    for archive in (context, open_):
        for address in ("10.1.255.255", "::ffff:10.1.0.1", "2001:db8::1", "192.0.2.9"):
            assert peers.let_in(archive, "CT1", address).peer == added
        for address in ("192.0.2.7", "10.2.0.1", "2001:db9::1", "127.0.0.1", "", "nonsense"):
            with pytest.raises(Unauthenticated):
                peers.let_in(archive, "CT1", address)


def test_what_is_known_can_be_changed_one_thing_at_a_time(context: Context) -> None:
    facts = {"description": "Room 3", "allowed_ips": ["10.0.0.0/8"], "max_associations": 4, "preferred_syntaxes": [JPEG_LS]}
    added = peers.add(context, SYSTEM, aet=" CT1 ", host="ct1", port=104, **facts)
    assert (added.aet, added.preferred_syntaxes, added.max_associations) == ("CT1", (JPEG_LS,), 4)
    assert peers.change(context, SYSTEM, "CT1", port=11112, allowed_ips=[]) == replace(added, port=11112, allowed_ips=())
    assert peers.peers(context, SYSTEM) == [replace(added, port=11112, allowed_ips=())]
    with pytest.raises(Conflict):
        peers.add(context, SYSTEM, aet="CT1", host="other", port=104)
    with pytest.raises(Missing):
        peers.change(context, SYSTEM, "CT2", port=1)
    more = {"tls": True, "services": ["storage", "query"], "character_set": "iso 2022 ir 6\\ISO 2022 IR 87", "throttle": 1 << 20,
            "parallel": 4, "paused": True}  # fmt: skip
    peers.change(context, SYSTEM, "CT1", **more)
    changed = peers.get(context, "CT1")
    assert (changed.tls, changed.services, changed.throttle, changed.parallel, changed.paused) == (
        True, frozenset({"storage", "query"}), 1 << 20, 4, True)  # fmt: skip
    assert changed.character_set == "ISO 2022 IR 6\\ISO 2022 IR 87"
    peers.remove(context, SYSTEM, "CT1")
    with pytest.raises(Missing):
        peers.get(context, "CT1")


@pytest.mark.parametrize(
    ("where", "value"),
    [("host", "two words"), ("host", ""), ("port", 0), ("port", 65536), ("description", "x" * 257), ("max_associations", -1),
     ("allowed_ips", ["10.1"]), ("allowed_ips", ["scanner"]), ("allowed_ips", [f"10.0.0.{n}" for n in range(65)]),
     ("preferred_syntaxes", ["JPEG"]), ("preferred_syntaxes", ["1.2 1.3"]), ("services", ["telnet"]), ("throttle", -1),
     ("character_set", "ISO_IR 12345"), ("character_set", "KLINGON"), ("parallel", 0), ("parallel", 9)],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_place(sqlite_context: Context, where: str, value: object) -> None:
    facts = {"aet": "A", "host": "h", "port": 1, where: value}
    with pytest.raises(Invalid) as error:
        peers.add(sqlite_context, SYSTEM, **facts)  # type: ignore[arg-type]
    assert error.value.where == where and peers.peers(sqlite_context, SYSTEM) == []


def test_counts_add_up_and_those_of_a_removed_peer_are_dropped(context: Context) -> None:
    peers.add(context, SYSTEM, aet="CT1", host="ct1", port=104)
    later = NOW + timedelta(minutes=1)
    peers.count(context, {"CT1": (NOW, 2, 300), "GONE": (NOW, 1, 1)})
    peers.count(context, {"CT1": (later, 1, 0)})
    (peer,) = peers.peers(context, SYSTEM)
    assert (peer.last_seen_at, peer.associations, peer.instances) == (later, 3, 300)


def test_echo_asks_the_peer_under_our_name(context: Context) -> None:
    asked: list[tuple[str, int, str, str]] = []

    def verify(*where: object) -> Verified:
        asked.append(where)  # type: ignore[arg-type]
        return Verified(Outcome.ANSWERED, "it answered", 3)

    archive = replace(context, verify=verify)
    peers.add(archive, SYSTEM, aet="CT1", host="ct1", port=104)
    assert peers.echo(archive, SYSTEM, "CT1").ok and asked == [("ct1", 104, "ISOCENTER", "CT1", False)]
    with pytest.raises(Missing):
        peers.echo(archive, SYSTEM, "CT2")


@given(aet=st.text(max_size=20))
def test_no_ae_title_is_a_crash(aet: str) -> None:
    assert (peers.AE_TITLE.fullmatch(aet) is not None) is (
        1 <= len(aet) <= 16 and aet.strip(" ") != "" and all(" " <= c <= "~" and c != "\\" for c in aet)
    )
