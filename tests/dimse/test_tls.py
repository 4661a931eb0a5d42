"""DICOM over TLS (PS3.15 B.12) over real sockets: dcmtk and pynetdicom in both directions, and peers that behave badly."""

import shutil
import socket
import ssl
import subprocess
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pydicom
import pytest
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

import objects
import remotes
from certificates import Authority
from dimse.conftest import Archive, RawPeer, Start, bound, eventually, peer_of
from dimse.test_finding import asked, store
from dimse.test_foreign import ENVIRONMENT
from isocenter.dimse import client, echoing, finding, sending, tls
from isocenter.dimse.upper_layer import pdu
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Broken
from isocenter.domain.verification import Outcome
from isocenter.service import peers
from isocenter.service import sending as leaving
from isocenter.settings import Settings

dcmtk = pytest.mark.skipif(shutil.which("storescu") is None, reason="dcmtk is not installed")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two authorities; `ours` and `theirs` are signed by the first, `stranger` by the second."""
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder)
    for name in ("ours", "theirs"):
        authority.signed(name)
    authority.signed("elsewhere", "DNS:elsewhere.example")
    Authority(folder, "nobody").signed("stranger")
    return folder


def facts(keys: Path, **more: object) -> dict[str, object]:
    """Settings of TLS with mutual authentication."""
    pair = {"dicom_tls_cert": keys / "ours.crt", "dicom_tls_key": keys / "ours.key"}
    return {**pair, "dicom_tls_ca": keys / "authority.crt", **more}


class Secured:
    """An archive that listens for TLS as well."""

    def __init__(self, start: Start, keys: Path, **settings: object) -> None:
        listener = bound()
        self.port = int(listener.getsockname()[1])
        self.archive: Archive = start(secure=listener, **facts(keys, **settings))


@pytest.fixture
def secured(start: Start, keys: Path) -> Secured:
    return Secured(start, keys)


def trusting(keys: Path, certificate: str = "theirs") -> ssl.SSLContext:
    """A client's side of TLS."""
    made = ssl.create_default_context(cafile=str(keys / "authority.crt"))
    if certificate:
        made.load_cert_chain(keys / f"{certificate}.crt", keys / f"{certificate}.key")
    return made


class SecurePeer(RawPeer):
    """A peer that speaks PDUs byte by byte over TLS."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        super().__init__(port)
        self.socket = context.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self._reader._recv_into = self.socket.recv_into


@contextmanager
def peer_over_tls(port: int, context: ssl.SSLContext) -> Iterator[SecurePeer]:
    peer = SecurePeer(port, context)
    try:
        yield peer
    finally:
        peer.close()


def of_dcmtk(keys: Path, certificate: str) -> list[str]:
    """dcmtk's options."""
    return ["+tls", str(keys / f"{certificate}.key"), str(keys / f"{certificate}.crt"), "+cf", str(keys / "authority.crt")]


def run(program: str, port: int, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, "-v", *words[:-1], "127.0.0.1", str(port), *words[-1:]], env=ENVIRONMENT, timeout=60,
                          capture_output=True, text=True)  # fmt: skip


@dcmtk
@pytest.mark.parametrize("profile", ["--profile-bcp195", "--profile-bcp195-nd"])
def test_storescu_of_dcmtk_with_each_profile(secured: Secured, keys: Path, data: Path, profile: str) -> None:
    path = data / "transfer-syntaxes/MR_small.dcm"
    done = run("storescu", secured.port, *of_dcmtk(keys, "theirs"), profile, str(path))
    assert done.returncode == 0, done.stderr
    assert len(secured.archive.files()) == 1


@dcmtk
def test_who_shows_no_certificate_or_a_strangers_is_not_let_in(secured: Secured, keys: Path) -> None:
    for words in ([*of_dcmtk(keys, "stranger"), "-d"], ["+tla", "-ic", "-d"]):
        done = subprocess.run(["echoscu", *words, "127.0.0.1", str(secured.port)], env=ENVIRONMENT, timeout=60,
                              capture_output=True, text=True)  # fmt: skip
        assert done.returncode != 0, done.stdout
    done = subprocess.run(["echoscu", *of_dcmtk(keys, "theirs"), "127.0.0.1", str(secured.port)], env=ENVIRONMENT, timeout=60)
    assert done.returncode == 0


