"""STOW-RS of metadata and bulk data: what becomes of each instance, told exactly; and what bad metadata get."""

import tracemalloc
from typing import Any

import imagecodecs
import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomweb.composed import JSON, XML, Media, as_xml, body, element, instance, store
from dicomweb.in_process import Client, parts
from isocenter.dicom import composing, xml_reading
from isocenter.dicom.elements import Malformed
from isocenter.service.composing import parts as parts_of_requests
from sending import arriving

CT = "1.2.840.10008.5.1.4.1.1.2"
ORIGIN = "http://pacs.test/dicom-web"


def ct(number: int, **more: Any) -> dict[str, Any]:
    """A CT image of 4 by 4 pixels, whose pixels are at cid:NUMBER."""
    return {
        "00080016": element("UI", CT), "00080018": element("UI", f"1.2.3.{number}"), "00080060": element("CS", "CT"),
        "00100010": element("PN", {"Alphabetic": "Doe^Jane"}), "00100020": element("LO", "P1"),
        "0020000D": element("UI", "1.2.3"), "0020000E": element("UI", "1.2.3.99"), "00280002": element("US", 1),
        "00280004": element("CS", "MONOCHROME2"), "00280010": element("US", 4), "00280011": element("US", 4),
        "00280100": element("US", 16), "00280101": element("US", 12), "00280102": element("US", 11), "00280103": element("US", 0),
        "7FE00010": {"vr": "OW", "BulkDataURI": f"cid:{number}"}, **more,
    }  # fmt: skip


def pixels(number: int, media_type: str = "application/octet-stream") -> Media:
    return Media(bytes([number]) * 32, media_type, f"cid:{number}")


def incoming(client: Client) -> list[str]:
    return arriving(client.context.settings.data)


@pytest.mark.parametrize("form", [JSON, XML])
@pytest.mark.parametrize("piece", [7, 1 << 20])
def test_all_stored(both_clients: Client, form: str, piece: int) -> None:
    client = both_clients
    answer = store(client, [ct(1), ct(2)], [pixels(2), pixels(1)], form=form, pieces=piece)
    assert answer.status_code == 200 and set(answer.json()) == {"00081190", "00081199"}
    for number, item in enumerate(answer.json()["00081199"]["Value"], 1):
        assert item["00081155"]["Value"] == [f"1.2.3.{number}"] and set(item) == {"00081150", "00081155", "00081190"}
        url = item["00081190"]["Value"][0].removeprefix(ORIGIN)
        assert parts(client.get(f"{url}/frames/1"))[0][1] == bytes([number]) * 32
    assert not incoming(client)


def test_each_instance_fails_for_its_own_reason(client: Client) -> None:
    wrong = ct(3, **{"00280010": element("US", "many")})
    other_study = ct(4, **{"0020000D": element("UI", "1.2.77")})
    datasets = [ct(1), ct(2), wrong, other_study, {"00080018": element("UI", "1.2.3.5")}]
    answer = store(client, datasets, [pixels(1), pixels(3), pixels(4), Media(b"x", "text/plain", "cid:nobody")], study="1.2.3")
    assert answer.status_code == 202
    found = answer.json()
    assert [item["00081155"]["Value"][0] for item in found["00081199"]["Value"]] == ["1.2.3.1"]
    failed = {item["00081155"]["Value"][0]: item["00081197"]["Value"][0] for item in found["00081198"]["Value"]}
    assert failed == {"1.2.3.2": 0xC000, "1.2.3.3": 0xC000, "1.2.3.4": 0xA900, "1.2.3.5": 0xC000}
    assert [item["00081197"]["Value"] for item in found["0008119A"]["Value"]] == [[0xC000]]  # the part that nobody refers to
    warnings = " ".join(answer.headers.get_list("warning"))
    assert "Content-Location" in warnings and "(0028,0010)" in warnings
    assert len(client.json("/instances")) == 1 and not incoming(client)


def test_the_answer_is_xml_where_that_is_accepted(client: Client) -> None:
    told = store(client, [ct(1), ct(2)], [pixels(1)])
    answer = store(client, [ct(1), ct(2)], [pixels(1)], accept=f"{XML}, {JSON};q=0.5")
    assert answer.status_code == 202 and answer.headers["content-type"] == XML
    (found,) = xml_reading.read(answer.content)
    assert {tag: value["vr"] for tag, value in found.items()} == {tag: value["vr"] for tag, value in told.json().items()}
    assert found["00081199"]["Value"][0]["00081155"]["Value"] == ["1.2.3.1"]
    assert found["00081198"]["Value"][0]["00081197"]["Value"] == [str(0xC000)]
    assert store(client, [ct(3)], [pixels(3)], accept="image/jpeg").status_code == 406
    assert len(client.json("/instances")) == 1


