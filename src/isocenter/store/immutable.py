"""Files that nobody can change, rename or remove before the attribute is taken off (ioctl_iflags(2), chattr(1): +i).

To set it or take it off a process needs the capability CAP_LINUX_IMMUTABLE, and the file system must have it (ext4, XFS, btrfs).
"""

import fcntl
import os
import struct
import tempfile
from pathlib import Path

from isocenter.domain.errors import Broken

FS_IOC_GETFLAGS, FS_IOC_SETFLAGS = 0x80086601, 0x40086602
FS_IMMUTABLE_FL = 0x10


def is_set(fd: int) -> bool:
    """Whether a file is immutable; False where there is no such attribute."""
    try:
        return bool(_flags(fd) & FS_IMMUTABLE_FL)
    except OSError:
        return False


def turn(fd: int, on: bool) -> None:
    """Set the attribute, or take it off. Raises OSError."""
    flags = _flags(fd)
    wanted = flags | FS_IMMUTABLE_FL if on else flags & ~FS_IMMUTABLE_FL
    if wanted != flags:
        fcntl.ioctl(fd, FS_IOC_SETFLAGS, struct.pack("l", wanted))


def lift(path: str) -> bool:
    """Take it off a file that is there and has it, for what is to be done to it now. Raises Broken when that may not be."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        if not is_set(fd):
            return False
        turn(fd, False)
        return True
    except OSError as error:
        raise Broken(f"the file is immutable, and this process may not change that: {error.strerror}", where=path,
                     kept="The file is as it was.", hint="Give Isocenter the capability CAP_LINUX_IMMUTABLE.") from error
    finally:
        os.close(fd)


def why_not(folder: Path) -> str:
    """Why files in a folder cannot be made immutable; "" when they can. Tried with a file of its own."""
    try:
        fd, name = tempfile.mkstemp(dir=folder)
    except OSError as error:
        return error.strerror or str(error)
    try:
        turn(fd, True)
        turn(fd, False)
    except OSError as error:
        return error.strerror or str(error)
    finally:
        os.close(fd)
        os.unlink(name)
    return ""


def _flags(fd: int) -> int:
    return int(struct.unpack("l", fcntl.ioctl(fd, FS_IOC_GETFLAGS, struct.pack("l", 0)))[0])
