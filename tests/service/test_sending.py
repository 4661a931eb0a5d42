"""What leaves the archive: which instances are chosen, who may have them, what is noted, and their bytes."""

import os
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from isocenter.domain.access import SYSTEM, Role, by_role
from isocenter.domain.errors import Broken, Forbidden, Invalid, NoSpace, Unsupported
from isocenter.domain.events import Event
from isocenter.service import context as context_module
from isocenter.service import ingest, sending
from isocenter.service.context import Context
from isocenter.service.sending import Stored, chosen, outgoing
from isocenter.store import changes
from objects import EXPLICIT_LITTLE, part10

PEER = by_role("WORKSTATION", Role.SERVICE, "peer", "dicom", "10.0.0.9")
HOUSE = by_role("house", Role.REFERRER, "user", "session", referrer_name="House^Gregory")


def store(context: Context, data: bytes) -> None:
    with ingest.begin(context, SYSTEM, source="test", calling_aet="TEST") as reception:
        reception.write(data)
        assert reception.finish().status == "stored"


@pytest.fixture
def filled(context: Context) -> Context:
    """Patient A: study 1 with two series of two instances; patients B of two issuers: studies 2 and 3."""
    for study, series, number, patient, issuer, doctor in (
        ("1", "1", "10", "A", "", "House^Gregory"), ("1", "1", "9", "A", "", "House^Gregory"),
        ("1", "2", "1", "A", "", "House^Gregory"), ("1", "2", "2", "A", "", "House^Gregory"),
        ("2", "1", "1", "B", "NORTH", "Wilson^James"), ("3", "1", "1", "B", "SOUTH", "Wilson^James"),
    ):
        store(context, part10(PatientID=patient, IssuerOfPatientID=issuer, StudyInstanceUID=f"1.{study}",
                              SeriesInstanceUID=f"1.{study}.{series}", SOPInstanceUID=f"1.{study}.{series}.{number}",
                              SeriesNumber=series, InstanceNumber=number, ReferringPhysicianName=doctor))
    return context


def uids(found: list[Stored]) -> list[str]:
    return [stored.sop_instance_uid for stored in found]


STUDY_1 = ["1.1.1.9", "1.1.1.10", "1.1.2.1", "1.1.2.2"]


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ({"studies": ["1.1"]}, STUDY_1),
        ({"studies": ["1.1", "1.2", "1.99"]}, [*STUDY_1, "1.2.1.1"]),
        ({"series": ["1.1.2", "1.3.1"]}, ["1.1.2.1", "1.1.2.2", "1.3.1.1"]),
        ({"instances": ["1.1.1.10", "1.2.1.1", "1.2.1.1"]}, ["1.1.1.10", "1.2.1.1"]),
        ({"patients": ["A"]}, STUDY_1),
        ({"patients": ["B"]}, ["1.2.1.1", "1.3.1.1"]),
        ({"patients": ["B"], "issuer": "SOUTH"}, ["1.3.1.1"]),
        ({"studies": ["1.1"], "series": ["1.1.1", "1.2.1"]}, ["1.1.1.9", "1.1.1.10"]),
        ({"patients": ["A"], "studies": ["1.2"]}, []),
        ({"studies": ["1.*"]}, []),
        ({"instances": [f"1.1.1.{number}" for number in range(2000)]}, ["1.1.1.9", "1.1.1.10"]),
    ],
)
def test_what_is_in_every_list_is_chosen(filled: Context, lists: dict[str, list[str]], expected: list[str]) -> None:
    assert uids(chosen(filled, PEER, **lists)) == expected  # type: ignore[arg-type]


def test_nothing_is_not_everything(filled: Context) -> None:
    with pytest.raises(Invalid):
        chosen(filled, PEER)
    with pytest.raises(Invalid):
        chosen(filled, PEER, issuer="NORTH")


def test_only_what_the_principal_may_see(filled: Context) -> None:
    assert uids(chosen(filled, HOUSE, studies=["1.1", "1.2"])) == STUDY_1
    nobody = by_role("x", Role.REFERRER, "user", "session")
    assert chosen(filled, nobody, studies=["1.1"]) == []


def test_a_row_a_study_says_who_got_it_before_it_leaves(filled: Context) -> None:
    chosen(filled, PEER, studies=["1.1", "1.2"])
    chosen(filled, PEER, studies=["1.1"])  # told already, ten minutes long
    chosen(filled, PEER, studies=["1.1"], to="ELSEWHERE")
    rows = filled.database.read(lambda connection: changes.since(connection, 0, kinds=(Event.STUDY_SENT,)))
    assert [(row.actor, row.subject, row.payload.get("to")) for row in rows] == [
        ("WORKSTATION", "1.1", None), ("WORKSTATION", "1.2", None), ("WORKSTATION", "1.1", "ELSEWHERE")
    ]


