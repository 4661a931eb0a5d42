"""Key Object Selection: the images that matter, with a title (PS3.3 A.35.4, PS3.16 TID 2010)."""

from collections.abc import Sequence

from isocenter.domain.errors import Invalid
from isocenter.domain.exported import (
    Image,
    Json,
    Made,
    attributes,
    code,
    content,
    document,
    evidence,
    header,
    observer,
    reference,
    said,
)

KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"

# CID 7010, what a reader means by it
TITLES = {
    "Of Interest": "113000", "For Referring Provider": "113002", "For Surgery": "113003", "For Teaching": "113004",
    "For Conference": "113005", "For Therapy": "113006", "For Patient": "113007", "For Peer Review": "113008",
    "For Research": "113009", "Best In Set": "113013", "For Printing": "113018", "For Report Attachment": "113020",
}  # fmt: skip


def key_objects(made: Made, images: Sequence[Image], title: str, note: str) -> Json:
    """The document. note: Key Object Description, or "". Raises Invalid for an unknown title."""
    if title not in TITLES:
        raise Invalid("there is no such title of key images", where="title", hint=f"one of {', '.join(TITLES)}")
    described = [said("CONTAINS", code("113012", "DCM", "Key Object Description"), note)] if note else []
    shown = [content("CONTAINS", "IMAGE", None, ReferencedSOPSequence=[reference(image)]) for image in images]
    return {
        **header(made, KEY_OBJECTS, "KO", title, 9300),
        **attributes(ReferencedPerformedProcedureStepSequence=None),
        **evidence(made, images),
        **document(made, code(TITLES[title], "DCM", title), "2010", [*observer(made), *described, *shown]),
    }
