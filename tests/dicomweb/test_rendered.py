"""Rendered resources and thumbnails over HTTP: every level, every media type, every parameter (PS3.18 8.3.5, 10.4.1.1.3)."""

import io
import struct
from pathlib import Path

import av
import numpy as np
import pydicom
import pytest
from PIL import ImageSequence
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

from dicomweb.in_process import As, Client, parts
from dicomweb.shown import BASE, image, pixels, store
from isocenter.domain.access import Role, by_role
from isocenter.domain.errors import Unauthenticated
from isocenter.domain.events import Event
from isocenter.service import rendering
from isocenter.store import changes
from isocenter.store.open_files import OpenFile
from objects import element, part10


@pytest.fixture(scope="module")
def client(shared_client: Client) -> Client:
    return shared_client


@pytest.fixture(scope="module")
def series(client: Client, data: Path) -> list[str]:
    """URLs of four CT slices."""
    return [store(client, path) for path in sorted((data / "ct/volume-lidc-idri-0314").rglob("*.dcm"))[:4]]


@pytest.fixture(scope="module")
def cine(client: Client, data: Path) -> str:
    """The URL of 75 frames."""
    return store(client, next(path for path in sorted((data / "xa/cath-75frames").rglob("*")) if path.is_file()))


def levels(instance: str) -> list[str]:
    """Study, series, instance and frame."""
    series = instance.split("/instances")[0]
    return [series.split("/series")[0], series, instance, f"{instance}/frames/1"]


# ---- pictures


def test_an_instance_is_a_picture(client: Client, series: list[str], data: Path) -> None:
    picture = pixels(client.get(f"{series[0]}/rendered", "image/png"))
    dataset = pydicom.dcmread(sorted((data / "ct/volume-lidc-idri-0314").rglob("*.dcm"))[0])
    values = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    center, width = (float(np.ravel(dataset[keyword].value)[0]) for keyword in ("WindowCenter", "WindowWidth"))
    wanted = np.clip((values - (center - 0.5)) / (width - 1) + 0.5, 0, 1) * 255
    inside = dataset.pixel_array != dataset.get("PixelPaddingValue", None)
    assert np.abs(picture - wanted)[inside].max() <= 1


def test_window_of_the_request(client: Client, series: list[str]) -> None:
    lung = pixels(client.get(f"{series[0]}/rendered?window=-600,1500,linear", "image/png"))
    bone = pixels(client.get(f"{series[0]}/rendered?window=500,2000,sigmoid", "image/png"))
    assert lung.mean() > bone.mean() + 10


@pytest.mark.parametrize(("accept", "media_type"), [
    ("image/png", "image/png"), ("image/jpeg", "image/jpeg"), ("image/gif", "image/gif"), ("image/jp2", "image/jp2"),
    ("*/*", "image/jpeg"), ("image/*", "image/jpeg"), ("image/webp, image/png;q=0.5, image/jpeg;q=0.4", "image/png"),
    ("text/html,application/xhtml+xml,image/avif,image/webp,*/*;q=0.8", "image/jpeg"),
])  # fmt: skip
def test_accept(client: Client, series: list[str], accept: str, media_type: str) -> None:
    assert image(client.get(f"{series[0]}/rendered", accept)).size == (512, 512)
    assert client.get(f"{series[0]}/rendered", accept).headers["content-type"] == media_type


def test_accept_as_parameter(client: Client, series: list[str]) -> None:
    assert client.get(f"{series[0]}/rendered?accept=image/png").headers["content-type"] == "image/png"


def test_what_is_not_made(client: Client, series: list[str]) -> None:
    answer = client.get(f"{series[0]}/rendered", "image/webp, text/html")
    assert answer.status_code == 406 and "image/png" in answer.json()["error"]["hint"]


def test_quality(client: Client, series: list[str]) -> None:
    sizes = [len(client.get(f"{series[0]}/rendered?quality={quality}").content) for quality in (5, 50, 100)]
    assert sizes == sorted(sizes) and sizes[0] * 3 < sizes[2]


def test_viewport(client: Client, series: list[str]) -> None:
    assert image(client.get(f"{series[0]}/rendered?viewport=200,100")).size == (100, 100)
    assert image(client.get(f"{series[0]}/rendered?viewport=600,600,,,256,128")).size == (600, 300)
    whole = pixels(client.get(f"{series[0]}/rendered", "image/png"))
    part = pixels(client.get(f"{series[0]}/rendered?viewport=64,32,10,20,-64,32", "image/png"))
    assert np.array_equal(part, whole[20:52, 10:74][:, ::-1])


