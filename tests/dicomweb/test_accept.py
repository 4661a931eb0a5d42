"""Negotiation: what is asked for, against what is stored."""

from collections.abc import Container

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.dicom import syntaxes
from isocenter.dicomweb.accept import (
    Form,
    NotAcceptable,
    dataset_form,
    dataset_syntax,
    frame_form,
    metadata_form,
    parse_accept,
    parse_media_type,
)
from isocenter.dicomweb.render_parameters import choose
from isocenter.domain.errors import Invalid

EXPLICIT, IMPLICIT, JLS, BASELINE, LOSSLESS, HTJ2K = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.201",
)


def test_ranges_come_in_order_of_preference() -> None:
    ranges = parse_accept(
        'text/html;q=0.5, multipart/related; type="application/dicom"; transfer-syntax=*;q=0.9 , application/json, a/b;q=0'
    )
    assert [(r.name, r.q) for r in ranges] == [("application/json", 1.0), ("multipart/related", 0.9), ("text/html", 0.5)]
    assert ranges[1].part_type == "application/dicom" and ranges[1].parameters["transfer-syntax"] == "*"


def test_an_empty_header_accepts_everything() -> None:
    assert [r.name for r in parse_accept("")] == ["*/*"]


def test_a_quoted_comma_does_not_split() -> None:
    assert [r.name for r in parse_accept('a/b; c="x, y; z", d/e')] == ["a/b", "d/e"]


@pytest.mark.parametrize("header", ["nonsense", "a/b c/d", "a/b; q=2", "a/b; q=x", 'a/b; c="', "a/b" + ";c=d" * 4000])
def test_malformed_headers_are_invalid(header: str) -> None:
    with pytest.raises(Invalid):
        parse_accept(header)


@given(st.one_of(st.text(max_size=60), st.text('abc/*;,="\\ q0.', max_size=40)))
def test_any_text_gives_ranges_or_invalid(header: str) -> None:
    try:
        ranges = parse_accept(header)
    except Invalid:
        return
    assert all(0 < r.q <= 1 and "/" in r.name for r in ranges)