def test_several_documents_and_whole_objects_in_one_request(client: Client, data: Any) -> None:
    whole = next(iter(sorted((data / "sr").rglob("*.dcm")))).read_bytes()
    content = body([(XML, as_xml(ct(1))), (XML, as_xml(ct(2))), ("application/dicom", whole)], [pixels(1), pixels(2)])
    headers = {"content-type": f'multipart/related; type="{XML}"; boundary=xyz'}
    answer = client.request("POST", "/studies", content=content, headers=headers)
    assert answer.status_code == 200 and len(answer.json()["00081199"]["Value"]) == 3


def test_a_request_that_breaks_off_keeps_what_was_whole(client: Client) -> None:
    content = body([(JSON, b"[" + b",".join(orjson.dumps(ct(n)) for n in (1, 2)) + b"]")], [pixels(1), pixels(2)])
    headers = {"content-type": f'multipart/related; type="{JSON}"; boundary=xyz'}
    answer = client.request("POST", "/studies", content=content[:-20], headers=headers)
    assert answer.status_code == 202
    assert [item["00081155"]["Value"][0] for item in answer.json()["00081199"]["Value"]] == ["1.2.3.1"]
    assert [item["00081155"]["Value"][0] for item in answer.json()["00081198"]["Value"]] == ["1.2.3.2"]
    assert not incoming(client)


def test_frames_come_in_parts_of_one_location_or_one_by_one(client: Client) -> None:
    rle = bytes.fromhex("01000000 40000000".replace(" ", "")) + bytes(56) + bytes([0xF1, 7])  # 16 pixels of 7
    bits = {"00280100": element("US", 8), "00280101": element("US", 8), "00280102": element("US", 7)}
    frames = {"00280008": element("IS", 2), **bits}
    label = "image/dicom-rle; transfer-syntax=1.2.840.10008.1.2.5"
    one = [Media(rle, label, "cid:1"), Media(rle[:-1] + b"\x09", label, "cid:1")]
    other = [Media(rle, label, "http://x/bulk/2/frames/2"), Media(rle[:-1] + b"\x09", label, "http://x/bulk/2/frames/1")]
    second = ct(2, **frames, **{"7FE00010": {"vr": "OB", "BulkDataURI": "http://x/bulk/2"}})
    answer = store(client, [ct(1, **frames), second], [*one, *other])
    assert answer.status_code == 200, answer.headers["warning"]
    for number, last in ((1, b"\x09"), (2, b"\x07")):
        got = parts(client.get(f"/studies/1.2.3/series/1.2.3.99/instances/1.2.3.{number}/frames/1,2", accept=(
            'multipart/related; type="*/*"; transfer-syntax=1.2.840.10008.1.2.5')))  # fmt: skip
        assert len(got) == 2 and got[1][1].rstrip(b"\0")[-1:] == last


def test_pixels_that_a_client_had_decompressed_are_not_taken_for_compressed_ones(client: Client) -> None:
    of_stored = {"00083002": element("UI", "1.2.840.10008.1.2.4.90")}
    answer = store(client, [ct(1, **of_stored)], [pixels(1)])
    assert answer.status_code == 200
    ((label, frame),) = parts(client.get(f"{instance(answer)}/frames/1", accept=(
        'multipart/related; type="application/octet-stream"; transfer-syntax=*')))  # fmt: skip
    assert frame == bytes([1]) * 32 and "1.2.840.10008.1.2.1" in label
    compressed = Media(bytes(imagecodecs.jpeg2k_encode(np.full((4, 4), 9, np.uint16), codecformat="j2k", reversible=True)),
                       "application/octet-stream", "cid:2")  # fmt: skip
    answer = store(client, [ct(2, **of_stored)], [compressed])
    native = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
    frame = client.get(f"{instance(answer)}/frames/1", accept=native).content
    assert answer.status_code == 200 and np.array_equal(np.frombuffer(frame, "<u2"), np.full(16, 9))


def test_the_same_value_for_two_instances_is_sent_once(client: Client) -> None:
    shared = [ct(1), ct(2, **{"7FE00010": {"vr": "OW", "BulkDataURI": "cid:1"}})]
    assert store(client, shared, [pixels(1)]).status_code == 200
    assert len(client.json("/instances")) == 2


@pytest.mark.parametrize(
    ("metadata", "status"),
    [
        (b"", 409), (b"[", 409), (b"[]", 400), (b"nonsense", 409), (b"[1]", 400), (b"[" * 3000 + b"]" * 3000, 400),
        (b'[{"00080018":{"vr":"UI","Value":["1.2"]}}', 409), (b"\xff\xfe[{}]", 409), (b'[{"PatientName":{}}]', 409),
    ],
)  # fmt: skip
def test_metadata_that_are_none(client: Client, metadata: bytes, status: int) -> None:
    headers = {"content-type": f'multipart/related; type="{JSON}"; boundary=xyz'}
    answer = client.request("POST", "/studies", content=body([(JSON, metadata)], []), headers=headers)
    assert answer.status_code == status, answer.text
    assert client.json("/studies") == [] and not incoming(client)


