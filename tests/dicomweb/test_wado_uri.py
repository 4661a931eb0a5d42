"""WADO-URI (PS3.18 9), and pictures as presentation states show them (PS3.4 N.2)."""

import io
import itertools
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence

from dicomweb.in_process import Client, parts
from dicomweb.shown import image, pixels, store
from objects import part10

EXPLICIT, IMPLICIT, RLE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.5"


@pytest.fixture(scope="module")
def client(shared_client: Client) -> Client:
    return shared_client


@pytest.fixture(scope="module")
def ct(client: Client, data: Path) -> str:
    return store(client, data / "transfer-syntaxes/MR_small_implicit.dcm")


@pytest.fixture(scope="module")
def cine(client: Client, data: Path) -> str:
    return store(client, data / "enhanced/emri_small.dcm")


def ask(client: Client, url: str, accept: str | None = None, **given: Any) -> httpx.Response:
    """The request for the instance of a WADO-RS URL."""
    _, _, study, _, series, _, instance = url.split("/")
    asked = {"requestType": "WADO", "studyUID": study, "seriesUID": series, "objectUID": instance, **given}
    parameters = {name: value for name, value in asked.items() if value is not None}
    return client.get("http://pacs.test/wado", accept, params=parameters)


def test_a_picture_by_default(client: Client, ct: str) -> None:
    """PS3.18 9.3: image/jpeg, unless something else is wanted."""
    assert image(ask(client, ct)).format == "JPEG"
    assert image(ask(client, ct, contentType="image/png")).format == "PNG"
    assert image(ask(client, ct, "image/png")).format == "PNG"
    assert image(ask(client, ct, "image/png", contentType="image/gif")).format == "GIF"
    assert ask(client, ct).content == client.get(f"{ct}/rendered", "image/jpeg").content
    assert ask(client, ct, contentType="video/mp4").status_code == 406


def test_window_size_and_quality(client: Client, ct: str) -> None:
    png = {"contentType": "image/png"}
    windowed = pixels(ask(client, ct, windowCenter="600", windowWidth="1600", **png))
    assert np.array_equal(windowed, pixels(client.get(f"{ct}/rendered?window=600,1600,linear", "image/png")))
    assert image(ask(client, ct, rows="32", columns="100")).size == (32, 32)
    assert image(ask(client, ct, rows="16")).size == image(ask(client, ct, columns="16")).size == (16, 16)
    whole = pixels(ask(client, ct, **png))
    assert np.array_equal(pixels(ask(client, ct, region="0.25,0,0.75,0.5", **png)), whole[:32, 16:48])
    assert image(ask(client, ct, region="0,0,1,0.5", columns="128")).size == (128, 64)
    assert len(ask(client, ct, imageQuality="10").content) < len(ask(client, ct, imageQuality="90").content)


def test_annotation(client: Client, ct: str) -> None:
    plain = ask(client, ct, contentType="image/png", rows="300", columns="300").content
    for name in ("annotation", "imageAnnotation"):
        answer = ask(client, ct, contentType="image/png", rows="300", columns="300", **{name: "patient,technique"})
        assert answer.status_code == 200 and answer.content != plain
    assert "warning" in ask(client, ct, annotation="stars").headers


def test_frames(client: Client, cine: str) -> None:
    third = ask(client, cine, contentType="image/png", frameNumber="3").content
    assert third == client.get(f"{cine}/frames/3/rendered", "image/png").content
    assert ask(client, cine, contentType="image/png").content == client.get(f"{cine}/frames/5/rendered", "image/png").content
    assert getattr(image(ask(client, cine, contentType="image/gif")), "n_frames", 1) == 10
    assert getattr(image(ask(client, cine, contentType="image/gif", frameNumber="2")), "n_frames", 1) == 1
    assert ask(client, cine, contentType="video/mp4").headers["content-type"] == "video/mp4"


def test_documents(client: Client, data: Path) -> None:
    url = store(client, data / "pdf/craig-test.dcm")
    assert ask(client, url, contentType="application/pdf").content.startswith(b"%PDF")
    assert ask(client, url).headers["content-type"] == "application/pdf"
    assert "<h1>" in ask(client, store(client, data / "sr/report_dfl.dcm")).text


