"""Metadata of a series as one compressed document (PS3.18 10.4, F.2), made from its files once and kept as derived data.

The kept document is gzip of a JSON array, one object for each instance. Its bulk data URIs begin with `BASE`, because who builds
it need not know under which address the archive will be asked. It is found by what it was made of, so that a stale one cannot
be met.
"""

import hashlib
import logging
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from isocenter.dicom import json as dicom_json
from isocenter.dicom import part10
from isocenter.domain.errors import Away, Broken, Conflict, Missing
from isocenter.store import corrected
from isocenter.store.blobs import Blobs
from isocenter.store.imaging import Located

log = logging.getLogger(__name__)

FORMAT = 1  # grows when the same files would give another document
BASE = "isocenter-base://"  # what stands for `https://host/dicom-web` in a kept document
LEVEL = 4  # of gzip: a third smaller than level 1, at twice its time, which is a tenth of the time to read the files
_PIECE = 256 * 1024  # of uncompressed JSON at a time
_GZIP = 16 + zlib.MAX_WBITS


def instance_json(blobs: Blobs, located: Located, base: str) -> dict[str, Any]:
    """One instance as DICOM JSON, with its transfer syntax; bulk data URIs begin with `base`. Raises Broken.

    What is larger than a process should hold is there with its UIDs only: one hostile object must not hide its series.
    """
    study, series = located.study_instance_uid, located.series_instance_uid
    root = f"{base}/studies/{study}/series/{series}/instances/{located.sop_instance_uid}"
    try:
        with corrected.opened(blobs, located) as file:
            header = part10.scan(file)
            document = dicom_json.dataset_json(file, header, lambda path: f"{root}/bulkdata/{path}")
    except dicom_json.TooMuch:
        return _named(located)
    except part10.Malformed:
        raise Broken("a stored file is damaged", hint="An administrator should run `isocenter verify`.") from None
    if "00080005" in document:
        document["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}  # the text is UTF-8 now (PS3.18 F.2)
    return _available(document, located)


def _available(document: dict[str, Any], located: Located) -> dict[str, Any]:
    # (0008,3002) Available Transfer Syntax UID tells viewers what frames will be (PS3.18 8.7.3)
    document["00083002"] = {"vr": "UI", "Value": [located.transfer_syntax_uid]}
    return document


def _named(located: Located) -> dict[str, Any]:
    """The attributes by which an instance is found, in order of tags."""
    uids = {"00080016": located.sop_class_uid, "00080018": located.sop_instance_uid, "0020000D": located.study_instance_uid,
            "0020000E": located.series_instance_uid}
    document: dict[str, Any] = {tag: {"vr": "UI", "Value": [uid]} for tag, uid in uids.items() if uid}
    if located.instance_number.isdecimal():
        document["00200013"] = {"vr": "IS", "Value": [int(located.instance_number)]}
    return _available(document, located)


def of_instance(blobs: Blobs, located: Located, base: str) -> bytes:
    """The document of one instance, gzip; made anew each time, it takes less than a millisecond."""
    text = orjson.dumps([instance_json(blobs, located, base)])
    return b"".join(compress(iter((text,))))


def text_of(blobs: Blobs, located: Located, base: str) -> tuple[bytes, bool]:
    """The JSON text of one instance, and whether it is whole: one whose file is lost or damaged is there with its UIDs only."""
    try:
        return orjson.dumps(instance_json(blobs, located, base)), True
    except Away:
        raise  # the object store: nothing is lost
    except Broken:
        facts = {"key": located.blob_key}
        log.exception("an instance is in its series' metadata without its attributes", extra={"facts": facts})
        return orjson.dumps(_named(located)), False


def names_of(located: Located) -> bytes:
    """The JSON text of an instance's UIDs and number."""
    return orjson.dumps(_named(located))


def key(instances: Sequence[Located]) -> str:
    """The key of the document of a series: a hash of what is in it."""
    digest = hashlib.sha256(str(FORMAT).encode())
    for located in instances:
        digest.update(f"{located.sop_instance_uid} {located.sha256}\n".encode())
    return f"{_folder(instances[0].series_instance_uid)}/{digest.hexdigest()[:32]}.json.gz"


def _folder(series_instance_uid: str) -> str:
    name = hashlib.sha256(series_instance_uid.encode()).hexdigest()
    return f"derived/metadata/{name[:2]}/{name[2:18]}"


def load(blobs: Blobs, instances: Sequence[Located]) -> tuple[bytes, bool]:
    """The document of these instances of one series, and whether it is whole: the kept one, or made and kept now.

    A series of 1,000 slices takes some 100 KB.
    """
    kept = key(instances)
    try:
        return _read(blobs, kept), True
    except Missing:
        return build(blobs, instances)


def is_kept(blobs: Blobs, instances: Sequence[Located]) -> bool:
    """Whether `load` will find the document of these instances, which is whole then."""
    try:
        blobs.open(key(instances)).close()
    except Missing:
        return False
    return True


def _read(blobs: Blobs, kept: str) -> bytes:
    with blobs.open(kept) as file:
        return file.read_at(0, file.size)


def build(blobs: Blobs, instances: Sequence[Located]) -> tuple[bytes, bool]:
    """Make the document of these instances of one series, holding one instance at a time besides; and whether it is whole.

    An instance whose file is lost or damaged is in it with its UIDs only, so that it does not hide the others. Such a document
    is not kept, for the file may come back; a whole one is, and older ones go.
    """
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)
    pieces: list[bytes] = []
    whole = True
    for number, located in enumerate(instances):
        text, is_whole = text_of(blobs, located, BASE)
        whole = whole and is_whole
        pieces += compressor.compress(b"," if number else b"["), compressor.compress(text)
    pieces += compressor.compress(b"]"), compressor.flush()
    if whole:
        _keep(blobs, instances, pieces)
    return b"".join(pieces), whole


