"""WADO-URI (PS3.18 9): one instance by query parameters, as a picture, film, page, or DICOM file."""

import re
from collections.abc import Mapping, Sequence

from isocenter.dicom import rendered as texts
from isocenter.dicom import syntaxes
from isocenter.dicom.rendered import Rendering, Viewport
from isocenter.dicomweb import rendered, wado
from isocenter.dicomweb.accept import DICOM, MediaRange, NotAcceptable, parse_accept
from isocenter.dicomweb.answers import Stored, single, version
from isocenter.dicomweb.exchange import Exchange
from isocenter.dicomweb.render_parameters import GIF, JPEG, MP4, MPEG, PICTURES, check_profile, choose, read
from isocenter.domain.access import require_files
from isocenter.domain.errors import Invalid, Missing, Unsupported
from isocenter.service import rendering
from isocenter.service.context import Context
from isocenter.service.rendering import Category, Films, Picture, Renderer
from isocenter.service.retrieve import Retrieval, StoredInstance

_UID = re.compile(r"[0-9.]{1,64}")
_KNOWN = frozenset({
    "requestType", "studyUID", "seriesUID", "objectUID", "contentType", "charset", "anonymize", "annotation", "imageAnnotation",
    "transferSyntax", "frameNumber", "imageQuality", "rows", "columns", "region", "windowCenter", "windowWidth",
    "presentationSeriesUID", "presentationUID",
})  # fmt: skip


async def retrieve(context: Context, retrieval: Retrieval, renderer: Renderer, films: Films, exchange: Exchange) -> None:
    """GET /wado?requestType=WADO&studyUID=...&seriesUID=...&objectUID=... Raises Invalid, Missing, NotAcceptable."""
    given = _given(exchange.query())
    if given.get("requestType") != "WADO":
        raise Invalid("This request type is not known.", where="requestType", hint="Write requestType=WADO.")
    uids = [_uid(given, name) for name in ("studyUID", "seriesUID", "objectUID")]
    _not_anonymous(given)
    (instance,) = await exchange.run(retrieval.instances, exchange.principal, *uids)
    ranges = _ranges(given, exchange)
    kind = rendering.category(instance)
    media_type = await _media_type(renderer, exchange, ranges, instance, kind)
    if media_type == DICOM:
        require_files(exchange.principal)
        return await _send_file(context, retrieval, exchange, given, instance)
    if kind in (Category.DOCUMENT, Category.REPORT):
        return await rendered.send_page(renderer, exchange, instance, media_type)
    await _send_picture(retrieval, renderer, films, exchange, given, instance, media_type)


def _not_anonymous(given: Mapping[str, str]) -> None:
    """Refused for pictures and pages, too: names are in annotations, in reports and burned into pixels."""
    if "anonymize" in given:
        if given["anonymize"] != "yes":
            raise Invalid("This value is not known.", where="anonymize", hint="Write anonymize=yes, or leave it out.")
        raise Unsupported("This archive does not anonymize what it sends.", where="anonymize")