def test_annotation(client: Client, series: list[str]) -> None:
    plain = pixels(client.get(f"{series[0]}/rendered", "image/png"))
    both = pixels(client.get(f"{series[0]}/rendered?annotation=patient,technique", "image/png"))
    assert (plain[:60] != both[:60]).any() and (plain[-60:] != both[-60:]).any()
    assert np.array_equal(plain[100:400], both[100:400])
    answer = client.get(f"{series[0]}/rendered?annotation=patient,moon")
    assert answer.status_code == 200
    assert answer.headers["warning"].startswith("299 ") and "not supported: moon" in answer.headers["warning"]


def test_icc_profiles(client: Client, data: Path) -> None:
    colour = store(client, data / "us/examples_rgb_color.dcm")
    assert "icc_profile" not in image(client.get(f"{colour}/rendered?iccprofile=no")).info
    for name in ("yes", "srgb", "adobergb", "rommrgb", "displayp3"):
        assert image(client.get(f"{colour}/frames/1/rendered?iccprofile={name}", "image/png")).info["icc_profile"]
    answer = client.get(f"{colour}/frames/1/rendered?iccprofile=srgb", "image/gif")
    assert answer.status_code == 400 and "image/gif" in answer.json()["error"]["message"]


@pytest.mark.parametrize("query", [
    "window=1,2", "window=1,0,linear", "window=a,2,linear", "window=1,2,cubic", "window=40,400,linear&window=1,2,linear",
    "viewport=0,10", "viewport=10", "viewport=10,10,,,0,5", "viewport=10,10,1,2,3,4,5", "viewport=99999,10", "viewport=1e2,5",
    "viewport=10,10,512,0", "quality=0", "quality=101", "quality=", "quality=best", "annotation=", "annotation=a%20b",
    "iccprofile=cmyk", "window=",
])  # fmt: skip
def test_wrong_parameters(client: Client, series: list[str], query: str) -> None:
    answer = client.get(f"{series[0]}/rendered?{query}")
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["where"] == query.split("=")[0]


def test_a_region_outside_of_what_is_known_of_the_size(client: Client, series: list[str]) -> None:
    assert "512 by 512" in client.get(f"{series[0]}/rendered?viewport=9,9,600,0").json()["error"]["message"]


def test_etags(client: Client, series: list[str]) -> None:
    for url in [level + what for level in levels(series[0]) for what in ("/rendered", "/thumbnail")]:
        first = client.get(url)
        again = client.get(url, headers={"if-none-match": first.headers["etag"]})
        assert again.status_code == 304 and not again.content, url
        assert first.headers["cache-control"] == "private, no-cache"
    assert client.get(f"{series[0]}/rendered?quality=3", headers={"if-none-match": first.headers["etag"]}).status_code == 200


