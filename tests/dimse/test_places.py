"""Places of associations, counted over processes that share memory."""

import os
import subprocess
import sys
import threading

import pytest

from dimse.conftest import Start, bound, eventually, peer_of
from isocenter.dimse.places import Places, create
from isocenter.dimse.upper_layer import pdu

HOLDER = """
import sys
from isocenter.dimse.places import Places
places = Places(int(sys.argv[1]))
print([places.take(title, 2) for title in sys.argv[2].split()], flush=True)
sys.stdin.read()
"""


def test_a_title_has_its_places_and_all_together_have_theirs() -> None:
    places = Places(create(4))
    assert [places.take(title, 2) for title in ("A", "A", "A", "B", "C", "D")] == [0, 1, None, 2, 3, None]
    places.free(1)
    assert places.take("D", 2) == 1
    places.close()


def test_places_of_a_killed_process_are_taken_back_when_one_is_wanted() -> None:
    shared = create(3)
    places = Places(os.dup(shared))
    words = [sys.executable, "-c", HOLDER, str(shared), "A A"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=[shared]) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "[0, 1]\n"
        assert places.take("A", 2) is None  # another process has both
        assert places.take("B", 2) == 2 and places.take("C", 2) is None
        holder.kill()
    assert places.take("A", 2) == 0 and places.take("C", 2) == 1
    places.close()
    os.close(shared)


def test_many_threads_never_have_more_than_there_are() -> None:
    places = Places(create(8))
    held, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal held, most
        for _ in range(50):
            place = places.take("A", 5)
            if place is None:
                continue
            with lock:
                held += 1
                most = max(most, held)
            with lock:
                held -= 1
            places.free(place)

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= most <= 5
    assert [places.take("A", 8) for _ in range(9)] == [*range(8), None]
    places.close()


@pytest.mark.parametrize("most_of_peer", [3, 5])
def test_two_servers_count_together(start: Start, most_of_peer: int) -> None:
    """Listeners of their own, so that the test says which of the two is asked."""
    shared = create(5)
    limits = {"max_associations": 5, "max_associations_per_peer": most_of_peer}
    servers = [start(bound(), places=os.dup(shared), **limits) for _ in range(2)]
    os.close(shared)
    with peer_of(servers[0]) as one, peer_of(servers[1]) as two, peer_of(servers[0]) as three:
        for peer in (one, two, three):
            assert isinstance(peer.associate(calling="SAME"), pdu.AssociateAC)
        for archive in servers:
            eventually(lambda: sum(each.server.associations for each in servers) == 3)
            with peer_of(archive) as another:
                expected = pdu.LOCAL_LIMIT_EXCEEDED if most_of_peer == 3 else pdu.AssociateAC
                answer = another.associate(calling="SAME")
                assert answer == expected or isinstance(answer, expected)  # type: ignore[arg-type]
                assert isinstance(_other(archive), pdu.AssociateAC)
        two.send(pdu.ReleaseRQ())
        assert two.receive() == pdu.ReleaseRP()
        with peer_of(servers[0]) as again:  # though the released one has not closed its connection yet
            assert isinstance(again.associate(calling="SAME"), pdu.AssociateAC)
    eventually(lambda: sum(archive.server.associations for archive in servers) == 0)


def _other(archive: object) -> object:
    with peer_of(archive) as peer:  # type: ignore[arg-type]
        return peer.associate(calling="OTHER")
