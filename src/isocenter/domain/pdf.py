"""PDF files (ISO 32000-1) of what an archive makes itself: pages with pictures and lines of text, lossless and streamed.

A `Writer` hands its bytes on as they come, a picture at a time, so that a film of forty images needs the memory of one.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from isocenter.domain.film import Rect

_POINT = 72 / 25.4  # points in a millimetre
_FONT = "/Helvetica"


@dataclass(frozen=True, slots=True)
class Picture:
    """rect: in mm from the top left. samples: 1 (grey) or 3 (RGB), 8 bits each, row by row; pixels: gives the bytes when they
    are needed, in pieces. smooth: may be interpolated."""

    rect: Rect
    width: int
    height: int
    samples: int
    pixels: Callable[[], Iterator[bytes]]
    smooth: bool = True


@dataclass(frozen=True, slots=True)
class Text:
    """One line. x, y: mm; of the baseline's left end, middle or right end (align 0, 0.5, 1). grey: 0 black to 1 white."""

    x: float
    y: float
    text: str
    size: float = 3.5
    align: float = 0.0
    grey: float = 1.0


class Writer:
    """Writes one document: `page` for each page, then `close`."""

    def __init__(self, write: Callable[[bytes], None], *, title: str, created: datetime) -> None:
        """write: takes the bytes in order; created: aware."""
        self._write = write
        self._size = 0
        self._offsets: list[int] = [0, 0, 0, 0, 0]  # of objects 1 (catalog), 2 (pages), 3 (font), 4 (info): written by `close`
        self._pages: list[int] = []
        self._title = title
        self._created = created
        self._put(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")

    def page(self, width: float, height: float, *, grey: float, pictures: list[Picture], texts: list[Text]) -> None:
        """One page of width by height mm on a ground of that grey (0 black to 1 white)."""
        drawn = [f"{grey:.4f} g 0 0 {width * _POINT:.2f} {height * _POINT:.2f} re f"]
        names = []
        for number, picture in enumerate(pictures):
            names.append(f"/P{number} {self._picture(picture)} 0 R")
            rect = picture.rect
            x, y = rect.x * _POINT, (height - rect.y - rect.height) * _POINT  # PDF counts from the bottom
            drawn.append(f"q {rect.width * _POINT:.3f} 0 0 {rect.height * _POINT:.3f} {x:.3f} {y:.3f} cm /P{number} Do Q")
        content = "\n".join(drawn).encode() + b"".join(_line(text, height) for text in texts)
        stream = self._stream(b"", iter((content,)))
        box = f"[0 0 {width * _POINT:.2f} {height * _POINT:.2f}]"
        resources = f"<</XObject <<{' '.join(names)}>> /Font <</F 3 0 R>>>>"
        page = f"<</Type /Page /Parent 2 0 R /MediaBox {box} /Resources {resources} /Contents {stream} 0 R>>"
        self._pages.append(self._object(page.encode()))

    def close(self) -> int:
        """The rest of the document; its length in bytes."""
        kids = " ".join(f"{page} 0 R" for page in self._pages)
        at = self._created.strftime("%Y%m%d%H%M%S%z")
        self._object(b"<</Type /Catalog /Pages 2 0 R>>", 1)
        self._object(f"<</Type /Pages /Count {len(self._pages)} /Kids [{kids}]>>".encode(), 2)
        self._object(f"<</Type /Font /Subtype /Type1 /BaseFont {_FONT} /Encoding /WinAnsiEncoding>>".encode(), 3)
        date = f"(D:{at[:17]}'{at[17:19]}')"
        self._object(f"<</Title {_unicode(self._title)} /Producer (Isocenter) /CreationDate {date}>>".encode(), 4)
        start = self._size
        rows = b"".join(b"%010d 00000 n \n" % offset for offset in self._offsets[1:])
        self._put(b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(self._offsets), rows))
        self._put(b"trailer <</Size %d /Root 1 0 R /Info 4 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(self._offsets), start))
        return self._size

    def _picture(self, picture: Picture) -> int:
        space = "/DeviceGray" if picture.samples == 1 else "/DeviceRGB"
        smooth = " /Interpolate true" if picture.smooth else ""
        about = f"/Type /XObject /Subtype /Image /Width {picture.width} /Height {picture.height} /ColorSpace {space} " \
                f"/BitsPerComponent 8{smooth} "  # fmt: skip
        return self._stream(about.encode(), picture.pixels())

    def _stream(self, about: bytes, pieces: Iterator[bytes]) -> int:
        deflate = zlib.compressobj(6)
        data = bytearray()
        for piece in pieces:
            data += deflate.compress(piece)
        data += deflate.flush()
        head = b"<<%b/Filter /FlateDecode /Length %d>>\nstream\n" % (about, len(data))
        return self._object(head + bytes(data) + b"\nendstream")

    def _object(self, content: bytes, number: int = 0) -> int:
        if not number:
            number = len(self._offsets)
            self._offsets.append(0)
        self._offsets[number] = self._size
        self._put(b"%d 0 obj\n%b\nendobj\n" % (number, content))
        return number

    def _put(self, data: bytes) -> None:
        self._write(data)
        self._size += len(data)


def _line(text: Text, height: float) -> bytes:
    # WinAnsi, since the fonts that every reader has know no more; what is outside is shown as a question mark.
    encoded = text.text.encode("cp1252", "replace")
    size = text.size * _POINT
    # Helvetica's letters are half as wide as the font is high, on average: near enough to align a label.
    x = text.x * _POINT - text.align * len(encoded) * size * 0.5
    escaped = encoded.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
    printable = bytes(byte for byte in escaped if byte >= 32)
    place = f"{x:.2f} {(height - text.y) * _POINT:.2f}".encode()
    return b"\nBT %.3f g /F %.2f Tf %b Td (%b) Tj ET" % (text.grey, size, place, printable)


def _unicode(text: str) -> str:
    """A text string as UTF-16 with its mark, in hexadecimal (ISO 32000-1 7.9.2.2)."""
    return f"<FEFF{text.encode('utf-16-be', 'replace').hex().upper()}>"
