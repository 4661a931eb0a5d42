"""Frames and objects in another transfer syntax, made in the pool of processes and kept in the cache.

Who asks has been allowed to see the object already: what is given here is the object, and how it is read.
"""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from functools import partial

from isocenter.codecs.layout import Layout
from isocenter.dicom.elements import Malformed
from isocenter.domain.errors import NoSpace, Unsupported
from isocenter.service.context import Context
from isocenter.service.pool import Call, Handle
from isocenter.store.imaging import Located
from isocenter.store.open_files import LocalFile, OpenFile

FORMAT = 1  # grows when the same object would be converted into other bytes
_PIECE = 1 << 20

# By name: the codecs are loaded in the processes of the pool only.
_FRAME = "isocenter.codecs.conversion:frame"
_WHOLE = "isocenter.codecs.conversion:whole"


def key(sha256: str, target: str, what: object) -> str:
    """The cache's key of what is made of an object: a new version of the object has another one."""
    return hashlib.sha256(f"{FORMAT} {sha256} {target} {what}".encode()).hexdigest()


def kept_frame(context: Context, located: Located, number: int, target: str) -> bytes | None:
    """A frame that has been made before."""
    fd = context.cache.open(key(located.sha256, target, number))
    if fd is None:
        return None
    with open(fd, "rb") as file:
        return file.read()


def frame(
    context: Context, located: Located, layout: Layout, number: int, target: str, read: Callable[[], bytes]
) -> "Future[bytes]":
    """Frame `number` in the transfer syntax `target`; read: gives it as it is stored, native frames little endian.

    Raises Busy at once; the future Unsupported when it cannot be decoded, Busy, Broken, NoSpace.
    """

    def work(call: Call) -> bytes:
        try:
            data = call(_FRAME, read(), layout, located.transfer_syntax_uid, target)
        except Malformed as fault:
            raise _unreadable(fault) from None
        context.cache.put(key(located.sha256, target, number), (data,))
        return data

    return context.pool.job(work)


def kept_whole(context: Context, located: Located, target: str) -> OpenFile | None:
    """An object that has been made before."""
    fd = context.cache.open(key(located.sha256, target, "whole"))
    return LocalFile(fd) if fd is not None else None


def whole(context: Context, located: Located, target: str, opened: Callable[[], OpenFile]) -> "Future[OpenFile]":
    """The object as a Part 10 file in the transfer syntax `target`; opened: gives its own file. Raises as `frame`."""
    return context.pool.job(partial(_whole, context, located, target, opened))


def _whole(context: Context, located: Located, target: str, opened: Callable[[], OpenFile], call: Call) -> OpenFile:
    try:
        with ExitStack() as stack:
            source = opened()
            handle = Handle(source.fd) if source.fd is not None else Handle(_copied(stack, context, source))
            entry = stack.enter_context(context.cache.writing(key(located.sha256, target, "whole")))
            into = entry.fd if entry is not None else stack.enter_context(context.scratch(located.size)).fileno()
            call(_WHOLE, handle, source.size, target, Handle(into))
            made = LocalFile(os.dup(into))
    except Malformed as fault:
        raise _unreadable(fault) from None
    except OSError as error:
        raise NoSpace("there is no room to convert the object", hint="An administrator should free some space.") from error
    return made


def _copied(stack: ExitStack, context: Context, source: OpenFile) -> int:
    """A local file with the bytes of one that is elsewhere: a codec's process has no way there."""
    file = stack.enter_context(context.scratch(source.size))
    offset = 0
    while piece := source.read_at(offset, _PIECE):
        offset += file.write(piece)
    file.flush()
    return file.fileno()


def _unreadable(fault: Malformed) -> Unsupported:
    return Unsupported(f"the image cannot be converted: {fault.reason}", where=fault.where, hint="Retrieve it as it is stored.")