def test_files(client: Client, ct: str, data: Path) -> None:
    """PS3.18 9.4.2.4: Explicit VR Little Endian, unless another transfer syntax is asked for."""
    stored = (data / "transfer-syntaxes/MR_small_implicit.dcm").read_bytes()
    kept = ask(client, ct, contentType="application/dicom", transferSyntax="*")
    assert kept.content == stored and kept.headers["content-type"] == "application/dicom"
    wanted = pydicom.dcmread(io.BytesIO(stored))
    for given, syntax in (({}, EXPLICIT), ({"transferSyntax": RLE}, RLE), ({"transferSyntax": IMPLICIT}, IMPLICIT)):
        answer = ask(client, ct, contentType="application/dicom", **given)
        found = pydicom.dcmread(io.BytesIO(answer.content))
        assert found.file_meta.TransferSyntaxUID == syntax and int(answer.headers["content-length"]) == len(answer.content)
        assert np.array_equal(found.pixel_array, wanted.pixel_array) and found.PatientID == wanted.PatientID
    again = ask(client, ct, "application/dicom")
    assert client.get(str(again.request.url), headers={"if-none-match": again.headers["etag"], "accept": "application/dicom"}
                      ).status_code == 304  # fmt: skip


@pytest.mark.parametrize(("given", "status", "where"), [
    ({"requestType": None}, 400, "requestType"), ({"requestType": "QIDO"}, 400, "requestType"),
    ({"studyUID": None}, 400, "studyUID"), ({"seriesUID": ""}, 400, "seriesUID"), ({"objectUID": "x"}, 400, "objectUID"),
    ({"windowCenter": "1"}, 400, "windowCenter"), ({"windowWidth": "1"}, 400, "windowCenter"),
    ({"windowCenter": "a", "windowWidth": "1"}, 400, "windowWidth"), ({"rows": "0"}, 400, "rows"),
    ({"columns": "-1"}, 400, "columns"),
    ({"region": "0,0,1"}, 400, "region"), ({"region": "0.5,0,0.5,1"}, 400, "region"), ({"region": "0,0,2,1"}, 400, "region"),
    ({"imageQuality": "200"}, 400, "imageQuality"), ({"frameNumber": "0"}, 400, "frameNumber"),
    ({"frameNumber": "2"}, 400, "frameNumber"), ({"annotation": ""}, 400, "annotation"),
    ({"contentType": "application/dicom;transfer-syntax=1.2"}, 400, "contentType"),
    ({"contentType": "application/dicom", "windowCenter": "1"}, 400, "windowCenter"),
    ({"contentType": "application/dicom", "anonymize": "no"}, 400, "anonymize"),
    ({"contentType": "application/dicom", "anonymize": "yes"}, 422, "anonymize"),
    ({"anonymize": "yes", "annotation": "patient"}, 422, "anonymize"), ({"anonymize": "1"}, 400, "anonymize"),
    ({"contentType": "application/dicom", "transferSyntax": "fast"}, 400, "transferSyntax"),
    ({"contentType": "application/dicom", "transferSyntax": "1.2.3"}, 406, "transferSyntax"),
    ({"presentationUID": "1.2.3"}, 400, "presentationSeriesUID"), ({"presentationSeriesUID": "1.2.3"}, 400, "presentationUID"),
    ({"presentationUID": "1.2.3", "presentationSeriesUID": "1.2.4"}, 400, "presentationUID"),
    ({"presentationUID": "1.2.3", "presentationSeriesUID": "1.2.4", "frameNumber": "1"}, 400, "frameNumber"),
    ({"studyUID": "1.2.3.4"}, 404, None), ({"contentType": "image/webp"}, 406, "Accept"),
])  # fmt: skip
def test_wrong_requests(client: Client, ct: str, given: dict[str, str | None], status: int, where: str | None) -> None:
    answer = ask(client, ct, **given)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"].get("where") == where


def test_it_is_read_only(client: Client) -> None:
    answer = client.request("POST", "http://pacs.test/wado")
    assert answer.status_code == 405 and "GET" in answer.headers["allow"]


# ---- presentation states


_numbers = itertools.count(1)


