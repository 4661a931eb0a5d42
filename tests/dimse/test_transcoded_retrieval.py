"""The matrix: every stored transfer syntax to receivers that accept one only, by C-GET and by C-MOVE, pixel by pixel."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pynetdicom import AE, build_context, build_role, evt

from conftest import MEMORY
from conftest import archive as opened
from dimse.conftest import Archive, bound
from dimse.test_finding import asked
from dimse.test_foreign import associated
from isocenter.codecs import transcoding
from isocenter.codecs.formats import TARGETS
from isocenter.dicom import sop_classes
from isocenter.dicom.meta import file_meta
from isocenter.dicom.source import BytesSource
from isocenter.dimse.server import Server
from isocenter.domain.access import SYSTEM
from isocenter.service import ingest, peers

STORED = [
    "MR_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm", "image_dfl.dcm", "JPEGLossless_1s_1f_u_16_12.dcm", "SC_rgb_jpeg_gdcm.dcm",
    "SC_rgb_rle_2frame.dcm", "MR3_JPH", "SC_rgb_dcmtk_+eb+cy+np.dcm", "same-image/NM1/NM1_JLSN", "same-image/US1/US1_J2KI",
    "JPGExtended.dcm", "SC_rgb_small_odd.dcm",
]
# The other compressed syntaxes are made by the same encoders as these.
DISTINCT = ["1.2.840.10008.1.2" + each for each in ("", ".1", ".1.99", ".5", ".4.70", ".4.80", ".4.90", ".4.202")]
Arrived = dict[str, tuple[str, bytes]]  # SOP Instance UID -> transfer syntax, native pixels


def native(content: bytes) -> tuple[str, bytes]:
    """The transfer syntax of a file and its native pixels: little endian, samples of a pixel side by side."""
    given = transcoding.read(BytesSource(content))
    return given.header.transfer_syntax_uid, b"".join(frame for frame, _ in transcoding.native_frames(given))


@pytest.fixture(scope="module")
def contents() -> dict[str, bytes]:
    """The objects, each under a UID of its own; some of the files share theirs."""
    made: dict[str, bytes] = {}
    for number, name in enumerate(STORED):
        path = Path(__file__).parents[2] / "../shared/data/transfer-syntaxes" / name
        uid = str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID)
        deflated = name == "image_dfl.dcm"
        other = uid if deflated else f"{uid[:-3]}1{number:02d}"
        made[other] = path.read_bytes().replace(uid.encode(), other.encode())
    assert len(made) == len(STORED)
    return made


@pytest.fixture(scope="module")
def archive(contents: dict[str, bytes]) -> Iterator[Archive]:
    with (
        tempfile.TemporaryDirectory(prefix="isocenter-test-", dir=MEMORY) as folder,
        opened(f"sqlite:///{folder}/index.sqlite", Path(folder)) as context,
    ):
        for uid, content in contents.items():
            with ingest.begin(context, SYSTEM, source="test") as reception:
                reception.write(content)
                assert reception.finish().status == "stored", uid
        server = Server(context, bound())
        server.start()
        yield Archive(server, context)
        server.stop(0)


class Receiver:
    """Takes what it is sent as it comes."""

    def __init__(self) -> None:
        self.arrived: Arrived = {}

    def take(self, event: evt.Event) -> int:
        request = event.request
        sop_class, uid = str(request.AffectedSOPClassUID), str(request.AffectedSOPInstanceUID)
        content = file_meta(sop_class, uid, event.context.transfer_syntax) + request.DataSet.getvalue()
        self.arrived[uid] = native(content)
        return 0


@pytest.fixture(scope="module")
def classes(contents: dict[str, bytes]) -> list[str]:
    return sorted({transcoding.read(BytesSource(content)).header.sop_class_uid for content in contents.values()})


@pytest.fixture(scope="module")
def originals(contents: dict[str, bytes]) -> Arrived:
    return {uid: native(content) for uid, content in contents.items()}


def by_get(archive: Archive, classes: list[str], syntax: str, uids: list[str]) -> tuple[Arrived, int]:
    receiver = Receiver()
    contexts = [build_context(sop_classes.STUDY_ROOT_GET), *(build_context(each, syntax) for each in classes)]
    association = associated(archive, *contexts, ext_neg=[build_role(each, scp_role=True) for each in classes],
                             evt_handlers=[(evt.EVT_C_STORE, receiver.take)])
    *_, (final, _) = association.send_c_get(asked("IMAGE", SOPInstanceUID="\\".join(uids)), sop_classes.STUDY_ROOT_GET)
    association.release()
    return receiver.arrived, final.Status


def by_move(archive: Archive, classes: list[str], syntax: str, uids: list[str]) -> tuple[Arrived, int]:
    receiver = Receiver()
    entity = AE(ae_title="MATRIX")
    for each in classes:
        entity.add_supported_context(each, syntax)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, receiver.take)])
    peers.add(archive.context, SYSTEM, aet="MATRIX", host="127.0.0.1", port=int(server.server_address[1]), parallel=2,
              preferred_syntaxes=[syntax])
    try:
        association = associated(archive, build_context(sop_classes.STUDY_ROOT_MOVE))
        identifier = asked("IMAGE", SOPInstanceUID="\\".join(uids))
        *_, (final, _) = association.send_c_move(identifier, "MATRIX", sop_classes.STUDY_ROOT_MOVE)
        association.release()
    finally:
        server.shutdown()
        peers.remove(archive.context, SYSTEM, "MATRIX")
    return receiver.arrived, final.Status


@pytest.mark.parametrize(("how", "syntax"), [(by_get, each) for each in sorted(TARGETS)] + [(by_move, each) for each in DISTINCT])
def test_every_stored_syntax_in_every_accepted_one(
    archive: Archive, contents: dict[str, bytes], classes: list[str], originals: Arrived, how: object, syntax: str
) -> None:
    arrived, status = how(archive, classes, syntax, list(contents))  # type: ignore[operator]
    assert status == 0x0000
    assert {uid: pixels for uid, (_, pixels) in arrived.items()} == {uid: pixels for uid, (_, pixels) in originals.items()}
    assert {accepted for accepted, _ in arrived.values()} == {syntax}