def test_who_may_not_read_gets_nothing(filled: Context) -> None:
    with pytest.raises(Forbidden):
        chosen(filled, replace(PEER, rights={}), studies=["1.1"])


def test_an_accepted_object_leaves_as_it_is_stored(sqlite_context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    data = part10(100_000, Rows=100, Columns=500)
    store(sqlite_context, data)
    monkeypatch.setattr(sending, "PIECE", 4096)
    (stored,) = chosen(sqlite_context, PEER, studies=["1.2.3.1"])
    with outgoing(sqlite_context, stored, ["1.2.840.10008.1.2.4.90", EXPLICIT_LITTLE]) as sent:
        parts = list(sent.parts())
        assert sent.transfer_syntax_uid == EXPLICIT_LITTLE and sent.size == sum(map(len, parts))
        assert all(len(part) <= 4096 for part in parts) and data.endswith(b"".join(parts))


def test_what_is_lost_or_cut_is_said(sqlite_context: Context) -> None:
    store(sqlite_context, part10())
    (stored,) = chosen(sqlite_context, PEER, studies=["1.2.3.1"])
    path: Path = sqlite_context.blobs.path(stored.blob_key)
    os.truncate(path, stored.size - 2)
    for _ in range(2):
        with pytest.raises(Broken), outgoing(sqlite_context, stored, [EXPLICIT_LITTLE]):
            pass
        path.unlink(missing_ok=True)


def test_a_private_transfer_syntax_leaves_only_as_it_is(sqlite_context: Context) -> None:
    store(sqlite_context, part10(transfer_syntax="1.3.6.1.4.1.99999.7"))
    (stored,) = chosen(sqlite_context, PEER, studies=["1.2.3.1"])
    with pytest.raises(Unsupported), outgoing(sqlite_context, stored, [EXPLICIT_LITTLE]):
        pass
    with outgoing(sqlite_context, stored, [EXPLICIT_LITTLE, "1.3.6.1.4.1.99999.7"]) as sent:
        assert sent.transfer_syntax_uid == "1.3.6.1.4.1.99999.7"


def test_what_is_not_accepted_is_transcoded(sqlite_context: Context, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = data / "transfer-syntaxes/MR_small.dcm"
    store(sqlite_context, (data / "transfer-syntaxes/MR_small_jp2klossless.dcm").read_bytes())
    (stored,) = chosen(sqlite_context, PEER, patients=["4MR1"])
    for in_memory in (0, 16 << 20):
        monkeypatch.setattr(context_module, "_IN_MEMORY", in_memory)
        with outgoing(sqlite_context, stored, ["1.2.840.10008.1.2.4.100", EXPLICIT_LITTLE]) as sent:
            parts = b"".join(sent.parts())
        assert (sent.transfer_syntax_uid, sent.size) == (EXPLICIT_LITTLE, len(parts))
        assert parts.endswith(original.read_bytes()[-2 * 64 * 64 :])
    assert sqlite_context.blobs.path(stored.blob_key).stat().st_size == stored.size, "the original is untouched"


def test_a_frame_that_cannot_be_decoded_is_said_before_anything_leaves(sqlite_context: Context, data: Path) -> None:
    whole = bytearray((data / "transfer-syntaxes/MR_small_jp2klossless.dcm").read_bytes())
    start = whole.rfind(b"\xff\x4f\xff\x51")
    whole[start + 8 : start + 16] = b"\x7f" * 8  # a codestream that claims millions of rows
    store(sqlite_context, bytes(whole))
    (stored,) = chosen(sqlite_context, PEER, patients=["4MR1"])
    with pytest.raises(Unsupported, match="another size"), outgoing(sqlite_context, stored, [EXPLICIT_LITTLE]):
        pass


def test_no_room_to_transcode_is_said(sqlite_context: Context, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(sqlite_context, (data / "transfer-syntaxes/MR_small_jp2klossless.dcm").read_bytes())
    (stored,) = chosen(sqlite_context, PEER, patients=["4MR1"])

    def full(context: Context, size: int) -> BinaryIO:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Context, "scratch", full)
    with pytest.raises(NoSpace), outgoing(sqlite_context, stored, [EXPLICIT_LITTLE]):
        pass
