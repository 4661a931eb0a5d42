"""What was drawn and marked on a study becomes DICOM: SR TID 1500, a presentation state, key objects, through the one door.

The objects are written from what is kept (`service/annotations.py`), so nothing is exported that was not saved.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from isocenter.dicom import composing, part10, syntaxes
from isocenter.dicom.composing import text_of
from isocenter.dicom.elements import Malformed
from isocenter.dicom.view import View
from isocenter.dicom.view import view as view_of
from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Broken, Invalid, Missing, Unsupported
from isocenter.domain.exported import Image, Json, Made, short
from isocenter.domain.imaging import Outcome
from isocenter.domain.key_objects import key_objects
from isocenter.domain.measurement_report import Drawn, drawn, measurement_report
from isocenter.domain.presentation_state import Rescale, presentation_state, shown
from isocenter.service.context import Context
from isocenter.store import imaging
from isocenter.store.imaging import Located

MOST_ITEMS = 2000
Item = Mapping[str, Any]


class Reception(Protocol):
    """What is needed of service.ingest.Reception."""

    def __enter__(self) -> "Reception": ...
    def __exit__(self, *unused: object) -> None: ...
    def write(self, *buffers: bytes) -> None: ...
    def finish(self) -> Outcome: ...


Door = Callable[[], Reception]
"""Opens the door for one object: ingest.begin with everything given."""


def export(
    context: Context, principal: Principal, study_uid: str, items: Sequence[Item], door: Door,
    *, form: str, title: str = "", note: str = "", view: Item | None = None, unseen: Sequence[str] | None = None,
) -> tuple[str, Outcome]:
    """Write one object of kept items (form SR, PR or KO); durable on return. Returns (Series Instance UID, what became of it).
    unseen: what a report says was not looked at (None: nothing of it).

    Raises Forbidden, Missing, Invalid (there is nothing to write), Unsupported, and what the door raises.
    """
    access.require(principal, Permission.STUDY_STORE)
    access.require(principal, Permission.STUDY_READ)
    scope = access.scope(principal, Permission.STUDY_READ)
    held, located = context.database.read(
        lambda connection: (imaging.study_values(connection, study_uid, scope), imaging.locate(connection, study_uid))
    )
    if held is None:
        raise Missing("there is no such study", hint="It may have been removed, or your account may not see it.")
    images = {each.sop_instance_uid: each for each in located}
    made = Made(study_uid, held, principal.name, context.clock().astimezone())
    dataset = _dataset(context, made, images, items[:MOST_ITEMS], form, title, short(note, 1000), view, unseen)
    return text_of(dataset, "0020000E"), _written(dataset, door)


def _dataset(
    context: Context, made: Made, images: Mapping[str, Located], items: Sequence[Item], form: str, title: str, note: str,
    view: Item | None, unseen: Sequence[str] | None,
) -> Json:
    measured = [
        drawn(item, image)
        for item in items
        if item.get("type") == "measurement" and (image := _image(made, images, item.get("frameId"))) is not None
    ]
    if form == "SR":
        if not measured:
            raise Invalid("nothing is drawn on the images of this study", hint="Draw something first.")
        return measurement_report(made, measured, note, unseen)
    if form == "KO":
        found = (_image(made, images, item.get("frameId")) for item in items if item.get("type") == "key")
        marked = [image for image in found if image is not None]
        if not marked:
            raise Invalid("no image of this study is marked", hint="Mark the images that matter first.")
        return key_objects(made, marked, title, note)
    return _presentation(context, made, images, measured, note, view or {})


def _image(made: Made, images: Mapping[str, Located], frame_id: Any) -> Image | None:
    """What a frame id of the viewer (.../studies/S/series/S/instances/I/frames/N) means; None when it is not of this study."""
    parts = str(frame_id).split("/")
    if len(parts) < 8 or parts[-8:-7] != ["studies"] or parts[-7] != made.study_uid or not parts[-1].isdecimal():
        return None
    return _referred(images, parts[-3], int(parts[-1]))


def _referred(images: Mapping[str, Located], sop_uid: str, frame: int) -> Image | None:
    located = images.get(sop_uid)
    if located is None:
        return None
    frames = int(located.number_of_frames) if located.number_of_frames.strip().isdecimal() else 1
    number = frame if frames > 1 else 0
    return Image(located.series_instance_uid, located.sop_class_uid, located.sop_instance_uid, number)


def _presentation(
    context: Context, made: Made, images: Mapping[str, Located], measured: Sequence[Drawn], note: str, view: Item
) -> Json:
    frame = view.get("frame")
    image = _referred(images, str(view.get("instance")), frame if isinstance(frame, int) and frame > 0 else 1)
    if image is None:
        raise Invalid("the view is not of an image of this study", where="view")
    state = shown(view, image)
    rescale, spacing = _pixels(context, images[image.sop_uid])
    state = replace(state, spacing=spacing)
    # A state is for images that are shown alike: those of the series in the viewport.
    found = [each for each in measured if each.image.series_uid == image.series_uid]
    if rescale is not None:
        return presentation_state(made, state, found, note, rescale, b"")
    from isocenter.codecs import profiles  # Pillow: only who needs it

    return presentation_state(made, replace(state, window=None), found, note, None, profiles.profile("srgb"))


def _pixels(context: Context, located: Located) -> tuple[Rescale | None, tuple[float, float] | None]:
    """The modality LUT of an image (None for colour), and its spacing (row, column, mm). Raises Unsupported, Broken."""
    file = context.blobs.open(located.blob_key, located.size)
    try:
        found = view_of(file, part10.scan(file))
        spacing = _pair(_of_frames(found, 0x00289110), 0x00280030) or _pair(found, 0x00181164)
        if found.text(0x00280004) not in ("MONOCHROME1", "MONOCHROME2"):
            return None, spacing
        source = _of_frames(found, 0x00289145)
        if source.item(0x00283000) is not None:
            raise Unsupported("presentations of images with a table as modality LUT are not written",
                              kept="What was drawn is kept.", hint="Save it as a report instead.")  # fmt: skip
        lut = Rescale(source.number(0x00281053, 1.0) or 1.0, source.number(0x00281052), source.text(0x00281054))
        return lut, spacing
    except Malformed as fault:
        raise Broken("a stored file is damaged", where=fault.where, kept="What was drawn is kept.") from None
    finally:
        file.close()


def _of_frames(found: View, macro: int) -> View:
    """Where an attribute of a functional group that all frames share is (PS3.3 C.7.6.16); the data set of a classic image."""
    shared = found.item(0x52009229)
    group = shared.item(macro) if shared is not None else None
    return found if group is None else group


def _pair(found: View, tag: int) -> tuple[float, float] | None:
    numbers = found.numbers(tag)
    return (numbers[0], numbers[1]) if len(numbers) == 2 and min(numbers) > 0 else None


def _written(dataset: Json, door: Door) -> Outcome:
    head = part10.file_meta(text_of(dataset, "00080016"), text_of(dataset, "00080018"), syntaxes.EXPLICIT_VR_LITTLE_ENDIAN)
    with door() as reception:
        reception.write(head)
        for piece in composing.compose(dataset):
            assert isinstance(piece, bytes)  # nothing of ours is bulk data
            reception.write(piece)
        return reception.finish()
