"""Bulk data (PS3.18 10.4.1.1.5) and pixel data (10.4.1.1.6): one value, or all of an instance, a series or a study."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from isocenter.dicomweb.accept import EXPLICIT_LITTLE, MULTIPART, OCTETS, Form, NotAcceptable, wanted_syntaxes
from isocenter.dicomweb.answers import Content, Part, Stored, Worked, parts, single, stream, version
from isocenter.dicomweb.exchange import Exchange
from isocenter.dicomweb.wado import frames_at, is_stored, made_frames, negotiated, negotiated_now, send_frames
from isocenter.domain.errors import Missing, TooLarge, Unsupported
from isocenter.service.context import Context
from isocenter.service.retrieve import Bulk, Frames, Retrieval, StoredInstance

PIXEL_DATA = frozenset({"7FE00008", "7FE00009", "7FE00010"})
MOST_PARTS = 200_000  # of one answer

_LEFT_OUT = b'299 - "Some of the bulk data cannot be had in a form that is accepted, and was left out"'


async def bulkdata(context: Context, retrieval: Retrieval, exchange: Exchange) -> None:
    """GET .../instances/{instance}/bulkdata/{path}: one value; compressed pixel data as its frames."""
    path = exchange.parameters
    uids = path["study"], path["series"], path["instance"]
    if path["bulkdata"].upper() in PIXEL_DATA:
        found = await exchange.run(_frames, retrieval, exchange, uids)
        if found is not None and not (found.native and _takes_octets(exchange)):
            form = await negotiated(retrieval, exchange, found, single=found.count == 1)
            return await send_frames(context, retrieval, exchange, found, range(1, found.count + 1), form)
    bulk = await exchange.run(retrieval.bulk, exchange.principal, *uids, path["bulkdata"])
    form = _bulk_form(exchange, bulk.media_type)
    exact = not form.multipart
    known = version("bulkdata", bulk.instance.sha256, path["bulkdata"], form, exact=exact)
    if exchange.knows(known.tag):
        return await exchange.not_modified(known.tag)
    content = _content(retrieval, exchange, bulk)
    if not form.multipart:
        return await single(exchange, content, form.media_type, known)
    await parts(exchange, [Part(form.media_type, content)], known, media_type=form.media_type)


def _frames(retrieval: Retrieval, exchange: Exchange, uids: tuple[str, str, str]) -> Frames | None:
    """The frames; None where there are none, as of an empty value."""
    try:
        return retrieval.frames(exchange.principal, *uids)
    except Missing:
        return None


def _takes_octets(exchange: Exchange) -> bool:
    try:
        _bulk_form(exchange, OCTETS)
    except NotAcceptable:
        return False
    return True


def _content(retrieval: Retrieval, exchange: Exchange, bulk: Bulk) -> Content:
    if bulk.direct:
        return Stored(bulk.file, bulk.ranges)
    return Worked(exchange, bulk.size, lambda: retrieval.read_bulk(bulk))


def _bulk_form(exchange: Exchange, media_type: str) -> Form:
    """Multipart or not, for values that are not compressed pixel data: as what they are (`media_type`), or as bytes."""
    for media_range in exchange.accepted():
        wanted = wanted_syntaxes(media_range)
        if not any(each in ("", "*", EXPLICIT_LITTLE) for each in wanted):
            continue
        for candidate in dict.fromkeys((media_type, OCTETS)):
            if media_range.covers(candidate):
                return Form(media_range.multipart or media_range.name == "*/*", candidate)
    raise NotAcceptable(
        f"This value is answered as {OCTETS}.", where="Accept", hint=f'Accept {OCTETS} or {MULTIPART}; type="{OCTETS}".'
    )


# ---- all of an instance, a series or a study


@dataclass(frozen=True, slots=True)
class _Item:
    """One value that will be sent: with `frames` as these, else as a bulk value."""

    instance: StoredInstance
    path: str
    form: Form
    frames: Frames | None


async def all_bulkdata(context: Context, retrieval: Retrieval, exchange: Exchange) -> None:
    """GET .../bulkdata: every value that the metadata names by BulkDataURI."""
    await _everything(context, retrieval, exchange, pixels=False)


async def pixeldata(context: Context, retrieval: Retrieval, exchange: Exchange) -> None:
    """GET .../pixeldata: the pixel data of every instance (of the top level, not of icons)."""
    await _everything(context, retrieval, exchange, pixels=True)


async def _everything(context: Context, retrieval: Retrieval, exchange: Exchange, *, pixels: bool) -> None:
    path = exchange.parameters
    uids = path["study"], path.get("series"), path.get("instance")
    found = await exchange.run(retrieval.instances, exchange.principal, *uids)
    items, left_out = await exchange.run(_plan, retrieval, exchange, found, pixels)
    if not items and left_out:
        raise NotAcceptable("None of the bulk data can be had in a form that is accepted.", where="Accept",
                            hint=f'Accept {MULTIPART}; type="{OCTETS}"; transfer-syntax=*.')
    if not items:
        raise Missing("There is no pixel data." if pixels else "There is no bulk data: the metadata has every value.")
    facts = [(item.instance.sha256, item.path, item.form) for item in items]
    known = version("all", pixels, *facts, more=((b"warning", _LEFT_OUT),) if left_out else ())
    if exchange.knows(known.tag):
        return await exchange.not_modified(known.tag)
    coming = _coming(context, retrieval, exchange, items)
    await stream(exchange, coming, known, media_type=items[0].form.media_type, status=206 if left_out else 200)


def _plan(
    retrieval: Retrieval, exchange: Exchange, found: Sequence[StoredInstance], pixels: bool
) -> tuple[list[_Item], int]:
    """What will be sent, and how many values cannot be had in an accepted form."""
    items: list[_Item] = []
    left_out = 0
    for instance in found:
        for path in retrieval.bulk_paths(instance, pixels=pixels):
            try:
                items.append(_item(retrieval, exchange, instance, path))
            except (NotAcceptable, Unsupported):
                left_out += 1
            if len(items) > MOST_PARTS:
                raise TooLarge(f"There are more than {MOST_PARTS} values.", hint="Ask for one series or instance at a time.")
    return items, left_out


def _item(retrieval: Retrieval, exchange: Exchange, instance: StoredInstance, path: str) -> _Item:
    uids = instance.study_instance_uid, instance.series_instance_uid, instance.sop_instance_uid
    frames = _frames(retrieval, exchange, uids) if path in PIXEL_DATA else None
    if frames is not None and not (frames.native and _takes_octets(exchange)):
        return _Item(instance, path, negotiated_now(retrieval, exchange, frames, single=False), frames)
    media_type = retrieval.bulk_of(instance, path).media_type
    form = _bulk_form(exchange, media_type)
    return _Item(instance, path, Form(True, form.media_type), None)


async def _coming(
    context: Context, retrieval: Retrieval, exchange: Exchange, items: Sequence[_Item]
) -> AsyncIterator[Part]:
    for item in items:
        at = item.instance
        where = f"{exchange.base}/studies/{at.study_instance_uid}/series/{at.series_instance_uid}/instances/{at.sop_instance_uid}"
        location = f"{where}/bulkdata/{item.path}"
        if item.frames is None:
            bulk = await exchange.run(retrieval.bulk_of, at, item.path)
            yield Part(item.form.media_type, _content(retrieval, exchange, bulk), location)
        elif is_stored(item.frames, item.form) and item.frames.table is not None:
            for content in frames_at(item.frames, range(1, item.frames.count + 1)):
                yield Part(item.form.label, content, location)
        else:
            numbers = range(1, item.frames.count + 1)
            async for part in made_frames(context, retrieval, exchange, item.frames, numbers, item.form, location):
                yield part