def gradient(size: int = 32) -> bytes:
    """An image of its own study: each pixel has another of 1,024 values, from the top left on."""
    number = next(_numbers)
    study = f"1.2.9.{number}"
    plain = part10(2 * size * size, Rows=size, Columns=size, PatientID=f"G{number}", WindowCenter="1", WindowWidth="2",
                   StudyInstanceUID=study, SeriesInstanceUID=f"{study}.1", SOPInstanceUID=f"{study}.1.1")  # fmt: skip
    return plain[: -2 * size * size] + np.arange(size * size, dtype="<u2").tobytes()


def item(**values: Any) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def state(shown: pydicom.Dataset, **values: Any) -> bytes:
    """A grayscale softcopy presentation state for an image."""
    dataset = item(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.11.1", SOPInstanceUID=pydicom.uid.generate_uid(), Modality="PR",
        StudyInstanceUID=shown.StudyInstanceUID, SeriesInstanceUID=f"{shown.StudyInstanceUID}.7", PatientID=shown.PatientID,
        PatientName=shown.PatientName, PresentationLUTShape="IDENTITY",
        ReferencedSeriesSequence=Sequence([item(
            SeriesInstanceUID=shown.SeriesInstanceUID,
            ReferencedImageSequence=Sequence([
                item(ReferencedSOPClassUID=shown.SOPClassUID, ReferencedSOPInstanceUID=shown.SOPInstanceUID)
            ]),
        )]),
    )  # fmt: skip
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = EXPLICIT
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def with_state(client: Client, content: bytes, values: dict[str, Any], **given: Any) -> httpx.Response:
    """The answer for an image with a state of these values."""
    url = store(client, content)
    series, uid = store(client, state(pydicom.dcmread(io.BytesIO(content)), **values)).split("/")[4::2]
    return ask(client, url, contentType="image/png", presentationSeriesUID=series, presentationUID=uid, **given)


def test_the_state_of_a_test_image(client: Client, data: Path) -> None:
    """WG-04's look-up tables: modality, VOI and presentation LUT; pydicom computes the first two."""
    shown, presented = pydicom.dcmread(data / "pr/lut/imageForPrLUTs.dcm"), pydicom.dcmread(data / "pr/lut/prLUTs.dcm")
    url, of = store(client, data / "pr/lut/imageForPrLUTs.dcm"), store(client, data / "pr/lut/prLUTs.dcm")
    _, _, _, _, series, _, uid = of.split("/")
    found = pixels(ask(client, url, contentType="image/png", presentationSeriesUID=series, presentationUID=uid))

    def looked_up(values: Any, table: Dataset) -> Any:
        data = table.LUTData if isinstance(table.LUTData, bytes) else np.asarray(table.LUTData, "<u2").tobytes()
        content = np.frombuffer(data, "<u2")
        return content[np.clip(values.astype(int) - table.LUTDescriptor[1], 0, len(content) - 1)]

    values = shown.pixel_array
    values = looked_up(values, presented.ModalityLUTSequence[0]) if "ModalityLUTSequence" in presented else values
    voi = presented.SoftcopyVOILUTSequence[0].VOILUTSequence[0]
    part = looked_up(values, voi) / (2.0 ** voi.LUTDescriptor[2] - 1)
    if "PresentationLUTSequence" in presented:
        table = presented.PresentationLUTSequence[0]
        part = looked_up(np.rint(part * ((table.LUTDescriptor[0] or 65536) - 1)), table) / (2.0 ** table.LUTDescriptor[2] - 1)
    assert found.shape == values.shape and np.abs(found - part * 255).max() <= 1
    assert client.get(f"{of}/rendered", "image/png").content == ask(
        client, url, contentType="image/png", presentationSeriesUID=series, presentationUID=uid).content  # fmt: skip