def _given(query: Sequence[tuple[str, str]]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in query:
        if name in given and name in _KNOWN:
            raise Invalid("This parameter is given twice.", where=name)
        given[name] = value
    return given


def _uid(given: Mapping[str, str], name: str) -> str:
    uid = given.get(name, "").strip()
    if not _UID.fullmatch(uid):
        raise Invalid("This is no UID." if uid else "This parameter is missing.", where=name)
    return uid


def _ranges(given: Mapping[str, str], exchange: Exchange) -> Sequence[MediaRange]:
    """contentType, before the Accept header (PS3.18 9.1.2.2.1)."""
    if not given.get("contentType", "").strip():
        return exchange.accepted()
    ranges = parse_accept(given["contentType"])
    if any("transfer-syntax" in each.parameters or "charset" in each.parameters for each in ranges):
        raise Invalid("A content type has no parameters here.", where="contentType", hint="There is transferSyntax for it.")
    return ranges


async def _media_type(
    renderer: Renderer, exchange: Exchange, ranges: Sequence[MediaRange], instance: StoredInstance, kind: Category
) -> str:
    offers: Sequence[str] = ()
    if kind in (Category.DOCUMENT, Category.REPORT):
        offers = await exchange.run(rendering.document_types, renderer, instance)
    elif kind is Category.IMAGE:
        offers = (*PICTURES, MP4) if rendering.is_film(instance) else PICTURES
    elif kind is Category.VIDEO:
        stored = syntaxes.get(instance.transfer_syntax_uid)
        offers = (JPEG, *((MPEG,) if stored is not None and stored.media_type == MPEG else ()), MP4, *PICTURES)
    return choose([each for each in ranges if not each.multipart], (*offers, DICOM))[0]


# ---- pictures


async def _send_picture(
    retrieval: Retrieval, renderer: Renderer, films: Films, exchange: Exchange, given: Mapping[str, str],
    instance: StoredInstance, media_type: str,
) -> None:
    asked, unknown = _asked(given)
    check_profile(asked, media_type)
    warnings = [f"The following annotation values are not supported: {', '.join(unknown)}"] if unknown else []
    state = await exchange.run(_state, retrieval, exchange, given) if _with_state(given) else None
    count = rendering.frame_count(instance)
    if "frameNumber" in given:
        number = read("frameNumber", texts.frame, given["frameNumber"])
        if number > count:
            raise Invalid(f"There is no frame {number}.", where="frameNumber", hint=f"The instance has {count}.")
    elif media_type in (MP4, MPEG) or (media_type == GIF and rendering.is_film(instance) and state is None):
        pictures = tuple(Picture(instance, number, asked, media_type) for number in range(1, count + 1))
        return await rendered.send_film(films, renderer, exchange, [instance], pictures, media_type, warnings)
    elif state is not None:
        number = (await exchange.run(renderer.shown_by, state, instance))[0]
    else:
        number = await exchange.run(renderer.middle, instance)
    await rendered.send_picture(renderer, exchange, Picture(instance, number, asked, media_type, state), warnings)


def _asked(given: Mapping[str, str]) -> tuple[Rendering, tuple[str, ...]]:
    """(what is asked, annotations that are not known). Raises Invalid."""
    if ("windowCenter" in given) != ("windowWidth" in given):
        raise Invalid("windowCenter and windowWidth belong together.", where="windowCenter")
    window = None
    if "windowCenter" in given:
        window = read("windowWidth", lambda width: texts.window_of(given["windowCenter"], width), given["windowWidth"])
    sides = [read(name, texts.side, given[name].strip()) if name in given else 0 for name in ("columns", "rows")]
    region = read("region", texts.fraction, given["region"]) if "region" in given else None
    annotation = next((name for name in ("imageAnnotation", "annotation") if name in given), "")
    known, unknown = read(annotation, texts.annotations, given[annotation]) if annotation else ((), ())
    quality = read("imageQuality", texts.quality, given["imageQuality"]) if "imageQuality" in given else texts.DEFAULT_QUALITY
    return Rendering(window, Viewport(*sides) if any(sides) else None, region, known, quality), unknown


def _with_state(given: Mapping[str, str]) -> bool:
    """Whether a presentation state is asked for; PS3.18 9.5.1.2.7 says what goes with it."""
    if "presentationUID" not in given and "presentationSeriesUID" not in given:
        return False
    for name in ("presentationUID", "presentationSeriesUID"):
        _uid(given, name)
    for name in ("windowCenter", "windowWidth", "frameNumber"):
        if name in given:
            raise Invalid("This does not go together with a presentation state.", where=name)
    return True


def _state(retrieval: Retrieval, exchange: Exchange, given: Mapping[str, str]) -> StoredInstance:
    try:
        uids = given["studyUID"].strip(), given["presentationSeriesUID"].strip(), given["presentationUID"].strip()
        (state,) = retrieval.instances(exchange.principal, *uids)
    except Missing:
        raise Invalid("There is no such presentation state in this study.", where="presentationUID") from None
    if rendering.category(state) is not Category.STATE:
        raise Invalid("This is no presentation state.", where="presentationUID")
    return state


# ---- files


async def _send_file(
    context: Context, retrieval: Retrieval, exchange: Exchange, given: Mapping[str, str], instance: StoredInstance
) -> None:
    """The object as application/dicom (PS3.18 9.4): in Explicit VR Little Endian unless another transfer syntax is asked for."""
    for name in ("windowCenter", "windowWidth", "presentationUID", "presentationSeriesUID"):
        if name in given:
            raise Invalid(f"This is for pictures, not for {DICOM}.", where=name)
    target = _target(given, instance)
    known = version("uri", instance.sha256, target, exact=target == instance.transfer_syntax_uid)
    if exchange.knows(known.tag):
        return await exchange.not_modified(known.tag)
    if target == instance.transfer_syntax_uid:
        file = await exchange.run(retrieval.open, instance)
    else:
        file = await wado.converted(context, retrieval, exchange, instance, target)
    await single(exchange, Stored(file, ((0, file.size),)), DICOM, known)


def _target(given: Mapping[str, str], instance: StoredInstance) -> str:
    wanted = given.get("transferSyntax", "").strip()
    stored = syntaxes.get(instance.transfer_syntax_uid)
    if "transferSyntax" not in given:
        # PS3.18 9.4.2.4; video has no uncompressed form.
        plain = stored is not None and not stored.video
        return syntaxes.EXPLICIT_VR_LITTLE_ENDIAN if plain else instance.transfer_syntax_uid
    if wanted == "*":
        return instance.transfer_syntax_uid
    if not _UID.fullmatch(wanted):
        raise Invalid("This is no UID.", where="transferSyntax")
    if syntaxes.get(wanted) is None:
        hint = "Give transferSyntax=* for the stored one."
        raise NotAcceptable("This transfer syntax is not known.", where="transferSyntax", hint=hint)
    return wanted
