"""PDUs against bytes written down by hand from PS3.8 9.3, field by field, and against themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.dimse.upper_layer import pdu
from isocenter.dimse.upper_layer.items import (
    AbortReason,
    AsynchronousOperationsWindow,
    CommonExtendedNegotiation,
    ExtendedNegotiation,
    ImplementationClassUID,
    ImplementationVersionName,
    InvalidPDU,
    MaximumLength,
    PresentationContextAC,
    PresentationContextRQ,
    RoleSelection,
    UnknownItem,
    UserIdentityAC,
    UserIdentityRQ,
)

A_ASSOCIATE_RQ = bytes.fromhex(
    "01 00 000000ea"  # PDU type, reserved, PDU length 234
    "0001 0000"  # protocol version 1, reserved
    "49534f43454e54455220202020202020"  # called AE title "ISOCENTER"
    "43545f5343414e4e4552202020202020"  # calling AE title "CT_SCANNER"
    + "00"
    * 32  # reserved
    + "10 00 0015 312e322e3834302e31303030382e332e312e312e31"  # application context item, 21 bytes: 1.2.840.10008.3.1.1.1
    "20 00 0046"  # presentation context item, 70 bytes
    "01 00 00 00"  # presentation context ID 1, reserved
    "30 00 0019 312e322e3834302e31303030382e352e312e342e312e312e32"  # abstract syntax: CT Image Storage
    "40 00 0011 312e322e3834302e31303030382e312e32"  # transfer syntax: Implicit VR Little Endian
    "40 00 000c 312e322e3834302e31303030"  # a private transfer syntax: 1.2.840.1000
    "50 00 003f"  # user information item, 63 bytes
    "51 00 0004 00020000"  # maximum length: 131072
    "52 00 0007 312e322e332e34"  # implementation class UID: 1.2.3.4
    "53 00 0004 0000 0001"  # asynchronous operations window: any number invoked, one performed
    "54 00 0009 0005 312e322e33 01 00"  # role selection: 1.2.3, SCU yes, SCP no
    "55 00 0006 44454d4f5f31"  # implementation version name: DEMO_1
    "58 00 0009 01 01 0003 626f62 0000"  # user identity: user name, positive response requested, "bob", no secondary field
)

RQ = pdu.AssociateRQ(
    user_information=(
        MaximumLength(131072),
        ImplementationClassUID("1.2.3.4"),
        AsynchronousOperationsWindow(0, 1),
        RoleSelection("1.2.3", True, False),
        ImplementationVersionName("DEMO_1"),
        UserIdentityRQ(1, True, b"bob", b""),
    ),
    called_ae_title="ISOCENTER",
    calling_ae_title="CT_SCANNER",
    presentation_contexts=(PresentationContextRQ(1, "1.2.840.10008.5.1.4.1.1.2", ("1.2.840.10008.1.2", "1.2.840.1000")),),
)

A_ASSOCIATE_AC = bytes.fromhex(
    "02 00 00000097"  # PDU type, reserved, PDU length 151
    "0001 0000"  # protocol version 1, reserved
    "49534f43454e54455220202020202020"  # called AE title as received: "ISOCENTER"
    "43545f5343414e4e4552202020202020"  # calling AE title as received: "CT_SCANNER"
    + "00"
    * 32  # reserved
    + "10 00 0015 312e322e3834302e31303030382e332e312e312e31"  # application context item
    "21 00 0019"  # presentation context item, 25 bytes
    "01 00 00 00"  # presentation context ID 1, reserved, result: acceptance, reserved
    "40 00 0011 312e322e3834302e31303030382e312e32"  # transfer syntax: Implicit VR Little Endian
    "50 00 0019"  # user information item, 25 bytes
    "51 00 0004 00000000"  # maximum length: no limit
    "52 00 0007 312e322e332e34"  # implementation class UID
    "59 00 0002 0000"  # user identity: empty server response
)

AC = pdu.AssociateAC(
    user_information=(MaximumLength(0), ImplementationClassUID("1.2.3.4"), UserIdentityAC(b"")),
    called_ae_title="ISOCENTER",
    calling_ae_title="CT_SCANNER",
    presentation_contexts=(PresentationContextAC(1, 0, "1.2.840.10008.1.2"),),
)

P_DATA_TF = bytes.fromhex(
    "04 00 00000012"  # PDU type, reserved, PDU length 18
    "00000004 01 03 abcd"  # PDV of 4 bytes on context 1: command, last fragment
    "00000006 03 00 00112233"  # PDV of 6 bytes on context 3: data set, not the last
)

GOLDEN = [
    pytest.param(RQ, A_ASSOCIATE_RQ, id="A-ASSOCIATE-RQ"),
    pytest.param(AC, A_ASSOCIATE_AC, id="A-ASSOCIATE-AC"),
    pytest.param(
        pdu.AssociateRJ(1, 1, 7),
        bytes.fromhex("03 00 00000004 00 01 01 07"),  # reserved, permanent, service-user, called AE title not recognized
        id="A-ASSOCIATE-RJ",
    ),
    pytest.param(
        pdu.PDataTF((pdu.PresentationDataValue(1, 3, b"\xab\xcd"), pdu.PresentationDataValue(3, 0, b"\x00\x11\x22\x33"))),
        P_DATA_TF,
        id="P-DATA-TF",
    ),
    pytest.param(pdu.ReleaseRQ(), bytes.fromhex("05 00 00000004 00000000"), id="A-RELEASE-RQ"),
    pytest.param(pdu.ReleaseRP(), bytes.fromhex("06 00 00000004 00000000"), id="A-RELEASE-RP"),
    pytest.param(
        pdu.Abort(2, AbortReason.UNEXPECTED_PDU),
        bytes.fromhex("07 00 00000004 0000 02 02"),  # reserved, source service-provider, unexpected PDU
        id="A-ABORT",
    ),
]


@pytest.mark.parametrize(("value", "encoded"), GOLDEN)
def test_golden_bytes(value: pdu.PDU, encoded: bytes) -> None:
    assert value.encode() == encoded
    assert pdu.decode(encoded) == value


def test_rejections_are_those_of_table_9_21() -> None:
    given_by_us = {
        pdu.NO_REASON_GIVEN: (1, 1, 1),
        pdu.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED: (1, 1, 2),
        pdu.CALLING_AE_TITLE_NOT_RECOGNIZED: (1, 1, 3),
        pdu.CALLED_AE_TITLE_NOT_RECOGNIZED: (1, 1, 7),
        pdu.PROTOCOL_VERSION_NOT_SUPPORTED: (1, 2, 2),
        pdu.TEMPORARY_CONGESTION: (2, 3, 1),
        pdu.LOCAL_LIMIT_EXCEEDED: (2, 3, 2),
    }
    for rejection, fields in given_by_us.items():
        assert (rejection.result, rejection.source, rejection.reason) == fields
        assert fields[1:] in pdu.REJECT_TEXT


uids = st.from_regex(r"[0-2](\.(0|[1-9][0-9]{0,8})){1,6}", fullmatch=True)
titles = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="\\"), min_size=1, max_size=16)
short = st.binary(max_size=40)
user_information = st.lists(
    st.one_of(
        st.builds(MaximumLength, st.integers(0, 0xFFFFFFFF)),
        st.builds(ImplementationClassUID, uids),
        st.builds(ImplementationVersionName, titles),
        st.builds(AsynchronousOperationsWindow, st.integers(0, 0xFFFF), st.integers(0, 0xFFFF)),
        st.builds(RoleSelection, uids, st.booleans(), st.booleans()),
        st.builds(ExtendedNegotiation, uids, short),
        st.builds(CommonExtendedNegotiation, uids, uids, st.lists(uids, max_size=3).map(tuple)),
        st.builds(UserIdentityRQ, st.integers(1, 5), st.booleans(), short, short),
        st.builds(UserIdentityAC, short),
        st.builds(UnknownItem, st.integers(0x5A, 0xFF), short),
    ),
    max_size=6,
).map(tuple)
odd = st.integers(0, 127).map(lambda number: 2 * number + 1)
pdus = st.one_of(
    st.builds(
        pdu.AssociateRQ,
        user_information,
        titles,
        titles,
        st.lists(
            st.builds(PresentationContextRQ, odd, uids, st.lists(uids, max_size=4).map(tuple)),
            max_size=8,
            unique_by=lambda context: context.context_id,
        ).map(tuple),
        uids,
        st.integers(0, 0xFFFF),
    ),
    st.builds(
        pdu.AssociateAC,
        user_information,
        titles,
        titles,
        st.lists(st.builds(PresentationContextAC, odd, st.integers(0, 4), uids), max_size=8).map(tuple),
    ),
    st.builds(pdu.AssociateRJ, st.integers(0, 255), st.integers(0, 255), st.integers(0, 255)),
    st.builds(
        pdu.PDataTF,
        st.lists(
            st.builds(pdu.PresentationDataValue, odd, st.integers(0, 3), st.binary(max_size=99)), min_size=1, max_size=5
        ).map(tuple),
    ),
    st.just(pdu.ReleaseRQ()),
    st.just(pdu.ReleaseRP()),
    st.builds(pdu.Abort, st.integers(0, 255), st.integers(0, 255)),
)


@given(pdus)
def test_round_trip(value: pdu.PDU) -> None:
    assert pdu.decode(value.encode()) == value


@given(pdus, st.data())
def test_a_damaged_pdu_is_a_pdu_or_invalid(value: pdu.PDU, draw: st.DataObject) -> None:
    damaged = bytearray(value.encode())
    for _ in range(draw.draw(st.integers(1, 4))):
        damaged[draw.draw(st.integers(0, len(damaged) - 1))] = draw.draw(st.integers(0, 255))
    try:
        pdu.decode(bytes(damaged))
    except InvalidPDU as error:
        assert error.reason in AbortReason


@given(st.integers(0, 8), st.binary(max_size=200))
def test_arbitrary_bytes_are_a_pdu_or_invalid(pdu_type: int, body: bytes) -> None:
    try:
        pdu.decode(bytes((pdu_type, 0)) + len(body).to_bytes(4, "big") + body)
    except InvalidPDU:
        pass


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        ("08 00 00000004 00000000", AbortReason.UNRECOGNIZED_PDU),
        ("05 00 00000005 0000000000", AbortReason.INVALID_PDU_PARAMETER_VALUE),  # A-RELEASE-RQ has four bytes
        ("04 00 00000000", AbortReason.INVALID_PDU_PARAMETER_VALUE),  # P-DATA-TF without a PDV
        ("04 00 00000006 00000001 01 03", AbortReason.INVALID_PDU_PARAMETER_VALUE),  # a PDV shorter than its own header
        ("04 00 00000008 000000ff 01 03 0000", AbortReason.INVALID_PDU_PARAMETER_VALUE),  # a PDV longer than the PDU
    ],
)
def test_invalid(encoded: str, reason: AbortReason) -> None:
    with pytest.raises(InvalidPDU) as caught:
        pdu.decode(bytes.fromhex(encoded))
    assert caught.value.reason == reason


def test_even_and_repeated_context_ids_are_invalid() -> None:
    for ids in ((2,), (1, 1)):
        contexts = tuple(PresentationContextRQ(each, "1.2.3", ("1.2",)) for each in ids)
        with pytest.raises(InvalidPDU):
            pdu.decode(pdu.AssociateRQ((), "A", "B", contexts).encode())


def test_no_maximum_length_item_is_the_usual_default_and_an_identity_is_not_shown() -> None:
    assert pdu.AssociateRQ((), "A", "B", ()).maximum_length == pdu.DEFAULT_MAXIMUM_LENGTH
    assert "bob" not in repr(RQ)


def test_an_ae_title_of_ours_has_1_to_16_characters() -> None:
    for title in ("", "SEVENTEEN_LETTERS"):
        with pytest.raises(ValueError, match="AE title"):
            pdu.AssociateRQ((), title, "B", ()).encode()
