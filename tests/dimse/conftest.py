"""A real server on a free port, and a peer that speaks PDUs byte by byte."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import objects
from isocenter.dicom import part10
from isocenter.dicom.source import FileSource
from isocenter.dimse import messages
from isocenter.dimse.messages import Command, CommandField
from isocenter.dimse.server import Server
from isocenter.dimse.upper_layer import pdu
from isocenter.dimse.upper_layer.items import MaximumLength, PresentationContextRQ, UserInformationItem
from isocenter.dimse.upper_layer.reader import Reader
from isocenter.dimse.upper_layer.transport import TransportClosed
from isocenter.service.context import Context

VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT = "1.2.840.10008.1.2"

# Presentation contexts of a RawPeer unless a test says otherwise.
CONTEXTS = {
    1: (VERIFICATION, (IMPLICIT,)),
    3: (objects.CT, (objects.EXPLICIT_LITTLE,)),
    5: ("1.2.3.4.5", (objects.EXPLICIT_LITTLE,)),
}


class RawPeer:
    """An SCU that does exactly what a test says, right or wrong."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = Reader(self.socket.recv_into)
        self._messages: list[Command] = []
        self.data = bytearray()  # the data sets of all answers

    def send(self, *values: pdu.PDU | bytes) -> None:
        self.socket.sendall(b"".join(value if isinstance(value, bytes) else value.encode() for value in values))

    def receive(self) -> pdu.PDU | Command | None:
        """The next PDU, or the command set of the next message (its data set goes to `data`); None when the peer has closed."""
        command = b""
        try:
            while not self._messages:
                received = self._reader.read()
                if not isinstance(received, list):
                    return received
                for _, control, view in received:
                    if not control & pdu.COMMAND:
                        self.data += view
                        continue
                    command += bytes(view)
                    if control & pdu.LAST:
                        self._messages.append(messages.decode(command))
                        command = b""
        except (TransportClosed, ConnectionResetError):
            return None
        return self._messages.pop(0)

    def associate(
        self,
        *,
        called: str = "ISOCENTER",
        calling: str = "PEER",
        maximum_length: int = 16384,
        contexts: dict[int, tuple[str, tuple[str, ...]]] = CONTEXTS,
        more: tuple[UserInformationItem, ...] = (),
    ) -> pdu.PDU | Command | None:
        proposed = tuple(PresentationContextRQ(number, *context) for number, context in contexts.items())
        self.send(pdu.AssociateRQ((MaximumLength(maximum_length), *more), called, calling, proposed))
        return self.receive()

    def message(self, context_id: int, command: Command, data: bytes = b"", *, cut: int = 16000) -> None:
        """Send a whole message, one PDV a PDU."""
        self.fragments(context_id, pdu.COMMAND, command.encode(), cut)
        if command.has_data_set:
            self.fragments(context_id, 0, data, cut)

    def fragments(self, context_id: int, control: int, data: bytes, cut: int = 16000, *, last: bool = True) -> None:
        for start in range(0, max(len(data), 1), cut):
            ends = pdu.LAST if last and start + cut >= len(data) else 0
            self.send(pdu.PDataTF((pdu.PresentationDataValue(context_id, control | ends, data[start : start + cut]),)))

    def echo(self) -> int | None:
        self.message(1, Command(command_field=CommandField.C_ECHO_RQ, message_id=1, affected_sop_class_uid=VERIFICATION))
        answer = self.receive()
        return answer.status if isinstance(answer, Command) else None

    def store(self, data_set: bytes, sop_instance_uid: str, *, sop_class_uid: str = objects.CT, context_id: int = 3) -> Command:
        self.message(context_id, store_request(sop_instance_uid, sop_class_uid), data_set)
        answer = self.receive()
        assert isinstance(answer, Command), answer
        return answer

    def close(self) -> None:
        self.socket.close()


def store_request(sop_instance_uid: str, sop_class_uid: str = objects.CT) -> Command:
    return Command(
        command_field=CommandField.C_STORE_RQ,
        message_id=5,
        priority=0,
        command_data_set_type=messages.DATA_SET,
        affected_sop_class_uid=sop_class_uid,
        affected_sop_instance_uid=sop_instance_uid,
    )


@dataclass
class Archive:
    """A server in this process and the folder it stores to."""

    server: Server
    context: Context

    @property
    def port(self) -> int:
        return self.server.port

    def files(self, area: str = "archive") -> list[Path]:
        """Every file that holds bytes; an association keeps an empty one ready in incoming/."""
        return [path for path in (self.context.settings.blob_folder / area).rglob("*") if path.is_file() and path.stat().st_size]

    def data_sets(self, area: str = "archive") -> list[bytes]:
        """The data set bytes of everything kept."""
        return [data_set_of(path) for path in self.files(area)]


def data_set_of(path: Path) -> bytes:
    """The bytes of a Part 10 file behind its file meta information."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        offset = part10.file_meta_of(FileSource(descriptor)).dataset_offset
    finally:
        os.close(descriptor)
    return path.read_bytes()[offset:]


def eventually(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


Start = Callable[..., Archive]


def bound() -> socket.socket:
    """A socket bound to a free port of loopback."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener


@pytest.fixture
def start(sqlite_context: Context) -> Iterator[Start]:
    """Start a server: start(listener=None, secure=None, places=None, **settings) -> Archive.

    Stopped at the end; every thread of it must be gone then.
    """
    with ExitStack() as stack:

        def begin(
            listener: socket.socket | None = None,
            secure: socket.socket | None = None,
            places: int | None = None,
            **settings: object,
        ) -> Archive:
            context = replace(sqlite_context, settings=replace(sqlite_context.settings, **settings))
            server = Server(context, listener or bound(), secure, places)
            server.start()
            stack.callback(server.stop, 0)
            return Archive(server, context)

        yield begin
    eventually(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("dicom-")])


@pytest.fixture
def archive(start: Start) -> Archive:
    """A server with the settings of the product, on loopback."""
    return start()


@contextmanager
def peer_of(archive: Archive) -> Iterator[RawPeer]:
    """A connected peer without an association yet."""
    peer = RawPeer(archive.port)
    try:
        yield peer
    finally:
        peer.close()


@pytest.fixture
def peer(archive: Archive) -> Iterator[RawPeer]:
    """A peer with an association."""
    with peer_of(archive) as connected:
        assert isinstance(connected.associate(), pdu.AssociateAC)
        yield connected
