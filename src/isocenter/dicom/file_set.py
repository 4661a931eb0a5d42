"""The DICOMDIR of a file-set (PS3.10 8, PS3.3 F): which files its records name.

The records are read in the order in which they lie in the file, not along their offsets: a DICOMDIR with wrong offsets, of which
there are many, still names all of its files.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from . import elements
from .elements import Malformed, Window
from .part10 import data_set, scan
from .source import Source

MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"

_RECORDS = 0x00041220  # Directory Record Sequence
_TYPE = 0x00041430
_FILE_ID = 0x00041500
_SOP_INSTANCE = 0x00041511

# PS3.10 8.2: at most 8 components of at most 16 characters; wrong writers exceed that, hostile ones by far.
_LONGEST_VALUE = 1024


@dataclass(frozen=True, slots=True)
class Reference:
    """A file that a record names: the components of its File ID below the folder of the DICOMDIR."""

    components: tuple[str, ...]
    record_type: str
    sop_instance_uid: str


def references(source: Source) -> Iterator[Reference]:
    """Yield every record that names a file. Raises Malformed when the DICOMDIR cannot be read."""
    content, start, encoding = data_set(source, scan(source))
    window = Window(content, start)
    for tag, _, position, length in elements.elements(window, start, content.size, encoding):
        if tag == _RECORDS:
            end = content.size if length == elements.UNDEFINED else position + length
            # The items are walked in a window of their own: this one goes on behind the sequence.
            inner = Window(content, position)
            for begin, stop in elements.items(inner, position, end, encoding):
                # The last record is as long as what is there: writers who leave out elements forget its length.
                found = _record(Window(content, begin), begin, min(stop, end, content.size), encoding)
                if found is not None:
                    yield found


def _record(window: Window, begin: int, end: int, encoding: elements.Encoding) -> Reference | None:
    texts: dict[int, str] = {}
    for tag, _, position, length in elements.elements(window, begin, end, encoding):
        if tag in (_TYPE, _FILE_ID, _SOP_INSTANCE):
            if length > _LONGEST_VALUE:
                raise Malformed("a directory record's value is too long", elements.name(tag))
            texts[tag] = window.take(position, length).decode("latin-1").strip(" \0")
    if not texts.get(_FILE_ID):
        return None
    components = tuple(part.strip() for part in texts[_FILE_ID].split("\\"))
    return Reference(components, texts.get(_TYPE, ""), texts.get(_SOP_INSTANCE, ""))
