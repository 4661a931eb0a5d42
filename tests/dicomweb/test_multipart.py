"""The multipart reader is fed by the network: any chunking gives the same parts, any bytes give parts or the typed error."""

import email
import email.policy
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.dicomweb import multipart
from isocenter.domain.errors import Invalid

BOUNDARY = "b0unDary"


def read(pieces: list[bytes], boundary: bytes = BOUNDARY.encode()) -> list[tuple[dict[str, str], bytes]]:
    """All parts of a body that arrives in these pieces; checks the order of events on the way."""
    reader = multipart.Reader(boundary)
    parts: list[tuple[dict[str, str], bytearray]] = []
    is_open = False
    for piece in pieces:
        for event in reader.feed(piece):
            if isinstance(event, multipart.PartBegin):
                assert not is_open and event.number == len(parts) + 1
                parts.append((dict(event.headers), bytearray()))
                is_open = True
            elif isinstance(event, multipart.PartData):
                assert is_open and len(event.data) > 0
                parts[-1][1].extend(event.data)
            else:
                assert is_open and event.number == len(parts)
                is_open = False
    reader.close()
    assert not is_open
    return [(headers, bytes(body)) for headers, body in parts]


def write(bodies: list[tuple[dict[str, str], bytes]]) -> bytes:
    out = b""
    for number, (headers, body) in enumerate(bodies):
        out += multipart.part_head(BOUNDARY, headers, first=number == 0) + body
    return out + multipart.closing(BOUNDARY)


def cut(body: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[a:b] for a, b in itertools.pairwise(edges)]


# bodies made of what could be taken for a delimiter
nasty = st.lists(
    st.sampled_from([b"\r", b"\n", b"-", b"--", b"\r\n", b"\r\n--", b"\r\n--b0unDar", b"b0unDary", b"x", b"\0"]), max_size=12
)
bodies = st.one_of(st.binary(max_size=80), nasty.map(b"".join)).filter(lambda b: b"\r\n--" + BOUNDARY.encode() not in b"\r\n" + b)
headers = st.dictionaries(
    st.sampled_from(["content-type", "content-id", "x"]), st.text('abc/=;" ', max_size=12).map(str.strip), max_size=3
)


@given(st.lists(st.tuples(headers, bodies), min_size=1, max_size=4), st.lists(st.integers(0, 10_000), max_size=12))
def test_any_chunking_gives_the_parts_that_were_written(parts: list[tuple[dict[str, str], bytes]], places: list[int]) -> None:
    body = write(parts)
    assert read(cut(body, places)) == parts
    assert read([body[i : i + 1] for i in range(len(body))]) == parts


@given(st.lists(st.binary(max_size=80).filter(lambda body: not set(body) & set(b"\r\n-")), min_size=1, max_size=3))
def test_python_reads_what_the_writer_writes(parts: list[bytes]) -> None:
    """Bodies without line ends only: the email package takes a lone CR or LF for one."""
    head = f'Content-Type: multipart/related; boundary="{BOUNDARY}"\r\n\r\n'.encode()
    ours = [({"Content-Type": "application/dicom", "Content-Transfer-Encoding": "binary"}, body) for body in parts]
    message = email.message_from_bytes(head + write(ours), policy=email.policy.HTTP)
    assert [theirs.get_payload(decode=True) for theirs in message.iter_parts()] == parts


@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(st.sampled_from([b"--b0unDary", b"\r\n", b"--", b":", b"a: b", b" ", b"-"])).map(b"".join),
    ),
    st.lists(st.integers(0, 10_000), max_size=5),
)
def test_arbitrary_bytes_give_parts_or_invalid_the_same_for_any_chunking(body: bytes, places: list[int]) -> None:
    def outcome(pieces: list[bytes]) -> object:
        try:
            return read(pieces)
        except Invalid as error:
            assert error.where.startswith("part ")
            return "invalid"

    assert outcome([body]) == outcome(cut(body, places))


def test_preamble_epilogue_padding_and_folded_headers_are_tolerated() -> None:
    body = b"hello\r\n--b0unDary \t\r\nContent-Type: application/dicom;\r\n type=x\r\n\r\nDATA"
    body += b"\r\n--b0unDary--\r\nbye\r\n--b0unDary\r\n"
    assert read([body]) == [({"content-type": "application/dicom; type=x"}, b"DATA")]


def test_a_part_without_headers_and_an_empty_part() -> None:
    assert read([b"--b0unDary\r\n\r\nA\r\n--b0unDary\r\nA: b\r\n\r\n\r\n--b0unDary--"]) == [({}, b"A"), ({"a": "b"}, b"")]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "ended before"),
        (b"--b0unDary\r\nA: b\r\n\r\nDATA", "ended before"),
        (b"--b0unDary\r\nA: b\r\n\r\nDATA\r\n--b0unDary", "ended before"),
        (b"--b0unDaryX\r\n\r\n", "something else"),
        (b"--b0unDary\r\nno colon\r\n\r\n", "no colon"),
        (b"--b0unDary\r\n" + b"A: " + b"x" * 20_000 + b"\r\n\r\n", "too long"),
        (b"--b0unDary" + b" " * 300 + b"\r\n", "something else"),
        (b"x" * 70_000, "does not occur"),
    ],
)
def test_malformed_bodies_are_named(body: bytes, what: str) -> None:
    for pieces in ([body], cut(body, list(range(0, len(body), 7)))):
        with pytest.raises(Invalid, match=what):
            read(pieces)


@pytest.mark.parametrize("boundary", [b"", b"x" * 201, b"a\r\nb"])
def test_impossible_boundaries_are_refused(boundary: bytes) -> None:
    with pytest.raises(Invalid):
        multipart.Reader(boundary)


def test_the_reader_holds_no_body_back() -> None:
    """1 MiB fed in one piece comes out in one piece, without a copy."""
    reader = multipart.Reader(BOUNDARY.encode())
    assert [type(event) for event in reader.feed(b"--b0unDary\r\n\r\n")] == [multipart.PartBegin]
    piece = b"x" * (1 << 20)
    (event,) = reader.feed(piece)
    assert isinstance(event, multipart.PartData) and event.data.obj is piece and len(event.data) == len(piece)
