"""Metadata of studies, series and instances (PS3.18 10.4.1.1.2), compressed long before it is asked for."""

from collections.abc import Iterator

from isocenter.dicomweb.accept import json_form
from isocenter.dicomweb.answers import VARY_JSON, packed, version
from isocenter.dicomweb.exchange import Exchange
from isocenter.service import retrieve
from isocenter.service.retrieve import Document, Retrieval


async def metadata(retrieval: Retrieval, exchange: Exchange) -> None:
    """GET .../metadata: DICOM JSON."""
    content_type = json_form(exchange.accepted())
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
    headers = ((b"content-type", content_type.encode()), *encoding, *known.headers)
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
