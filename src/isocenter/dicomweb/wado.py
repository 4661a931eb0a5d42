"""WADO-RS (PS3.18 10.4): studies, series, instances and frames, streamed as they are stored, or converted where they must be."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from isocenter.codecs import objects
from isocenter.dicomweb import media, multipart, progressive
from isocenter.dicomweb.accept import (
    DICOM,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    ZIP,
    DatasetForm,
    Form,
    NotAcceptable,
    dataset_form,
    dataset_syntax,
    frame_form,
    needs_look,
)
from isocenter.dicomweb.answers import Bytes, Part, Stored, Version, ahead, content_type, parts, single, stream, version
from isocenter.dicomweb.exchange import Body, Exchange, Headers
from isocenter.domain.errors import Busy, Invalid, Missing, Unsupported
from isocenter.service import converting
from isocenter.service.context import Context
from isocenter.service.retrieve import Frames, OpenFile, Retrieval, StoredInstance

T = TypeVar("T")

MOST_STUDIES = 50  # of one archive: their UIDs are in the address
MAX_FRAMES = 10_000  # of one request; the path that names them may not be much longer either

_OPENED_AT_ONCE = 32  # files opened in one visit to a thread
_FETCHED_AT_ONCE, _SMALL = 6, 4 << 20  # files fetched from an object store at once, when they have no more bytes than that
_AT_WORK = 3  # conversions of one answer at once; more would be held in memory while a slow client takes the first
_PATIENCE = 240  # times a quarter of a second that an answer which has begun waits for the pool
_FRAME_LIST = re.compile(r"[0-9]{1,9}(?:,[0-9]{1,9})*")


# ---- whole instances


async def instances(context: Context, retrieval: Retrieval, exchange: Exchange) -> None:
    """GET studies/{study}, .../series/{series}, .../instances/{instance}: Part 10 files, file by file or in one ZIP archive."""
    path = exchange.parameters
    sop = path.get("instance")
    found = await exchange.run(retrieval.objects, exchange.principal, path["study"], path.get("series"), sop)
    form = dataset_form(exchange.accepted(), single=sop is not None)
    if form.media_type == ZIP and sop is None:
        found = _of_series(found, exchange.query())
        for study in _more_studies(exchange.query(), path["study"]):
            found += await exchange.run(retrieval.objects, exchange.principal, study, None, None)
    targets = await exchange.run(_targets, retrieval, found, form)
    facts = [(located.sop_instance_uid, located.sha256, target) for located, target in zip(found, targets, strict=True)]
    as_stored = all(located.transfer_syntax_uid == target for located, target in zip(found, targets, strict=True))
    known = version(form, converting.FORMAT, *facts, exact=form.media_type == DICOM and not form.multipart and as_stored)
    if exchange.knows(known.tag):
        return await exchange.not_modified(known.tag)
    await exchange.run(retrieval.open, found[0])  # a lost file is told with a status while that is still possible
    if form.media_type == ZIP:
        files = _files(context, retrieval, exchange, found, targets)
        return await media.archive(retrieval, exchange, found, files, known, context.clock())
    if not form.multipart:
        file = retrieval.open(found[0]) if as_stored else await converted(context, retrieval, exchange, found[0], targets[0])
        return await single(exchange, Stored(file, ((0, file.size),)), f"{DICOM}; transfer-syntax={targets[0]}", known)
    if as_stored and not any(located.corrected for located in found):
        return await _send_files(retrieval, exchange, found, known)
    await stream(exchange, _as_parts(_files(context, retrieval, exchange, found, targets)), known, media_type=DICOM)


def _of_series(found: Sequence[StoredInstance], query: Sequence[tuple[str, str]]) -> list[StoredInstance]:
    """Those of the series that a query names (ours: PS3.18 has one or all). Raises Missing."""
    named = {uid for key, value in query if key == "SeriesInstanceUID" for uid in value.split(",")}
    kept = [located for located in found if not named or located.series_instance_uid in named]
    if not kept or not named <= {located.series_instance_uid for located in kept}:
        raise Missing("there is no such series in the study", where="SeriesInstanceUID")
    return kept


def _more_studies(query: Sequence[tuple[str, str]], first: str) -> list[str]:
    """Further studies for the same archive (ours, as above: somebody takes several with them). Raises Invalid."""
    named = [uid for key, value in query if key == "StudyInstanceUID" for uid in value.split(",")]
    if len(named) >= MOST_STUDIES:
        raise Invalid(f"an archive holds {MOST_STUDIES} studies at most", where="StudyInstanceUID")
    return [uid for uid in dict.fromkeys(named) if uid and uid != first]


def _targets(retrieval: Retrieval, found: Sequence[StoredInstance], form: DatasetForm) -> list[str]:
    """The transfer syntax of each instance's answer. Raises NotAcceptable: what cannot be had is not left out silently."""
    targets: list[str] = []
    refused: set[str] = set()
    for located in found:
        stored = located.transfer_syntax_uid
        target: str | None = stored
        if needs_look(form, stored):
            given = retrieval.describe(located, retrieval.open(located))
            target = dataset_syntax(form, stored, partial(objects.possible, given), pixels=given.header.pixels is not None)
        if target is None:
            refused.add(stored)
        targets.append(target or stored)
    if refused:
        raise NotAcceptable(
            f"There are instances stored as {', '.join(sorted(refused))} that cannot be had in a form that is accepted.",
            where="Accept",
            hint=f'Accept multipart/related; type="{DICOM}"; transfer-syntax=*.',
        )
    return targets


