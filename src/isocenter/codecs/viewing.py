"""Copies for viewing: every frame once more as lossless High-Throughput JPEG 2000 in RPCL order, each compared with its original.

A copy is its codestreams one after the other and no DICOM object; all else about the instance stays with the original.
"""

import json
import os
from dataclasses import asdict, dataclass, field

from isocenter.codecs import codestream, decoding, encoding, objects, transcoding
from isocenter.codecs.objects import Object
from isocenter.dicom import syntaxes
from isocenter.dicom.elements import Malformed
from isocenter.dicom.source import FileSource

SYNTAX = syntaxes.HTJ2K_LOSSLESS_RPCL
AT_ONCE = 64 << 20  # bytes of native frames in one call of `part`: a second or less
_FAMILY = SYNTAX.rpartition(".")[0] + ".20"  # High-Throughput JPEG 2000 in all its transfer syntaxes


@dataclass(slots=True)
class Part:
    """Some frames of a copy, the next ones in order.

    unsuitable: why there is none. wrong: a frame decodes to other pixels than its original, so a codec errs; counted from 1.
    lengths: bytes of each frame; prefixes: of each the ends of its resolutions but the full one. frames: of the whole instance.
    """

    unsuitable: str = ""
    wrong: int = 0
    rows: int = 0
    columns: int = 0
    frames: int = 0
    decompositions: int = 0
    lengths: list[int] = field(default_factory=list)
    prefixes: list[int] = field(default_factory=list)


def unsuitable(given: Object) -> str:
    """Why there is no sense in a copy, or no way to one; "" when there is."""
    stored = syntaxes.get(given.header.transfer_syntax_uid)
    if stored is None or stored.uid.startswith(_FAMILY):
        return "it is stored so already" if stored else "its transfer syntax is not known"
    if stored.lossy:
        return "it is smaller as it is"
    return "" if objects.possible(given, SYNTAX) else "its pixels have no such form"


def part(source: int, into: int, first: int) -> bytes:
    """Append to `into` the copies of frames from `first` on (counted from 0), of AT_ONCE native bytes; a Part as JSON.

    source, into: descriptors, of a Part 10 file and of the copy; for the pool. Raises Malformed, OSError.
    """
    given = objects.read(FileSource(source))
    reason = unsuitable(given)
    return json.dumps(asdict(Part(unsuitable=reason) if reason else copied(given, into, first))).encode()


def copied(given: Object, into: int, first: int) -> Part:
    """The same of an object that is not `unsuitable`."""
    layout = given.layout
    made = Part(rows=layout.rows, columns=layout.columns, frames=objects.count(given),
                decompositions=encoding.decompositions(layout.rows, layout.columns))
    taken = 0
    for frame, as_it_is in transcoding.native_frames(given, first):
        coded = encoding.encode(SYNTAX, frame, as_it_is)
        if decoding.decode(SYNTAX, coded, as_it_is).data != frame:
            made.wrong = first + len(made.lengths) + 1
            break
        *smaller, end = codestream.resolutions(coded)
        if end != len(coded) or len(smaller) != made.decompositions:
            raise Malformed("the encoder wrote no resolutions", "PixelData")
        _write(into, coded)
        made.lengths.append(len(coded))
        made.prefixes.extend(smaller)
        taken += len(frame)
        if taken >= AT_ONCE:
            break
    return made


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
