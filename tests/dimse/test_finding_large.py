"""C-CANCEL of a question that a real index has many answers to, on both databases (PS3.4 C.4.1.2.1)."""

import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, insert

import objects
from dimse.conftest import Archive, bound, peer_of
from dimse.test_finding import STUDY_ROOT, asked, encoded, final, request
from isocenter.dicom.identifier import Answers
from isocenter.dimse.messages import Command, CommandField
from isocenter.dimse.server import Server
from isocenter.dimse.upper_layer import pdu
from isocenter.service.context import Context
from isocenter.store import schema

STUDIES = 8000
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def archive(context: Context) -> Iterator[Archive]:
    """An archive whose index has many studies."""

    def fill(connection: Connection) -> None:
        times = {"received_at": NOW, "updated_at": NOW}
        (patient,) = connection.execute(insert(schema.patient).values(identity="P", **times)).inserted_primary_key or (0,)
        rows = [{"patient_fk": patient, "study_instance_uid": f"1.7.{number}", **times} for number in range(STUDIES)]
        connection.execute(insert(schema.study), rows)

    context.database.write(fill)
    server = Server(context, bound())
    server.start()
    yield Archive(server, context)
    server.stop(0)


def test_a_cancel_ends_the_reading_of_the_index(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, cancelled = threading.Event(), threading.Event()
    read: list[str] = []
    encode = Answers.encode

    def watched(answers: Answers, row: Mapping[str, str]) -> bytes:
        read.append(row["StudyInstanceUID"])
        if len(read) == 10:
            reading.set()
            assert cancelled.wait(30)
        return encode(answers, row)

    monkeypatch.setattr(Answers, "encode", watched)
    with peer_of(archive) as peer:
        assert isinstance(peer.associate(contexts={1: (STUDY_ROOT, (objects.EXPLICIT_LITTLE,))}), pdu.AssociateAC)
        peer.message(1, request(), encoded(asked("STUDY", StudyInstanceUID="")))
        assert reading.wait(30)
        peer.message(1, Command(command_field=CommandField.C_CANCEL_RQ, message_id_being_responded_to=7))
        cancelled.set()
        answer = final(peer)
    assert (answer.status, answer.message_id_being_responded_to) == (0xFE00, 7)
    assert len(read) < 1000, f"{len(read)} of {STUDIES} were still read"