async def converted(context: Context, retrieval: Retrieval, exchange: Exchange, located: StoredInstance, target: str) -> OpenFile:
    """An instance in another transfer syntax, as a file."""
    kept = await exchange.run(converting.kept_whole, context, located, target)
    if kept is not None:
        return kept
    return await asyncio.wrap_future(converting.whole(context, located, target, partial(retrieval.open, located)))


async def _patiently(begin: "Callable[[], Future[T]]") -> T:
    """What a conversion returns, of an answer that has begun: it waits for its turn where it would be told to come again."""
    for _ in range(_PATIENCE):
        try:
            return await asyncio.wrap_future(begin())
        except Busy:
            await asyncio.sleep(0.25)
    return await asyncio.wrap_future(begin())


def _files(
    context: Context, retrieval: Retrieval, exchange: Exchange, found: Sequence[StoredInstance], targets: Sequence[str]
) -> AsyncIterator[tuple[OpenFile, str]]:
    """The instances one after the other, each with its transfer syntax; conversions are made while the ones before are sent.

    One that turns out to be damaged is sent as it is stored, and labelled so: it must not cost all the others.
    """

    async def file(located: StoredInstance, target: str) -> tuple[OpenFile, str]:
        if located.transfer_syntax_uid != target:
            kept = await exchange.run(converting.kept_whole, context, located, target)
            begin = partial(converting.whole, context, located, target, partial(retrieval.open, located))
            try:
                return kept if kept is not None else await _patiently(begin), target
            except Unsupported:
                pass
        return await exchange.run(retrieval.open, located), located.transfer_syntax_uid

    return ahead(_AT_WORK, (partial(file, *each) for each in zip(found, targets, strict=True)))


async def _as_parts(files: AsyncIterator[tuple[OpenFile, str]]) -> AsyncIterator[Part]:
    async for file, syntax in files:
        yield Part(f"{DICOM}; transfer-syntax={syntax}", Stored(file, ((0, file.size),)))


