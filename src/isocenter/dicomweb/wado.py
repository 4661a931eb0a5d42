"""WADO-RS (PS3.18 10.4): studies, series, instances, metadata, frames and bulk data, streamed as they are stored."""

import contextlib
import hashlib
import re
from collections.abc import Iterator, Sequence

from isocenter.dicomweb import multipart, progressive
from isocenter.dicomweb.accept import DICOM, EXPLICIT_LITTLE, OCTETS, Form, NotAcceptable, dataset_form, frame_form, json_form
from isocenter.dicomweb.exchange import PIECE, PRIVATE, Body, Exchange
from isocenter.domain.errors import Invalid
from isocenter.service import retrieve
from isocenter.service.retrieve import Bulk, Document, Frames, Retrieval, StoredInstance

PIXEL_DATA = frozenset({"7FE00008", "7FE00009", "7FE00010"})
MAX_FRAMES = 10_000  # of one request; the path that names them may not be much longer either

_OPENED_AT_ONCE = 32  # files opened in one visit to a thread
_FRAME_LIST = re.compile(r"[0-9]{1,9}(?:,[0-9]{1,9})*")
_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
_VARY = (b"vary", b"Accept")
_VARY_JSON = (b"vary", b"Accept, Accept-Encoding")


def _etag(*facts: object) -> str:
    """Weak: the parts are the same bytes, the boundary between them is another one each time."""
    return f'W/"{hashlib.sha256(repr(facts).encode()).hexdigest()[:32]}"'


def _multipart(boundary: str, media_type: str, transfer_syntax: str = "") -> tuple[bytes, bytes]:
    syntax = f"; transfer-syntax={transfer_syntax}" if transfer_syntax else ""
    return b"content-type", f'multipart/related; type="{media_type}"{syntax}; boundary={boundary}'.encode()


# ---- whole instances


async def instances(retrieval: Retrieval, exchange: Exchange) -> None:
    """GET studies/{study}, .../series/{series}, .../instances/{instance}: Part 10 files as they are stored, file by file."""
    path = exchange.parameters
    sop = path.get("instance")
    found = await exchange.run(retrieval.instances, exchange.principal, path["study"], path.get("series"), sop)
    form = dataset_form(exchange.accepted(), {located.transfer_syntax_uid for located in found}, single=sop is not None)
    etag = _etag(form.multipart, *((located.sop_instance_uid, located.sha256) for located in found))
    if exchange.knows(etag):
        return await exchange.not_modified(etag)
    headers = ((b"etag", etag.encode()), PRIVATE, _VARY)
    await exchange.run(retrieval.open, found[0])  # a lost file is told with a status while that is still possible
    if not form.multipart:
        located = found[0]
        label = f"{DICOM}; transfer-syntax={located.transfer_syntax_uid}".encode()
        await exchange.start(200, ((b"content-type", label), (b"content-length", str(located.size).encode()), *headers))
        return await Body(exchange, located.size).copy(retrieval.open(located), 0, located.size)
    await _send_files(retrieval, exchange, found, headers)


