"""The listener: who may associate, how many, one port for several processes, and a stop that finishes what has begun."""

import threading
import time
from dataclasses import replace

import pytest

import objects
from dimse.conftest import IMPLICIT, VERIFICATION, Archive, RawPeer, Start, bound, eventually, peer_of, store_request
from isocenter.dimse import server
from isocenter.dimse.messages import Command
from isocenter.dimse.upper_layer import pdu
from isocenter.service.context import Context


def associate(archive: Archive, **values: str) -> object:
    with peer_of(archive) as peer:
        return peer.associate(**values)  # type: ignore[arg-type]


def test_on_loopback_anybody_may_associate(archive: Archive) -> None:
    assert isinstance(associate(archive, called="WHATEVER", calling="NOBODY"), pdu.AssociateAC)


def test_only_known_peers(start: Start) -> None:
    assert associate(start(accept_any_aet=False), calling="NOBODY") == pdu.CALLING_AE_TITLE_NOT_RECOGNIZED


def test_called_ae_title_is_checked_when_asked(start: Start) -> None:
    archive = start(check_called_aet=True)
    assert associate(archive, called="WHATEVER") == pdu.CALLED_AE_TITLE_NOT_RECOGNIZED
    assert isinstance(associate(archive, called="ISOCENTER"), pdu.AssociateAC)


def test_the_peer_table_is_away(start: Start) -> None:
    archive = start(accept_any_aet=False)
    archive.context.database.close()
    index = archive.context.settings.data / "index.sqlite"
    index.rename(index.with_suffix(".away"))
    index.mkdir()
    assert associate(archive) == pdu.TEMPORARY_CONGESTION


@pytest.mark.parametrize(
    ("values", "rejection"),
    [
        ({"protocol_version": 2}, pdu.PROTOCOL_VERSION_NOT_SUPPORTED),
        ({"application_context_name": "1.2.3"}, pdu.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED),
        ({"presentation_contexts": ()}, pdu.NO_REASON_GIVEN),
    ],
)
def test_what_the_service_provider_rejects(archive: Archive, values: dict[str, object], rejection: pdu.AssociateRJ) -> None:
    good = pdu.AssociateRQ((), "A", "B", (pdu.PresentationContextRQ(1, VERIFICATION, (IMPLICIT,)),))
    with peer_of(archive) as peer:
        peer.send(replace(good, **values))
        assert peer.receive() == rejection


def test_no_context_accepted_is_still_an_association(archive: Archive) -> None:
    with peer_of(archive) as peer:
        answer = peer.associate(contexts={1: ("1.2.840.10008.1.9", (IMPLICIT,))})
        assert isinstance(answer, pdu.AssociateAC)
        assert [context.result for context in answer.presentation_contexts] == [3]


def test_one_association_too_many_is_rejected_until_another_ends(start: Start) -> None:
    archive = start(max_associations=2)
    with peer_of(archive) as first, peer_of(archive) as second:
        first.associate()
        second.associate()
        assert associate(archive) == pdu.LOCAL_LIMIT_EXCEEDED
        first.send(pdu.ReleaseRQ())
        assert first.receive() == pdu.ReleaseRP()
        eventually(lambda: archive.server.associations == 1)
        assert isinstance(associate(archive), pdu.AssociateAC)


def test_silent_connections_without_end_make_room_for_who_speaks(start: Start) -> None:
    """Of more connections than are held the oldest silent ones are closed; nobody waits for ARTIM, 30 seconds here."""
    archive = start(max_associations=3)
    with peer_of(archive) as established:
        assert isinstance(established.associate(), pdu.AssociateAC)
        peers = [RawPeer(archive.port) for _ in range(server.REJECTED_AT_ONCE + 20)]
        try:
            assert peers[0].receive() is None
            with peer_of(archive) as later:
                assert isinstance(later.associate(), pdu.AssociateAC) and later.echo() == 0
            assert established.echo() == 0
            assert isinstance(peers[-1].associate(), pdu.AssociateAC)  # the newest is still there
            assert archive.server.connections <= server.REJECTED_AT_ONCE + 3
        finally:
            for peer in peers:
                peer.close()


def test_associations_that_nobody_makes_room_for(start: Start) -> None:
    """Who is told why does not go before: a rejection waits for its peer to close."""
    archive = start(max_associations=1, artim_timeout=5)
    peers = [RawPeer(archive.port) for _ in range(server.REJECTED_AT_ONCE + 1)]
    try:
        answers = [peer.associate() for peer in peers]
        assert isinstance(answers[0], pdu.AssociateAC) and answers[1:] == [pdu.LOCAL_LIMIT_EXCEEDED] * server.REJECTED_AT_ONCE
        with peer_of(archive) as another:
            assert another.receive() is None
    finally:
        for peer in peers:
            peer.close()


def test_two_hundred_associations_and_one_that_works(archive: Archive) -> None:
    peers = [RawPeer(archive.port) for _ in range(200)]
    try:
        for number, peer in enumerate(peers):
            assert isinstance(peer.associate(calling=f"PEER-{number}"), pdu.AssociateAC)
        assert archive.server.associations == 200
        uid = objects.uid()
        assert peers[117].store(objects.data_set(SOPInstanceUID=uid), uid).status == 0
        assert all(peer.echo() == 0 for peer in peers)
    finally:
        for peer in peers:
            peer.close()


