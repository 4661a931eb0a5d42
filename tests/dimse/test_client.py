"""Our SCU against our SCP, and against peers that misbehave."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import objects
from dimse.conftest import IMPLICIT, VERIFICATION, Archive, Start, data_set_of
from isocenter.dimse import client
from isocenter.dimse.client import Association, Lost, NotAccepted, Rejected, contexts_of
from isocenter.dimse.messages import Command
from isocenter.dimse.upper_layer import pdu
from isocenter.dimse.upper_layer.association import Association as UpperLayer
from isocenter.dimse.upper_layer.association import Ended, Limits
from isocenter.domain.errors import Invalid

# Their data sets have neither SOP Class nor SOP Instance UID: no C-STORE-RQ can name them (PS3.7 9.1.1.1).
WITHOUT_UIDS = {"JLSL_RGB_ILV0.dcm", "JLSL_RGB_ILV1.dcm", "JLSL_RGB_ILV2.dcm", "JLSN_RGB_ILV0.dcm"}


def to(archive: Archive, **values: object) -> Association:
    return Association("127.0.0.1", archive.port, calling="SCU", called="ISOCENTER", **values)  # type: ignore[arg-type]


def test_echo(archive: Archive) -> None:
    with to(archive) as association:
        assert [association.echo() for _ in range(3)] == [0, 0, 0]


def test_every_transfer_syntax_arrives_bit_by_bit(archive: Archive, data: Path) -> None:
    paths = sorted(path for path in (data / "transfer-syntaxes").rglob("*") if path.is_file())
    paths = [path for path in paths if path.name not in WITHOUT_UIDS]
    with to(archive, contexts=contexts_of(paths)) as association:
        results = [association.store(path) for path in paths]
    assert [result for result in results if not result.stored] == []
    assert set(archive.data_sets()) | set(archive.data_sets("quarantine")) == {data_set_of(path) for path in paths}


@pytest.mark.parametrize("maximum_length", [4096, 16384, 1 << 20])
def test_a_file_is_streamed_within_the_peers_maximum_length(start: Start, tmp_path: Path, maximum_length: int) -> None:
    archive = start(max_pdu=maximum_length)
    path = tmp_path / "large.dcm"
    path.write_bytes(objects.part10(3 << 20, Rows=1024, Columns=1536))
    with to(archive, contexts=contexts_of([path])) as association:
        assert association.store(path).status == 0
    assert archive.data_sets() == [data_set_of(path)]


@pytest.mark.parametrize(
    "transfer_syntax", ["1.2.840.113619.5.2", "1.3.6.1.4.1.99999.7"], ids=["known private", "unknown private"]
)
def test_private_transfer_syntax(archive: Archive, tmp_path: Path, transfer_syntax: str) -> None:
    path = tmp_path / "private.dcm"
    path.write_bytes(objects.part10(transfer_syntax=transfer_syntax))
    with to(archive, contexts=contexts_of([path])) as association:
        assert association.store(path).stored
    assert archive.data_sets() + archive.data_sets("quarantine") == [data_set_of(path)]


def test_a_refusal_is_a_result_with_the_peers_words(archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "cut.dcm"
    path.write_bytes(objects.part10()[:-100])
    with to(archive, contexts=contexts_of([path])) as association:
        result = association.store(path)
        assert (result.stored, result.status) == (False, 0xC000)
        assert result.comment
        good = tmp_path / "good.dcm"
        good.write_bytes(objects.part10())
        assert association.store(good).stored


def test_no_context_for_a_file(archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "ct.dcm"
    path.write_bytes(objects.part10())
    with to(archive) as association, pytest.raises(NotAccepted):
        association.store(path)


def test_no_dicom_file(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear colleague, " * 100)
    with pytest.raises(Invalid):
        contexts_of([path])


def test_rejected_with_the_words_of_the_standard(start: Start) -> None:
    with pytest.raises(Rejected, match="calling AE title not recognized"), to(start(accept_any_aet=False)):
        pass


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Lost), Association("127.0.0.1", port, calling="A", called="B"):
        pass


def test_an_object_without_uids_cannot_be_sent(data: Path) -> None:
    with pytest.raises(Invalid, match="UID"):
        contexts_of([data / "transfer-syntaxes/JLSL_RGB_ILV0.dcm"])


def test_too_many_contexts() -> None:
    with pytest.raises(Invalid, match="128"):
        Association("127.0.0.1", 1, calling="A", called="B", contexts=[(VERIFICATION, (IMPLICIT,))] * 129)


def test_an_error_inside_the_block_aborts(archive: Archive) -> None:
    with pytest.raises(ZeroDivisionError), to(archive) as association:
        association.echo()
        raise ZeroDivisionError


# Peers that misbehave


@pytest.fixture
def port_of() -> Iterator[object]:
    """port_of(answer): a peer that accepts an association and answers the first message with these bytes, or closes on b""."""
    threads = []
    listeners = []

    def begin(answer: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def run() -> None:
            connection, _ = listener.accept()
            association = UpperLayer.accepted(connection, Limits(artim_timeout=2))
            association.accept(association.request(), lambda abstract_syntax, transfer_syntaxes: transfer_syntaxes[0])
            try:
                association.receive()
                if not answer:
                    association.close()
                    return
                association.send_fragments(1, pdu.COMMAND | pdu.LAST, answer)
                while True:
                    association.receive()
            except Ended:
                pass

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return int(listener.getsockname()[1])

    yield begin
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    for listener in listeners:
        listener.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff" * 30,
        Command(command_field=0x8030, message_id_being_responded_to=999, status=0).encode(),
    ],
    ids=["closes", "garbage", "another message"],
)
def test_an_answer_that_is_none(port_of, answer: bytes) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Lost), Association("127.0.0.1", port_of(answer), calling="A", called="B") as association:
        association.echo()


def test_a_warning_counts_as_stored_and_an_unknown_status_does_not() -> None:
    assert client.StoreResult("1.2", 0xB000).stored
    assert client.StoreResult("1.2", 0x0000).stored
    assert not client.StoreResult("1.2", 0xA700).stored
    assert not client.StoreResult("1.2", 0x1234).stored
