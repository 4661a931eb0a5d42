"""STOW-RS (PS3.18 10.5): a multipart body of any size goes part by part through the one door of the archive.

The event loop receives into a bounded queue; the core (parsing, hashing, writing) takes from it in a thread. While a part is
made durable the next one is already coming in, and the transactions of several parts become one.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import orjson

from isocenter.dicom import xml, xml_reading
from isocenter.dicomweb import multipart, stow_response
from isocenter.dicomweb.accept import DICOM, DICOM_JSON, DICOM_XML, JSON, MULTIPART, metadata_form, parse_media_type
from isocenter.dicomweb.exchange import Exchange, Gone
from isocenter.dicomweb.status import UnsupportedMediaType
from isocenter.dicomweb.stow_response import Part
from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Invalid, IsocenterError, Kind
from isocenter.service import ingest
from isocenter.service.composing import Composition
from isocenter.service.context import Context

MESSAGES_WAITING = 16  # between receiver and core; servers give at most some hundred KB in one
BATCH = 1 << 20  # bytes that one visit to a thread works on: the change of threads costs 0.1 ms
FINISHING = 4  # parts of one request that are made durable at once

_DRAINED = 4 << 20  # of a refused body, so that a client that only sends at first gets to read the answer


METADATA = frozenset({DICOM_JSON, JSON, DICOM_XML})


@dataclass(slots=True)
class Submission:
    """A request body on its way in. `feed` runs in a thread, one call at a time; reader None: the body is one object.

    composition: where metadata and bulk data are put aside; None in a request of whole objects.
    """

    context: Context
    principal: Principal
    reader: multipart.Reader | None
    composition: Composition | None = None
    parts: list[Part] = field(default_factory=list)
    _number: int = 0
    _aside: bool = False  # the part that comes in goes to the composition

    def feed(self, pieces: Sequence[bytes]) -> list[Part]:
        """Take bytes in; returns the parts that they complete. Raises Invalid when the body is no multipart any more."""
        complete: list[Part] = []
        for piece in pieces:
            if self.reader is None:
                if not self.parts:
                    self._begin(1, {"content-type": DICOM})
                self._write(piece)
                continue
            for event in self.reader.feed(piece):
                if isinstance(event, multipart.PartData):
                    self._write(event.data)
                elif isinstance(event, multipart.PartBegin):
                    self._begin(event.number, event.headers)
                elif not self._aside:
                    complete.append(self.parts[-1])
                else:
                    self._aside = False
        return complete

    def close(self) -> list[Part]:
        """The body has ended."""
        if self.reader is None:
            return self.parts[-1:]
        self.reader.close()
        return []

    def abandon(self, error: IsocenterError) -> None:
        """What has not come in whole is forgotten."""
        for part in self.parts:
            if part.reception is not None:
                part.fail(error)
        if self._aside and self.composition is not None:
            self.composition.drop_last()

    def compose(self, study_uid: str | None, *, whole: bool) -> None:
        """Make the instances of the metadata. whole: the request did not break off."""
        if self.composition is None:
            return
        for made in self.composition.results(study_uid or "", xml_reading.read, whole=whole):
            self._number += 1
            named = made.sop_class_uid, made.sop_instance_uid
            self.parts.append(Part(self._number, None, made.outcome, made.error, None, named, made.supplied))

    def _begin(self, number: int, headers: Mapping[str, str]) -> None:
        part = Part(number)
        name = ""
        try:
            name, parameters, _ = parse_media_type(headers.get("content-type", DICOM))
            if self.composition is not None and name != DICOM:
                self._aside = True
                location = headers.get("content-location", "")
                return self.composition.begin(
                    name, parameters.get("transfer-syntax", ""), location, metadata=name in METADATA and not location
                )
            if name != DICOM:
                raise UnsupportedMediaType(f"Only {DICOM} is stored.", where=f"part {number}",
                                           hint="Bulk data are taken behind metadata that Content-Type names.")  # fmt: skip
            part.reception = ingest.begin(self.context, self.principal, source="stow")
        except IsocenterError as error:
            if self._aside and error.kind is not Kind.INVALID:
                raise
            part.fail(error)
        self.parts.append(part)

    def _write(self, data: bytes | memoryview) -> None:
        if self._aside and self.composition is not None:
            return self.composition.write(data)
        part = self.parts[-1]
        if part.reception is None:
            return
        try:
            part.reception.write(data)
        except IsocenterError as error:
            part.fail(error)


async def store(context: Context, exchange: Exchange) -> None:
    """POST studies and studies/{study}: store instances, and say of each what became of it."""
    access.require(exchange.principal, Permission.STUDY_STORE)
    study_uid = exchange.parameters.get("study")
    try:
        single = [media_range for media_range in exchange.accepted() if not media_range.multipart]
        answer_type = metadata_form(single, single=True).media_type
        submission = _submission(context, exchange)
    except IsocenterError:
        await _drain(exchange)
        raise
    broken_off: Invalid | None = None
    try:
        try:
            await _receive(exchange, submission, study_uid)
        except Invalid as error:
            broken_off = error
        if submission.composition is not None:
            await exchange.run(partial(submission.compose, study_uid, whole=broken_off is None))
        if not submission.parts and broken_off is None:
            broken_off = Invalid("The request holds no object.", where="body")
        if broken_off is not None and not any(part.outcome for part in submission.parts):
            await _drain(exchange)
            raise broken_off
    finally:
        if submission.composition is not None:
            await exchange.run(submission.composition.discard)
    status, answer = stow_response.response(submission.parts, study_uid, exchange.base, broken_off)
    headers = [(b"content-type", answer_type.encode()), (b"cache-control", b"no-store")]
    headers += [(b"warning", text) for text in stow_response.warnings(submission.parts, broken_off)]
    if status == 503:
        headers.append((b"retry-after", b"10"))
    await exchange.reply(status, headers, xml.native_model(answer) if answer_type == DICOM_XML else orjson.dumps(answer))


def _submission(context: Context, exchange: Exchange) -> Submission:
    """How to read the body: objects, or metadata and bulk data. Raises UnsupportedMediaType (415), Invalid."""
    if exchange.header(b"content-encoding").strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType("A compressed request body is not taken.", where="Content-Encoding")
    text = exchange.header(b"content-type")
    name, parameters, _ = parse_media_type(text) if text else ("", {}, 0)
    root = parameters.get("type", DICOM).lower()
    if name == DICOM:
        return Submission(context, exchange.principal, None)
    if name != MULTIPART or root not in (DICOM, *METADATA):
        raise UnsupportedMediaType(
            "Only DICOM is stored: Part 10 files, or metadata with bulk data.", where="Content-Type",
            hint=f'Send {MULTIPART}; type="{DICOM}" (or "{DICOM_JSON}", "{DICOM_XML}"); boundary=...',
        )  # fmt: skip
    reader = multipart.Reader(parameters.get("boundary", "").encode("latin-1"))
    door = partial(ingest.begin, context, exchange.principal, source="stow")
    composition = Composition(context, exchange.principal, door) if root != DICOM else None
    return Submission(context, exchange.principal, reader, composition)


# ---- receiving


async def _receive(exchange: Exchange, submission: Submission, study_uid: str | None) -> None:
    """Take the whole body in. Raises Invalid (no multipart), Gone (the client left)."""
    finishing: set[asyncio.Task[None]] = set()

    async def finish(parts: Sequence[Part]) -> None:
        for part in parts:
            if len(finishing) >= FINISHING:
                await asyncio.wait(finishing, return_when=asyncio.FIRST_COMPLETED)
            task = asyncio.create_task(exchange.run(part.finish, study_uid))
            finishing.add(task)
            task.add_done_callback(finishing.discard)

    fault: IsocenterError = Invalid("The request broke off.", kept="Nothing was kept of this part.")
    try:
        async with contextlib.aclosing(_batches(exchange)) as batches:
            async for batch in batches:
                await finish(await exchange.run(submission.feed, batch))
        await finish(await exchange.run(submission.close))
    except Invalid as error:
        fault = error
        raise
    finally:
        while finishing:
            await asyncio.wait(finishing)
        await exchange.run(submission.abandon, fault)


async def _batches(exchange: Exchange) -> AsyncGenerator[list[bytes], None]:
    """The body in batches of messages: whatever has come while the core was busy, up to BATCH bytes."""
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(MESSAGES_WAITING)

    async def pump() -> None:
        while True:
            message = await exchange.receive()
            if message["type"] != "http.request":
                raise Gone
            if body := message.get("body"):
                await queue.put(bytes(body))
            if not message.get("more_body"):
                await queue.put(None)
                return

    pumping = asyncio.create_task(pump())
    try:
        ended = False
        while not ended:
            first = await _next(queue, pumping)
            batch, size = [], 0
            while first is not None:
                batch.append(first)
                size += len(first)
                if size >= BATCH or queue.empty():
                    break
                first = queue.get_nowait()
            ended = first is None
            if batch:
                yield batch
    finally:
        pumping.cancel()
        with contextlib.suppress(asyncio.CancelledError, Gone):
            await pumping


async def _next(queue: "asyncio.Queue[bytes | None]", pumping: "asyncio.Task[None]") -> bytes | None:
    """The next message, or the fault that ended the receiver."""
    if not queue.empty():
        return queue.get_nowait()
    getting = asyncio.create_task(queue.get())
    await asyncio.wait((getting, pumping), return_when=asyncio.FIRST_COMPLETED)
    if not getting.done() and queue.empty():
        getting.cancel()
        pumping.result()  # raises what ended it
    return await getting


async def _drain(exchange: Exchange) -> None:
    """Take a little more of a body that is refused."""
    taken = 0
    while taken < _DRAINED and not exchange.received:
        taken += len((await exchange.receive()).get("body", b""))
