"""Frames one after the other: as GIF, as MP4 (H.264), and out of the video streams that are stored as such.

Descriptors are of files the caller owns; frames pass one at a time.
"""

import io
import os
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
from av.video.stream import VideoStream
from PIL import Image

from isocenter.codecs import rendering, samples
from isocenter.codecs.grayscale import extent
from isocenter.codecs.presentation import Presentation
from isocenter.dicom.elements import Malformed
from isocenter.dicom.rendered import Rendering, Viewport

RAW = struct.Struct("<cHH")  # L or C (colour), width, height; the pixels follow
_SHARPEST, _COARSEST = 12, 38  # constant rate factors of x264 for quality 100 and 1


def raw(data: bytes, shown: Presentation, asked: Rendering, colour: bool, width: int, height: int) -> bytes:
    """A frame as RAW. width, height: of the film, 0 while its first frame decides; others are fitted in. Raises Malformed."""
    image = rendering.drawn(data, shown, asked if not width else replace(asked, viewport=Viewport(width, height)))
    if (colour or image.mode != "L") and image.mode != "RGB":
        image = image.convert("RGB")
    if width and image.size != (width, height):
        canvas = Image.new(image.mode, (width, height))
        canvas.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
        image = canvas
    return RAW.pack(b"L" if image.mode == "L" else b"C", *image.size) + image.tobytes()


def ends(data: bytes, shown: Presentation) -> bytes:
    """Between which values this frame is shown when no window says it: two doubles; empty for colour. Raises Malformed."""
    values, _ = samples.samples(data, shown)
    return struct.pack("<2d", *extent(values, shown)) if values.ndim == 2 else b""


def gif(source: int, target: int, mode: str, width: int, height: int, milliseconds: float, quality: int) -> bytes:
    """Write the frames in `source` (pixels of one size and mode, L or RGB) as a GIF that repeats."""
    frames = _frames(source, mode, width, height)
    first = next(frames)
    # Browsers take less than 20 ms for a mistake and show such films at 10 frames a second.
    pause = max(20, round(milliseconds / 10) * 10)
    with os.fdopen(os.dup(target), "wb") as out:
        first.save(out, "GIF", save_all=True, append_images=frames, duration=pause, loop=0, optimize=False)
    return b""