def test_content_type_parameters_may_be_unquoted() -> None:
    name, parameters, _ = parse_media_type("Multipart/Related; type=application/dicom; boundary=abc")
    assert (name, parameters) == ("multipart/related", {"type": "application/dicom", "boundary": "abc"})


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        ("", "application/dicom+json"),
        ("*/*", "application/dicom+json"),
        ("application/json", "application/json"),
        ("application/json;q=0.1, application/dicom+json", "application/dicom+json"),
        ('multipart/related; type="application/dicom+xml";q=0.5, application/*', "application/dicom+json"),
        ('multipart/related; type="application/dicom+xml", application/*;q=0.5', "application/dicom+xml"),
    ],
)
def test_json(accept: str, answer: str) -> None:
    assert metadata_form(parse_accept(accept), single=False).media_type == answer


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/dicom+xml",
        "application/dicom+json;q=0, text/html",
        "application/dicom+json;q=0",
        "*/*;q=0",
        "application/*;q=0, text/*",
        "*/*, application/*;q=0",
    ],
)
def test_only_json_and_xml(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        metadata_form(parse_accept(accept), single=False)


def test_what_is_refused_is_not_meant_by_a_wildcard() -> None:
    assert metadata_form(parse_accept("application/dicom+json;q=0, */*"), single=False).media_type == "application/json"
    assert metadata_form(parse_accept("application/json;q=0, application/dicom+json, */*"), single=False).media_type == (
        "application/dicom+json"
    )
    with pytest.raises(NotAcceptable):
        dataset_form(parse_accept("application/dicom;q=0, */*"), single=True)
    frames = parse_accept("application/octet-stream;q=0, image/jpeg;q=0, */*;q=0.5")
    assert frame_form(frames, EXPLICIT, native=True, single=True, possible=lambda _: True).media_type == "image/jls"
    assert choose(parse_accept("image/jpeg;q=0, image/*"), ("image/jpeg", "image/png")) == ("image/png", False)
    # Of several parts is another thing than of one.
    several = parse_accept('application/octet-stream;q=0, multipart/related; type="application/octet-stream"')
    assert frame_form(several, EXPLICIT, native=True, single=True).multipart


ANY_DICOM = 'multipart/related; type="application/dicom"'


def leaves_as(accept: str, stored: str, possible: Container[str] = (EXPLICIT,), *, pixels: bool = True) -> str | None:
    """The transfer syntax in which an instance leaves."""
    form = dataset_form(parse_accept(accept), single=True)
    return dataset_syntax(form, stored, lambda target: target in possible, pixels=pixels)


@pytest.mark.parametrize(
    ("accept", "multipart"),
    [
        ("", True),
        ("*/*", True),
        (ANY_DICOM, True),
        ("multipart/related; type=application/dicom", True),
        (f"{ANY_DICOM}; transfer-syntax=*", True),
        ("multipart/*", True),
        ("application/dicom", False),
        ("application/dicom; transfer-syntax=*, */*;q=0.5", False),
        (f"application/dicom;q=0.5, {ANY_DICOM}", True),
    ],
)
def test_one_instance(accept: str, multipart: bool) -> None:
    assert dataset_form(parse_accept(accept), single=True).multipart is multipart


@pytest.mark.parametrize(
    ("accept", "leaves"),
    [
        ("", JLS),
        ("*/*", JLS),
        ("multipart/*", JLS),
        (f"{ANY_DICOM}; transfer-syntax=*", JLS),
        (f"{ANY_DICOM}; transfer-syntax={JLS}", JLS),
        (f"{ANY_DICOM}; transfer-syntax={EXPLICIT}, {ANY_DICOM}; transfer-syntax={JLS}", JLS),
        (f'{ANY_DICOM}; transfer-syntax="{EXPLICIT}, {JLS}"', JLS),
        (f"{ANY_DICOM}; transfer-syntax={EXPLICIT}, {ANY_DICOM}; transfer-syntax=*;q=0.1", EXPLICIT),
        (f"{ANY_DICOM}; transfer-syntax={IMPLICIT}, {ANY_DICOM}; transfer-syntax=*;q=0.1", JLS),
        (f"{ANY_DICOM}; transfer-syntax={LOSSLESS}, {ANY_DICOM}; transfer-syntax={EXPLICIT}", EXPLICIT),
        (ANY_DICOM, EXPLICIT),  # PS3.18 8.7.3: the default transfer syntax
        ("application/dicom", EXPLICIT),
        (f"{ANY_DICOM}; transfer-syntax={BASELINE}", None),
    ],
)
def test_the_transfer_syntax_of_an_instance(accept: str, leaves: str | None) -> None:
    assert leaves_as(accept, JLS) == leaves


def test_the_default_syntax_gives_way_to_what_is_lossy_or_cannot_be_converted() -> None:
    assert leaves_as(ANY_DICOM, BASELINE) == BASELINE  # PS3.18 8.7.3: only a lossy form is held
    assert leaves_as(ANY_DICOM, JLS, ()) == JLS
    assert leaves_as(f"{ANY_DICOM}; transfer-syntax={EXPLICIT}", BASELINE) == EXPLICIT  # it is asked for
    assert leaves_as(ANY_DICOM, "1.2.826.0.1.3680043.9") == "1.2.826.0.1.3680043.9"


def test_what_has_no_pixels_cannot_be_compressed() -> None:
    assert leaves_as(f"{ANY_DICOM}; transfer-syntax={JLS}", IMPLICIT, pixels=False) == EXPLICIT
    assert leaves_as(f"{ANY_DICOM}; transfer-syntax={JLS}", EXPLICIT, (), pixels=False) == EXPLICIT


@pytest.mark.parametrize("accept", ["application/dicom+json", 'multipart/related; type="application/octet-stream"', "image/jpeg"])
def test_one_instance_not_acceptable(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="application/dicom"):
        dataset_form(parse_accept(accept), single=True)


def test_many_instances_need_multipart() -> None:
    with pytest.raises(NotAcceptable):
        dataset_form(parse_accept("application/dicom"), single=False)
    assert dataset_form(parse_accept(f"application/dicom, {ANY_DICOM};q=0.5"), single=False).multipart


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Form(True, "application/octet-stream", EXPLICIT)),
        ("*/*", Form(True, "application/octet-stream", EXPLICIT)),
        ('multipart/related; type="application/octet-stream"', Form(True, "application/octet-stream", EXPLICIT)),
        ("multipart/related; type=application/octet-stream; transfer-syntax=*", Form(True, "application/octet-stream", EXPLICIT)),
        (
            f'multipart/related; type="application/octet-stream"; transfer-syntax={IMPLICIT}',
            Form(True, "application/octet-stream", IMPLICIT),
        ),
        ("application/octet-stream", Form(False, "application/octet-stream", EXPLICIT)),
        ('multipart/related; type="image/jpeg", multipart/related; type="application/octet-stream";q=0.2',
         Form(True, "application/octet-stream", EXPLICIT)),
    ],
)  # fmt: skip
def test_native_frames(accept: str, form: Form) -> None:
    assert frame_form(parse_accept(accept), IMPLICIT, native=True, single=True) == form


