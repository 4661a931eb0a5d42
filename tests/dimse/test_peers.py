"""What is known about a peer and obeyed by the listener: its networks, its places, its syntaxes; and its counters."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

import objects
from dimse.conftest import IMPLICIT, VERIFICATION, Archive, RawPeer, Start, eventually, peer_of
from dimse.test_finding import store
from dimse.test_foreign import ENVIRONMENT
from isocenter.dimse import finding, services, status, tally
from isocenter.dimse.upper_layer import pdu
from isocenter.domain.access import SYSTEM
from isocenter.domain.dimse_services import DimseService
from isocenter.service import peers

JPEG_LS = "1.2.840.10008.1.2.4.80"


@contextmanager
def associated(archive: Archive, number: int, calling: str) -> Iterator[list[RawPeer]]:
    """So many associations of one AE title, all of which were accepted."""
    with ExitStack() as stack:
        made = [stack.enter_context(peer_of(archive)) for _ in range(number)]
        for peer in made:
            assert isinstance(peer.associate(calling=calling), pdu.AssociateAC)
        yield made


def answer(archive: Archive, calling: str) -> object:
    with peer_of(archive) as peer:
        return peer.associate(calling=calling)


def test_a_peer_may_have_so_many_associations_and_others_are_served(start: Start) -> None:
    archive = start(max_associations_per_peer=3)
    peers.add(archive.context, SYSTEM, aet="BUSY", host="127.0.0.1", port=104, max_associations=5)
    with associated(archive, 3, "ONE") as ones, associated(archive, 5, "BUSY"):
        assert answer(archive, "ONE") == pdu.LOCAL_LIMIT_EXCEEDED
        assert answer(archive, "BUSY") == pdu.LOCAL_LIMIT_EXCEEDED
        assert isinstance(answer(archive, "OTHER"), pdu.AssociateAC)
        peers.change(archive.context, SYSTEM, "BUSY", max_associations=6)
        assert isinstance(answer(archive, "BUSY"), pdu.AssociateAC)
        ones[0].send(pdu.ReleaseRQ())
        assert ones[0].receive() == pdu.ReleaseRP()
        eventually(lambda: isinstance(answer(archive, "ONE"), pdu.AssociateAC))


def test_one_hundred_and_fifty_idle_and_eight_busy(archive: Archive) -> None:
    """One peer opens what it can and lets it lie; eight others store, and who comes then is served at once."""
    stored: list[int | None] = []

    def send(number: int) -> None:
        with peer_of(archive) as peer:
            assert isinstance(peer.associate(calling=f"BUSY-{number}"), pdu.AssociateAC)
            for _ in range(10):
                uid = objects.uid()
                stored.append(peer.store(objects.data_set(SOPInstanceUID=uid), uid).status)

    idle = [RawPeer(archive.port) for _ in range(150)]
    try:
        answers = [peer.associate(calling="IDLE") for peer in idle]
        most = archive.context.settings.max_associations_per_peer
        assert sum(isinstance(each, pdu.AssociateAC) for each in answers) == most < 150
        assert answers.count(pdu.LOCAL_LIMIT_EXCEEDED) == 150 - most
        threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        with associated(archive, 1, "LATER") as (later,):
            assert later.echo() == 0
        for thread in threads:
            thread.join(60)
        assert stored == [0] * 80
    finally:
        for peer in idle:
            peer.close()


def test_a_known_peer_from_elsewhere_is_rejected(archive: Archive) -> None:
    peers.add(archive.context, SYSTEM, aet="CT1", host="127.0.0.1", port=104, allowed_ips=["10.0.0.0/8"])
    assert answer(archive, "CT1") == pdu.CALLING_AE_TITLE_NOT_RECOGNIZED
    peers.change(archive.context, SYSTEM, "CT1", allowed_ips=["127.0.0.0/8"])
    assert isinstance(answer(archive, "CT1"), pdu.AssociateAC)


def test_a_peer_sends_in_the_syntax_it_had_better_send_in(archive: Archive) -> None:
    preferred = [JPEG_LS, objects.EXPLICIT_LITTLE]
    peers.add(archive.context, SYSTEM, aet="CT1", host="127.0.0.1", port=104, preferred_syntaxes=preferred)
    proposed = {
        1: (objects.CT, (IMPLICIT, objects.EXPLICIT_LITTLE, JPEG_LS)),
        3: (objects.CT, (IMPLICIT, objects.EXPLICIT_LITTLE)),
        5: (objects.CT, (IMPLICIT,)),
        7: (VERIFICATION, (IMPLICIT,)),
    }
    for calling, expected in (
        ("CT1", [JPEG_LS, objects.EXPLICIT_LITTLE, IMPLICIT, IMPLICIT]), ("UNKNOWN", [IMPLICIT] * 4)
    ):  # fmt: skip
        with peer_of(archive) as peer:
            accepted = peer.associate(calling=calling, contexts=proposed)
            assert isinstance(accepted, pdu.AssociateAC)
            assert [context.transfer_syntax for context in accepted.presentation_contexts] == expected


def test_a_peer_has_the_services_it_was_given(archive: Archive) -> None:
    proposed = {
        1: (VERIFICATION, (IMPLICIT,)), 3: (objects.CT, (objects.EXPLICIT_LITTLE,)), 5: (finding.STUDY_ROOT, (IMPLICIT,)),
    }  # fmt: skip
    peers.add(archive.context, SYSTEM, aet="CT1", host="127.0.0.1", port=104)
    for given, expected in (
        ([], [0, 0, 0]), (["storage"], [1, 0, 1]), (["verification", "query"], [0, 1, 0]), (["retrieve"], [1, 0, 1])
    ):  # fmt: skip
        peers.change(archive.context, SYSTEM, "CT1", services=given)
        with peer_of(archive) as peer:
            accepted = peer.associate(calling="CT1", contexts=proposed)
            assert isinstance(accepted, pdu.AssociateAC)
            assert [context.result for context in accepted.presentation_contexts] == expected
            if given == ["retrieve"]:  # the contexts are for what it is sent by C-GET; it may store nothing
                uid = objects.uid()
                assert peer.store(objects.data_set(SOPInstanceUID=uid), uid).status == status.NOT_AUTHORIZED


def test_every_service_can_be_given_to_a_peer() -> None:
    assert {service.allowed_as for service in services.SERVICES} | {DimseService.STORAGE} == set(DimseService)


def test_a_peer_asks_and_is_answered_in_its_character_set(archive: Archive) -> None:
    store(archive.context, objects.part10(PatientName="Müller^Jürgen"))
    peers.add(archive.context, SYSTEM, aet="OLD", host="127.0.0.1", port=104, character_set="ISO_IR 100")
    keys = (b"QueryRetrieveLevel=STUDY", b"SpecificCharacterSet", "PatientName=MÜLLER*".encode("latin-1"))
    command = [b"findscu", b"-v", b"-S", b"-aet", b"OLD", *(each for key in keys for each in (b"-k", key)),
               b"127.0.0.1", str(archive.port).encode()]  # fmt: skip
    said = subprocess.run(command, env=ENVIRONMENT, timeout=60, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    assert "Müller^Jürgen".encode("latin-1") in said and b"ISO_IR 100" in said


def test_associations_and_instances_are_counted_soon(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "GATHER", 0.05)
    peers.add(archive.context, SYSTEM, aet="CT1", host="127.0.0.1", port=104)
    with peer_of(archive) as peer:
        peer.associate(calling="CT1")
        eventually(lambda: peers.get(archive.context, "CT1").associations == 1)  # seen while it is still there
        for _ in range(3):
            uid = objects.uid()
            assert peer.store(objects.data_set(SOPInstanceUID=uid), uid).status == 0
        assert peer.store(b"nonsense", "1.2.3").status not in (0, None)
    eventually(lambda: peers.get(archive.context, "CT1").instances == 3)
    counted = peers.get(archive.context, "CT1")
    assert counted.associations == 1 and counted.last_seen_at is not None


def test_what_is_not_written_yet_is_written_at_the_stop(archive: Archive) -> None:
    peers.add(archive.context, SYSTEM, aet="CT1", host="127.0.0.1", port=104)
    assert isinstance(answer(archive, "CT1"), pdu.AssociateAC)
    archive.server.stop(0)
    assert peers.get(archive.context, "CT1").associations == 1


def test_behind_a_load_balancer_a_peer_is_known_by_its_own_address(start: Start) -> None:
    archive = start(dicom_proxies=("127.0.0.0/8",))
    peers.add(archive.context, SYSTEM, aet="CT1", host="10.1.2.3", port=104, allowed_ips=["10.0.0.0/8"])
    for address, answered in (("10.1.2.3", pdu.AssociateAC), ("192.0.2.1", pdu.AssociateRJ)):
        with peer_of(archive) as peer:
            peer.send(f"PROXY TCP4 {address} 127.0.0.1 40000 104\r\n".encode())
            assert isinstance(peer.associate(calling="CT1"), answered)
    with peer_of(archive) as peer:  # one that says nothing is cut off, whoever it claims to be
        assert peer.associate(calling="CT1") is None


def test_without_declared_balancers_nobody_is_believed(archive: Archive) -> None:
    with peer_of(archive) as peer:
        peer.send(b"PROXY TCP4 10.1.2.3 127.0.0.1 40000 104\r\n")
        assert not isinstance(peer.associate(calling="CT1"), pdu.AssociateAC)