def test_what_was_drawn_is_kept(client: Client, series: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    first = client.get(f"{series[1]}/rendered?quality=71").content
    monkeypatch.setattr(client.context.pool, "submit", lambda *_: pytest.fail("drawn again"))
    assert client.get(f"{series[1]}/rendered?quality=71").content == first
    client.context.cache.clear()
    with pytest.raises(pytest.fail.Exception):
        client.get(f"{series[1]}/rendered?quality=71")


# ---- many pictures


def test_a_series_is_all_its_pictures(client: Client, series: list[str]) -> None:
    one = {url: client.get(f"{url}/rendered").content for url in series}
    for level in levels(series[0])[:2]:
        answer = client.get(f"{level}/rendered")
        assert answer.headers["content-type"].startswith('multipart/related; type="image/jpeg"')
        assert {body for _, body in parts(answer)} == set(one.values())
        for url in series:
            assert f"Content-Location: {BASE}{url}/frames/1/rendered".encode() in answer.content
    png = parts(client.get(f"{levels(series[0])[1]}/rendered", 'multipart/related; type="image/png"'))
    assert [content_type for content_type, _ in png] == ["image/png"] * 4


def test_one_picture_of_a_series_says_that_it_is_one(client: Client, series: list[str]) -> None:
    answer = client.get(f"{levels(series[0])[1]}/rendered", "image/jpeg")
    assert answer.content == client.get(f"{series[2]}/rendered").content and "one of 4" in answer.headers["warning"]


def test_frames(client: Client, cine: str) -> None:
    one = pixels(client.get(f"{cine}/frames/3/rendered", "image/png"))
    both = parts(client.get(f"{cine}/frames/3,70/rendered", 'multipart/related; type="image/png"'))
    assert len(both) == 2 and np.array_equal(pixels(both[0][1]), one) and not np.array_equal(pixels(both[1][1]), one)
    assert client.get(f"{cine}/frames/76/rendered").status_code == 404
    assert client.get(f"{cine}/frames/0/rendered").status_code == 400


def test_many_frames_are_a_gif(client: Client, cine: str) -> None:
    answer = client.get(f"{cine}/rendered?viewport=128,128")
    film = image(answer)
    assert film.format == "GIF" and film.size == (128, 128) and getattr(film, "n_frames", 0) == 75
    assert film.info["loop"] == 0
    single = pixels(client.get(f"{cine}/frames/40/rendered?viewport=128,128", "image/png")).astype(int)
    frame = next(frame.convert("L") for at, frame in enumerate(ImageSequence.Iterator(film)) if at == 39)
    assert np.abs(np.asarray(frame) - single).mean() < 2


def test_many_frames_are_an_mp4(client: Client, cine: str) -> None:
    answer = client.get(f"{cine}/rendered?viewport=129,129&quality=95", "video/mp4")
    assert answer.headers["content-type"] == "video/mp4" and int(answer.headers["content-length"]) == len(answer.content)
    with av.open(io.BytesIO(answer.content)) as film:
        stream = film.streams.video[0]
        frames = [frame.to_ndarray(format="gray") for frame in film.decode(stream)]
        assert stream.codec_context.name == "h264" and len(frames) == 75 and frames[0].shape == (130, 130)
    single = pixels(client.get(f"{cine}/frames/40/rendered?viewport=129,129", "image/png"))
    assert np.abs(frames[39][:129, :129].astype(int) - single).mean() < 12
    assert answer.content.index(b"moov") < answer.content.index(b"mdat")  # it plays while it loads


def test_parts_of_a_film(client: Client, cine: str) -> None:
    """Browsers seek by byte ranges."""
    url = f"{cine}/rendered?viewport=129,129&quality=95"
    whole = client.get(url, "video/mp4")
    part = client.get(url, "video/mp4", headers={"range": "bytes=100-299", "if-range": whole.headers["etag"]})
    assert part.status_code == 206 and part.content == whole.content[100:300]
    assert client.get(url, "video/mp4", headers={"range": "bytes=999999999-"}).status_code == 416


def test_a_series_is_a_film(client: Client, series: list[str]) -> None:
    film = image(client.get(f"{levels(series[0])[1]}/rendered?viewport=64,64", "image/gif"))
    assert getattr(film, "n_frames", 0) == 4
    assert client.get(f"{levels(series[0])[0]}/rendered", "video/mp4").status_code == 406


def test_long_films_are_mp4_unless_gif_is_wanted(client: Client) -> None:
    url = store(client, part10(2 * 64 * 401, Rows=8, Columns=8, NumberOfFrames="401"))
    assert client.get(f"{url}/rendered").headers["content-type"] == "video/mp4"
    answer = client.get(f"{url}/rendered", "image/gif")
    assert answer.status_code == 413 and "video/mp4" in answer.json()["error"]["hint"]


def test_what_is_too_large_for_a_gif_is_mp4(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rendering.MOST_PIXELS, rendering.GIF, 64 * 64 * 5 - 1)
    url = store(client, part10(2 * 64 * 64 * 5, Rows=64, Columns=64, NumberOfFrames="5"))
    assert client.get(f"{url}/rendered").headers["content-type"] == "video/mp4"
    assert client.get(f"{url}/rendered", "image/gif").status_code == 413
    assert client.get(f"{url}/rendered?viewport=32,32").headers["content-type"] == "image/gif"


def test_a_film_without_a_window_does_not_flicker(client: Client) -> None:
    """Frame 1 from 0 to 100, frame 2 from 0 to 1000: the same value is the same grey in both."""
    plain = part10(2 * 64 * 2, Rows=8, Columns=8, NumberOfFrames="2")
    values = np.concatenate((np.full(64, 100, "<u2"), np.full(64, 100, "<u2")))
    values[0], values[64] = 0, 1000
    url = store(client, plain[: -len(values) * 2] + values.tobytes())
    film = image(client.get(f"{url}/rendered", "image/gif"))
    greys = [np.asarray(frame.convert("L"))[4, 4] for frame in ImageSequence.Iterator(film)]
    assert len(greys) == 2 and abs(int(greys[0]) - int(greys[1])) <= 1 and 20 < greys[0] < 32


# ---- thumbnails


def test_thumbnails_at_every_level(client: Client, series: list[str]) -> None:
    for level in levels(series[0]):
        assert image(client.get(f"{level}/thumbnail")).size == (256, 256)
        assert image(client.get(f"{level}/thumbnail?viewport=64,100", "image/png")).size == (64, 64)
    middle = client.get(f"{series[2]}/thumbnail").content
    assert client.get(f"{levels(series[0])[1]}/thumbnail").content == middle
    assert client.get(f"{series[0]}/thumbnail?viewport=64,64,1,1,2,2").status_code == 400


def test_a_thumbnail_tells_nothing_of_the_patient(client: Client, series: list[str]) -> None:
    plain = client.get(f"{series[0]}/thumbnail").content
    assert client.get(f"{series[0]}/thumbnail?annotation=patient&window=1,2,linear").content == plain


def test_the_thumbnail_of_a_film_is_a_frame_that_stands_for_it(client: Client, cine: str, data: Path) -> None:
    """Its Representative Frame Number, else the middle."""
    path = next(path for path in sorted((data / "xa/cath-75frames").rglob("*")) if path.is_file())
    named = pydicom.dcmread(path).RepresentativeFrameNumber
    assert client.get(f"{cine}/thumbnail").content == client.get(f"{cine}/frames/{named}/thumbnail").content
    other = store(client, data / "enhanced/emri_small.dcm")
    assert client.get(f"{other}/thumbnail").content == client.get(f"{other}/frames/5/thumbnail").content


def test_what_has_no_pixels_has_a_card(client: Client, data: Path) -> None:
    report, document = store(client, data / "sr/test-SR.dcm"), store(client, data / "pdf/craig-test.dcm")
    cards = [client.get(f"{url}/thumbnail?viewport=96,64") for url in (report, document)]
    assert all(image(card).size == (96, 64) for card in cards) and cards[0].content != cards[1].content


# ---- documents


def test_a_pdf_is_a_pdf(client: Client, data: Path) -> None:
    url = store(client, data / "pdf/craig-test.dcm")
    answer = client.get(f"{url}/rendered")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content == pydicom.dcmread(data / "pdf/craig-test.dcm").EncapsulatedDocument.rstrip(b"\0")
    assert client.get(f"{url}/rendered", "image/png").status_code == 406
    assert client.get(f"{url}/rendered", headers={"if-none-match": answer.headers["etag"]}).status_code == 304


def test_a_report_is_a_page(client: Client, data: Path) -> None:
    url = store(client, data / "sr/test-SR.dcm")
    page = client.get(f"{url}/rendered")
    assert page.headers["content-type"] == "text/html; charset=utf-8" and "sandbox" in page.headers["content-security-policy"]
    assert "<h1>Diagnosis</h1>" in page.text and "<b>Diameter:</b> 3 cm" in page.text
    text = client.get(f"{url}/rendered", "text/plain").text
    assert text.startswith("Diagnosis\n") and "Diameter: 3 cm\n" in text and "<h1>" not in text


def test_the_text_of_a_report_is_no_markup(client: Client, data: Path) -> None:
    dataset = pydicom.dcmread(data / "sr/test-SR.dcm")
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    dataset.ContentSequence[0].ValueType = "TEXT"
    dataset.ContentSequence[0].TextValue = "<script>alert(1)</script>"
    out = io.BytesIO()
    dataset.save_as(out)
    page = client.get(f"{store(client, out.getvalue())}/rendered").text
    assert "&lt;script&gt;" in page and "<script" not in page


CDA = b"""<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><title>Good <b>Health</b> Report</title><component>
<structuredBody><component><section><title>Findings</title><text><paragraph>No &lt;lesion&gt;.</paragraph><table><tr><td>Size</td>
<td>3 mm</td></tr></table></text></section></component></structuredBody></component></ClinicalDocument>"""


def cda(document: bytes) -> bytes:
    plain = part10(0, SOPClassUID="1.2.840.10008.5.1.4.1.1.104.2", Modality="DOC", MIMETypeOfEncapsulatedDocument="-")
    return plain + element(0x00420011, "OB", document) + element(0x00420012, "LO", b"text/XML")


def test_a_clinical_document_is_a_page(client: Client) -> None:
    url = store(client, cda(CDA))
    page = client.get(f"{url}/rendered").text
    assert "<h1>Good Health Report</h1>" in page and "Findings</h" in page
    assert "No &lt;lesion&gt;." in page and "Size  3 mm" in page
    stored = client.get(f"{url}/rendered", "text/xml")
    assert stored.content == CDA and "sandbox" in stored.headers["content-security-policy"]


def test_hostile_documents(client: Client) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbb">]><a>&b;</a>'
    assert client.get(f"{store(client, cda(bomb))}/rendered").status_code == 422
    assert client.get(f"{store(client, cda(b'<a><b></a>'))}/rendered").status_code == 400


# ---- video


def video(codec: str, container: str, syntax: str) -> tuple[bytes, bytes]:
    """(a Part 10 file with ten frames that grow brighter, the stream in it)."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as film:
        stream = film.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for at in range(10):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 * at + 20, np.uint8), format="rgb24")))
        film.mux(stream.encode())
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.4.1"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = pydicom.uid.generate_uid(), pydicom.uid.generate_uid()
    dataset.PatientID, dataset.Modality, dataset.NumberOfFrames, dataset.FrameTime = "V1", "XC", 10, 40
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel, dataset.BitsAllocated, dataset.BitsStored = 48, 64, 3, 8, 8
    dataset.HighBit, dataset.PixelRepresentation, dataset.PhotometricInterpretation = 7, 0, "YBR_PARTIAL_420"
    dataset.PlanarConfiguration = 0
    dataset.PixelData = encapsulate([out.getvalue()])
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue(), out.getvalue()


@pytest.mark.parametrize(("codec", "container", "syntax"), [
    ("libx264", "h264", "1.2.840.10008.1.2.4.102"), ("libx264", "mp4", "1.2.840.10008.1.2.4.102"),
    ("libx264", "mpegts", "1.2.840.10008.1.2.4.103"), ("mpeg2video", "mpeg2video", "1.2.840.10008.1.2.4.100"),
])  # fmt: skip
def test_video(client: Client, codec: str, container: str, syntax: str) -> None:
    content, stream = video(codec, container, syntax)
    url = store(client, content)
    answer = client.get(f"{url}/rendered", "video/mp4")
    assert answer.status_code == 200, answer.text
    with av.open(io.BytesIO(answer.content)) as film:
        frames = [frame.to_ndarray(format="gray") for frame in film.decode(film.streams.video[0])]
        assert film.streams.video[0].codec_context.name == "h264" and len(frames) == 10
        assert abs(float(film.duration or 0) / av.time_base - 0.4) < 0.09
    assert all(abs(float(frame.mean()) - 20 * at - 20) < 12 for at, frame in enumerate(frames))
    seventh = pixels(client.get(f"{url}/frames/7/rendered?viewport=32,32", "image/png"))
    assert seventh.shape == (24, 32, 3) and abs(float(seventh.mean()) - 140) < 6
    assert image(client.get(f"{url}/thumbnail")).size == (256, 192)
    whole = client.get(f"{url}/rendered")
    if syntax.endswith("4.100"):
        assert whole.headers["content-type"] == "video/mpeg" and whole.content.rstrip(b"\0") == stream.rstrip(b"\0")
    else:
        assert whole.content == answer.content
    assert client.get(f"{url}/frames/11/rendered").status_code == 404
    _, _, study, _, series, _, instance = url.split("/")
    uids = {"requestType": "WADO", "studyUID": study, "seriesUID": series, "objectUID": instance}
    by_uri = client.get("http://pacs.test/wado", params={**uids, "contentType": whole.headers["content-type"]})
    assert by_uri.content == whole.content
    assert image(client.get("http://pacs.test/wado", params=uids)).format == "JPEG"


# ---- storage that is far away


class Far(OpenFile):
    """A file whose bytes come over a network: no descriptor."""

    __slots__ = ("_near",)

    def __init__(self, near: OpenFile) -> None:
        super().__init__(None, near.size, near.modified)
        self._near = near

    def read_at(self, offset: int, length: int) -> bytes:
        return self._near.read_at(offset, length)


def test_far_files(client: Client, series: list[str], cine: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures, films, videos and documents are the same whether their bytes lie in a local file or not."""
    documents = [store(client, data / "pdf/craig-test.dcm"), store(client, video("libx264", "mp4", "1.2.840.10008.1.2.4.102")[0])]
    urls = [f"{series[0]}/rendered?quality=72", f"{cine}/rendered?viewport=60,60", *(f"{url}/rendered" for url in documents)]
    near = [client.get(url).content for url in urls]
    client.context.cache.clear()
    retrieval = client.application._tools.retrieval
    opened = retrieval.open
    monkeypatch.setattr(retrieval, "open", lambda located: Far(opened(located)))
    assert [client.get(url).content for url in urls] == near


# ---- who, and what goes wrong


def test_who_may_look(client: Client, series: list[str]) -> None:
    urls = [f"{level}/{what}" for level in levels(series[0]) for what in ("rendered", "thumbnail")]
    client.authenticator = client.application._authenticator = As(Unauthenticated("who?"))  # type: ignore[assignment]
    try:
        assert {client.get(url).status_code for url in urls} == {401}
        client.authenticator.who = by_role("rolf", Role.REFERRER, "user", "bearer", "10.0.0.7")
        assert {client.get(url).status_code for url in urls} <= {403, 404}
    finally:
        client.authenticator.who = As().who


def test_who_looked_is_in_the_change_log(client: Client) -> None:
    url = store(client, part10(StudyInstanceUID="1.2.3.77", SeriesInstanceUID="1.2.3.77.1"))
    before = client.context.database.read(changes.latest)
    client.get(f"{url}/thumbnail")
    rows = client.context.database.read(lambda connection: changes.since(connection, before))
    assert [row.subject for row in rows if row.kind == Event.STUDY_READ] == ["1.2.3.77"]


def test_nothing_to_show(client: Client, data: Path) -> None:
    answer = client.get(f"{store(client, data / 'rt/rtplan.dcm')}/rendered")
    assert answer.status_code == 422 and "as they are stored" in answer.json()["error"]["hint"]
    assert client.get("/studies/1.2.3.4.5/rendered").status_code == 404
    assert client.get("/studies/x/thumbnail").status_code == 400


def test_pixels_that_cannot_be_decoded(client: Client) -> None:
    broken = part10(0, transfer_syntax="1.2.840.10008.1.2.4.90", Rows=4, Columns=4) + (
        b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff" + struct.pack("<HHL", 0xFFFE, 0xE000, 0)
        + struct.pack("<HHL", 0xFFFE, 0xE000, 8) + b"notajpeg" + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    )  # fmt: skip
    answer = client.get(f"{store(client, broken)}/rendered")
    assert answer.status_code == 500 and answer.json()["error"]["message"].startswith("This cannot be shown")


def test_what_cannot_be_drawn_does_not_cost_the_rest(client: Client) -> None:
    """A damaged frame is a card that says so, an image of a form that is not drawn is left out with a warning."""
    study = {"StudyInstanceUID": "1.2.3.88", "SeriesInstanceUID": "1.2.3.88.1", "PatientID": "P88"}
    item = struct.pack("<HHL", 0xFFFE, 0xE000, 0) + struct.pack("<HHL", 0xFFFE, 0xE000, 8) + b"notajpeg"
    damaged = b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff" + item + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    store(client, part10(512, InstanceNumber="1", **study))
    store(client, part10(0, transfer_syntax="1.2.840.10008.1.2.4.90", Rows=4, Columns=4, InstanceNumber="2", **study) + damaged)
    store(client, part10(0, transfer_syntax="1.2.840.10008.1.2.4.53", Rows=4, Columns=4, InstanceNumber="3", **study) + damaged)
    answer = client.get("/studies/1.2.3.88/rendered?viewport=128,128", 'multipart/related; type="image/png"')
    found = [pixels(body) for _, body in parts(answer)]
    assert len(found) == 2 and found[1].shape == (128, 128) and 32 in found[1] and found[1].max() > 150
    assert "1 objects that cannot be shown" in answer.headers["warning"]


def test_tiles_are_no_film(client: Client, data: Path) -> None:
    dataset = pydicom.dcmread(data / "sm/wsi-140tiles-jpeg.dcm")
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.PatientID = "1.2.3.89", "1.2.3.89.1", "P89"
    out = io.BytesIO()
    dataset.save_as(out)
    answer = client.get(f"{store(client, out.getvalue())}/rendered")
    assert image(answer).format == "JPEG" and "one of 140" in answer.headers["warning"]


def test_head(client: Client, series: list[str]) -> None:
    for level in levels(series[0]):
        answer = client.request("HEAD", f"{level}/rendered")
        assert answer.status_code == 200 and not answer.content
