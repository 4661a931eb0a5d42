"""Stored files as they are seen outside: as their study was corrected (`dicom.corrected`), and with a preamble that runs nowhere.

A preamble may be anything (PS3.10 7.1), so also the beginning of a program, which makes a file that is an image and a program
(CVE-2019-11687). What is kept is what came; what leaves has zeros there, unless it is the beginning of a TIFF file.
"""

import json

from isocenter.dicom import corrected
from isocenter.dicom.elements import Malformed
from isocenter.domain.errors import Broken
from isocenter.store import open_files
from isocenter.store.blobs import Blobs
from isocenter.store.imaging import Located
from isocenter.store.open_files import OpenFile

SYSTEM = "ISOCENTER"  # Modifying System (0400,0563)
PREAMBLE, _HEAD = 128, 132
_ZEROS = bytes(PREAMBLE)
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # and BigTIFF: images of slides may be read as either


class HarmlessFile(OpenFile):
    """The bytes of a file with zeros for its preamble. The file below closes itself: others may read it, too."""

    __slots__ = ("_file",)

    def __init__(self, file: OpenFile) -> None:
        super().__init__(None, file.size, file.modified)
        self._file = file

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; fewer only at the end. Raises as the file."""
        data = self._file.read_at(offset, length)
        if not 0 <= offset < PREAMBLE:
            return data
        head = data[:_HEAD] if offset == 0 and len(data) >= _HEAD else self._file.read_at(0, _HEAD)
        if _is_harmless(head):
            return data
        return _ZEROS[offset : offset + len(data)] + data[PREAMBLE - offset :]


def _is_harmless(head: bytes) -> bool:
    return head.startswith((_ZEROS, *_TIFF)) or head[PREAMBLE:] != b"DICM"  # without a preamble these are elements


def _harmless(file: OpenFile) -> OpenFile:
    """The file, or one that hides its preamble. What is read from elsewhere is looked at only when its beginning is read."""
    if file.fd is not None and _is_harmless(file.read_at(0, _HEAD)):
        return file
    return HarmlessFile(file)


class CorrectedFile(OpenFile):
    """The bytes of a corrected object; the original lies under it, and is closed with it."""

    __slots__ = ("_original", "_spliced", "corrected")

    def __init__(self, original: OpenFile, spliced: corrected.Spliced, said: str) -> None:
        super().__init__(None, spliced.size, original.modified)
        self._original = original
        self._spliced = spliced
        self.corrected = said

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; fewer only at the end. Raises as the original."""
        return self._spliced.read_at(offset, length)


def opened(blobs: Blobs, located: Located) -> OpenFile:
    """The file of an instance as it is seen outside. Raises Broken when it is lost or damaged, Busy."""
    return seen(open_files.sound(blobs, located.blob_key, located.size), located)


def seen(file: OpenFile, located: Located) -> OpenFile:
    """An open file as it is seen outside. Raises Broken."""
    file = _harmless(file)
    if not located.corrected:
        return file
    said = json.loads(located.corrected)
    try:
        return CorrectedFile(file, corrected.seen(file, said["patient"], said["at"], SYSTEM), located.corrected)
    except Malformed:
        raise Broken("a stored file is damaged", hint="An administrator should run `isocenter verify`.") from None


def of(file: OpenFile) -> str:
    """What tells what was read from a corrected file from what was read from the stored one; "" for that."""
    return file.corrected if isinstance(file, CorrectedFile) else ""