async def _send_files(
    retrieval: Retrieval, exchange: Exchange, found: Sequence[StoredInstance], headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    boundary = multipart.new_boundary()
    heads = {syntax: _file_head(boundary, syntax) for syntax in {located.transfer_syntax_uid for located in found}}
    closing = multipart.closing(boundary)
    length = sum(located.size + len(heads[located.transfer_syntax_uid]) for located in found) + len(closing)
    content_length = (b"content-length", str(length).encode())
    await exchange.start(200, (_multipart(boundary, DICOM), content_length, *headers))
    if exchange.method == "HEAD":
        return await exchange.send(b"", more=False)
    body = Body(exchange, length)
    async with exchange.watching():
        for start in range(0, len(found), _OPENED_AT_ONCE):
            batch = found[start : start + _OPENED_AT_ONCE]
            files = await exchange.run(lambda batch=batch: [retrieval.open(located) for located in batch])
            for located, file in zip(batch, files, strict=True):
                await body.write(heads[located.transfer_syntax_uid])
                await body.copy(file, 0, located.size)
        await body.write(closing)


def _file_head(boundary: str, transfer_syntax: str) -> bytes:
    return multipart.part_head(boundary, {"Content-Type": f"{DICOM}; transfer-syntax={transfer_syntax}"})


# ---- metadata


async def metadata(retrieval: Retrieval, exchange: Exchange) -> None:
    """GET .../metadata: DICOM JSON, compressed long before it is asked for."""
    content_type = json_form(exchange.accepted())
    path, principal, base = exchange.parameters, exchange.principal, exchange.base
    compressed = exchange.accepts_gzip()
    if "series" not in path:
        version, documents = await exchange.run(retrieval.study_documents, principal, path["study"], base)
        pieces: Iterator[bytes] = retrieve.joined(documents, compressed=compressed)
    else:
        document = await exchange.run(_document, retrieval, exchange, base)
        version = document.version
        pieces = iter((document.compressed,)) if compressed else document.text()
    etag = _etag("metadata", version, base, compressed)
    if exchange.knows(etag):
        return await exchange.not_modified(etag)
    encoding = ((b"content-encoding", b"gzip"),) if compressed else ()
    headers = ((b"content-type", content_type.encode()), *encoding, (b"etag", etag.encode()), PRIVATE, _VARY_JSON)
    if compressed and "series" in path:
        return await exchange.reply(200, headers, next(pieces))
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


# ---- frames


async def frames(retrieval: Retrieval, exchange: Exchange) -> None:
    """GET .../instances/{instance}/frames/{list}: the hot path; nothing waits when the last seconds saw this series."""
    path = exchange.parameters
    numbers = frame_numbers(path["frames"])
    uids = path["study"], path["series"], path["instance"]
    found = retrieval.known_frames(exchange.principal, *uids)
    if found is None:
        found = await exchange.run(retrieval.frames, exchange.principal, *uids)
    found, about = await progressive.chosen(retrieval, exchange, found, single=len(numbers) == 1)
    form = frame_form(exchange.accepted(), found.instance.transfer_syntax_uid, native=found.native, single=len(numbers) == 1)
    await _send_frames(retrieval, exchange, found, numbers, form, about)


def frame_numbers(text: str) -> list[int]:
    """The frame list of a path (PS3.18 10.4.1.1.6), counted from 1."""
    if not _FRAME_LIST.fullmatch(text):
        raise Invalid("The frame list is malformed.", where="frames", hint="Write numbers from 1, separated by commas.")
    numbers = [int(number) for number in text.split(",")]
    if min(numbers) < 1 or len(numbers) > MAX_FRAMES:
        raise Invalid("Frames are counted from 1, and 10,000 may be asked for at once.", where="frames")
    return numbers


async def _send_frames(
    retrieval: Retrieval,
    exchange: Exchange,
    found: Frames,
    numbers: Sequence[int],
    form: Form,
    about: tuple[tuple[bytes, bytes], ...] = (),
) -> None:
    etag = _etag("frames", found.instance.sha256, numbers, form, found.reduction)
    if exchange.knows(etag):
        return await exchange.not_modified(etag)
    headers = ((b"etag", etag.encode()), PRIVATE, _VARY, *about)
    if found.table is None:
        return await _send_worked_frames(retrieval, exchange, found, numbers, form, headers)
    places = [found.place(number) for number in numbers]
    size = sum(length for place in places for _, length in place)
    if not form.multipart and not size:
        return await exchange.reply(200, ((b"content-type", form.label.encode()), *headers))
    if not form.multipart:
        await exchange.start(200, ((b"content-type", form.label.encode()), (b"content-length", str(size).encode()), *headers))
        body = Body(exchange, size)
        for offset, length in places[0]:
            await body.copy(found.file, offset, length)
        return
    boundary = multipart.new_boundary()
    head = multipart.part_head(boundary, {"Content-Type": form.label})
    closing = multipart.closing(boundary)
    total = size + len(head) * len(places) + len(closing)
    content_type = _multipart(boundary, form.media_type, form.transfer_syntax)
    await exchange.start(200, (content_type, (b"content-length", str(total).encode()), *headers))
    body = Body(exchange, total)
    async with exchange.watching() if total > PIECE else contextlib.nullcontext():
        for place in places:
            await body.write(head)
            for offset, length in place:
                await body.copy(found.file, offset, length)
        await body.write(closing)


async def _send_worked_frames(
    retrieval: Retrieval,
    exchange: Exchange,
    found: Frames,
    numbers: Sequence[int],
    form: Form,
    headers: tuple[tuple[bytes, bytes], ...],
) -> None:
    """Frames that must be swapped, aligned or inflated first: one at a time, in a thread."""
    if max(numbers) > found.count:
        await exchange.run(retrieval.read_frame, found, max(numbers))  # raises Missing
    data = await exchange.run(retrieval.read_frame, found, numbers[0])
    if not form.multipart:
        return await exchange.reply(200, ((b"content-type", form.label.encode()), *headers), data)
    boundary = multipart.new_boundary()
    await exchange.start(200, (_multipart(boundary, form.media_type, form.transfer_syntax), *headers))
    head = multipart.part_head(boundary, {"Content-Type": form.label})
    for place, number in enumerate(numbers):
        if place:
            data = await exchange.run(retrieval.read_frame, found, number)
        await exchange.send(head + data, more=True)
    await exchange.send(multipart.closing(boundary), more=False)


# ---- bulk data


async def bulkdata(retrieval: Retrieval, exchange: Exchange) -> None:
    """GET .../instances/{instance}/bulkdata/{path}: one value; compressed pixel data as its frames (PS3.18 10.4.1.1.5)."""
    path = exchange.parameters
    uids = path["study"], path["series"], path["instance"]
    if path["bulkdata"].upper() in PIXEL_DATA:
        found = await exchange.run(retrieval.frames, exchange.principal, *uids)
        if not found.native:
            single = found.count == 1
            form = frame_form(exchange.accepted(), found.instance.transfer_syntax_uid, native=False, single=single)
            return await _send_frames(retrieval, exchange, found, range(1, found.count + 1), form)
    bulk = await exchange.run(retrieval.bulk, exchange.principal, *uids, path["bulkdata"])
    form = _bulk_form(exchange)
    etag = _etag("bulkdata", bulk.instance.sha256, path["bulkdata"], form.multipart)
    if exchange.knows(etag):
        return await exchange.not_modified(etag)
    headers = ((b"etag", etag.encode()), PRIVATE, _VARY)
    if form.multipart:
        return await _send_bulk_part(retrieval, exchange, bulk, headers)
    span = _span(exchange.header(b"range"), bulk.size)
    first, last = span or (0, bulk.size - 1)
    length = last - first + 1
    ranged = ((b"content-range", f"bytes {first}-{last}/{bulk.size}".encode()),) if span else ()
    await exchange.start(
        206 if span else 200,
        (
            (b"content-type", OCTETS.encode()),
            (b"content-length", str(length).encode()),
            (b"accept-ranges", b"bytes"),
            *ranged,
            *headers,
        ),
    )
    if not length:
        return await exchange.send(b"", more=False)
    await _copy_bulk(retrieval, exchange, bulk, Body(exchange, length), first, length)


def _bulk_form(exchange: Exchange) -> Form:
    """Multipart or not, for values that are not compressed pixel data."""
    for media_range in exchange.accepted():
        syntax = media_range.parameters.get("transfer-syntax", "*")
        if media_range.covers(OCTETS) and syntax in ("*", EXPLICIT_LITTLE):
            return Form(media_range.multipart or media_range.name == "*/*", OCTETS)
    raise NotAcceptable(
        f"This value is answered as {OCTETS}.", where="Accept", hint=f'Accept {OCTETS} or multipart/related; type="{OCTETS}".'
    )


async def _send_bulk_part(retrieval: Retrieval, exchange: Exchange, bulk: Bulk, headers: tuple[tuple[bytes, bytes], ...]) -> None:
    boundary = multipart.new_boundary()
    head = multipart.part_head(boundary, {"Content-Type": OCTETS})
    closing = multipart.closing(boundary)
    total = len(head) + bulk.size + len(closing)
    await exchange.start(200, (_multipart(boundary, OCTETS), (b"content-length", str(total).encode()), *headers))
    body = Body(exchange, total)
    await body.write(head)
    await _copy_bulk(retrieval, exchange, bulk, body, 0, bulk.size)
    await body.write(closing)


async def _copy_bulk(retrieval: Retrieval, exchange: Exchange, bulk: Bulk, body: Body, first: int, length: int) -> None:
    """Bytes [first, first + length) of the value."""
    skip, left = first, length
    if not bulk.direct:
        pieces = retrieval.read_bulk(bulk)
        while left and (piece := await exchange.run(next, pieces, b"")):
            taken = piece[skip : skip + left]
            skip = max(skip - len(piece), 0)
            left -= len(taken)
            await body.write(taken)
        return
    for offset, size in bulk.ranges:
        taken_here = min(max(size - skip, 0), left)
        if taken_here:
            await body.copy(bulk.file, offset + skip, taken_here)
        skip = max(skip - size, 0)
        left -= taken_here


def _span(header: str, size: int) -> tuple[int, int] | None:
    """(first, last) byte of a Range header; None to send all: no range, several, or a malformed one (RFC 9110 14.2)."""
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or not size or match[1] == match[2] == "":
        return None
    first = int(match[1]) if match[1] else max(size - int(match[2]), 0)
    last = min(int(match[2]), size - 1) if match[1] and match[2] else size - 1
    return (first, last) if first <= last else None