@pytest.mark.parametrize(
    ("accept", "stored", "form"),
    [
        ("", JLS, Form(True, "image/jls", JLS)),
        ("multipart/related; type=application/octet-stream; transfer-syntax=*", JLS, Form(True, "application/octet-stream", JLS)),
        ('multipart/related; type="image/jls"', JLS, Form(True, "image/jls", JLS)),
        ('multipart/related; type="image/x-jls"', JLS, Form(True, "image/jls", JLS)),
        ('multipart/related; type="image/*"; transfer-syntax=*', JLS, Form(True, "image/jls", JLS)),
        ("image/*", JLS, Form(False, "image/jls", JLS)),
        ("image/jpeg", BASELINE, Form(False, "image/jpeg", BASELINE)),
        (f"image/jpeg; transfer-syntax={LOSSLESS}", LOSSLESS, Form(False, "image/jpeg", LOSSLESS)),
        (f'multipart/related; type="application/octet-stream"; transfer-syntax={BASELINE}', BASELINE,
         Form(True, "application/octet-stream", BASELINE)),
        ("*/*", "1.2.826.0.1.3680043.9", Form(True, "application/octet-stream", "1.2.826.0.1.3680043.9")),
    ],
)  # fmt: skip
def test_compressed_frames(accept: str, stored: str, form: Form) -> None:
    assert frame_form(parse_accept(accept), stored, native=False, single=True) == form


@pytest.mark.parametrize(
    ("accept", "stored"),
    [
        ('multipart/related; type="application/octet-stream"', JLS),
        ("application/octet-stream", JLS),
        (f'multipart/related; type="application/octet-stream"; transfer-syntax={EXPLICIT}', JLS),
        ('multipart/related; type="image/jpeg"', JLS),
        (f'multipart/related; type="image/jpeg"; transfer-syntax={LOSSLESS}', BASELINE),
        ("application/octet-stream", "1.2.826.0.1.3680043.9"),
    ],
)
def test_frames_that_cannot_be_converted_are_refused_with_the_way_out(accept: str, stored: str) -> None:
    with pytest.raises(NotAcceptable) as caught:
        frame_form(parse_accept(accept), stored, native=False, single=True)
    assert stored in caught.value.message and "transfer-syntax=*" in caught.value.hint


OCTETS = 'multipart/related; type="application/octet-stream"'


