"""C-ECHO as SCU: each way in which it can go is told apart, against our own server and others."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from pynetdicom import AE, evt
from pynetdicom.sop_class import CTImageStorage, Verification  # type: ignore[attr-defined]

from dimse.conftest import Archive, Start
from isocenter.dimse import echoing
from isocenter.domain.verification import Outcome, Verified


def ask(port: int, called: str = "ISOCENTER") -> Verified:
    return echoing.verify("127.0.0.1", port, "ISOCENTER", called, patience=1.0)


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where connections are taken and nothing is said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def foreign() -> Iterator[Callable[..., int]]:
    """foreign(*contexts, status=0): the port of a pynetdicom SCP."""
    servers = []

    def begin(*contexts: str, status: int = 0) -> int:
        entity = AE(ae_title="FOREIGN")
        entity.require_called_aet = True
        for context in contexts:
            entity.add_supported_context(context)
        handlers = [(evt.EVT_C_ECHO, lambda event: status)]
        servers.append(entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers))
        return int(servers[-1].server_address[1])

    yield begin
    for server in servers:
        server.shutdown()


def test_answered(archive: Archive, foreign: Callable[..., int]) -> None:
    verified = ask(archive.port)
    assert verified.ok and verified.message == "ISOCENTER answered." and verified.milliseconds >= 0
    assert ask(foreign(Verification), "FOREIGN").ok


def test_rejected_with_the_reason_and_what_to_do(start: Start, foreign: Callable[..., int]) -> None:
    verified = ask(start(accept_any_aet=False).port)
    assert verified.outcome is Outcome.REJECTED and "calling AE title not recognized" in verified.message
    assert "Add this archive's AE title, ISOCENTER," in verified.message
    verified = ask(foreign(Verification), "WRONG")
    assert verified.outcome is Outcome.REJECTED and "another AE title than WRONG" in verified.message


def test_verification_is_not_offered(foreign: Callable[..., int]) -> None:
    assert ask(foreign(CTImageStorage), "FOREIGN").outcome in (Outcome.NOT_OFFERED, Outcome.NO_ANSWER)


def test_answered_with_a_failure(foreign: Callable[..., int]) -> None:
    verified = ask(foreign(Verification, status=0x0122), "FOREIGN")
    assert verified.outcome is Outcome.FAILED and "0122H" in verified.message


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    verified = ask(port)
    assert verified.outcome is Outcome.UNREACHABLE and "Connection refused" in verified.message
    unknown = echoing.verify("no-such-host.invalid", 104, "A", "B", patience=1.0)
    assert unknown.outcome is Outcome.UNREACHABLE and unknown.message


def test_a_port_that_says_nothing(silent: int) -> None:
    verified = ask(silent)
    assert verified.outcome is Outcome.NO_ANSWER and "DICOM port" in verified.message


def test_a_port_that_speaks_something_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                connection.recv(4096)

        thread = threading.Thread(target=greet)
        thread.start()
        assert ask(listener.getsockname()[1]).outcome is Outcome.NO_ANSWER
        thread.join(5)