def _keep(blobs: Blobs, instances: Sequence[Located], pieces: Sequence[bytes]) -> None:
    kept = key(instances)
    incoming = blobs.open_incoming()
    try:
        incoming.write(*filter(None, pieces))
        blobs.place(incoming, kept)
    except Conflict:
        return  # another process was faster
    finally:
        incoming.discard()
    for older in list(blobs.list(_folder(instances[0].series_instance_uid))):
        if older != kept:
            blobs.delete(older)


def drop(blobs: Blobs, series_instance_uid: str) -> None:
    """Remove the documents of a series, of which objects are deleted."""
    for each in list(blobs.list(_folder(series_instance_uid))):
        blobs.delete(each)


def inflate(document: bytes) -> Iterator[bytes]:
    """The JSON text of a kept document in pieces."""
    inflator = zlib.decompressobj(_GZIP)
    data = document
    while not inflator.eof:
        piece = inflator.decompress(data, _PIECE)
        data = inflator.unconsumed_tail
        if piece:
            yield piece
        elif not data:
            return


def with_base(pieces: Iterator[bytes], base: str) -> Iterator[bytes]:
    """The same text with the real address in its URIs."""
    placeholder, address = BASE.encode(), orjson.dumps(base)[1:-1]
    held = b""
    for piece in pieces:
        text = (held + piece).replace(placeholder, address)
        keep = next((n for n in range(min(len(placeholder) - 1, len(text)), 0, -1) if placeholder.startswith(text[-n:])), 0)
        held = text[len(text) - keep :]
        yield text[: len(text) - keep]
    yield held


def compress(pieces: Iterator[bytes], level: int = 1) -> Iterator[bytes]:
    """gzip of the pieces."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, _GZIP)
    for piece in pieces:
        if packed := compressor.compress(piece):
            yield packed
    yield compressor.flush()


def joined(documents: Iterator[Iterator[bytes]]) -> Iterator[bytes]:
    """One JSON array out of several, each given in pieces."""
    started = False
    for document in documents:
        last = b"," if started else b"["
        first = True
        for piece in document:
            body = piece[1:] if first and piece else piece
            first = first and not piece
            if body:
                yield last + body[:-1]
                last = body[-1:]
        started = True
    yield b"]" if started else b"[]"