# The port


def test_two_servers_share_a_socket_evenly(start: Start) -> None:
    listener = bound()
    first, second = start(listener=listener), start(listener=listener.dup())
    peers = []
    try:
        for number in range(1, 41):
            peers.append(RawPeer(first.port))
            assert isinstance(peers[-1].associate(), pdu.AssociateAC)
            assert first.server.associations + second.server.associations == number
        assert 4 <= first.server.associations <= 36  # about half and half, but on a busy machine
    finally:
        for peer in peers:
            peer.close()


def test_a_server_that_stops_leaves_the_socket_to_the_other(start: Start) -> None:
    listener = bound()
    first, second = start(listener=listener), start(listener=listener.dup())
    first.server.stop(0)
    assert all(isinstance(associate(second), pdu.AssociateAC) for _ in range(3))


# Stop


def stop(archive: Archive, grace_seconds: float) -> threading.Thread:
    thread = threading.Thread(target=archive.server.stop, args=(grace_seconds,))
    thread.start()
    return thread


def test_stop_aborts_what_is_idle_at_once(archive: Archive) -> None:
    with peer_of(archive) as peer:
        peer.associate()
        eventually(lambda: archive.server.associations)
        stopping = stop(archive, 300)
        assert peer.receive() == pdu.Abort(0)
        peer.close()
        stopping.join(100)
        assert not stopping.is_alive()
    with pytest.raises(OSError):
        RawPeer(archive.port)


def test_stop_lets_a_message_in_progress_finish_and_answers_it(archive: Archive) -> None:
    uid = objects.uid()
    data = objects.data_set(4000, SOPInstanceUID=uid, Columns=125)
    with peer_of(archive) as peer:
        peer.associate()
        peer.fragments(3, pdu.COMMAND, store_request(uid).encode())
        peer.fragments(3, 0, data[:1000], last=False)
        eventually(lambda: archive.files("incoming"))
        stopping = stop(archive, 0)
        time.sleep(0.2)
        peer.fragments(3, 0, data[1000:])
        answer = peer.receive()
        assert isinstance(answer, Command)
        assert answer.status == 0
        assert peer.receive() == pdu.Abort(0)
    stopping.join(10)
    assert not stopping.is_alive()
    assert archive.data_sets() == [data]


def test_stop_gives_an_association_in_use_its_grace_time(archive: Archive) -> None:
    with peer_of(archive) as peer:
        peer.associate()
        assert peer.echo() == 0
        stopping = stop(archive, 1.5)
        sent = 0
        while peer.echo() == 0:
            sent += 1
            time.sleep(0.02)
        assert sent > 3  # a busy machine sends few in the time
    stopping.join(10)
    assert not stopping.is_alive()


def test_stop_does_not_wait_for_ever_for_a_message(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LAST_MESSAGE", 0.3)
    with peer_of(archive) as peer:
        peer.associate()
        peer.fragments(3, pdu.COMMAND, store_request("1.2.3").encode())
        peer.fragments(3, 0, bytes(100), last=False)
        eventually(lambda: archive.files("incoming"))
        stopping = stop(archive, 0)
        stopping.join(5)
        assert not stopping.is_alive()
        eventually(lambda: not archive.server.connections)
        eventually(lambda: not archive.files("incoming"))


def test_serve_returns_after_stop(sqlite_context: Context) -> None:
    context = replace(sqlite_context, settings=replace(sqlite_context.settings, grace_seconds=1))
    event = threading.Event()
    thread = threading.Thread(target=server.serve, args=(context, event, bound()))
    thread.start()
    event.set()
    thread.join(5)
    assert not thread.is_alive()


def test_the_log_names_the_peer_and_counts_but_no_patient(archive: Archive, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    patient = {"PatientName": "Doe^Secret", "PatientID": "SECRET-1", "AccessionNumber": "SECRET-2"}
    patient["PatientBirthDate"] = "19991231"
    with peer_of(archive) as peer:
        peer.associate(calling="SCANNER")
        uid = objects.uid()
        assert peer.store(objects.data_set(SOPInstanceUID=uid, **patient), uid).status == 0
        assert peer.store(objects.data_set(SOPInstanceUID=objects.uid(), **patient), uid).status == 0xA900
        assert peer.store(objects.data_set(SOPInstanceUID=uid, **patient)[:-99], uid).status == 0xC000
        peer.send(pdu.ReleaseRQ())
        assert peer.receive() == pdu.ReleaseRP()
    eventually(lambda: "association ended" in caplog.text)
    facts = next(vars(record)["facts"] for record in caplog.records if record.getMessage() == "association ended")
    assert (facts["calling"], facts["how"], facts["success"], facts["failure"]) == ("SCANNER", "released", 1, 2)
    said = caplog.text + repr([vars(record) for record in caplog.records])
    assert "Secret" not in said
    assert "SECRET" not in said
    assert "19991231" not in said
