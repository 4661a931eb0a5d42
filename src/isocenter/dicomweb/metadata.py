"""Metadata of studies, series and instances (PS3.18 10.4.1.1.2): JSON, compressed long before it is asked for, or XML."""

from collections.abc import AsyncIterator, Iterator, Sequence

import orjson

from isocenter.dicom import xml
from isocenter.dicomweb.accept import DICOM_XML, EXPLICIT_LITTLE, metadata_form
from isocenter.dicomweb.answers import VARY_JSON, Bytes, Part, packed, single, stream, version
from isocenter.dicomweb.exchange import Exchange
from isocenter.service import retrieve
from isocenter.service.retrieve import Document, Retrieval, StoredInstance

MOST_JSON = 8 << 20  # text of one instance that is made XML: as objects in between it is some ten times that


async def metadata(retrieval: Retrieval, exchange: Exchange) -> None:
    """GET .../metadata."""
    form = metadata_form(exchange.accepted(), single="instance" in exchange.parameters)
    if form.media_type == DICOM_XML:
        return await _xml(retrieval, exchange, multipart=form.multipart)
    path, principal, base = exchange.parameters, exchange.principal, exchange.base
    coding = exchange.coding()
    if "series" not in path:
        number, documents = await exchange.run(retrieval.study_documents, principal, path["study"], base)
        pieces: Iterator[bytes] = retrieve.joined(documents, compressed=coding == "gzip")
    else:
        document = await exchange.run(_document, retrieval, exchange, base)
        number = document.version
        pieces = iter((document.compressed,)) if coding == "gzip" else document.text()
    known = version("metadata", number, base, coding, vary=VARY_JSON)
    if exchange.knows(known.tag):
        return await exchange.not_modified(known.tag)
    encoding = ((b"content-encoding", coding.encode()),) if coding else ()
    headers = ((b"content-type", form.media_type.encode()), *encoding, *known.headers)
    if coding == "gzip" and "series" in path:
        return await exchange.reply(200, headers, next(pieces))
    if coding == "zstd":
        pieces = packed(pieces, coding)
    first = await exchange.run(next, pieces, b"")  # what is wrong with a file is told with a status
    await exchange.start(200, headers)
    async with exchange.watching():
        while first and not exchange.gone:
            await exchange.send(first, more=True)
            first = await exchange.run(next, pieces, b"")
    await exchange.send(b"", more=False)


def _document(retrieval: Retrieval, exchange: Exchange, base: str) -> Document:
    path = exchange.parameters
    if "instance" in path:
        return retrieval.instance_document(exchange.principal, path["study"], path["series"], path["instance"], base)
    return retrieval.series_document(exchange.principal, path["study"], path["series"], base)


async def _xml(retrieval: Retrieval, exchange: Exchange, *, multipart: bool) -> None:
    """A Native DICOM Model for each instance."""
    path, base = exchange.parameters, exchange.base
    uids = path["study"], path.get("series"), path.get("instance")
    found = await exchange.run(retrieval.instances, exchange.principal, *uids)
    known = version("xml", base, multipart, *(located.sha256 for located in found))
    if exchange.knows(known.tag):
        return await exchange.not_modified(known.tag)
    # PS3.18 8.7.3.3: the syntax of binary values within
    label = f"{DICOM_XML}; transfer-syntax={EXPLICIT_LITTLE}"
    if not multipart:
        return await single(exchange, Bytes(await exchange.run(_model, retrieval, found[0], base)), label, known)
    await stream(exchange, _models(retrieval, exchange, found, base, label), known, media_type=DICOM_XML)


async def _models(
    retrieval: Retrieval, exchange: Exchange, found: Sequence[StoredInstance], base: str, label: str
) -> AsyncIterator[Part]:
    for located in found:
        yield Part(label, Bytes(await exchange.run(_model, retrieval, located, base)))


def _model(retrieval: Retrieval, located: StoredInstance, base: str) -> bytes:
    return xml.native_model(orjson.loads(retrieval.instance_text(located, base, MOST_JSON)))
