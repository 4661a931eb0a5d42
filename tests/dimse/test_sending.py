"""Sending studies of the archive to peers: storescp, Orthanc, dcmqrscp, pynetdicom, and another archive of ours."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE, evt

import objects
import remotes
from certificates import Authority
from dimse.conftest import Archive, data_set_of, eventually
from isocenter import metrics
from isocenter.dimse import sending
from isocenter.dimse.sending import Sent
from isocenter.domain.access import SYSTEM
from isocenter.service import ingest, peers
from isocenter.service import sending as leaving
from isocenter.service.context import Context
from isocenter.service.peers import Peer

EXPLICIT, IMPLICIT = objects.EXPLICIT_LITTLE, "1.2.840.10008.1.2"


def known(context: Context, aet: str, port: int, **facts: object) -> Peer:
    return peers.add(context, SYSTEM, aet=aet, host="127.0.0.1", port=port, **facts)  # type: ignore[arg-type]


def store(context: Context, *contents: bytes) -> None:
    for content in contents:
        with ingest.begin(context, SYSTEM, source="dimse") as reception:
            reception.write(content)
            assert reception.finish().status == "stored"


def sent(context: Context, peer: Peer, *studies: str, **facts: object) -> list[Sent]:
    """Send studies; what became of each instance."""
    told: list[Sent] = []
    chosen = leaving.chosen(context, SYSTEM, studies=studies, to=peer.aet)
    assert chosen
    sending.send(context, peer, chosen, on_sent=told.append, **facts)  # type: ignore[arg-type]
    return told


def many(count: int, pixels: int = 512) -> list[bytes]:
    return [objects.part10(pixels) for _ in range(count)]


def facts(paths: list[Path]) -> dict[str, tuple[str, bytes]]:
    """SOP Instance UID -> transfer syntax and pixels."""
    read = [dcmread(path) for path in paths]
    return {ds.SOPInstanceUID: (ds.file_meta.TransferSyntaxUID, ds.PixelData) for ds in read}


STUDY = "1.2.3.1"  # of objects


def test_storescp_takes_every_stored_syntax_as_it_is(sqlite_context: Context, data: Path, tmp_path: Path) -> None:
    names = ("CT_small.dcm", "MR_small_jp2klossless.dcm", "JPGLosslessP14SV1_1s_1f_8b.dcm", "SC_rgb_rle.dcm")
    paths = [data / "transfer-syntaxes" / name for name in names]
    store(sqlite_context, *(path.read_bytes() for path in paths))
    studies = {dcmread(path).StudyInstanceUID for path in paths}
    with remotes.storescp(tmp_path, "+xa", "+B") as remote:  # +B: written as it came
        peer = known(sqlite_context, "STORESCP", remote.port)
        told = sent(sqlite_context, peer, *studies)
        assert [(each.status, each.reason, each.answered) for each in told] == [(0, "", True)] * len(paths)
        arrived = facts(remote.files())
    assert arrived == facts(paths)


def test_a_peer_that_wants_tls_gets_it_on_every_association(sqlite_context: Context, data: Path, tmp_path: Path) -> None:
    paths = sorted((data / "ct/volume-lidc-idri-0314").glob("*"))[:5]
    store(sqlite_context, *(path.read_bytes() for path in paths))
    authority = Authority(tmp_path)
    certificate, key = authority.signed("theirs")
    settings = replace(sqlite_context.settings, dicom_tls_ca=authority.certificate)
    context = replace(sqlite_context, settings=settings)
    secured = ("+xa", "+tls", str(key), str(certificate), "-ic", "--fork")
    with remotes.storescp(tmp_path / "scp", *secured) as remote:
        told = sent(context, known(context, "STORESCP", remote.port, tls=True, parallel=2), dcmread(paths[0]).StudyInstanceUID)
        assert [(each.status, each.reason) for each in told] == [(0, "")] * 5
        assert facts(remote.files()) == facts(paths)
        peers.change(context, SYSTEM, "STORESCP", tls=False)
        plain = sent(context, peers.get(context, "STORESCP"), dcmread(paths[0]).StudyInstanceUID)
    assert {each.answered for each in plain} == {False}, "it speaks nothing else"


MR = "1.2.840.10008.5.1.4.1.1.4"
RLE, J2K_LOSSLESS, DEFLATED = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.1.99"


@pytest.mark.parametrize(
    ("taken", "preferred", "arrives"),
    [
        ((IMPLICIT, RLE), (J2K_LOSSLESS,), RLE),
        ((IMPLICIT,), (), IMPLICIT),
        ((IMPLICIT, EXPLICIT), (), EXPLICIT),
        ((IMPLICIT, DEFLATED, J2K_LOSSLESS), (J2K_LOSSLESS, DEFLATED), J2K_LOSSLESS),
        ((IMPLICIT, DEFLATED), (J2K_LOSSLESS, DEFLATED), DEFLATED),
    ],
    ids=["stored", "implicit only", "explicit before implicit", "preferred", "second choice"],
)
def test_each_peer_gets_what_it_takes_without_loss(
    sqlite_context: Context, data: Path, taken: tuple[str, ...], preferred: tuple[str, ...], arrives: str
) -> None:
    original = data / "transfer-syntaxes/MR_small_RLE.dcm"
    store(sqlite_context, original.read_bytes())
    with receiver(*taken, sop_class=MR) as receiving:
        peer = known(sqlite_context, "ODD", receiving.port, preferred_syntaxes=preferred)
        (told,) = sent(sqlite_context, peer, dcmread(original).StudyInstanceUID)
    assert (told.status, told.reason) == (0, "")
    (received,) = receiving.datasets
    assert received.file_meta.TransferSyntaxUID == arrives
    assert (received.pixel_array == dcmread(original).pixel_array).all()


def test_orthanc_takes_a_study(sqlite_context: Context, data: Path, tmp_path: Path) -> None:
    paths = sorted((data / "ct/volume-lidc-idri-0314").glob("*"))[:5]
    store(sqlite_context, *(path.read_bytes() for path in paths))
    with remotes.orthanc(tmp_path, 1) as remote:
        peer = known(sqlite_context, "ORTHANC", remote.port, parallel=2)
        told = sent(sqlite_context, peer, dcmread(paths[0]).StudyInstanceUID)
        assert [each.status for each in told] == [0] * 5
        assert remote.http.get("/statistics").json()["CountInstances"] == 5
        for each in remote.http.get("/instances").json():
            received = dcmread(BytesIO(remote.http.get(f"/instances/{each}/file").content))
            assert received.PixelData in {dcmread(path).PixelData for path in paths}


def test_a_peer_is_sent_to_on_several_associations(sqlite_context: Context) -> None:
    store(sqlite_context, *many(12))
    with receiver() as receiving:

        def answer(event: evt.Event) -> int:
            eventually(lambda: receiving.most_at_once == 4)  # nobody is done before all have begun
            return 0x0000

        receiving.answer = answer
        told = sent(sqlite_context, known(sqlite_context, "ODD", receiving.port, parallel=4), STUDY)
        assert len(told) == 12 and all(each.ok for each in told)
        assert receiving.most_at_once == 4 and receiving.associations == 4
    assert set(receiving.stored) == {each.stored.sop_instance_uid for each in told} and len(receiving.stored) == 12


class Receiver:
    """pynetdicom as a receiver that does what a test says."""

    def __init__(self) -> None:
        self.port = 0
        self.stored: list[str] = []
        self.datasets: list[Dataset] = []
        self.originators: list[tuple[str, int]] = []
        self.associations = self.most_at_once = 0
        self.open = 0
        self.answer: Callable[[evt.Event], int] = lambda event: 0x0000
        self.lock = threading.Lock()

    def take(self, event: evt.Event) -> int:
        request = event.request
        status = self.answer(event)
        if status in (0x0000, 0xB000):
            with self.lock:
                self.stored.append(str(request.AffectedSOPInstanceUID))
                self.datasets.append(event.dataset)
                self.datasets[-1].file_meta = event.file_meta
                self.originators.append((request.MoveOriginatorApplicationEntityTitle, request.MoveOriginatorMessageID))
        return status

    def opened(self, event: evt.Event) -> None:
        with self.lock:
            self.associations += 1
            self.open += 1
            self.most_at_once = max(self.most_at_once, self.open)

    def closed(self, event: evt.Event) -> None:
        with self.lock:
            self.open -= 1


@contextmanager
def receiver(*syntaxes: str, sop_class: str = objects.CT, most: int = 50) -> Iterator[Receiver]:
    made = Receiver()
    entity = AE(ae_title="ODD")
    entity.maximum_associations = most
    entity.add_supported_context(sop_class, list(syntaxes) or [EXPLICIT])
    handlers = [(evt.EVT_C_STORE, made.take), (evt.EVT_ACCEPTED, made.opened), (evt.EVT_RELEASED, made.closed)]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    made.port = int(server.server_address[1])
    try:
        yield made
    finally:
        server.shutdown()


def test_what_a_peer_answers_is_told_with_its_words(sqlite_context: Context) -> None:
    store(sqlite_context, *many(3))
    answers = iter([0xA700, 0xB000, 0x0000])
    with receiver() as receiving:
        receiving.answer = lambda event: next(answers)
        told = sent(sqlite_context, known(sqlite_context, "ODD", receiving.port), STUDY, originator=("MOVER", 77))
    assert [(each.status, each.ok, bool(each.reason)) for each in told] == [
        (0xA700, False, True), (0xB000, True, True), (0x0000, True, False)
    ]
    assert receiving.originators == [("MOVER", 77)] * 2
    counted = metrics.exposition().decode()
    for outcome in ("success", "warning", "failure"):
        assert f'isocenter_instances_sent_total{{outcome="{outcome}",peer="ODD"}}' in counted


def test_what_a_peer_does_not_take_is_told_and_the_rest_sent(sqlite_context: Context) -> None:
    store(sqlite_context, *many(2), objects.part10(SOPClassUID=MR), objects.part10(SOPClassUID=MR))
    with receiver() as receiving:
        told = sent(sqlite_context, known(sqlite_context, "ODD", receiving.port), STUDY)
    assert sorted(each.status for each in told) == [0, 0, 0x0122, 0x0122]
    assert {each.reason for each in told if not each.ok} == {"the peer takes no objects of this kind (SOP class)"}
    assert len(receiving.stored) == 2


def test_a_file_that_is_lost_does_not_hide_the_others(sqlite_context: Context) -> None:
    store(sqlite_context, *many(3))
    files = [path for path in (sqlite_context.settings.blob_folder / "archive").rglob("*") if path.is_file()]
    files[0].unlink()
    with receiver() as receiving:
        told = sent(sqlite_context, known(sqlite_context, "ODD", receiving.port), STUDY)
    assert sorted(each.status for each in told) == [0, 0, 0x0110]
    assert receiving.associations == 1


def test_nobody_there_is_told_of_every_instance(sqlite_context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "AGAIN", 0.01)
    store(sqlite_context, *many(3))
    from servers import free_port

    told = sent(sqlite_context, known(sqlite_context, "OFF", free_port(), parallel=3), STUDY)
    assert [(each.status, each.answered) for each in told] == [(sending.NOT_SENT, False)] * 3
    assert {each.reason for each in told} == {"nobody answers: Connection refused"}


def test_an_association_that_is_lost_is_opened_again(sqlite_context: Context) -> None:
    store(sqlite_context, *many(6))
    lost: list[str] = []

    def answer(event: evt.Event) -> int:
        uid = str(event.request.AffectedSOPInstanceUID)
        if len(receiving.stored) == 3 and not lost:
            lost.append(uid)
            event.assoc.abort()
        return 0x0000

    with receiver() as receiving:
        receiving.answer = answer
        told = sent(sqlite_context, known(sqlite_context, "ODD", receiving.port), STUDY)
    assert [each.status for each in told] == [0] * 6
    assert receiving.associations == 2 and set(receiving.stored) == {each.stored.sop_instance_uid for each in told}


def test_an_instance_that_kills_its_association_does_not_stop_the_others(sqlite_context: Context) -> None:
    store(sqlite_context, *many(4))
    deadly: list[str] = []

    def answer(event: evt.Event) -> int:
        uid = str(event.request.AffectedSOPInstanceUID)
        if not deadly:
            deadly.append(uid)
        if uid == deadly[0]:
            event.assoc.abort()
            return 0x0110
        return 0x0000

    with receiver() as receiving:
        receiving.answer = answer
        told = sent(sqlite_context, known(sqlite_context, "ODD", receiving.port), STUDY)
    assert len(told) == 4
    ((uid, status),) = [(each.stored.sop_instance_uid, each.status) for each in told if not each.ok]
    assert (uid, status) == (deadly[0], sending.NOT_SENT) and len(receiving.stored) == 3


def test_a_peer_that_takes_fewer_associations_than_it_may_have_gets_everything(
    sqlite_context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "AGAIN", 0.01)
    store(sqlite_context, *many(30))
    with receiver(most=1) as receiving:
        told = sent(sqlite_context, known(sqlite_context, "ODD", receiving.port, parallel=8), STUDY)
        assert len(told) == 30 and all(each.ok for each in told)
        assert receiving.most_at_once == 1


def test_more_contexts_than_an_association_has_go_on_several(sqlite_context: Context) -> None:
    classes = [f"1.2.840.10008.5.1.4.1.1.{number}" for number in (2, 4, 7)] + [f"1.2.3.4.5.{number}" for number in range(70)]
    store(sqlite_context, *(objects.part10(SOPClassUID=each) for each in classes))
    with receiver() as receiving:
        told = sent(sqlite_context, known(sqlite_context, "ODD", receiving.port), STUDY)
        assert receiving.associations == 2  # 73 classes, each explicit and implicit
    assert sorted(each.status for each in told) == [0] + [0x0122] * 72


def test_a_cancel_stops_in_the_middle_of_an_instance(sqlite_context: Context) -> None:
    store(sqlite_context, *many(5, 32 * 1024))
    with receiver() as receiving:
        # 160 KB at 256 B/s would take ten minutes, longer than any test may.
        peer = known(sqlite_context, "ODD", receiving.port, throttle=256)
        began = time.monotonic()
        told = sent(sqlite_context, peer, STUDY, cancelled=lambda: time.monotonic() - began > 0.3)
    assert told == [] and receiving.stored == []


def test_who_asked_is_gone(sqlite_context: Context) -> None:
    """What `cancelled` and `on_sent` raise ends the sending, and comes out again."""
    store(sqlite_context, *many(5))

    class Gone(Exception):
        pass

    def gone(*_: object) -> bool:
        raise Gone

    with receiver() as receiving:
        peer = known(sqlite_context, "ODD", receiving.port)
        chosen = leaving.chosen(sqlite_context, SYSTEM, studies=[STUDY])
        with pytest.raises(Gone):
            sending.send(sqlite_context, peer, chosen, on_sent=gone)
        with pytest.raises(Gone):
            sending.send(sqlite_context, peer, chosen, on_sent=lambda one: None, cancelled=gone)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("send-")]


def test_a_peer_is_not_sent_more_than_its_rate(sqlite_context: Context) -> None:
    store(sqlite_context, *many(4, 16 * 1024))
    size = sum(len(each) for each in Archive(None, sqlite_context).data_sets())  # type: ignore[arg-type]
    with receiver() as receiving:
        peer = known(sqlite_context, "ODD", receiving.port, throttle=size, parallel=2)  # a second for all
        began = time.monotonic()
        told = sent(sqlite_context, peer, STUDY)
        took = time.monotonic() - began
    assert all(each.ok for each in told)
    assert took > 0.6, "together, not each of two associations at the rate"


def test_a_study_arrives_bit_by_bit_in_another_archive(sqlite_context: Context, archive: Archive, data: Path) -> None:
    """The receiver is the archive itself: what is sent is recognised as the same."""
    paths = sorted((data / "ct/volume-lidc-idri-0314").glob("*"))[:3]
    store(sqlite_context, *(path.read_bytes() for path in paths))
    peer = known(archive.context, "ISOCENTER", archive.port)
    told = sent(archive.context, peer, dcmread(paths[0]).StudyInstanceUID, calling="OTHER")
    assert [each.status for each in told] == [0, 0, 0]
    assert sorted(archive.data_sets()) == sorted(data_set_of(path) for path in paths)
