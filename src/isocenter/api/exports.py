"""What leaves on paper, as pictures, films and files: asked and noted."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from isocenter.api.endpoint import Call, Endpoint, Parameter
from isocenter.api.schema import array, boolean, integer, obj, text
from isocenter.dicom.rendered import ANNOTATIONS, FUNCTIONS, MAX_SIDE, Window
from isocenter.domain.access import Permission, require
from isocenter.domain.errors import Invalid, Kind, TooLarge
from isocenter.service import exports, rendering
from isocenter.service.context import Context
from isocenter.service.exports import Export
from isocenter.service.rendering import Film, Films, Graphic, Reel, Renderer, Take
from isocenter.service.retrieve import OpenFile, Retrieval

_UID = Parameter("uid", "Study Instance UID", text(maxLength=128), "path", True)
_MOST = 1_000_000


def _note(call: Call) -> Any:
    body = call.body
    wanted = Export(
        body["form"], body["count"], body.get("series", ()), body.get("drawings", False), body.get("patient", False),
        body.get("deidentified", False),
    )  # fmt: skip
    exports.note(call.context, call.principal, call.path["uid"], wanted)


# ---- films

_PIECE = 1 << 20
_LARGEST = 4 << 20  # bytes of a request: outlines on some hundred images
_MOST_FRAMES = 3000


class _Studio:
    """Who makes films in this process."""

    made: "tuple[Context, Renderer, Films] | None" = None

    @classmethod
    def of(cls, context: Context) -> tuple[Renderer, Films]:
        """Made when first wanted."""
        if cls.made is None or cls.made[0] is not context:
            renderer = Renderer(context, Retrieval(context))
            cls.made = context, renderer, Films(renderer)
        return cls.made[1:]


def _take(body: Any) -> Take:
    drawn: dict[tuple[str, int], list[Graphic]] = {}
    for item in body.get("drawn", ()):
        drawn.setdefault((item["instance"], item["frame"]), []).append(rendering.graphic(item))
    window, area = body.get("window"), body.get("area")
    if window is not None and window["width"] < (1 if window["function"] == "linear" else 1e-9):
        raise Invalid("the width of a window is at least 1", where="window")
    if area is not None and len(area) != 4:
        raise Invalid("an area is left, top, right and bottom", where="area")
    images = [(image["instance"], image["frames"]) for image in body["images"]]
    if sum(len(frames) for _, frames in images) > _MOST_FRAMES:
        raise Invalid(f"a film has at most {_MOST_FRAMES} frames", where="images")
    return Take(
        body["series"], images, body["width"], body["height"], body["rate"],
        Window(window["center"], window["width"], FUNCTIONS[window["function"]]) if window else None,
        body.get("inverted", False), body.get("rotation", 0), body.get("flipped", False), tuple(area) if area else None,
        tuple(word for word in ANNOTATIONS if word in body.get("annotation", ())), drawn,
    )  # fmt: skip


def _begun(call: Call) -> tuple[Film, OpenFile | None]:
    """The film that is wanted, noted as an export, and its file when it was made before."""
    require(call.principal, Permission.STUDY_EXPORT)
    renderer, films = _Studio.of(call.context)
    wanted = rendering.film(renderer, call.principal, call.path["uid"], _take(call.body))
    export = Export(
        "film", len(wanted.pictures), (call.body["series"],), bool(call.body.get("drawn")),
        "patient" in wanted.asked.annotations,
    )  # fmt: skip
    exports.note(call.context, call.principal, call.path["uid"], export)
    return wanted, films.kept(wanted)


async def _film(request: Request, call: Call) -> Response:
    wanted, file = await anyio.to_thread.run_sync(partial(_begun, call))
    if file is None:
        _, films = _Studio.of(call.context)
        file = await asyncio.wrap_future(films.start(wanted))
    return _sent(file)


_MOST_BYTES = 1 << 30  # of the pictures of one film


async def _reel(request: Request, call: Call) -> Response:
    """The pictures go into a file while they come; asked and noted before the first is read."""
    query = call.query
    series = (query["series"],) if "series" in query else ()
    export = Export("film", query.get("count", 1), series, query.get("drawings") == 1, query.get("patient") == 1)
    await anyio.to_thread.run_sync(exports.note, call.context, call.principal, call.path["uid"], export)
    with call.context.scratch(_MOST_BYTES) as pictures:
        size = 0
        async for piece in request.stream():
            size += len(piece)
            if size > _MOST_BYTES:
                raise TooLarge("the pictures of a film have a gigabyte at most", hint="Take fewer images, or a smaller picture.")
            await anyio.to_thread.run_sync(pictures.write, piece)
        pictures.flush()
        _, films = _Studio.of(call.context)
        file = await asyncio.wrap_future(films.start(Reel(pictures, 1000 / query.get("rate", 10))))
    return _sent(file)


def _sent(file: OpenFile) -> Response:
    about = {"Content-Disposition": "attachment; filename=film.mp4", "Content-Length": str(file.size)}
    return StreamingResponse(_pieces(file), media_type="video/mp4", headers={**about, "Cache-Control": "no-store"})


async def _pieces(file: OpenFile) -> AsyncIterator[bytes]:
    offset = 0
    with file:
        while piece := await anyio.to_thread.run_sync(file.read_at, offset, _PIECE):
            offset += len(piece)
            yield piece


_NUMBER = {"type": "number"}

ENDPOINTS = (
    Endpoint(
        method="POST", path="/studies/{uid}/exports", tag="exports", needs=Permission.STUDY_EXPORT, linked=True, run=_note,
        summary="Ask to take something away, and have it noted",
        description="Who makes pictures, prints or files of a study for people asks before handing them out; the change log has "
        "a row (study.exported) when this is answered.",
        parameters=(_UID,),
        body=obj({
            "form": text(enum=list(exports.FORMS)), "count": integer("pictures or objects", minimum=1, maximum=_MOST),
            "series": array(text(maxLength=64)), "drawings": boolean("with what was drawn"),
            "patient": boolean("with words that name the patient"), "deidentified": boolean(),
        }, "series", "drawings", "patient", "deidentified"),
        status=204, errors=(Kind.MISSING,),
    ),
    Endpoint(
        method="POST", path="/studies/{uid}/films", tag="exports", needs=Permission.STUDY_EXPORT, linked=True, respond=_film,
        summary="A film of images as a viewer shows them, as MP4",
        description="Frames in the order in which they are named, in one window, turn and part of the picture; what was drawn "
        "on them is burned in. The change log has a row (study.exported) before the film is made.",
        parameters=(_UID,), largest=_LARGEST,
        body=obj({
            "series": text("Series Instance UID", maxLength=64),
            "images": array(obj({"instance": text("SOP Instance UID", maxLength=64), "frames": array(integer(minimum=1))})),
            "width": integer("pixels at most", minimum=16, maximum=MAX_SIDE), "height": integer(minimum=16, maximum=MAX_SIDE),
            "rate": {"type": "number", "minimum": 0.2, "maximum": 120, "description": "frames a second"},
            "window": obj({"center": _NUMBER, "width": _NUMBER, "function": text(enum=list(FUNCTIONS))}),
            "inverted": boolean("otherwise than the object says"),
            "rotation": integer("clockwise, before the flip", enum=[0, 90, 180, 270]), "flipped": boolean(),
            "area": array(_NUMBER, "left, top, right, bottom in pixels of the image"),
            "annotation": array(text(enum=list(ANNOTATIONS))),
            "drawn": array(obj({
                "instance": text(maxLength=64), "frame": integer(minimum=1), "kind": text(enum=["POLYLINE", "POINT", "TEXT"]),
                "points": array(_NUMBER, "x, y one after the other, in pixels from the top left corner"), "text": text(),
            }, "text")),
        }, "window", "inverted", "rotation", "flipped", "area", "annotation", "drawn"),
        answer={"type": "string", "format": "binary"}, answer_type="video/mp4", errors=(Kind.MISSING, Kind.NO_SPACE),
    ),
    Endpoint(
        method="POST", path="/studies/{uid}/films/pictures", tag="exports", needs=Permission.STUDY_EXPORT,
        linked=True, respond=_reel,
        summary="A film of pictures that the viewer has drawn, as MP4",
        description="JPEG files of one size, each behind its length as four bytes, the highest first. The change log has a row "
        "(study.exported) before they are read.",
        parameters=(
            _UID, Parameter("series", "Series Instance UID", text(maxLength=64)),
            Parameter("count", "pictures", integer("1 when nobody says", minimum=1, maximum=_MOST_FRAMES)),
            Parameter("rate", "frames a second", integer("10 when nobody says", minimum=1, maximum=60)),
            Parameter("drawings", "1: with what was drawn", integer(minimum=0, maximum=1)),
            Parameter("patient", "1: with words that name the patient", integer(minimum=0, maximum=1)),
        ),
        body={"type": "string", "format": "binary"}, body_type="application/octet-stream",
        answer={"type": "string", "format": "binary"}, answer_type="video/mp4", errors=(Kind.MISSING, Kind.NO_SPACE),
    ),
)  # fmt: skip
