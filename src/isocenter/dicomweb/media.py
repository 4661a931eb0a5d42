"""Objects as one ZIP archive that is a DICOM file-set (PS3.10 8): their files and the DICOMDIR, streamed."""

import hashlib
import zlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import count

import orjson

from isocenter.dicom.directory import Directory
from isocenter.dicomweb.accept import ZIP
from isocenter.dicomweb.answers import Version
from isocenter.dicomweb.exchange import Body, Exchange
from isocenter.domain.zip_writing import ZipWriter
from isocenter.service.retrieve import OpenFile, Retrieval, StoredInstance

_AT_ONCE = 16 << 20  # bytes of a file that is read once; of a larger one the CRC takes a reading of its own
_MOST_JSON = 8 << 20  # text of an instance from which its record is made
_PIECE = 1 << 20


async def archive(
    retrieval: Retrieval,
    exchange: Exchange,
    found: Sequence[StoredInstance],
    files: AsyncIterator[tuple[OpenFile, str]],
    known: Version,
    at: datetime,
) -> None:
    """Answer with the files (each with its transfer syntax, in the order of `found`) in one archive, and the DICOMDIR at its end.

    Names follow PS3.10 8.2 and tell nothing of the patient.
    """
    studies = tuple(dict.fromkeys(located.study_instance_uid for located in found))
    name = studies[0] if len(studies) == 1 else "studies"
    disposition = f'attachment; filename="{name}.zip"'.encode()
    await exchange.start(200, ((b"content-type", ZIP.encode()), (b"content-disposition", disposition), *known.headers))
    if exchange.method == "HEAD":
        return await exchange.send(b"", more=False)
    directory, writer, body = Directory(), ZipWriter(at), Body(exchange, None)
    series: dict[str, tuple[int, count[int]]] = {}
    async with exchange.watching():
        for located in found:
            file, syntax = await anext(files)
            number, images = series.setdefault(located.series_instance_uid, (len(series) + 1, count(1)))
            path = ("DICOM", f"SE{number:06d}", f"IM{next(images):06d}")
            await exchange.run(_record, retrieval, directory, located, path, syntax)
            crc, data = await exchange.run(_checked, file)
            await body.write(writer.entry("/".join(path), file.size, crc))
            await (body.write(data) if data is not None else body.copy(file, 0, file.size))
        whole = await exchange.run(_encoded, directory, studies)
        await body.write(writer.entry("DICOMDIR", len(whole), zlib.crc32(whole)))
        await body.write(whole)
        for piece in writer.end():
            await body.write(piece)
    await body.finish()


def _record(retrieval: Retrieval, directory: Directory, located: StoredInstance, path: Sequence[str], syntax: str) -> None:
    directory.add(orjson.loads(retrieval.instance_text(located, "", _MOST_JSON)), path, syntax)


def _checked(file: OpenFile) -> tuple[int, bytes | None]:
    """The CRC-32 of a file, and its bytes when they are few."""
    if file.size <= _AT_ONCE:
        data = file.read_at(0, file.size)
        return zlib.crc32(data), data
    crc = offset = 0
    while piece := file.read_at(offset, _PIECE):
        crc = zlib.crc32(piece, crc)
        offset += len(piece)
    return crc, None


def _encoded(directory: Directory, studies: Sequence[str]) -> bytes:
    # The same studies have the same directory: a UID made of theirs (PS3.5 B.2).
    number = int.from_bytes(hashlib.sha256(f"DICOMDIR {' '.join(studies)}".encode()).digest()[:16], "big")
    return b"".join(directory.encode("ISOCENTER", f"2.25.{number}"))
