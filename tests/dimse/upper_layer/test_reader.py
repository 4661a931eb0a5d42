"""The reader of PDUs: any cut of the stream gives the same fragments; any bytes at all end in bounded time."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.dimse.upper_layer import pdu, reader
from isocenter.dimse.upper_layer.items import AbortReason, InvalidPDU
from isocenter.dimse.upper_layer.reader import Reader
from isocenter.dimse.upper_layer.transport import TimedOut, TransportClosed


class Stream:
    """A socket that hands out prepared bytes, in pieces of given sizes."""

    def __init__(self, data: bytes, cuts: list[int]) -> None:
        self.data, self.cuts, self.position = data, cuts, 0

    def recv_into(self, view: memoryview) -> int:
        assert len(view) > 0, "recv_into without room means the end"
        size = self.cuts.pop() if self.cuts else len(self.data)
        part = self.data[self.position : self.position + min(size, len(view))]
        view[: len(part)] = part
        self.position += len(part)
        return len(part)


def read_all(stream: Stream) -> tuple[list[pdu.PDU], dict[int, list[tuple[int, bytes]]]]:
    """Every PDU but P-DATA-TF, and per presentation context the fragments joined up to each LAST."""
    others: list[pdu.PDU] = []
    messages: dict[int, list[tuple[int, bytes]]] = {}
    open_parts: dict[tuple[int, int], bytes] = {}
    read = Reader(stream.recv_into)
    try:
        while True:
            got = read.read()
            if not isinstance(got, list):
                others.append(got)
                continue
            for context_id, control, view in got:
                key = (context_id, control & pdu.COMMAND)
                open_parts[key] = open_parts.get(key, b"") + bytes(view)
                if control & pdu.LAST:
                    messages.setdefault(context_id, []).append((control & pdu.COMMAND, open_parts.pop(key)))
    except TransportClosed:
        assert not any(open_parts.values())
        return others, messages


pdvs = st.builds(
    pdu.PresentationDataValue,
    st.sampled_from((1, 3)),
    st.sampled_from((2, 3)),
    st.one_of(st.binary(max_size=40), st.just(bytes(70000))),
)
streams = st.lists(
    st.one_of(st.lists(pdvs, min_size=1, max_size=4).map(lambda values: pdu.PDataTF(tuple(values))), st.just(pdu.ReleaseRQ())),
    max_size=6,
)
cuts = st.lists(st.one_of(st.integers(1, 20), st.integers(1, 300000)), max_size=60)


@given(streams, cuts)
def test_any_cut_gives_the_same_messages(sent: list[pdu.PDU], cuts: list[int]) -> None:
    others, messages = read_all(Stream(b"".join(each.encode() for each in sent), cuts))
    assert others == [each for each in sent if not isinstance(each, pdu.PDataTF)]
    expected: dict[int, list[tuple[int, bytes]]] = {}
    for each in sent:
        for value in each.values if isinstance(each, pdu.PDataTF) else ():
            expected.setdefault(value.context_id, []).append((value.control & pdu.COMMAND, value.fragment))
    assert messages == expected


@given(st.binary(max_size=400), st.sampled_from((b"", b"\x04\x00", b"\x01\x00\x00\x00", b"\x04\0\0\0\0\x20")), cuts)
def test_arbitrary_bytes_end_in_one_of_two_errors(data: bytes, prefix: bytes, cuts: list[int]) -> None:
    read = Reader(Stream(prefix + data, cuts).recv_into)
    with pytest.raises((InvalidPDU, TransportClosed)):
        while True:
            read.read()


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("09 00 00000004", AbortReason.UNRECOGNIZED_PDU),
        ("00 00 00000004", AbortReason.UNRECOGNIZED_PDU),
        ("47 45 54202f20", AbortReason.UNRECOGNIZED_PDU),  # "GET / ": a web browser
        ("04 00 00000000", AbortReason.INVALID_PDU_PARAMETER_VALUE),
        ("04 00 ffffffff", AbortReason.INVALID_PDU_PARAMETER_VALUE),
        ("01 00 00100000", AbortReason.INVALID_PDU_PARAMETER_VALUE),
        ("05 00 00000100", AbortReason.INVALID_PDU_PARAMETER_VALUE),
    ],
)
def test_a_header_alone_is_enough_to_refuse(header: str, reason: AbortReason) -> None:
    with pytest.raises(InvalidPDU) as caught:
        Reader(Stream(bytes.fromhex(header), []).recv_into).read()
    assert caught.value.reason == reason


def test_a_pdu_larger_than_the_buffer_is_streamed_without_growing_it() -> None:
    size = 40 * reader.BUFFER_SIZE
    value = pdu.PDataTF((pdu.PresentationDataValue(1, 2, bytes(size)),))
    read = Reader(Stream(value.encode(), []).recv_into)
    received, last = 0, 0
    while received < size:
        fragments = read.read()
        assert isinstance(fragments, list)
        received += sum(len(view) for _, _, view in fragments)
        last += sum(control & pdu.LAST for _, control, _ in fragments)
        assert all(len(view) <= reader.BUFFER_SIZE for _, _, view in fragments)
    assert (received, last) == (size, pdu.LAST)


def test_fragments_are_views_of_one_buffer_not_copies() -> None:
    value = pdu.PDataTF((pdu.PresentationDataValue(1, 0, b"first"), pdu.PresentationDataValue(1, 2, b"second")))
    fragments = Reader(Stream(value.encode(), []).recv_into).read()
    assert isinstance(fragments, list)
    first, second = (view for _, _, view in fragments)
    assert first.obj is second.obj


@pytest.mark.parametrize("start", ["04", "0400000000ff", "0400000000ff000000fb0100aa", "0100000000ff0001"])
def test_a_sender_that_trickles_runs_out_of_time(start: str) -> None:
    data = iter(bytes.fromhex(start) + bytes(300))

    def trickle(view: memoryview) -> int:
        time.sleep(0.005)
        view[0] = next(data)
        return 1

    read = Reader(trickle, pdu_timeout=-0.1)  # 255 bytes at the slowest rate tolerated are another quarter of a second
    with pytest.raises(TimedOut):
        while True:
            read.read()
