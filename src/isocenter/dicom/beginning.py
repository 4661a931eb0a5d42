"""What the first bytes of a file tell, before anything is unpacked, kept or scanned for it."""

import re

from .file_set import MEDIA_STORAGE_DIRECTORY

# The file meta information says within these bytes what the file is: preamble, prefix, and the first few elements (PS3.10 7.1).
LENGTH = 1024
_MAGIC = slice(128, 132)
# A file without the preamble begins with an element of one of the first groups, in either byte order.
_LAST_FIRST_GROUP = 0x0008
_FILE_SET = re.compile(re.escape(MEDIA_STORAGE_DIRECTORY.encode()) + rb"(?![0-9.])")


def has_prefix(head: bytes) -> bool:
    """Whether the DICOM prefix of PS3.10 7.1 is where it belongs."""
    return head[_MAGIC] == b"DICM"


def may_be_dicom(head: bytes) -> bool:
    """Whether a file that begins so is worth a scan, which decides."""
    group = min(int.from_bytes(head[:2], "little"), int.from_bytes(head[:2], "big"))
    return has_prefix(head) or (len(head) >= 8 and group <= _LAST_FIRST_GROUP)


def is_file_set(head: bytes) -> bool:
    """Whether the file meta information says Media Storage Directory: a DICOMDIR, under whatever name."""
    return has_prefix(head) and _FILE_SET.search(head, _MAGIC.stop, LENGTH) is not None
