"""What a video file says of itself, and QuickTime's container made MP4's: nothing is decoded, nothing is lost.

ffmpeg (PyAV) reads the container. Its functions are for a worker of the pool: they take a descriptor and return bytes.
"""

import json
import os
from dataclasses import asdict, dataclass
from io import RawIOBase
from typing import Any

from isocenter.dicom.elements import Malformed

_UID = "1.2.840.10008.1.2.4."
_METHODS = {"mpeg2video": "ISO_13818_2", "h264": "ISO_14496_10", "hevc": "ISO_23008_2"}  # PS3.3 C.7.6.1.1.5.1
_CONTAINERS = frozenset({"mov", "mp4", "mpegts", "mpeg", "h264", "hevc", "mpegvideo"})
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Video:
    """A video as DICOM describes it. rate: frames a second. bits: of a sample.

    quick_time: its container is QuickTime's, which is none of PS3.5 8.2.5 to 8.2.8.
    """

    rows: int
    columns: int
    frames: int
    rate: float
    bits: int
    transfer_syntax: str
    method: str
    quick_time: bool


class _Part(RawIOBase):
    """Some of a file, to be read like a file."""

    def __init__(self, fd: int, offset: int, size: int) -> None:
        self._fd, self._offset, self._size, self._at = fd, offset, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, length: int = -1) -> bytes:
        left = max(0, self._size - self._at)
        data = os.pread(self._fd, left if length < 0 else min(length, left), self._offset + self._at)
        self._at += len(data)
        return data


def look(fd: int, offset: int, size: int) -> bytes:
    """What the video in these bytes of a file is, for `looked_at`. Raises Malformed: no video, or of a kind DICOM has not."""
    with _opened(fd, offset, size) as container:
        stream = container.streams.video[0]
        codec = stream.codec_context
        if codec.name not in _METHODS:
            raise Malformed(f"{codec.name} is no video of DICOM: MPEG-2, H.264 and H.265 are", "TransferSyntaxUID")
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        bits = 10 if "10" in (codec.pix_fmt or "") else 8
        found = Video(
            rows=codec.height, columns=codec.width, frames=_frames(container, stream, rate), rate=rate, bits=bits,
            transfer_syntax=_syntax(codec, rate, size), method=_METHODS[codec.name],
            quick_time=container.format.name.startswith("mov") and _is_quick_time(os.pread(fd, 12, offset)),
        )  # fmt: skip
    if not (found.rows and found.columns and found.frames and found.rate):
        raise Malformed("the video does not say how large or how long it is", "PixelData")
    return json.dumps(asdict(found)).encode()


def looked_at(found: bytes) -> Video:
    """What `look` has found."""
    return Video(**json.loads(found))


def as_mp4(fd: int, offset: int, size: int, into: int) -> bytes:
    """The same streams in an MP4 container, written to the descriptor `into`. Returns b"". Raises Malformed."""
    import av

    with _opened(fd, offset, size) as source, os.fdopen(os.dup(into), "w+b") as file, av.open(file, "w", format="mp4") as target:
        kept = [stream for stream in source.streams if stream.type == "video"][:1]
        kept += [stream for stream in source.streams.audio if stream.codec_context.name in ("aac", "mp3", "ac3")][:1]
        copies = {stream.index: target.add_stream_from_template(stream) for stream in kept}
        for packet in source.demux(kept):
            if packet.dts is None:
                continue
            packet.stream = copies[packet.stream.index]
            target.mux(packet)
    return b""


def _opened(fd: int, offset: int, size: int) -> Any:
    import av

    av.logging.set_level(None)
    try:
        container = av.open(_Part(fd, offset, size), "r")
    except Exception as error:  # noqa: BLE001  ffmpeg's errors are many classes
        raise Malformed(f"this is no video that can be read ({type(error).__name__})", "PixelData") from None
    if not container.streams.video or not _CONTAINERS & set(container.format.name.split(",")):
        container.close()
        raise Malformed("this is no MPEG-2, MP4 or QuickTime video", "TransferSyntaxUID")
    return container


def _is_quick_time(head: bytes) -> bool:
    """ISO/IEC 14496-12 4.3: MP4 files say what they are; QuickTime's say "qt", the old ones nothing."""
    return head[4:8] != b"ftyp" or head[8:12] == b"qt  "


def _frames(container: Any, stream: Any, rate: float) -> int:
    """Number of Frames: as the container says, else counted packet by packet."""
    if stream.frames:
        return int(stream.frames)
    return sum(1 for packet in container.demux(stream) if packet.size)


def _syntax(codec: Any, rate: float, size: int) -> str:
    """The transfer syntax that promises no more than the stream needs (PS3.5 8.2.5 to 8.2.9, 10.8 and on)."""
    high_definition = codec.width > 720 or codec.height > 576
    if codec.name == "mpeg2video":
        return _UID + ("101" if high_definition else "100")
    if codec.name == "hevc":
        return _UID + ("108" if "10" in (codec.pix_fmt or "") else "107")
    # Level 4.1 ends at 1920 x 1088 and 245,760 macroblocks a second (ITU-T H.264 Table A-1); the rest is Level 4.2.
    blocks = -(-codec.width // 16) * -(-codec.height // 16)
    return _UID + ("104" if blocks > 8192 or blocks * rate > 245_760 else "102")
