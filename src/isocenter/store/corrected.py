"""Stored files as they are seen outside: as they are, or as their study was corrected (`dicom.corrected`)."""

import json

from isocenter.dicom import corrected
from isocenter.dicom.elements import Malformed
from isocenter.domain.errors import Broken
from isocenter.store import open_files
from isocenter.store.blobs import Blobs
from isocenter.store.imaging import Located
from isocenter.store.open_files import OpenFile

SYSTEM = "ISOCENTER"  # Modifying System (0400,0563)


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
    """An open file as it is seen outside: itself, when its study was not corrected. Raises Broken."""
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
