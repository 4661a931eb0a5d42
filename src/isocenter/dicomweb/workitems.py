"""Work items as bodies of requests and answers: DICOM JSON and the Native DICOM Model in XML (PS3.18 11.1.3, F; PS3.19 A.1)."""

from collections.abc import Sequence

import orjson
from pydicom.dataset import Dataset

from isocenter.dicom import datasets, json_reading, keys, syntaxes, xml, xml_reading
from isocenter.dicom import json as dicom_json
from isocenter.dicom.elements import Malformed
from isocenter.dicomweb.accept import DICOM_JSON, DICOM_XML, JSON, MULTIPART, Form, metadata_form, parse_media_type
from isocenter.dicomweb.exchange import Exchange, Gone
from isocenter.dicomweb.multipart import closing, new_boundary, part_head
from isocenter.dicomweb.status import UnsupportedMediaType
from isocenter.domain.errors import Invalid, TooLarge

LARGEST = 1 << 20  # bytes of a body: a step with a thousand input instances has a fifth of that


async def read_body(exchange: Exchange) -> bytes:
    """The whole small body of a request. Raises TooLarge, Gone."""
    body = bytearray()
    while not exchange.received:
        message = await exchange.receive()
        if message["type"] != "http.request":
            raise Gone
        body += message.get("body", b"")
        if len(body) > LARGEST:
            raise TooLarge(f"The body is larger than {LARGEST} bytes.", where="body")
    return bytes(body)


async def read(exchange: Exchange, *, optional: bool = False) -> Dataset:
    """The one data set of a request. optional: none is an empty one. Raises Invalid, UnsupportedMediaType, TooLarge."""
    if exchange.header(b"content-encoding").strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType("A compressed request body is not taken.", where="Content-Encoding")
    body = await read_body(exchange)
    if optional and not body.strip():
        return Dataset()
    text = exchange.header(b"content-type")
    name = parse_media_type(text)[0] if text else ""
    if name not in (DICOM_JSON, JSON, DICOM_XML):
        hint = f"Send {DICOM_JSON} or {DICOM_XML}."
        raise UnsupportedMediaType("Work items are taken as JSON or XML.", where="Content-Type", hint=hint)
    try:
        found = await exchange.run(_from_xml if name == DICOM_XML else json_reading.read, body)
    except datasets.InvalidDataSet as error:
        raise Invalid(f"The body is no data set: {error}.", where="body") from None
    if len(found) != 1:
        raise Invalid(f"The body holds {len(found)} data sets.", where="body", hint="Send one.")
    return found[0]


def encode(step: Dataset) -> bytes:
    """A data set as DICOM JSON, whose text is Unicode."""
    data = keys.encode(step, syntaxes.EXPLICIT_VR_LITTLE_ENDIAN, keys.UTF_8) if len(step) else b""
    return orjson.dumps(dicom_json.encoded_json(data))


def _from_xml(body: bytes) -> list[Dataset]:
    try:
        return json_reading.data_sets(xml_reading.read(body))
    except Malformed as error:
        raise datasets.InvalidDataSet(str(error)) from None


def form_of(exchange: Exchange, *, single: bool) -> Form:
    """How to answer: JSON, or XML, alone where there is a `single` data set and else in parts. Raises NotAcceptable."""
    return metadata_form(exchange.accepted(), single=single)


async def answer(
    exchange: Exchange, status: int, form: Form, encoded: Sequence[bytes], headers: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """Answer data sets that `encode` has made."""
    content_type, body = await exchange.run(_body, form, encoded)
    shown = ((b"content-type", content_type.encode()), (b"cache-control", b"no-store"), (b"vary", b"Accept"))
    await exchange.reply(status, (*shown, *headers), body)


def _body(form: Form, encoded: Sequence[bytes]) -> tuple[str, bytes]:
    """The Content-Type and the body."""
    if form.media_type != DICOM_XML:
        return form.media_type, b"[" + b",".join(encoded) + b"]"
    models = [xml.native_model(orjson.loads(each)) for each in encoded]
    if not form.multipart:
        return DICOM_XML, models[0]
    boundary = new_boundary()
    parts = [
        part_head(boundary, {"Content-Type": DICOM_XML}, first=not number) + model for number, model in enumerate(models)
    ]
    return f'{MULTIPART}; type="{DICOM_XML}"; boundary={boundary}', b"".join(parts) + closing(boundary)
