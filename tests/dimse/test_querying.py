"""Our C-FIND, C-MOVE and C-GET SCU against foreign archives: Orthanc, dcmqrscp and pynetdicom."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE, build_context, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    PatientRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

import objects
import remotes
from conftest import archive as another_archive
from dimse.conftest import Archive, bound, data_set_of
from isocenter.dicom.attributes import Level
from isocenter.dimse import client, querying
from isocenter.dimse.client import Association, NotAccepted, Refused, contexts_of
from isocenter.dimse.querying import Progress, Wanted
from isocenter.dimse.server import Server
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Invalid
from isocenter.service import ingest, peers
from isocenter.service.peers import Peer

SYNTAXES = "transfer-syntaxes"


def known(archive: Archive, aet: str, port: int) -> Peer:
    """A peer of the archive."""
    return peers.add(archive.context, SYSTEM, aet=aet, host="127.0.0.1", port=port)


def fill(remote: remotes.Remote, paths: list[Path]) -> None:
    with Association("127.0.0.1", remote.port, calling="ISOCENTER", called=remote.aet, contexts=contexts_of(paths)) as to:
        assert all(to.store(path).stored for path in paths)


def samples(data: Path, folder: Path) -> list[Path]:
    """Two studies: three CT slices, and an MR in JPEG 2000 with an RLE one."""
    paths = sorted((data / "ct/volume-lidc-idri-0314").glob("*"))[:3]
    paths += [data / SYNTAXES / "MR_small_jp2klossless.dcm"]
    for number, name in enumerate(("Müller^Jürgen", "山田^太郎"), 1):
        path = folder / f"{number}.dcm"
        path.write_bytes(objects.part10(PatientName=name, PatientID=f"N{number}", StudyInstanceUID=f"1.2.7.{number}",
                                        SeriesInstanceUID=f"1.2.7.{number}.1", StudyDate=f"2026010{number}"))
        paths.append(path)
    return paths


def pixels(path: Path | BytesIO) -> bytes:
    return bytes(dcmread(path).PixelData)


def test_orthanc_is_asked_and_gives(archive: Archive, data: Path, tmp_path: Path) -> None:
    paths = samples(data, tmp_path)
    with remotes.orthanc(tmp_path / "orthanc", archive.port) as remote:
        fill(remote, paths)
        peer, context = known(archive, "ORTHANC", remote.port), archive.context
        # Names beyond ASCII, there and back
        (row,) = querying.find(context, peer, Level.STUDY, {"PatientName": "Müller^Jürgen"})
        assert (row["StudyInstanceUID"], row["PatientName"], row["NumberOfStudyRelatedInstances"]) == (
            "1.2.7.1", "Müller^Jürgen", "1"
        )
        assert {row["PatientName"] for row in querying.find(context, peer, Level.PATIENT, {"PatientID": "N*"})} == {
            "Müller^Jürgen", "山田^太郎"
        }
        ct = dcmread(paths[0])
        (series,) = querying.find(context, peer, Level.SERIES, {"StudyInstanceUID": ct.StudyInstanceUID})
        assert (series["Modality"], series["NumberOfSeriesRelatedInstances"]) == ("CT", "3")
        # C-MOVE to ourselves, with progress
        seen: list[Progress] = []
        moved = querying.retrieve(context, SYSTEM, peer, [Wanted(ct.StudyInstanceUID)], on_progress=seen.append)
        assert (moved.how, moved.ok, moved.completed, moved.failed) == ("move", True, 3, 0)
        assert [each.completed for each in seen][-1] == 3 and len(seen) >= 3
        assert len(archive.files()) == 3
        # C-GET of one series, which is compressed, and of one instance of another study, in one go
        mr = dcmread(paths[3])
        wanted = [Wanted(mr.StudyInstanceUID, mr.SeriesInstanceUID), Wanted("1.2.7.1", "1.2.7.1.1")]
        got = querying.retrieve(context, SYSTEM, peer, wanted, how="get")
        assert (got.how, got.ok, got.completed) == ("get", True, 2)
    arrived = {bytes(dcmread(path).SOPInstanceUID, "ascii"): path for path in archive.files()}
    assert len(arrived) == 5
    kept = dcmread(arrived[mr.SOPInstanceUID.encode()])
    assert kept.file_meta.TransferSyntaxUID == mr.file_meta.TransferSyntaxUID and kept.PixelData == mr.PixelData
    assert pixels(arrived[ct.SOPInstanceUID.encode()]) == ct.PixelData


@pytest.mark.parametrize("how", ["move", "get"])
def test_another_archive_of_ours_gives_as_it_has_it(archive: Archive, data: Path, tmp_path: Path, how: querying.How) -> None:
    paths = samples(data, tmp_path)
    with another_archive(f"sqlite:///{tmp_path / 'other.sqlite'}", tmp_path / "other") as context:
        other = replace(context, settings=replace(context.settings, aet="OTHER"))
        server = Server(other, bound())
        server.start()
        try:
            for path in paths:
                with ingest.begin(other, SYSTEM, source="import") as reception:
                    reception.write(path.read_bytes())
                    reception.finish()
            peers.add(other, SYSTEM, aet="ISOCENTER", host="127.0.0.1", port=archive.port)
            peer = known(archive, "OTHER", server.port)
            rows = list(querying.find(archive.context, peer, Level.STUDY, {"PatientName": "MULLER*"}))
            assert [row["PatientName"] for row in rows] == ["Müller^Jürgen"]
            wanted = [Wanted(row["StudyInstanceUID"]) for row in querying.find(archive.context, peer, Level.STUDY, {})]
            got = querying.retrieve(archive.context, SYSTEM, peer, wanted, how=how)
        finally:
            server.stop(0)
    assert (got.ok, got.completed, got.failed, got.how) == (True, len(paths), 0, how)
    assert sorted(archive.data_sets()) == sorted(map(data_set_of, paths))


def test_dcmqrscp_gives_by_c_get_when_it_does_not_know_us(archive: Archive, data: Path, tmp_path: Path) -> None:
    paths = samples(data, tmp_path)
    del paths[3]  # it takes what is not compressed only
    with remotes.dcmqrscp(tmp_path / "qr", archive.port) as remote:
        fill(remote, paths)
        peer, ct = known(archive, "QR", remote.port), dcmread(paths[0])
        rows = list(querying.find(archive.context, peer, Level.STUDY, {"Modality": ""}))
        assert {row["StudyInstanceUID"] for row in rows} == {dcmread(path).StudyInstanceUID for path in paths}
        uids = [dcmread(path).SOPInstanceUID for path in paths[:2]]
        wanted = [Wanted(ct.StudyInstanceUID, ct.SeriesInstanceUID, uid) for uid in uids]
        assert querying.retrieve(archive.context, SYSTEM, peer, wanted, how="move").completed == 2
        assert len(archive.files()) == 2
        stranger = Archive(archive.server, _as(archive, "NOBODY").context)
        refused = querying.retrieve(stranger.context, SYSTEM, peer, [Wanted(ct.StudyInstanceUID)], how="move")
        assert (refused.status, refused.ok, refused.completed) == (0xA801, False, 0)
        got = querying.retrieve(stranger.context, SYSTEM, peer, [Wanted(ct.StudyInstanceUID)])
        assert (got.how, got.ok, got.completed) == ("get", True, 3)
    assert {dcmread(path).SOPInstanceUID for path in archive.files()} == {dcmread(path).SOPInstanceUID for path in paths[:3]}


def _as(archive: Archive, aet: str) -> Archive:
    """The same archive under another AE title."""
    return Archive(archive.server, replace(archive.context, settings=replace(archive.context.settings, aet=aet)))


def test_pynetdicoms_qrscp_takes_is_asked_and_gives(archive: Archive, data: Path, tmp_path: Path) -> None:
    """What it is sent, it is asked for, and gives back to an archive that has nothing."""
    paths = samples(data, tmp_path)[:3]
    ct = dcmread(paths[0])
    with remotes.qrscp(tmp_path / "qrscp", archive.port) as remote:
        fill(remote, paths)
        peer = known(archive, "QRSCP", remote.port)
        (row,) = querying.find(archive.context, peer, Level.STUDY, {"StudyInstanceUID": ct.StudyInstanceUID})
        assert row["PatientID"] == ct.PatientID
        found = querying.find(archive.context, peer, Level.INSTANCE, {
            "StudyInstanceUID": ct.StudyInstanceUID, "SeriesInstanceUID": ct.SeriesInstanceUID})  # fmt: skip
        assert {each["SOPInstanceUID"] for each in found} == {dcmread(path).SOPInstanceUID for path in paths}
        one = Wanted(ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.SOPInstanceUID)
        moved = querying.retrieve(archive.context, SYSTEM, peer, [one], how="move")
        assert (moved.ok, moved.completed) == (True, 1), moved
        got = querying.retrieve(archive.context, SYSTEM, peer, [Wanted(ct.StudyInstanceUID)], how="get")
        assert (got.ok, got.completed) == (True, 3), got
    assert {pixels(path) for path in archive.files()} == {pixels(path) for path in paths}


# pynetdicom as archives that are slow, poor or odd


@contextmanager
def scp(archive: Archive, sop_classes: list[str], handlers: list[object]) -> Iterator[Peer]:
    entity = AE(ae_title="ODD")
    for sop_class in sop_classes:
        entity.add_supported_context(sop_class)
    entity.add_supported_context(objects.CT, objects.EXPLICIT_LITTLE, scu_role=True, scp_role=True)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    try:
        yield known(archive, "ODD", int(server.server_address[1]))
    finally:
        server.shutdown()


def answer(number: int) -> Dataset:
    row = Dataset()
    row.QueryRetrieveLevel, row.StudyInstanceUID = "STUDY", f"1.2.{number}"
    return row


def test_a_limit_and_a_cancel_stop_the_peer(archive: Archive) -> None:
    cancelled, more = [], threading.Event()

    def find(event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        for number in range(1, 100_000):
            if event.is_cancelled:
                cancelled.append(number)
                yield 0xFE00, None
                return
            yield 0xFF00, answer(number)
            if number == 5:
                more.wait(0.3)  # the peer is busy with its own index: the C-CANCEL comes meanwhile

    with scp(archive, [StudyRootQueryRetrieveInformationModelFind], [(evt.EVT_C_FIND, find)]) as peer:
        rows = list(querying.find(archive.context, peer, Level.STUDY, {}, limit=3))
        assert [row["StudyInstanceUID"] for row in rows] == ["1.2.1", "1.2.2", "1.2.3"]
        taken: list[object] = []
        for row in querying.find(archive.context, peer, Level.STUDY, {}, cancelled=lambda: len(taken) >= 4):
            taken.append(row)
        assert 4 <= len(taken) < 50_000
    assert len(cancelled) == 2


def test_a_peer_that_knows_no_cancel_is_left(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(querying, "GOES_ON", 0.1)

    def find(event: evt.Event) -> Iterator[tuple[int, Dataset]]:
        number = 0
        while event.assoc.is_established:
            number += 1
            yield 0xFF00, answer(number)

    with scp(archive, [StudyRootQueryRetrieveInformationModelFind], [(evt.EVT_C_FIND, find)]) as peer:
        rows = querying.find(archive.context, peer, Level.STUDY, {}, limit=3)
        assert [next(rows)["StudyInstanceUID"] for _ in range(3)] == ["1.2.1", "1.2.2", "1.2.3"]
        assert list(rows) == []  # though the peer goes on for ever


def test_a_query_that_fails_says_with_which_words(archive: Archive) -> None:
    def find(event: evt.Event) -> Iterator[tuple[Dataset, None]]:
        status = Dataset()
        status.Status, status.ErrorComment = 0xA700, "the index is being rebuilt"
        yield status, None

    with (
        scp(archive, [PatientRootQueryRetrieveInformationModelFind], [(evt.EVT_C_FIND, find)]) as peer,
        pytest.raises(Refused, match="A700H: the index is being rebuilt") as raised,
    ):
        list(querying.find(archive.context, peer, Level.STUDY, {}))
    assert raised.value.code == 0xA700


def test_what_a_peer_does_not_offer_and_what_cannot_be_asked(archive: Archive) -> None:
    with scp(archive, [StudyRootQueryRetrieveInformationModelFind], []) as peer:
        with pytest.raises(NotAccepted):
            querying.retrieve(archive.context, SYSTEM, peer, [Wanted("1.2")])
        with pytest.raises(Invalid, match="Nonsense"):
            list(querying.find(archive.context, peer, Level.STUDY, {"Nonsense": "1"}))


def test_sub_operations_that_fail_are_named(archive: Archive) -> None:
    def move(event: evt.Event) -> Iterator[object]:
        yield "127.0.0.1", archive.port, {"contexts": [build_context(objects.CT, objects.EXPLICIT_LITTLE)]}
        yield 2
        yield 0xFF00, dcmread(BytesIO(objects.part10(SOPInstanceUID="1.2.9.1")))
        yield 0xFF00, dcmread(BytesIO(objects.part10(SOPInstanceUID="1.2.9.2", SOPClassUID="1.2.840.10008.5.1.4.1.1.4")))

    with scp(archive, [StudyRootQueryRetrieveInformationModelMove], [(evt.EVT_C_MOVE, move)]) as peer:
        moved = querying.retrieve(archive.context, SYSTEM, peer, [Wanted("1.2.3.1")])
    assert moved.how == "move" and not moved.ok
    assert (moved.completed, moved.failed, moved.failed_uids, moved.status) == (1, 1, ("1.2.9.2",), 0xB000)


def test_a_retrieval_is_cancelled(archive: Archive) -> None:
    stop = threading.Event()

    def get(event: evt.Event) -> Iterator[object]:
        yield 1000
        for _ in range(1000):
            if event.is_cancelled:
                yield 0xFE00, None
                return
            yield 0xFF00, dcmread(BytesIO(objects.part10()))

    def seen(progress: Progress) -> None:
        if progress.completed == 3:
            stop.set()

    with scp(archive, [StudyRootQueryRetrieveInformationModelGet], [(evt.EVT_C_GET, get)]) as peer:
        got = querying.retrieve(archive.context, SYSTEM, peer, [Wanted("1.2.3.1"), Wanted("1.2.3.2")], how="get",
                                on_progress=seen, cancelled=stop.is_set)
    assert got.status == 0xFE00 and not got.ok and 3 <= got.completed < 900
    assert len(archive.files()) >= 3


def test_who_stops_reading_leaves_the_association(archive: Archive) -> None:
    def find(event: evt.Event) -> Iterator[tuple[int, Dataset]]:
        for number in range(20):
            yield 0xFF00, answer(number)

    with scp(archive, [StudyRootQueryRetrieveInformationModelFind], [(evt.EVT_C_FIND, find)]) as peer:
        rows = querying.find(archive.context, peer, Level.STUDY, {})
        assert next(rows)["StudyInstanceUID"] == "1.2.0"
        rows.close()  # type: ignore[attr-defined]
        assert len(list(querying.find(archive.context, peer, Level.STUDY, {}))) == 20


def test_an_association_that_is_lost(archive: Archive) -> None:
    def find(event: evt.Event) -> Iterator[tuple[int, Dataset]]:
        yield 0xFF00, answer(1)
        event.assoc.abort()
        yield 0xFF00, answer(2)

    with (
        scp(archive, [StudyRootQueryRetrieveInformationModelFind], [(evt.EVT_C_FIND, find)]) as peer,
        pytest.raises(client.Lost),
    ):
        list(querying.find(archive.context, peer, Level.STUDY, {}))
