"""Rendered and thumbnail resources (PS3.18 10.4.1.1.3, 10.4.1.1.4): what a browser shows without knowing DICOM."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import TypeVar

from isocenter.dicom import syntaxes
from isocenter.dicom.elements import Malformed
from isocenter.dicom.rendered import Rendering
from isocenter.dicomweb import render_parameters
from isocenter.dicomweb.answers import Bytes, Part, Stored, Version, Worked, ahead, single, stream, version
from isocenter.dicomweb.exchange import Exchange
from isocenter.dicomweb.render_parameters import GIF, JP2, JPEG, MP4, MPEG, PICTURES, PNG, check_profile, choose
from isocenter.dicomweb.wado import frame_numbers
from isocenter.domain.errors import Broken, Busy, Invalid, Kind, Unsupported
from isocenter.service import rendering
from isocenter.service.rendering import Category, Film, Films, Picture, Renderer, Video
from isocenter.service.retrieve import StoredInstance

T = TypeVar("T")

FILM_AS_GIF = 100  # frames up to which a film is a GIF when the client leaves the choice to us; longer ones are MP4

_AT_WORK = 3  # pictures of one answer that are drawn at once
_PATIENCE = 600
# Stored documents may hold scripts: they are shown, in an origin of their own, and may do nothing.
_SANDBOX = (b"content-security-policy", b"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:")
_VISIBLE = (Category.IMAGE, Category.VIDEO)
_PAGES = (Category.DOCUMENT, Category.REPORT)


def told(*facts: object, exact: bool = False, warnings: Sequence[str] = ()) -> Version:
    """The version of an answer, with its warnings (PS3.18 8.3.5.1.1)."""
    more = tuple((b"warning", f'299 isocenter "{text}"'.encode("ascii", "replace")) for text in warnings)
    return version("rendered", *facts, exact=exact, more=more)


async def made(exchange: Exchange, start: Callable[..., "Future[T]"], *arguments: object) -> T:
    """What a future of the pool brings; it is begun in a thread, since files are read first."""
    future = await exchange.run(start, *arguments)
    try:
        return await asyncio.wrap_future(future)
    except Malformed as error:
        raise rendering.fault(error) from None


async def draw(renderer: Renderer, exchange: Exchange, picture: Picture) -> bytes:
    """The file of a picture, from the cache when it has been drawn before. Raises Missing, Invalid, Unsupported, Broken, Busy."""
    data = await exchange.run(renderer.kept, picture)
    if data is None:
        data = await made(exchange, renderer.start, picture)
        await exchange.run(renderer.keep, picture, data)
    return data


# ---- thumbnails


async def thumbnail(renderer: Renderer, films: Films, exchange: Exchange) -> None:
    """GET .../thumbnail at every level: one small picture, without anything that tells whose it is."""
    asked = render_parameters.thumbnail_parameters(exchange.query())
    media_type, _ = choose(exchange.accepted(), PICTURES)
    path = exchange.parameters
    uids = path["study"], path.get("series"), path.get("instance")
    found = await exchange.run(renderer.retrieval.instances, exchange.principal, *uids)
    instance = rendering.representative(found)
    if instance is None or rendering.category(instance) not in _VISIBLE or not rendering.decodable(instance):
        known = told("card", instance.sha256 if instance else "", asked, media_type)
        if exchange.knows(known.tag):
            return await exchange.not_modified(known.tag)
        card = await made(exchange, renderer.card, instance, asked, media_type)
        return await single(exchange, Bytes(card), media_type, known)
    number = frame_numbers(path["frames"])[0] if "frames" in path else await exchange.run(renderer.middle, instance)
    await send_picture(renderer, exchange, Picture(instance, number, asked, media_type))


# ---- rendered


async def rendered(renderer: Renderer, films: Films, exchange: Exchange) -> None:
    """GET .../rendered at every level."""
    path = exchange.parameters
    uids = path["study"], path.get("series"), path.get("instance")
    found = await exchange.run(renderer.retrieval.instances, exchange.principal, *uids)
    visible = [instance for instance in found if rendering.category(instance) in _VISIBLE]
    if len(visible) > 1:  # one that is not drawn must not cost all the others
        visible = [instance for instance in visible if rendering.decodable(instance)] or visible[:1]
    if visible:
        return await _send_visible(renderer, films, exchange, visible, len(found) - len(visible))
    if len(found) == 1 and rendering.category(found[0]) is Category.STATE and "frames" not in path:
        return await _send_state(renderer, exchange, found[0])
    pages = [instance for instance in found if rendering.category(instance) in _PAGES]
    if not pages or "frames" in path:
        raise Unsupported("There is nothing here that can be shown.", hint="Retrieve the objects as they are stored.")
    await _send_pages(renderer, exchange, pages)


async def _send_visible(
    renderer: Renderer, films: Films, exchange: Exchange, visible: Sequence[StoredInstance], others: int
) -> None:
    asked = render_parameters.parameters(exchange.query())
    numbers = frame_numbers(exchange.parameters["frames"]) if "frames" in exchange.parameters else None
    pictures = [
        (instance, number)
        for instance in visible
        for number in (numbers or range(1, rendering.frame_count(instance) + 1))
    ]  # fmt: skip
    small = await exchange.run(_fits_a_gif, renderer, visible[0], asked.rendering) if len(visible) == 1 else True
    media_type, parts = choose(exchange.accepted(), _offers(exchange, visible, len(pictures), small))
    check_profile(asked.rendering, media_type)
    warnings = [asked.warning] if asked.warning else []
    wanted = [Picture(instance, number, asked.rendering, media_type) for instance, number in pictures]
    if others:
        warnings.append(f"{others} objects that cannot be shown as pictures are left out")
    if media_type in (MP4, MPEG) or (media_type == GIF and len(wanted) > 1 and not parts):
        return await send_film(films, renderer, exchange, visible, wanted, media_type, warnings)
    if not parts and len(wanted) > 1 and not _everything(exchange, visible):
        instance = rendering.representative(visible) or visible[0]
        number = await exchange.run(renderer.middle, instance)
        warnings.append(f"This is one of {len(wanted)} pictures; accept multipart/related for all of them")
        wanted = [Picture(instance, number, asked.rendering, media_type)]
    if not parts and len(wanted) == 1:
        return await send_picture(renderer, exchange, wanted[0], warnings)
    await _send_parts(renderer, exchange, wanted, media_type, warnings)


def _everything(exchange: Exchange, visible: Sequence[StoredInstance]) -> bool:
    """Whether the client leaves the form to us, of a series or study: then it gets all pictures (PS3.18 8.7.1)."""
    best = exchange.accepted()[0].name if exchange.accepted() else "*/*"
    return best == "*/*" and (len(visible) > 1 or "frames" in exchange.parameters)


def _fits_a_gif(renderer: Renderer, instance: StoredInstance, asked: Rendering) -> bool:
    width, height = renderer.size(instance)
    if asked.viewport is not None:
        width, height = asked.viewport.width, asked.viewport.height
    count = rendering.frame_count(instance)
    return count <= FILM_AS_GIF and width * height * count <= rendering.MOST_PIXELS[GIF]


def _offers(exchange: Exchange, visible: Sequence[StoredInstance], count: int, small: bool) -> Sequence[str]:
    """What can be made, the most fitting first. A film of a study would mix what does not belong together."""
    syntax = syntaxes.get(visible[0].transfer_syntax_uid)
    if len(visible) == 1 and "frames" not in exchange.parameters:
        if syntax is not None and syntax.video:
            return (MPEG, MP4, JPEG, PNG, JP2) if syntax.media_type == MPEG else (MP4, JPEG, PNG, JP2)
        if rendering.is_film(visible[0]):
            return (GIF, MP4, JPEG, PNG, JP2) if small else (MP4, GIF, JPEG, PNG, JP2)
    if count > 1 and "series" in exchange.parameters and not any(map(_is_video, visible)):
        return (*PICTURES, MP4)
    return PICTURES


def _is_video(instance: StoredInstance) -> bool:
    return rendering.category(instance) is Category.VIDEO


async def send_film(
    films: Films, renderer: Renderer, exchange: Exchange, visible: Sequence[StoredInstance], pictures: Sequence[Picture],
    media_type: str, warnings: Sequence[str],
) -> None:
    """Pictures one after the other, or a video as it is stored or as MP4."""
    asked = pictures[0].asked
    if _is_video(visible[0]):
        if media_type == MPEG:
            return await _send_stream(renderer, exchange, visible[0])
        wanted: Film | Video = Video(visible[0], asked)
    else:
        wanted = Film(tuple(pictures), asked, media_type)
    known = told(wanted.key, exact=True, warnings=warnings)
    if exchange.knows(known.tag):
        return await exchange.not_modified(known.tag)
    file = await exchange.run(films.kept, wanted)
    if file is None:
        file = await made(exchange, films.start, wanted)
    with file:
        await single(exchange, Stored(file, ((0, file.size),)), media_type, known)


async def _send_stream(renderer: Renderer, exchange: Exchange, instance: StoredInstance) -> None:
    """A video as it is stored."""
    file, header = await exchange.run(renderer.header, instance)
    places = [place for frame in header.frames or () for place in frame]
    known = told("stream", instance.sha256, exact=True)
    if exchange.knows(known.tag):
        return await exchange.not_modified(known.tag)
    await single(exchange, Stored(file, places), MPEG, known)


async def send_picture(renderer: Renderer, exchange: Exchange, picture: Picture, warnings: Sequence[str] = ()) -> None:
    """One picture as a single part."""
    known = told(picture.key, warnings=warnings)
    if exchange.knows(known.tag):
        return await exchange.not_modified(known.tag)
    await single(exchange, Bytes(await draw(renderer, exchange, picture)), picture.media_type, known)


async def _send_parts(
    renderer: Renderer, exchange: Exchange, pictures: Sequence[Picture], media_type: str, warnings: Sequence[str]
) -> None:
    known = told(*(picture.key for picture in pictures), warnings=warnings)
    if exchange.knows(known.tag):
        return await exchange.not_modified(known.tag)

    async def part(picture: Picture) -> Part:
        found = picture.instance
        where = f"{exchange.base}/studies/{found.study_instance_uid}/series/{found.series_instance_uid}" \
                f"/instances/{found.sop_instance_uid}/frames/{picture.number}/rendered"  # fmt: skip
        try:
            data = await patiently(lambda: draw(renderer, exchange, picture))
        except (Broken, Unsupported) as error:
            if error.kind is Kind.AWAY:
                raise
            # A damaged frame must not cost all the others; nobody takes the card for an image.
            data = await patiently(lambda: made(exchange, renderer.damaged, picture))
        return Part(media_type, Bytes(data), where)

    await stream(exchange, ahead(_AT_WORK, (partial(part, picture) for picture in pictures)), known, media_type=media_type)


async def patiently(draw: Callable[[], Awaitable[T]]) -> T:
    """What is made for an answer that has begun: it waits for its turn where it would be told to come again."""
    for _ in range(_PATIENCE):
        try:
            return await draw()
        except Busy as busy:
            await asyncio.sleep(min(busy.retry_after, 1))
    return await draw()


# ---- presentation states


async def _send_state(renderer: Renderer, exchange: Exchange, state: StoredInstance) -> None:
    """The images of a presentation state as it shows them (PS3.18 8.3.5.1.3, 8.3.5.1.4: neither region nor window)."""
    asked = render_parameters.parameters(exchange.query())
    if asked.rendering.window is not None or asked.rendering.region is not None:
        where = "window" if asked.rendering.window is not None else "viewport"
        raise Invalid("A presentation state has its own window and area.", where=where, hint="Give viewport=vw,vh at most.")
    media_type, parts = choose(exchange.accepted(), PICTURES)
    check_profile(asked.rendering, media_type)
    pictures = []
    for series_uid, sop_uid, _ in await exchange.run(renderer.references, state):
        found = await exchange.run(
            renderer.retrieval.instances, exchange.principal, state.study_instance_uid, series_uid, sop_uid
        )
        for instance in found:
            numbers = await exchange.run(renderer.shown_by, state, instance)
            pictures += [Picture(instance, number, asked.rendering, media_type, state) for number in numbers]
    warnings = [asked.warning] if asked.warning else []
    if not pictures:
        raise Unsupported("The presentation state names no image.", where="ReferencedSeriesSequence")
    if len(pictures) == 1 and not parts:
        return await send_picture(renderer, exchange, pictures[0], warnings)
    await _send_parts(renderer, exchange, pictures, media_type, warnings)


# ---- documents


async def _send_pages(renderer: Renderer, exchange: Exchange, pages: Sequence[StoredInstance]) -> None:
    offers = await exchange.run(rendering.document_types, renderer, pages[0])
    media_type, parts = choose(exchange.accepted(), offers)
    if len(pages) > 1 or parts:
        raise Unsupported("Documents are shown one by one.", hint="Ask for .../instances/{instance}/rendered.")
    await send_page(renderer, exchange, pages[0], media_type)


async def send_page(renderer: Renderer, exchange: Exchange, instance: StoredInstance, media_type: str) -> None:
    """A document or report as one of its media types."""
    safe = () if media_type == "application/pdf" else (_SANDBOX,)
    known = told("page", instance.sha256, media_type, exact=True)
    if exchange.knows(known.tag):
        return await exchange.not_modified(known.tag)
    page = await exchange.run(rendering.document, renderer, instance, media_type)
    content = Worked(exchange, page.size, page.pieces)
    await single(exchange, content, page.media_type, replace(known, more=safe))
