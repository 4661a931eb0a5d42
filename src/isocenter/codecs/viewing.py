"""Copies for viewing: every frame once more as lossless High-Throughput JPEG 2000 in RPCL order, each compared with its original.

A copy is its codestreams one after the other and no DICOM object; all else about the instance stays with the original.
"""

from array import array
from collections.abc import Callable
from dataclasses import dataclass

from isocenter.codecs import codestream, decoding, encoding, transcoding
from isocenter.codecs.transcoding import Object
from isocenter.dicom import syntaxes
from isocenter.dicom.elements import Malformed
from isocenter.dicom.frames import FrameTable
from isocenter.dicom.resolutions import Resolutions

SYNTAX = syntaxes.HTJ2K_LOSSLESS_RPCL
_FAMILY = SYNTAX.rpartition(".")[0] + ".20"  # High-Throughput JPEG 2000 in all its transfer syntaxes


class NotExact(Exception):
    """A copy's frame decodes to other pixels than its original: a codec is wrong."""


@dataclass(frozen=True, slots=True)
class Copied:
    """Where the frames are in a copy, and where their resolutions end. size: bytes of all."""

    frames: FrameTable
    resolutions: Resolutions
    size: int


def unsuitable(given: Object) -> str:
    """Why there is no sense in a copy, or no way to one; "" when there is."""
    stored = syntaxes.get(given.header.transfer_syntax_uid)
    if stored is None or stored.uid.startswith(_FAMILY):
        return "it is stored so already" if stored else "its transfer syntax is not known"
    if stored.lossy:
        return "it is smaller as it is"
    return "" if transcoding.possible(given, SYNTAX) else "its pixels have no such form"


def copy(given: Object, write: Callable[[bytes], object]) -> Copied:
    """Write the copy of an object that is not `unsuitable`, frame by frame. Raises Malformed, NotExact."""
    offsets, lengths, prefixes, size = array("Q"), array("Q"), array("I"), 0
    levels = encoding.decompositions(given.layout.rows, given.layout.columns)
    for frame, layout in transcoding.native_frames(given):
        coded = encoding.encode(SYNTAX, frame, layout)
        if decoding.decode(SYNTAX, coded, layout).data != frame:
            raise NotExact(f"frame {len(offsets) + 1}")
        *smaller, end = codestream.resolutions(coded)
        if end != len(coded) or len(smaller) != levels:
            raise Malformed("the encoder wrote no resolutions", "PixelData")
        write(coded)
        offsets.append(size)
        lengths.append(len(coded))
        prefixes.extend(smaller)
        size += len(coded)
    resolutions = Resolutions(given.layout.rows, given.layout.columns, levels, prefixes)
    return Copied(FrameTable.encapsulated(offsets, lengths), resolutions, size)
