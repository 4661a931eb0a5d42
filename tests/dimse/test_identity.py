"""User Identity Negotiation (PS3.7 D.3.3.7): dcmtk and pynetdicom say who sits at the device, accounts say what that may do."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from pynetdicom import AE
from pynetdicom.pdu_primitives import UserIdentityNegotiation
from pynetdicom.sop_class import CTImageStorage, Verification  # type: ignore[attr-defined]

import objects
from dimse.conftest import Archive, Start, peer_of
from dimse.test_finding import asked, find, store
from dimse.test_foreign import ENVIRONMENT
from isocenter.dimse import finding, status
from isocenter.dimse.upper_layer import pdu
from isocenter.dimse.upper_layer.items import UserIdentityAC, UserIdentityRQ, UserInformationItem
from isocenter.domain.access import SYSTEM, Role
from isocenter.domain.events import Event
from isocenter.service import accounts
from isocenter.store import changes

dcmtk = pytest.mark.skipif(shutil.which("storescu") is None, reason="dcmtk is not installed")
PASSWORD = "correct-horse-9"
CHEAP = {"argon2_memory_kib": 64, "argon2_passes": 1}
NOT_GIVEN, WRONG = pdu.NO_REASON_GIVEN, pdu.NO_REASON_GIVEN


@pytest.fixture
def staffed(start: Start) -> Archive:
    """An archive with an account of each kind that matters here."""
    archive = start(**CHEAP)
    accounts.add_user(archive.context, SYSTEM, name="tess", role=Role.TECHNOLOGIST, password=PASSWORD)
    accounts.add_user(archive.context, SYSTEM, name="greg", role=Role.REFERRER, password=PASSWORD, referrer_name="House^Gregory")
    return archive


def identity(name: str, passcode: str = PASSWORD, kind: int = 2, respond: bool = True) -> UserIdentityRQ:
    return UserIdentityRQ(kind, respond, name.encode(), passcode.encode())


def answer(archive: Archive, *more: UserInformationItem) -> object:
    """What an association with some user information is answered: the identity's answer (or None), or the rejection."""
    with peer_of(archive) as peer:
        answered = peer.associate(more=more)
    return answered.find(UserIdentityAC) if isinstance(answered, pdu.AssociateAC) else answered


@dcmtk
def test_storescu_of_dcmtk_logs_in(staffed: Archive, data: Path) -> None:
    for words, code in ((["-pwd", PASSWORD], 0), (["-pwd", PASSWORD, "-rsp"], 0), (["-pwd", "wrong"], 1)):
        done = subprocess.run(
            ["storescu", "-v", "-usr", "TESS", *words, "127.0.0.1", str(staffed.port), data / "transfer-syntaxes/MR_small.dcm"],
            env=ENVIRONMENT, timeout=60, capture_output=True, text=True,
        )  # fmt: skip
        assert (done.returncode != 0) is (code != 0), done.stderr
    rows = staffed.context.database.read(lambda connection: changes.since(connection, 0))
    begun = [row for row in rows if row.kind == Event.SESSION_BEGUN]
    assert [(row.actor, row.payload["via"], row.payload["calling"]) for row in begun] == [("tess", "dicom", "STORESCU")]
    assert [row.actor for row in rows if row.kind == Event.LOGIN_FAILED] == ["tess"]
    assert PASSWORD not in str(rows)