def mp4(source: int, target: int, mode: str, width: int, height: int, milliseconds: float, quality: int) -> bytes:
    """The same as MP4: H.264, its index first, so that it plays while it is still loading."""
    even = width + width % 2, height + height % 2  # pairs of pixels share their colour
    rate = Fraction(1000 / max(milliseconds, 1)).limit_denominator(1000)
    with av.open(f"/proc/self/fd/{target}", "w", format="mp4", options={"movflags": "+faststart"}) as out:
        crf = round(_COARSEST + (_SHARPEST - _COARSEST) * quality / 100)
        stream = out.add_stream("libx264", rate=rate, options={"crf": str(crf), "preset": "veryfast", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = *even, "yuv420p"
        for image in _frames(source, mode, width, height):
            if image.size != even:
                image = _extended(image, even)
            frame = av.VideoFrame.from_ndarray(np.asarray(image), format="gray" if mode == "L" else "rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return b""


_LENGTH = struct.Struct(">I")  # before each picture of a reel
MOST_PIXELS = 16 << 20  # of one picture


def reel(source: int, target: int, milliseconds: float, quality: int) -> bytes:
    """Pictures that somebody else has drawn as MP4: JPEG files one after the other, each behind its length. Raises Malformed."""
    with tempfile.TemporaryFile() as frames:
        width = height = 0
        for image in _pictures(source):
            if not width:
                width, height = image.size
            if image.size != (width, height):
                raise Malformed("the pictures of a film are of one size", "Rows")
            frames.write(image.convert("RGB").tobytes())
        if not width:
            raise Malformed("a film has pictures", "NumberOfFrames")
        frames.flush()
        return mp4(frames.fileno(), target, "RGB", width, height, milliseconds, quality)


def _pictures(source: int) -> Iterator[Image.Image]:
    at, end = 0, os.fstat(source).st_size
    while at < end:
        head = os.pread(source, _LENGTH.size, at)
        (length,) = _LENGTH.unpack(head) if len(head) == _LENGTH.size else (0,)
        at += _LENGTH.size
        if not 0 < length <= end - at:
            raise Malformed("a picture of a film is cut short", "PixelData")
        try:
            image = Image.open(io.BytesIO(os.pread(source, length, at)), formats=["JPEG"])
            if image.width * image.height > MOST_PIXELS:
                raise Malformed("a picture of a film is too large", "Rows")
            image.load()
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise Malformed("a picture of a film is no JPEG", "PixelData") from error
        yield image
        at += length


def _extended(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    canvas = Image.new(image.mode, size)
    canvas.paste(image)
    return canvas


def _frames(source: int, mode: str, width: int, height: int) -> Iterator[Image.Image]:
    size = width * height * (1 if mode == "L" else 3)
    at = 0
    while len(data := os.pread(source, size, at)) == size:
        yield Image.frombytes(mode, (width, height), data)
        at += size


# ---- stored video


def still(source: int, number: int, shown: Presentation, asked: Rendering, media_type: str) -> bytes:
    """Frame `number`, counted from 1, of a video stream as a picture. Raises Malformed."""
    try:
        with av.open(f"/proc/self/fd/{source}", "r") as video:
            for at, frame in enumerate(video.decode(_stream(video)), start=1):
                if at == number:
                    image = Image.fromarray(frame.to_ndarray(format="rgb24"))
                    return rendering.written(rendering.finished(image, shown, asked), shown, asked, media_type)
    except av.FFmpegError as error:
        raise Malformed(f"the video stream cannot be decoded ({type(error).__name__})", "PixelData") from None
    raise Malformed("the video stream does not hold this frame", "PixelData")


def packed(source: int, target: int, rate: float, quality: int) -> bytes:
    """A video stream as MP4: H.264 and H.265 as they are, others as H.264. rate: frames a second where the stream does not say.

    Raises Malformed.
    """
    try:
        with av.open(f"/proc/self/fd/{source}", "r") as video:
            stream = _stream(video)
            with av.open(f"/proc/self/fd/{target}", "w", format="mp4", options={"movflags": "+faststart"}) as out:
                if stream.codec_context.name in ("h264", "hevc"):
                    _copied(video, stream, out, rate)
                else:
                    _recoded(video, stream, out, quality)
    except av.FFmpegError as error:
        raise Malformed(f"the video stream cannot be read ({type(error).__name__})", "PixelData") from None
    return b""


def _stream(video: "av.container.InputContainer") -> VideoStream:
    if not video.streams.video:
        raise Malformed("there is no video stream", "PixelData")
    return video.streams.video[0]


def _copied(video: "av.container.InputContainer", stream: VideoStream, out: "av.container.OutputContainer", rate: float) -> None:
    target = out.add_stream_from_template(stream)
    per_frame = round(1 / ((rate or 25) * float(stream.time_base or Fraction(1, 90000))))
    count = 0
    for packet in video.demux(stream):
        if not packet.size:
            continue
        if packet.dts is None:  # a bare stream without a clock (PS3.5 8.2.7 allows it)
            packet.dts = packet.pts = count * per_frame
        packet.stream = target
        out.mux(packet)
        count += 1


def _recoded(
    video: "av.container.InputContainer", stream: VideoStream, out: "av.container.OutputContainer", quality: int
) -> None:
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    crf = round(_COARSEST + (_SHARPEST - _COARSEST) * quality / 100)
    target = out.add_stream("libx264", rate=rate, options={"crf": str(crf), "preset": "veryfast", "threads": "1"})
    target.width, target.height, target.pix_fmt = stream.width & ~1, stream.height & ~1, "yuv420p"
    for frame in video.decode(stream):
        out.mux(target.encode(frame.reformat(target.width, target.height, "yuv420p")))
    out.mux(target.encode())


__all__ = ["RAW", "ends", "gif", "mp4", "packed", "raw", "reel", "still"]