@dcmtk
def test_server_authentication_alone_when_the_settings_say_so(start: Start, keys: Path) -> None:
    for settings in ({"dicom_tls_ca": None}, {"dicom_tls_mutual": False}):
        secured = Secured(start, keys, **settings)
        words = ["echoscu", "+tla", "+cf", str(keys / "authority.crt"), "127.0.0.1", str(secured.port)]
        done = subprocess.run(words, env=ENVIRONMENT, timeout=60, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    with pytest.raises(ssl.SSLError), peer_over_tls(secured.port, trusting(keys, "stranger")) as peer:
        peer.associate()  # who shows one all the same must show a good one
        raise AssertionError("a stranger's certificate was taken")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_pynetdicom_over_tls_of_each_version(secured: Secured, keys: Path, version: ssl.TLSVersion) -> None:
    context = trusting(keys)
    context.minimum_version = context.maximum_version = version
    entity = AE(ae_title="FOREIGN")
    entity.add_requested_context(Verification)
    association = entity.associate("127.0.0.1", secured.port, tls_args=(context, "127.0.0.1"))
    assert association.is_established
    assert association.send_c_echo().Status == 0
    association.release()


def test_a_query_with_many_answers_over_tls(secured: Secured, keys: Path) -> None:
    """Between two answers it is looked whether C-CANCEL has come, which TLS must not confuse with its own messages."""
    for number in range(30):
        store(secured.archive.context, objects.part10(64, StudyInstanceUID=f"1.5.{number}", SeriesInstanceUID=f"1.5.{number}.1"))
    entity = AE(ae_title="FOREIGN")
    entity.add_requested_context(finding.STUDY_ROOT)
    association = entity.associate("127.0.0.1", secured.port, tls_args=(trusting(keys), "127.0.0.1"))
    answers = [status.Status for status, _ in association.send_c_find(asked("STUDY", StudyInstanceUID=""), finding.STUDY_ROOT)]
    association.release()
    assert answers == [0xFF00] * 30 + [0]


def test_peers_are_called_over_tls_where_they_want_it(secured: Secured) -> None:
    """The one way to a peer, `client.to_peer`, obeys the peer's `tls`."""
    context, contexts = secured.archive.context, client.VERIFICATION_CONTEXTS
    peer = peers.add(context, SYSTEM, aet="ITSELF", host="127.0.0.1", port=secured.port, tls=True)
    with client.to_peer(context, peer, contexts=contexts) as association:
        assert association.echo() == 0
    plain = peers.change(context, SYSTEM, "ITSELF", tls=False)
    with pytest.raises(client.Lost), client.to_peer(context, plain, contexts=contexts):
        raise AssertionError("clear text was taken for TLS")


def test_only_the_versions_and_suites_of_the_profile_are_spoken(secured: Secured, keys: Path) -> None:
    for minimum, ciphers in (
        (ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0"), (ssl.TLSVersion.TLSv1_2, "AES128-GCM-SHA256:@SECLEVEL=0"),
        (ssl.TLSVersion.TLSv1_2, "ECDHE+AES+SHA:@SECLEVEL=0"),
    ):  # fmt: skip
        old = trusting(keys)
        old.set_ciphers(ciphers)
        with warnings.catch_warnings(action="ignore"):  # that TLS 1.1 is deprecated
            old.minimum_version = old.maximum_version = minimum
        with pytest.raises((ssl.SSLError, ConnectionError)):
            SecurePeer(secured.port, old)
    with peer_over_tls(secured.port, trusting(keys)) as peer:
        assert isinstance(peer.associate(), pdu.AssociateAC) and peer.echo() == 0


def test_renewed_certificates_hold_from_the_next_association_on(secured: Secured, keys: Path, tmp_path: Path) -> None:
    ours = keys / "ours.crt"
    before, key_before = ours.read_bytes(), (keys / "ours.key").read_bytes()
    serial = shown(secured.port, keys)
    with peer_over_tls(secured.port, trusting(keys)) as open_before:
        assert isinstance(open_before.associate(), pdu.AssociateAC)
        try:
            ours.write_bytes(b"half a certif")
            assert shown(secured.port, keys) == serial  # the ones before stay
            for name, kind in (("theirs", "key"), ("theirs", "crt")):
                (keys / f"ours.{kind}").write_bytes((keys / f"{name}.{kind}").read_bytes())
            assert shown(secured.port, keys) != serial
            assert open_before.echo() == 0
            uid = objects.uid()
            assert open_before.store(objects.data_set(SOPInstanceUID=uid), uid).status == 0
        finally:
            (keys / "ours.key").write_bytes(key_before)
            ours.write_bytes(before)
    assert shown(secured.port, keys) == serial


def shown(port: int, keys: Path) -> bytes | None:
    """The certificate that the archive shows."""
    with peer_over_tls(port, trusting(keys)) as peer:
        assert isinstance(peer.socket, ssl.SSLSocket)
        return peer.socket.getpeercert(binary_form=True)


def test_a_handshake_that_stalls_ends_with_artim_and_costs_nobody_else(start: Start, keys: Path) -> None:
    secured = Secured(start, keys, artim_timeout=1.0)
    silent = [socket.create_connection(("127.0.0.1", secured.port)) for _ in range(20)]
    for each in silent[10:]:
        each.sendall(b"\x16\x03\x01\x02\x00\x01")  # half a ClientHello
    plain = socket.create_connection(("127.0.0.1", secured.port))
    plain.sendall(pdu.AssociateRQ((), "ISOCENTER", "PLAIN", ()).encode())
    with peer_over_tls(secured.port, trusting(keys)) as peer:
        assert isinstance(peer.associate(), pdu.AssociateAC) and peer.echo() == 0
    for each in (*silent, plain):
        each.settimeout(60)
        with each, suppress(ConnectionResetError):
            while each.recv(4096):
                pass  # an alert, then the end
    eventually(lambda: secured.archive.server.connections == 0, seconds=60)
    with peer_of(secured.archive) as over_plain:  # and the other way round: TLS where none is spoken
        over_plain.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        assert isinstance(over_plain.receive(), pdu.Abort)


def test_a_large_object_in_both_directions_and_a_stop(secured: Secured, keys: Path) -> None:
    uid = objects.uid()
    data_set = objects.data_set(pixels=2_000_000, SOPInstanceUID=uid)
    with peer_over_tls(secured.port, trusting(keys)) as peer:
        assert isinstance(peer.associate(), pdu.AssociateAC)
        assert peer.store(data_set, uid).status == 0
        assert secured.archive.data_sets() == [data_set]
        stopping = threading.Thread(target=secured.archive.server.stop, args=(0,))
        stopping.start()
        assert isinstance(peer.receive(), pdu.Abort)
        assert peer.receive() is None  # close_notify, then the end
        stopping.join(20)


@pytest.fixture
def foreign(keys: Path) -> Iterator[int]:
    """The port of pynetdicom as SCP that wants a certificate of who calls."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(keys / "authority.crt"))
    context.load_cert_chain(keys / "theirs.crt", keys / "theirs.key")
    context.verify_mode = ssl.CERT_REQUIRED
    entity = AE(ae_title="FOREIGN")
    entity.add_supported_context(Verification)
    server = entity.start_server(("127.0.0.1", 0), block=False, ssl_context=context,
                                 evt_handlers=[(evt.EVT_C_ECHO, lambda event: 0)])  # fmt: skip
    yield int(server.server_address[1])
    server.shutdown()


def test_we_call_a_peer_over_tls(foreign: int, keys: Path) -> None:
    settings = Settings(**facts(keys))  # type: ignore[arg-type]
    assert echoing.verify("127.0.0.1", foreign, "ISOCENTER", "FOREIGN", settings=settings).ok
    with client.Association("127.0.0.1", foreign, calling="A", called="FOREIGN", tls=tls.to_call(settings)) as association:
        assert association.echo() == 0


def test_why_tls_with_a_peer_fails_is_said(foreign: int, keys: Path, archive: Archive) -> None:
    good = facts(keys)
    for changed, port, outcome, words in (
        ({"dicom_tls_ca": keys / "nobody.crt"}, foreign, Outcome.UNREACHABLE, "the certificate cannot be trusted"),
        ({"dicom_tls_cert": None, "dicom_tls_key": None}, foreign, Outcome.NO_ANSWER, "dicom_tls_cert"),
        ({}, archive.port, Outcome.UNREACHABLE, "Does it speak TLS on this port"),
        ({"dicom_tls_ca": keys / "missing.crt"}, foreign, Outcome.FAILED, "certificates cannot be used"),
    ):
        settings = Settings(**{**good, **changed})  # type: ignore[arg-type]
        said = echoing.verify("127.0.0.1", port, "ISOCENTER", "FOREIGN", settings=settings, patience=5.0)
        assert said.outcome is outcome and words in said.message, said


def test_a_peers_certificate_names_its_host_unless_we_do_not_ask(start: Start, keys: Path) -> None:
    elsewhere = Secured(start, keys, dicom_tls_cert=keys / "elsewhere.crt", dicom_tls_key=keys / "elsewhere.key")
    for check, expected in ((True, Outcome.UNREACHABLE), (False, Outcome.ANSWERED)):
        settings = Settings(**facts(keys, dicom_tls_check_host=check))  # type: ignore[arg-type]
        said = echoing.verify("127.0.0.1", elsewhere.port, "CALLER", "ISOCENTER", settings=settings)
        assert said.outcome is expected, said


def test_certificates_that_cannot_be_used_stop_the_server_before_it_begins(start: Start, keys: Path) -> None:
    with pytest.raises(Broken) as error, bound() as listener:
        start(secure=listener, **facts(keys, dicom_tls_key=keys / "stranger.key"))
    assert "certificates cannot be used" in error.value.message


def test_a_certificate_that_ends_soon_is_said(start: Start, keys: Path, caplog: pytest.LogCaptureFixture) -> None:
    Secured(start, keys)  # the tests' certificates last two days
    assert "the DICOM certificate ends soon" in caplog.text


@pytest.mark.skipif(not Path(remotes.ORTHANC).exists(), reason="Orthanc is not installed")
def test_orthanc_sends_and_takes_over_tls(start: Start, keys: Path, data: Path, tmp_path: Path) -> None:
    """Both directions, both with mutual authentication; what Orthanc was sent comes back."""
    secured = Secured(start, keys)
    context = secured.archive.context
    options = {
        "DicomTlsEnabled": True, "DicomTlsCertificate": str(keys / "theirs.crt"), "DicomTlsPrivateKey": str(keys / "theirs.key"),
        "DicomTlsTrustedCertificates": str(keys / "authority.crt"), "DicomTlsRemoteCertificateRequired": True,
        "DicomModalities": {"isocenter": {"AET": "ISOCENTER", "Host": "127.0.0.1", "Port": secured.port, "UseDicomTls": True}},
    }  # fmt: skip
    path = data / "transfer-syntaxes/MR_small.dcm"
    store(context, path.read_bytes())
    with remotes.orthanc(tmp_path, secured.port, **options) as remote:
        peer = peers.add(context, SYSTEM, aet="ORTHANC", host="127.0.0.1", port=remote.port, tls=True)
        chosen = leaving.chosen(context, SYSTEM, studies=[pydicom.dcmread(path).StudyInstanceUID], to="ORTHANC")
        told: list[sending.Sent] = []
        sending.send(context, peer, chosen, on_sent=told.append)
        assert [each.status for each in told] == [0]
        (instance,) = remote.http.get("/instances").json()
        assert remote.http.post("/modalities/isocenter/echo").status_code == 200
        assert remote.http.post("/modalities/isocenter/store", content=instance).json()["FailedInstancesCount"] == 0
    kept = [pydicom.dcmread(each) for each in secured.archive.files()]
    assert len(kept) == 2  # Orthanc writes headers in its own way; the pixels are the same
    assert all(each.PixelData == pydicom.dcmread(path).PixelData for each in kept)


@dcmtk
def test_storescp_of_dcmtk_over_tls(keys: Path, data: Path, tmp_path: Path) -> None:
    with bound() as probe:
        port = probe.getsockname()[1]
    words = ["storescp", *of_dcmtk(keys, "theirs"), "-od", str(tmp_path), str(port)]
    path = data / "transfer-syntaxes/MR_small.dcm"
    with subprocess.Popen(words, env=ENVIRONMENT) as receiver:
        try:
            context = tls.to_call(Settings(**facts(keys)))  # type: ignore[arg-type]
            eventually(lambda: accepted(port))
            with client.Association("127.0.0.1", port, calling="A", called="ANY", contexts=client.contexts_of([path]),
                                    tls=context) as association:  # fmt: skip
                assert association.store(path).stored
        finally:
            receiver.terminate()
    assert len(list(tmp_path.iterdir())) == 1


def accepted(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True