def test_overlays_in_unused_bits(client: Client, data: Path) -> None:
    """WG-04's overlays lie in bits 14 and 15 of the pixels; they are shown with annotations, and where a state activates them."""
    values = np.frombuffer(pydicom.dcmread(data / "pr/overlay/overlay.dcm").PixelData, "<u2").reshape(512, 512)
    planes = ((values >> 14 | values >> 15) & 1).astype(bool)
    url = store(client, data / "pr/overlay/overlay.dcm")
    plain, annotated = (pixels(client.get(f"{url}/rendered{query}", "image/png")) for query in ("", "?annotation=technique"))
    assert planes.any() and (annotated[planes] == 255).all() and (plain[planes] < 255).any()
    _, _, _, _, series, _, uid = store(client, data / "pr/overlay/prOverlay.dcm").split("/")
    shown = pixels(ask(client, url, contentType="image/png", presentationSeriesUID=series, presentationUID=uid))
    assert (shown != plain).any()


def test_a_state_of_some_frames(client: Client, data: Path) -> None:
    dataset = pydicom.dcmread(data / "enhanced/emri_small.dcm")
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID = "1.2.9.600", "1.2.9.600.1", "1.2.9.600.1.1"
    dataset.file_meta.MediaStorageSOPInstanceUID, dataset.PatientID = dataset.SOPInstanceUID, "G600"
    out = io.BytesIO()
    dataset.save_as(out)
    content = out.getvalue()
    window = Sequence([item(WindowCenter="300", WindowWidth="900")])
    made = pydicom.dcmread(io.BytesIO(state(pydicom.dcmread(io.BytesIO(content)), SoftcopyVOILUTSequence=window)))
    made.ReferencedSeriesSequence[0].ReferencedImageSequence[0].ReferencedFrameNumber = [3, 7]
    file = io.BytesIO()
    made.save_as(file)
    url, stated = store(client, content), store(client, file.getvalue())
    _, _, _, _, series, _, uid = stated.split("/")
    found = pixels(ask(client, url, contentType="image/png", presentationSeriesUID=series, presentationUID=uid))
    wanted = pixels(client.get(f"{url}/frames/3/rendered?window=300,900,linear", "image/png"))
    assert np.array_equal(found, wanted)
    both = parts(client.get(f"{stated}/rendered", 'multipart/related; type="image/png"'))
    assert len(both) == 2 and np.array_equal(pixels(both[0][1]), wanted) and not np.array_equal(pixels(both[1][1]), wanted)