@pytest.mark.parametrize(
    "document",
    [
        b"", b"<a/>", b"<NativeDicomModel>", b"<DicomAttribute tag='00080018'/>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><NativeDicomModel/>',
        b"<NativeDicomModel><Value number='1'>x</Value></NativeDicomModel>",
        b"<NativeDicomModel><DicomAttribute tag='00100010' vr='LO'><Value number='9999999'/></DicomAttribute></NativeDicomModel>",
        b"<NativeDicomModel>" + b"<DicomAttribute tag='00081140' vr='SQ'><Item number='1'>" * 300 + b"</NativeDicomModel>",
    ],
)  # fmt: skip
def test_xml_that_is_no_data_set(client: Client, document: bytes) -> None:
    headers = {"content-type": f'multipart/related; type="{XML}"; boundary=xyz'}
    answer = client.request("POST", "/studies", content=body([(XML, document)], []), headers=headers)
    assert answer.status_code in (409, 413), answer.text  # 413: more than is read
    assert client.json("/studies") == []


def test_xml_names_private_blocks_by_their_creator() -> None:
    document = (
        b'<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">'
        b'<DicomAttribute tag="00090010" vr="LO"><Value number="1">OTHER</Value></DicomAttribute>'
        b'<DicomAttribute tag="00090002" vr="LO" privateCreator="ACME"><Value number="2">b</Value></DicomAttribute>'
        b'<DicomAttribute tag="00091103" vr="LO" privateCreator="ACME"><Value number="1">c</Value></DicomAttribute>'
        b"</NativeDicomModel>"
    )
    assert xml_reading.read(document) == [{
        "00090010": element("LO", "OTHER"), "00090011": element("LO", "ACME"), "00091102": element("LO", None, "b"),
        "00091103": element("LO", "c"),
    }]  # fmt: skip


def test_more_parts_than_a_process_should_hold(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_of_requests, "MOST_PARTS", 3)
    answer = store(client, [ct(1)], [pixels(1), pixels(2), pixels(3)])
    assert answer.status_code == 413 and not incoming(client)


def test_more_values_than_a_process_should_hold(client: Client) -> None:
    many = b'{"00080018":{"vr":"UI","Value":["1.2.3.9"]},"00281050":{"vr":"DS","Value":[' + b"1," * 600_000 + b"1]}}"
    content = body([(JSON, b"[" + many + b"," + orjson.dumps(ct(1)) + b"]")], [pixels(1)])
    headers = {"content-type": f'multipart/related; type="{JSON}"; boundary=xyz'}
    answer = client.request("POST", "/studies", content=content, headers=headers)
    assert answer.status_code == 202 and len(answer.json()["00081199"]["Value"]) == 1
    assert answer.json()["0008119A"]["Value"][0]["00081197"]["Value"] == [0xA700] and "Part 10" in answer.headers["warning"]


def test_a_large_value_passes_in_pieces(client: Client) -> None:
    size = 48 << 20
    dataset = ct(1, **{"00080016": element("UI", "1.2.840.10008.5.1.4.1.1.104.1")})
    dataset["00420011"] = {"vr": "OB", "BulkDataURI": "cid:large"}
    del dataset["7FE00010"]
    whole = body([(JSON, orjson.dumps([dataset]))], [Media(b"@@", "application/pdf", "cid:large")])
    head, tail = whole.split(b"@@")

    async def stream() -> Any:
        yield head + b"%PDF-"
        for _ in range(size // 65536):
            yield bytes(65536)
        yield tail

    headers = {"content-type": f'multipart/related; type="{JSON}"; boundary=xyz'}
    tracemalloc.start()
    try:
        answer = client.request("POST", "/studies", content=stream(), headers=headers)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status_code == 200 and peak < 16 << 20, peak
    value = client.get(f"{instance(answer)}/bulkdata/00420011", accept="application/octet-stream", headers={"range": "bytes=0-4"})
    assert value.content == b"%PDF-" and int(value.headers["content-range"].rpartition("/")[2]) >= size + 5


def test_a_full_disk_is_507_and_nothing_is_left(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(client.context.blobs), "free_space", lambda self: -1)
    answer = store(client, [ct(1)], [pixels(1)])
    assert answer.status_code == 507 and not incoming(client)


def test_the_same_again_is_stored_once_and_told_where(client: Client) -> None:
    first = instance(store(client, [ct(1)], [pixels(1)]))
    again = store(client, [ct(1)], [pixels(1)])
    assert again.status_code == 200 and instance(again) == first and len(client.json("/instances")) == 1


xml_text = st.text(st.sampled_from("<>/\"'= abDicomAttributeItemValuePersonNametagvrnumber0123456789&;"), max_size=120)


@given(st.one_of(xml_text.map(str.encode), st.binary(max_size=100)))
def test_whatever_bytes_come_are_data_sets_or_malformed(document: bytes) -> None:
    for framed in (document, b"<NativeDicomModel>" + document + b"</NativeDicomModel>"):
        try:
            for dataset in xml_reading.read(framed):
                composing.compose(dataset)
        except Malformed:
            pass