@pytest.mark.parametrize(
    ("accept", "stored", "form"),
    [
        (OCTETS, JLS, Form(True, "application/octet-stream", EXPLICIT)),
        ("application/octet-stream", JLS, Form(False, "application/octet-stream", EXPLICIT)),
        (f"{OCTETS}; transfer-syntax={IMPLICIT}", JLS, Form(True, "application/octet-stream", IMPLICIT)),
        (f"{OCTETS}; transfer-syntax={LOSSLESS}", JLS, Form(True, "application/octet-stream", LOSSLESS)),
        ("image/jpeg", JLS, Form(False, "image/jpeg", LOSSLESS)),  # Table 8.7.3-5: the default of image/jpeg
        ("image/jpeg", IMPLICIT, Form(False, "image/jpeg", LOSSLESS)),
        (f"image/jpeg; transfer-syntax={BASELINE}", IMPLICIT, Form(False, "image/jpeg", BASELINE)),
        (f'image/jpeg; transfer-syntax="{HTJ2K},{BASELINE}"', IMPLICIT, Form(False, "image/jpeg", BASELINE)),
        ("image/jphc", IMPLICIT, Form(False, "image/jphc", HTJ2K)),
        (f"image/jls;q=0.5, image/jpeg; transfer-syntax={LOSSLESS}", JLS, Form(False, "image/jpeg", LOSSLESS)),
        (f"image/jpeg; transfer-syntax={LOSSLESS}, image/jls", JLS, Form(False, "image/jls", JLS)),
    ],
)
def test_frames_are_converted_where_nothing_stored_is_wanted_as_much(accept: str, stored: str, form: Form) -> None:
    possible = {EXPLICIT, IMPLICIT, LOSSLESS, BASELINE, JLS, HTJ2K}.__contains__
    assert frame_form(parse_accept(accept), stored, native=stored == IMPLICIT, single=True, possible=possible) == form


def test_nothing_lossy_is_made_that_was_not_named() -> None:
    for accept in ("image/jpeg", "image/*", "image/jpeg; transfer-syntax=*"):
        with pytest.raises(NotAcceptable):
            frame_form(parse_accept(accept), IMPLICIT, native=True, single=True, possible={BASELINE}.__contains__)


def test_several_frames_need_multipart() -> None:
    with pytest.raises(NotAcceptable):
        frame_form(parse_accept("image/jls"), JLS, native=False, single=False)
    assert frame_form(parse_accept("image/jls, */*;q=0.1"), JLS, native=False, single=False).multipart


def test_every_row_of_the_media_type_table() -> None:
    for syntax in syntaxes.ALL:
        if syntax.encapsulated:
            accept = f'multipart/related; type="{syntax.media_type}"; transfer-syntax={syntax.uid}'
            form = frame_form(parse_accept(accept), syntax.uid, native=False, single=False)
            assert form.label == f"{syntax.media_type}; transfer-syntax={syntax.uid}"


_WORDS = ("multipart/related", "application/dicom", "application/octet-stream", "image/jpeg", "*/*", "application/zip", ";type=",
          ", ", ";transfer-syntax=", "*", JLS, EXPLICIT, '"', ";q=0.5")  # fmt: skip


@given(st.lists(st.sampled_from(_WORDS), max_size=12).map("".join), st.booleans(), st.booleans(), st.booleans())
def test_any_header_gives_a_form_or_a_reason(header: str, single: bool, native: bool, possible: bool) -> None:
    stored = IMPLICIT if native else JLS
    try:
        ranges = parse_accept(header)
    except Invalid:
        return
    try:
        form = frame_form(ranges, stored, native=native, single=single, possible=lambda _: possible)
        assert form.multipart or single
    except NotAcceptable:
        pass
    try:
        whole = dataset_form(ranges, single=single)
        leaves = dataset_syntax(whole, stored, lambda _: possible)
        assert leaves is not None or not possible
    except NotAcceptable:
        pass