async def _send_files(retrieval: Retrieval, exchange: Exchange, found: Sequence[StoredInstance], known: Version) -> None:
    boundary = multipart.new_boundary()
    heads = {syntax: _file_head(boundary, syntax) for syntax in {located.transfer_syntax_uid for located in found}}
    closing = multipart.closing(boundary)
    length = sum(located.size + len(heads[located.transfer_syntax_uid]) for located in found) + len(closing)
    content_length = (b"content-length", str(length).encode())
    await exchange.start(200, (content_type(boundary, DICOM), content_length, *known.headers))
    if exchange.method == "HEAD":
        return await exchange.send(b"", more=False)
    body = Body(exchange, length)
    async with exchange.watching():
        for start in range(0, len(found), _OPENED_AT_ONCE):
            batch = found[start : start + _OPENED_AT_ONCE]
            files = await exchange.run(lambda batch=batch: [retrieval.open(located) for located in batch])
            if files[0].fd is None:
                await _send_fetched(exchange, body, list(zip(batch, files, strict=True)), heads)
                continue
            for located, file in zip(batch, files, strict=True):
                await body.write(heads[located.transfer_syntax_uid])
                await body.copy(file, 0, located.size)
        await body.write(closing)


async def _send_fetched(
    exchange: Exchange, body: Body, batch: Sequence[tuple[StoredInstance, OpenFile]], heads: Mapping[str, bytes]
) -> None:
    """Files that lie in an object store: several small ones are on their way at a time, for each costs a request."""

    async def fetch(located: StoredInstance, file: OpenFile) -> tuple[StoredInstance, OpenFile, bytes | None]:
        small = file.fd is None and located.size <= _SMALL
        return located, file, await exchange.run(file.read_at, 0, located.size) if small else None

    async with contextlib.aclosing(ahead(_FETCHED_AT_ONCE, (partial(fetch, *each) for each in batch))) as fetched:
        async for located, file, data in fetched:
            await body.write(heads[located.transfer_syntax_uid])
            if data is not None:
                await body.write(data)
            else:
                await body.copy(file, 0, located.size)


def _file_head(boundary: str, transfer_syntax: str) -> bytes:
    return multipart.part_head(boundary, {"Content-Type": f"{DICOM}; transfer-syntax={transfer_syntax}"})


# ---- frames


async def frames(context: Context, retrieval: Retrieval, exchange: Exchange) -> None:
    """GET .../instances/{instance}/frames/{list}: the hot path; nothing waits when the last seconds saw this series."""
    path = exchange.parameters
    numbers = frame_numbers(path["frames"])
    uids = path["study"], path["series"], path["instance"]
    found = retrieval.known_frames(exchange.principal, *uids)
    if found is None:
        found = await exchange.run(retrieval.frames, exchange.principal, *uids)
    alone = len(numbers) == 1
    copy, about = await progressive.chosen(retrieval, exchange, found, numbers)
    if copy is not found:
        form = frame_form(exchange.accepted(), copy.instance.transfer_syntax_uid, native=False, single=alone)
        return await send_frames(context, retrieval, exchange, copy, numbers, form, about=about)
    form = await negotiated(retrieval, exchange, found, single=alone)
    await send_frames(context, retrieval, exchange, found, numbers, form)


def frame_numbers(text: str) -> list[int]:
    """The frame list of a path (PS3.18 10.4.1.1.6), counted from 1."""
    if not _FRAME_LIST.fullmatch(text):
        raise Invalid("The frame list is malformed.", where="frames", hint="Write numbers from 1, separated by commas.")
    numbers = [int(number) for number in text.split(",")]
    if min(numbers) < 1 or len(numbers) > MAX_FRAMES:
        raise Invalid("Frames are counted from 1, and 10,000 may be asked for at once.", where="frames")
    return numbers


class _Look(Exception):
    """The object must be looked at before it can be said how its frames can be had."""


def _unseen(target: str) -> bool:
    raise _Look


async def negotiated(retrieval: Retrieval, exchange: Exchange, found: Frames, *, single: bool) -> Form:
    """How the frames leave. Raises NotAcceptable."""
    stored, ranges = found.instance.transfer_syntax_uid, exchange.accepted()
    try:
        return frame_form(ranges, stored, native=found.native, single=single, possible=_unseen)
    except _Look:
        return await exchange.run(partial(negotiated_now, retrieval, exchange, found, single=single))


