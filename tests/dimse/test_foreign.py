"""Foreign SCUs over real sockets: dcmtk (echoscu, storescu, dcmsend, termscu) and pynetdicom."""

import os
import shutil
import subprocess
import threading
import warnings
from pathlib import Path

import pydicom
import pynetdicom
import pytest
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom import AE, build_context, build_role

import objects
from dimse.conftest import Archive, Start, data_set_of, eventually

dcmtk = pytest.mark.skipif(shutil.which("storescu") is None, reason="dcmtk is not installed")

# Without it each instance waits 40 ms for a delayed ACK (DESIGN 5).
ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}
CT = objects.CT
STUDY_CONTENT_NOTIFICATION = "1.2.840.10008.1.9"  # retired, and offered by nobody


def run(program: str, archive: Archive, *arguments: str | Path, expect: int = 0) -> str:
    """Run a dcmtk program against the archive with options (texts) and files (paths); what it said."""
    options = [each for each in arguments if isinstance(each, str)]
    files = [each for each in arguments if isinstance(each, Path)]
    done = subprocess.run(
        [program, "-v", *options, "127.0.0.1", str(archive.port), *files],
        env=ENVIRONMENT,
        timeout=60,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == expect, done.stdout
    return done.stdout


def syntaxes(data: Path) -> list[Path]:
    return sorted(path for path in (data / "transfer-syntaxes").rglob("*") if path.is_file())


def kept(archive: Archive) -> set[bytes]:
    return set(archive.data_sets()) | set(archive.data_sets("quarantine"))


@dcmtk
def test_echoscu(archive: Archive) -> None:
    assert "Received Echo Response (Success)" in run("echoscu", archive, "--repeat", "5")


@dcmtk
def test_echoscu_that_calls_another_archive(start: Start) -> None:
    run("echoscu", start(), "-aec", "WRONG")  # the default: many senders are set up with an old name
    archive = start(check_called_aet=True)
    # 1: dcmtk's exit code for an association that was rejected
    assert "Called AE Title Not Recognized" in run("echoscu", archive, "-aec", "WRONG", expect=1)
    run("echoscu", archive, "-aec", "ISOCENTER")


@dcmtk
def test_echoscu_proposes_many_contexts_and_aborts(archive: Archive) -> None:
    run("echoscu", archive, "--abort", "--propose-pc", "128")
    eventually(lambda: not archive.server.connections)


@dcmtk
def test_storescu_of_a_series(archive: Archive, data: Path) -> None:
    paths = sorted((data / "ct/volume-lidc-idri-0314").glob("*"))[:20]
    said = run("storescu", archive, "--max-pdu", "131072", *paths)
    assert said.count("Received Store Response (Success)") == 20
    assert len(archive.files()) == 20


@dcmtk
def test_storescu_again_is_a_success_and_stored_once(archive: Archive, data: Path) -> None:
    paths = sorted((data / "ct/volume-lidc-idri-0314").glob("*"))[:3]
    for _ in range(2):
        run("storescu", archive, *paths)
    assert len(archive.files()) == 3


@dcmtk
def test_dcmsend_of_every_transfer_syntax(archive: Archive, data: Path) -> None:
    """dcmsend proposes each file's own syntax; what this dcmtk does not know it skips, so each is sent alone."""
    sent = 0
    for path in syntaxes(data):
        done = subprocess.run(
            ["dcmsend", "-v", "--decompress-never", "127.0.0.1", str(archive.port), path],
            env=ENVIRONMENT,
            timeout=60,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if "Received C-STORE Response (Success)" in done.stdout or "(Warning: CoercionOfDataElements)" in done.stdout:
            sent += 1
        else:
            assert "C-STORE Response" not in done.stdout, f"{path.name}: {done.stdout}"
    assert sent >= 35
    assert len(kept(archive)) >= 35


@dcmtk
def test_storescu_sends_what_dcmtk_writes(archive: Archive, data: Path, tmp_path: Path) -> None:
    """storescu encodes a data set anew, with group lengths and without padding: the reference is a file dcmtk wrote like that."""
    path = tmp_path / "mr.dcm"
    original = data / "transfer-syntaxes/MR_small.dcm"
    subprocess.run(["dcmconv", "--group-length-create", "--padding-off", original, path], check=True)
    run("storescu", archive, path)
    assert archive.data_sets() == [data_set_of(path)]


@dcmtk
def test_storescu_of_compressed_images(archive: Archive, data: Path) -> None:
    run("storescu", archive, "--propose-lossless", data / "transfer-syntaxes/JPGLosslessP14SV1_1s_1f_8b.dcm")
    run("storescu", archive, "--propose-rle", data / "transfer-syntaxes/MR_small_RLE.dcm")
    run("storescu", archive, "--propose-j2k-lossless", data / "transfer-syntaxes/MR_small_jp2klossless.dcm")
    stored = {pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID.name for path in archive.files()}
    assert stored == {
        "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1])",
        "RLE Lossless",
        "JPEG 2000 Image Compression (Lossless Only)",
    }


@dcmtk
def test_rejected(start: Start) -> None:
    said = run("echoscu", start(accept_any_aet=False), expect=1)
    assert "Calling AE Title Not Recognized" in said


@dcmtk
def test_disk_nearly_full(start: Start, data: Path) -> None:
    archive = start(min_free_space=1 << 60)
    path = data / "transfer-syntaxes/CT_small.dcm"
    done = subprocess.run(
        ["storescu", "-v", "127.0.0.1", str(archive.port), path],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    assert "Refused: OutOfResources" in done.stdout
    assert not archive.files()


@dcmtk
@pytest.mark.parametrize("kill_after", [0.0, 0.02, 0.1])
def test_a_sender_that_is_killed(archive: Archive, data: Path, kill_after: float) -> None:
    paths = sorted((data / "ct/volume-lidc-idri-0314").glob("*"))
    process = subprocess.Popen(["storescu", "127.0.0.1", str(archive.port), *paths], env=ENVIRONMENT)
    eventually(lambda: archive.server.connections or process.poll() is not None)
    threading.Event().wait(kill_after)
    process.kill()
    process.wait()
    eventually(lambda: not archive.server.connections)
    eventually(lambda: not archive.files("incoming"))
    originals = {data_set_of(path)[-1000:] for path in paths}
    assert {each[-1000:] for each in archive.data_sets()} <= originals, "what is kept is whole"


@dcmtk
def test_four_senders_at_once(archive: Archive, data: Path) -> None:
    paths = sorted((data / "ct/volume-lidc-idri-0314").glob("*"))[:40]
    processes = [
        subprocess.Popen(["storescu", "--max-pdu", "131072", "127.0.0.1", str(archive.port), *paths[number::4]], env=ENVIRONMENT)
        for number in range(4)
    ]
    assert [process.wait(60) for process in processes] == [0, 0, 0, 0]
    assert len(archive.files()) == 40


# pynetdicom


def associated(archive: Archive, *contexts: object, **options: object) -> pynetdicom.association.Association:
    ae = AE(ae_title="PYNETDICOM")
    return ae.associate("127.0.0.1", archive.port, contexts=list(contexts), ae_title="ISOCENTER", **options)


def image(**values: object) -> pydicom.Dataset:
    """A small CT that pynetdicom can send."""
    made = pydicom.dcmread(pydicom.filebase.DicomBytesIO(objects.part10()))
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def test_pynetdicom_every_transfer_syntax(archive: Archive, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those dcmtk does not know, e.g. HTJ2K, JPEG XL. Chunked sending leaves the data set's bytes alone."""
    monkeypatch.setattr(pynetdicom._config, "STORE_SEND_CHUNKED_DATASET", True)
    expected = set()
    for path in syntaxes(data):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's remarks on odd files
            meta = pydicom.dcmread(path, stop_before_pixels=True, force=True).file_meta
        if "MediaStorageSOPClassUID" not in meta or "MediaStorageSOPInstanceUID" not in meta:
            continue  # pynetdicom cannot send it; test_client does
        association = associated(archive, build_context(meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID))
        assert association.is_established
        assert association.send_c_store(path).Status in (0x0000, 0xB000), path.name
        association.release()
        expected.add(data_set_of(path))
    assert kept(archive) == expected
    assert len(expected) > 40


def test_pynetdicom_negotiation(archive: Archive) -> None:
    association = associated(
        archive,
        build_context(CT, ["1.2.840.10008.1.2.4.70", ImplicitVRLittleEndian]),
        build_context(STUDY_CONTENT_NOTIFICATION),
        build_context("1.2.826.0.1.3680043.8.498.1", "1.2.826.0.1.3680043.8.498.2"),
        ext_neg=[build_role(CT, scu_role=True, scp_role=True)],
        max_pdu=0,
    )
    assert {context.abstract_syntax: context.transfer_syntax[0] for context in association.accepted_contexts} == {
        CT: ImplicitVRLittleEndian,  # what everything can be sent in: it is SCP of the class
        "1.2.826.0.1.3680043.8.498.1": "1.2.826.0.1.3680043.8.498.2",
    }
    assert [context.abstract_syntax for context in association.rejected_contexts] == [STUDY_CONTENT_NOTIFICATION]
    assert association.acceptor.maximum_length == 131072
    assert association.acceptor.implementation_version_name == "ISOCENTER_0_1"
    assert (association.accepted_contexts[0].as_scu, association.accepted_contexts[0].as_scp) == (True, True)
    assert association.send_c_store is not None
    association.release()
    assert association.is_released


def test_pynetdicom_with_a_ticket_and_asynchronous_operations(archive: Archive) -> None:
    identity = pynetdicom.pdu_primitives.UserIdentityNegotiation()
    identity.user_identity_type, identity.primary_field = 3, b"a Kerberos ticket, which nobody here reads"
    window = pynetdicom.pdu_primitives.AsynchronousOperationsWindowNegotiation()
    window.maximum_number_operations_invoked = 5
    association = associated(archive, build_context("1.2.840.10008.1.1"), ext_neg=[identity, window])
    assert association.is_established
    assert association.acceptor.asynchronous_operations == (5, 1)
    assert association.send_c_echo().Status == 0
    association.release()


def test_pynetdicom_abort_and_store_after_errors(archive: Archive) -> None:
    association = associated(archive, build_context(CT, objects.EXPLICIT_LITTLE), build_context("1.2.840.10008.1.1"))
    good = image()
    assert association.send_c_store(good).Status == 0
    mismatched = image(SOPInstanceUID="1.2.3.4.5")
    del mismatched.StudyInstanceUID
    assert association.send_c_store(mismatched).Status == 0xB000
    assert association.send_c_echo().Status == 0
    association.abort()
    eventually(lambda: not archive.server.connections)


def test_pynetdicom_is_rejected(start: Start) -> None:
    association = associated(start(accept_any_aet=False), build_context("1.2.840.10008.1.1"))
    assert association.is_rejected
    assert association.acceptor.primitive.result_str == "Rejected Permanent"
    assert association.acceptor.primitive.reason_str == "Calling AE title not recognised"