def test_an_association_may_what_its_user_may(staffed: Archive) -> None:
    for study, name in (("1.7.1", "House^Gregory"), ("1.7.2", "Else^Some")):
        facts = {"StudyInstanceUID": study, "SeriesInstanceUID": f"{study}.1", "ReferringPhysicianName": name}
        store(staffed.context, objects.part10(**facts))
    entity = AE(ae_title="FOREIGN")
    entity.add_requested_context(finding.STUDY_ROOT)
    entity.add_requested_context(CTImageStorage)
    found = {}
    for name in ("tess", "greg"):
        shown = UserIdentityNegotiation()
        shown.user_identity_type, shown.primary_field, shown.secondary_field = 2, name.encode(), PASSWORD.encode()
        shown.positive_response_requested = True
        association = entity.associate("127.0.0.1", staffed.port, ext_neg=[shown])
        assert association.is_established and association.acceptor.user_identity is not None
        answers = list(association.send_c_find(asked("STUDY", StudyInstanceUID=""), finding.STUDY_ROOT))
        found[name] = sorted(each.StudyInstanceUID for _, each in answers if each is not None)
        association.release()
    assert found == {"tess": ["1.7.1", "1.7.2"], "greg": ["1.7.1"]}
    assert len(find(staffed, asked("STUDY", StudyInstanceUID=""))[0]) == 2  # without an identity: as a known device
    uid = objects.uid()
    for name, expected in (("greg", status.NOT_AUTHORIZED), ("tess", status.SUCCESS)):
        with peer_of(staffed) as peer:
            peer.associate(more=(identity(name),))
            assert peer.store(objects.data_set(SOPInstanceUID=uid), uid).status == expected


def test_each_type_is_answered_as_the_standard_has_it(staffed: Archive) -> None:
    positive = UserIdentityAC(b"")
    assert answer(staffed, identity("tess")) == positive
    assert answer(staffed, identity("tess", respond=False)) is None
    assert answer(staffed, identity("tess", "", kind=1)) == positive  # a name alone is known, and gives no right
    assert answer(staffed, identity("nobody", "", kind=1)) is None
    for kind in (3, 4, 5, 9):  # Kerberos, SAML, JSON web token: not supported, so not answered
        assert answer(staffed, identity("ticket", "", kind=kind)) is None
    assert answer(staffed) is None


def test_wrong_passcodes_are_rejected_and_slowed_down_like_logins(staffed: Archive) -> None:
    assert answer(staffed, identity("nobody")) == pdu.NO_REASON_GIVEN
    accounts.disable_user(staffed.context, SYSTEM, "greg")
    assert answer(staffed, identity("greg")) == pdu.NO_REASON_GIVEN
    answers = [answer(staffed, identity("tess", f"guess-{number}")) for number in range(12)]
    assert answers[0] == pdu.NO_REASON_GIVEN and answers[-1] == pdu.TEMPORARY_CONGESTION
    assert answer(staffed, identity("tess")) == pdu.TEMPORARY_CONGESTION  # the right one waits as well
    with peer_of(staffed) as peer:
        assert isinstance(peer.associate(), pdu.AssociateAC) and peer.echo() == 0  # who shows none goes on as before


def test_an_archive_that_requires_users(start: Start) -> None:
    archive = start(dicom_user_required=True, **CHEAP)
    accounts.add_user(archive.context, SYSTEM, name="tess", role=Role.TECHNOLOGIST, password=PASSWORD)
    assert answer(archive) == pdu.NO_REASON_GIVEN
    assert answer(archive, identity("tess", "", kind=1)) == pdu.NO_REASON_GIVEN
    assert answer(archive, identity("ticket", "", kind=3)) == pdu.NO_REASON_GIVEN
    assert answer(archive, identity("tess")) == UserIdentityAC(b"")


def test_a_passcode_in_clear_text_from_another_machine_is_not_looked_at(start: Start) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.7", 9))
        except OSError:
            pytest.skip("this machine has no network interface but loopback")
        own = probe.getsockname()[0]
    listener = socket.socket()
    listener.bind(("0.0.0.0", 0))
    archive = start(listener, **CHEAP)
    accounts.add_user(archive.context, SYSTEM, name="tess", role=Role.TECHNOLOGIST, password=PASSWORD)
    entity = AE(ae_title="FOREIGN")
    entity.add_requested_context(Verification)
    shown = UserIdentityNegotiation()
    shown.user_identity_type, shown.primary_field, shown.secondary_field = 2, b"tess", b"not the passcode"
    shown.positive_response_requested = True
    association = entity.associate(own, archive.port, ext_neg=[shown])
    assert association.is_established and association.acceptor.user_identity is None
    association.release()