def negotiated_now(retrieval: Retrieval, exchange: Exchange, found: Frames, *, single: bool) -> Form:
    """The same in a thread, since it may wait for the disk."""
    stored, ranges = found.instance.transfer_syntax_uid, exchange.accepted()

    def possible(target: str) -> bool:
        return objects.frames_possible(retrieval.describe(found.instance, found.file), target)

    return frame_form(ranges, stored, native=found.native, single=single, possible=possible)


async def send_frames(
    context: Context,
    retrieval: Retrieval,
    exchange: Exchange,
    found: Frames,
    numbers: Sequence[int],
    form: Form,
    location: str = "",
    about: Headers = (),
) -> None:
    """Answer with these frames in this form. location: where they can be had, for the parts. about: more headers."""
    as_stored = is_stored(found, form)
    exact = as_stored and not form.multipart
    known = version("frames", found.instance.sha256, numbers, form, converting.FORMAT, found.reduction, exact=exact, more=about)
    if exchange.knows(known.tag):
        return await exchange.not_modified(known.tag)
    if max(numbers) > found.count:
        await exchange.run(retrieval.frame_bytes, found, max(numbers))  # raises Missing
    if as_stored and found.table is not None:
        contents = frames_at(found, numbers)
        if not form.multipart:
            return await single(exchange, contents[0], form.label, known)
        found_parts = [Part(form.label, content, location) for content in contents]
        return await parts(exchange, found_parts, known, media_type=form.media_type, transfer_syntax=form.transfer_syntax)
    if not form.multipart:
        data = await _frame(context, retrieval, exchange, found, numbers[0], form)
        return await single(exchange, Bytes(data), form.label, known)
    coming = made_frames(context, retrieval, exchange, found, numbers, form, location)
    await stream(exchange, coming, known, media_type=form.media_type, transfer_syntax=form.transfer_syntax)


def frames_at(found: Frames, numbers: Iterable[int]) -> list[Stored]:
    """Frames that lie in the file as they leave. Raises Missing."""
    return [Stored(found.file, found.place(number)) for number in numbers]


def is_stored(found: Frames, form: Form) -> bool:
    """Whether frames leave in the form in which they are stored; native ones are the same in both little endian encodings."""
    if found.native:
        return form.transfer_syntax in (EXPLICIT_LITTLE, IMPLICIT_LITTLE)
    return form.transfer_syntax == found.instance.transfer_syntax_uid


async def _frame(
    context: Context, retrieval: Retrieval, exchange: Exchange, found: Frames, number: int, form: Form, *, begun: bool = False
) -> bytes:
    """One frame that must be worked on. begun: the answer has, so that it is too late to say that we are busy."""
    if is_stored(found, form):
        return await exchange.run(retrieval.frame_bytes, found, number)
    target = form.transfer_syntax
    kept = await exchange.run(converting.kept_frame, context, found.instance, number, target)
    if kept is not None:
        return kept
    layout = (await exchange.run(retrieval.describe, found.instance, found.file)).layout
    read = partial(retrieval.frame_bytes, found, number)
    begin = partial(converting.frame, context, found.instance, layout, number, target, read)
    return await (_patiently(begin) if begun else asyncio.wrap_future(begin()))


def made_frames(
    context: Context, retrieval: Retrieval, exchange: Exchange, found: Frames, numbers: Iterable[int], form: Form, location: str
) -> AsyncIterator[Part]:
    """Frames that must be worked on, a few at once."""

    async def made(place: int, number: int) -> Part:
        data = await _frame(context, retrieval, exchange, found, number, form, begun=place > 0)
        return Part(form.label, Bytes(data), location)

    return ahead(_AT_WORK, (partial(made, *each) for each in enumerate(numbers)))