def test_the_state_decides_on_the_window(client: Client) -> None:
    window = Sequence([item(WindowCenter="512", WindowWidth="1024")])
    found = pixels(with_state(client, gradient(), {"SoftcopyVOILUTSequence": window}))
    assert np.abs(found.reshape(-1) - np.arange(1024) * 255 / 1023).max() <= 1
    inverse = pixels(with_state(client, gradient(), {"SoftcopyVOILUTSequence": window, "PresentationLUTShape": "INVERSE"}))
    assert np.array_equal(inverse, 255 - found) or np.abs(255 - found.astype(int) - inverse).max() <= 1
    nothing = pixels(with_state(client, gradient(), {}))  # the identity, not the image's own window: 12 bits
    assert np.abs(nothing.reshape(-1) - np.arange(1024) * 255 / 4095).max() <= 1


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("flipped", ["N", "Y"])
def test_rotation_then_flip_and_area(client: Client, rotation: int, flipped: str) -> None:
    window = Sequence([item(WindowCenter="512", WindowWidth="1024")])
    turned = {"ImageRotation": rotation, "ImageHorizontalFlip": flipped, "SoftcopyVOILUTSequence": window}
    plain = np.rint(np.arange(1024) * 255 / 1023).reshape(32, 32)
    area = item(DisplayedAreaTopLeftHandCorner=[5, 9], DisplayedAreaBottomRightHandCorner=[28, 16],
                PresentationSizeMode="SCALE TO FIT")  # fmt: skip
    found = pixels(with_state(client, gradient(), {**turned, "DisplayedAreaSelectionSequence": Sequence([area])}))
    wanted = np.rot90(plain[8:16, 4:28], -rotation // 90)
    wanted = wanted[:, ::-1] if flipped == "Y" else wanted
    assert found.shape == wanted.shape and np.abs(found - wanted).max() <= 1
    scaled = with_state(client, gradient(), turned, rows="64", columns="64")
    assert image(scaled).size == (64, 64)


def test_figures_and_shutters(client: Client) -> None:
    line = item(GraphicAnnotationUnits="PIXEL", GraphicDimensions=2, NumberOfGraphicPoints=2, GraphicData=[2, 10.5, 30, 10.5],
                GraphicType="POLYLINE", GraphicFilled="N")  # fmt: skip
    ring = item(GraphicAnnotationUnits="PIXEL", GraphicDimensions=2, NumberOfGraphicPoints=2, GraphicData=[16, 24, 16, 29],
                GraphicType="CIRCLE", GraphicFilled="Y")  # fmt: skip
    layer = item(GraphicLayer="A", GraphicObjectSequence=Sequence([line, ring]))
    values = {"GraphicAnnotationSequence": Sequence([layer])}
    black = part10(2 * 1024, Rows=32, Columns=32, StudyInstanceUID="1.2.9.500", SeriesInstanceUID="1.2.9.500.1", PatientID="G500")
    found = pixels(with_state(client, black, values))
    assert (found[10, 3:29] == 255).all() and not found[:9].any() and found[24, 16] == 255 and not found[24, 3]
    turned = pixels(with_state(client, black, {**values, "ImageRotation": 90, "ImageHorizontalFlip": "N"}))
    assert (turned[4:28, 21] == 255).all()
    window = Sequence([item(WindowCenter="0", WindowWidth="1")])
    shut = {"ShutterShape": "RECTANGULAR", "ShutterLeftVerticalEdge": 5, "ShutterRightVerticalEdge": 10,
            "ShutterUpperHorizontalEdge": 3, "ShutterLowerHorizontalEdge": 20, "SoftcopyVOILUTSequence": window}  # fmt: skip
    found = pixels(with_state(client, gradient(), shut))
    assert found[2:20, 4:10].min() == 255 and found.sum() == 255 * 18 * 6


def test_too_many_figures(client: Client) -> None:
    line = item(GraphicAnnotationUnits="PIXEL", GraphicDimensions=2, NumberOfGraphicPoints=5_000, GraphicData=[1.0, 2.0] * 5_000,
                GraphicType="POLYLINE", GraphicFilled="N")  # fmt: skip
    layers = Sequence([item(GraphicLayer="A", GraphicObjectSequence=Sequence([line] * 11))])
    answer = with_state(client, gradient(), {"GraphicAnnotationSequence": layers})
    assert answer.status_code == 400 and "too many figures" in answer.json()["error"]["message"]


def test_text_of_a_state(client: Client) -> None:
    text = item(UnformattedTextValue="Lesion", AnchorPointAnnotationUnits="DISPLAY", AnchorPoint=[0.5, 0.5],
                AnchorPointVisibility="N")  # fmt: skip
    values = {"GraphicAnnotationSequence": Sequence([item(GraphicLayer="A", TextObjectSequence=Sequence([text]))])}
    black = part10(2 * 128 * 128, Rows=128, Columns=128, StudyInstanceUID="1.2.9.501", SeriesInstanceUID="1.2.9.501.1",
                   PatientID="G501")  # fmt: skip
    found = pixels(with_state(client, black, values))
    assert found[64:, 64:].any() and not found[:60].any()


def test_states_that_do_not_fit(client: Client, ct: str, data: Path) -> None:
    other = gradient()
    store(client, other)
    stated = store(client, state(pydicom.dcmread(io.BytesIO(other))))
    _, _, study, _, series, _, uid = stated.split("/")
    second = part10(2048, Rows=32, Columns=32, StudyInstanceUID=study, SeriesInstanceUID=f"{study}.1",
                    PatientID=f"G{study.split('.')[-1]}")  # fmt: skip
    answer = ask(client, store(client, second), presentationSeriesUID=series, presentationUID=uid)
    assert answer.status_code == 400 and "not for this image" in answer.json()["error"]["message"]
    unknown = state(pydicom.dcmread(io.BytesIO(other)), SOPClassUID="1.2.840.10008.5.1.4.1.1.11.4")
    answer = client.get(f"{store(client, unknown)}/rendered")
    assert answer.status_code == 422 and "Grayscale" in answer.json()["error"]["hint"]
    for query in ("window=1,2,linear", "viewport=10,10,1,1,2,2"):
        assert client.get(f"{stated}/rendered?{query}").status_code == 400
    assert isinstance(image(client.get(f"{stated}/rendered?viewport=64,64")), Image.Image)
