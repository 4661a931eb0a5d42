"""STOW-RS (PS3.18 10.5): a multipart body of any size goes part by part through the one door of the archive.

The event loop receives into a bounded queue; the core (parsing, hashing, writing) takes from it in a thread. While a part is
made durable the next one is already coming in, and the transactions of several parts become one.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from isocenter.dicom.part10 import Header
from isocenter.dicomweb import multipart
from isocenter.dicomweb.accept import DICOM, MULTIPART, json_form, parse_media_type
from isocenter.dicomweb.exchange import Exchange, Gone
from isocenter.dicomweb.status import FAILURE_REASON, WARNING_COERCED, UnsupportedMediaType
from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Invalid, IsocenterError, Kind
from isocenter.domain.imaging import Outcome
from isocenter.service import ingest
from isocenter.service.context import Context

MESSAGES_WAITING = 16  # between receiver and core; servers give at most some hundred KB in one
BATCH = 1 << 20  # bytes that one visit to a thread works on: the change of threads costs 0.1 ms
FINISHING = 4  # parts of one request that are made durable at once
WARNINGS = 8  # failures that are explained in headers: the header block of an answer is small

_DRAINED = 4 << 20  # of a refused body, so that a client that only sends at first gets to read the answer


@dataclass(slots=True)
class Part:
    """One part of the request and what became of it."""

    number: int
    reception: ingest.Reception | None = None
    outcome: Outcome | None = None
    error: IsocenterError | None = None
    header: Header | None = None

    def fail(self, error: IsocenterError) -> None:
        """Nothing of this part is kept."""
        self.error = self.error or error
        if self.reception is not None:
            self.reception.discard()
            self.reception = None

    def finish(self, study_uid: str | None) -> None:
        """The part is whole: through the door with it."""
        reception = self.reception
        if reception is None:
            return
        try:
            self.outcome = reception.finish(study_instance_uid=study_uid)
        except IsocenterError as error:
            self.error = error
        finally:
            reception.discard()
        self.header = reception.header
        self.reception = None


@dataclass(slots=True)
class Submission:
    """A request body on its way in. `feed` runs in a thread, one call at a time; reader None: the body is one object."""

    context: Context
    principal: Principal
    reader: multipart.Reader | None
    parts: list[Part] = field(default_factory=list)

    def feed(self, pieces: Sequence[bytes]) -> list[Part]:
        """Take bytes in; returns the parts that they complete. Raises Invalid when the body is no multipart any more."""
        complete: list[Part] = []
        for piece in pieces:
            if self.reader is None:
                if not self.parts:
                    self._begin(1, DICOM)
                self._write(piece)
                continue
            for event in self.reader.feed(piece):
                if isinstance(event, multipart.PartData):
                    self._write(event.data)
                elif isinstance(event, multipart.PartBegin):
                    self._begin(event.number, event.headers.get("content-type", DICOM))
                else:
                    complete.append(self.parts[-1])
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

    def _begin(self, number: int, content_type: str) -> None:
        part = Part(number)
        self.parts.append(part)
        try:
            name, _, _ = parse_media_type(content_type)
            if name != DICOM:
                raise UnsupportedMediaType(f"Only {DICOM} is stored.", where=f"part {number}")
            part.reception = ingest.begin(self.context, self.principal, source="stow")
        except IsocenterError as error:
            part.fail(error)

    def _write(self, data: bytes | memoryview) -> None:
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
        answer_type = json_form(exchange.accepted())
        submission = Submission(context, exchange.principal, _reader(exchange))
    except IsocenterError:
        await _drain(exchange)
        raise
    broken_off: Invalid | None = None
    try:
        await _receive(exchange, submission, study_uid)
        if not submission.parts:
            raise Invalid("The request holds no object.", where="body")
    except Invalid as error:
        if not any(part.outcome for part in submission.parts):
            await _drain(exchange)
            raise
        broken_off = error
    status, answer = response(submission.parts, study_uid, exchange.base, broken_off)
    headers = [(b"content-type", answer_type.encode()), (b"cache-control", b"no-store")]
    headers += [(b"warning", text) for text in _warnings(submission.parts, broken_off)]
    if status == 503:
        headers.append((b"retry-after", b"10"))
    await exchange.reply(status, headers, orjson.dumps(answer))


def _reader(exchange: Exchange) -> multipart.Reader | None:
    """How to read the body. Raises UnsupportedMediaType (415) unless it is multipart of application/dicom, or one such object."""
    if exchange.header(b"content-encoding").strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType("A compressed request body is not taken.", where="Content-Encoding")
    text = exchange.header(b"content-type")
    name, parameters, _ = parse_media_type(text) if text else ("", {}, 0)
    if name == DICOM:
        return None
    if name != MULTIPART or parameters.get("type", DICOM).lower() != DICOM:
        raise UnsupportedMediaType(
            "Only DICOM Part 10 files are stored.", where="Content-Type", hint=f'Send {MULTIPART}; type="{DICOM}"; boundary=...'
        )
    return multipart.Reader(parameters.get("boundary", "").encode("latin-1"))


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


# ---- answering


def response(
    parts: Sequence[Part], study_uid: str | None, base: str, broken_off: IsocenterError | None = None
) -> tuple[int, dict[str, Any]]:
    """(HTTP status, Store Instances Response Module of PS3.18 Table I.2-1... as DICOM JSON)."""
    referenced = [_referenced(part.outcome, base) for part in parts if part.outcome is not None]
    failed = [part for part in parts if part.error is not None]
    named = [_failed(part) for part in failed if part.header is not None and part.header.sop_instance_uid]
    others = [_reason(part.error) for part in failed if part.error and not (part.header and part.header.sop_instance_uid)]
    if broken_off is not None:
        others.append(_reason(broken_off))
    studies = {part.outcome.study_instance_uid for part in parts if part.outcome is not None and _is_served(part.outcome)}
    answer: dict[str, Any] = {}
    if studies and (study_uid is not None or len(studies) == 1):
        answer["00081190"] = _value("UR", f"{base}/studies/{study_uid or next(iter(studies))}")
    for tag, items in (("00081198", named), ("00081199", referenced), ("0008119A", others)):
        if items:
            answer[tag] = {"vr": "SQ", "Value": items}
    return _status(parts, failed, broken_off), answer


def _status(parts: Sequence[Part], failed: Sequence[Part], broken_off: IsocenterError | None) -> int:
    """PS3.18 Table 10.5.3-1: all stored 200, some 202, none 409, unless the reason has a status of its own."""
    if not parts:
        return 400
    if any(part.outcome is not None for part in parts):
        whole = not failed and broken_off is None
        return 200 if whole and all(_is_plain(part.outcome) for part in parts if part.outcome) else 202
    kinds = {part.error.kind for part in failed if part.error is not None}
    if Kind.NO_SPACE in kinds:
        return 507
    if kinds & {Kind.BUSY, Kind.BROKEN, Kind.AWAY}:
        return 503
    if kinds == {Kind.TOO_LARGE}:
        return 413
    return 415 if all(isinstance(part.error, UnsupportedMediaType) for part in failed) else 409


def _is_plain(outcome: Outcome) -> bool:
    return outcome.status in ("stored", "duplicate")


def _is_served(outcome: Outcome) -> bool:
    return outcome.status != "quarantined"


def _value(vr: str, *values: Any) -> dict[str, Any]:
    return {"vr": vr, "Value": list(values)}


def _referenced(outcome: Outcome, base: str) -> dict[str, Any]:
    """One item of Referenced SOP Sequence (0008,1199); what is in quarantine has no URL to retrieve it from."""
    url = f"{base}/studies/{outcome.study_instance_uid}/series/{outcome.series_instance_uid}/instances/{outcome.sop_instance_uid}"
    item = {
        "00081150": _value("UI", outcome.sop_class_uid) if outcome.sop_class_uid else {"vr": "UI"},
        "00081155": _value("UI", outcome.sop_instance_uid) if outcome.sop_instance_uid else {"vr": "UI"},
        "00081190": _value("UR", url) if _is_served(outcome) else {"vr": "UR"},
    }
    if not _is_plain(outcome):
        item["00081196"] = _value("US", WARNING_COERCED)
    return item


def _failed(part: Part) -> dict[str, Any]:
    """One item of Failed SOP Sequence (0008,1198)."""
    assert part.header is not None and part.error is not None
    return {
        "00081150": _value("UI", part.header.sop_class_uid),
        "00081155": _value("UI", part.header.sop_instance_uid),
        **_reason(part.error),
    }


def _reason(error: IsocenterError) -> dict[str, Any]:
    """Failure Reason (0008,1197), from the one table."""
    return {"00081197": _value("US", FAILURE_REASON[error.kind])}


def _warnings(parts: Sequence[Part], broken_off: IsocenterError | None) -> list[bytes]:
    """In words what the numbers say: Warning headers for the first of what went wrong."""
    texts = [f"part {part.number}: {part.error}" for part in parts if part.error is not None]
    texts += [
        f"part {part.number}: {part.outcome.status}: {part.outcome.reason or 'the instance that was there first is served'}"
        for part in parts
        if part.outcome is not None and not _is_plain(part.outcome)
    ]
    if broken_off is not None:
        texts.append(str(broken_off))
    return [warning(text) for text in texts[:WARNINGS]]


def warning(text: str) -> bytes:
    """A Warning header's value (PS3.18 8.3.4, RFC 7234 5.5)."""
    plain = "".join(c if c.isprintable() and c not in '"\\' else "'" for c in text)[:300]
    return f'299 isocenter "{plain}"'.encode("latin-1", "replace")
