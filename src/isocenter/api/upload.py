"""One file from a browser or a program: an object is streamed through the door; a ZIP is put aside and goes in entry by entry.

What is wrong with an object is its result (`refused`, with the reason), since the other files of the same drop go on. What is
wrong with the archive (disk full, database away) is an error of the request, since sending it again later helps.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from isocenter.api.endpoint import Call, Endpoint, Parameter, json_response
from isocenter.api.schema import array, obj, ref, text
from isocenter.dicom import beginning
from isocenter.dicom.source import FileSource
from isocenter.domain.access import Permission, require
from isocenter.domain.errors import Conflict, Invalid, IsocenterError, Kind, NoSpace, TooLarge, Unsupported
from isocenter.domain.zip_entries import LOCAL, Entry, ZipFile
from isocenter.service import ingest, sharing

# Bytes gathered before a thread writes them: a hop for each small piece off the network would cost more than the writing.
GATHERED = 1 << 20
SPACE_CHECKED_EVERY = 64 << 20
EMPTY_ZIP = b"PK\x05\x06"
# What operating systems put into ZIPs for themselves; nobody sent it, so nobody wants a result for it.
LITTER = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
# The object's own fault, as opposed to the archive's.
REFUSED = (Conflict, Invalid, TooLarge, Unsupported)


async def _upload(request: Request, call: Call) -> Response:
    require(call.principal, Permission.STUDY_STORE)
    name = call.query["name"]
    await _need_room(call, request.headers.get("content-length", ""))
    _need_space(call, request.headers.get("content-length", ""))
    pieces = _gathered(request)
    try:
        head = await anext(pieces, b"")
        if _is_zip(head):
            results = await _take_zip(call, name, head, pieces)
        else:
            results = [await _take_object(call, name, head, pieces)]
    except ClientDisconnect:
        # Nobody is left to be answered; what had arrived has been discarded.
        return Response(status_code=400)
    return json_response({"results": results})


async def _need_room(call: Call, content_length: str) -> None:
    """Over a link no more comes in than it has room for: its size must be known before."""
    if call.principal.kind != "link":
        return
    if not (content_length.isascii() and content_length.isdigit() and len(content_length) < 19):
        raise Invalid("the size of the file must be said before", where="Content-Length")
    await anyio.to_thread.run_sync(sharing.take_room, call.context, call.principal, int(content_length))


def _need_space(call: Call, content_length: str) -> None:
    """Better a refusal before two gigabytes are sent than after."""
    length = int(content_length) if content_length.isascii() and content_length.isdigit() and len(content_length) < 19 else 0
    if call.context.blobs.free_space() < length + call.context.settings.min_free_space:
        raise NoSpace("there is not enough space for this file", kept="nothing was kept of it")


async def _gathered(request: Request) -> AsyncIterator[bytes]:
    """The body in pieces of about GATHERED bytes, so that memory stays small whatever is sent."""
    gathered = bytearray()
    async for chunk in request.stream():
        gathered += chunk
        if len(gathered) >= GATHERED:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


def _is_zip(head: bytes) -> bool:
    return head.startswith((LOCAL, EMPTY_ZIP)) and not beginning.has_prefix(head)


def _not_an_object(head: bytes) -> str:
    """Why a file that begins so need not be unpacked or kept for a look; "" when the door shall decide."""
    if not head:
        return "the file is empty"
    if not beginning.may_be_dicom(head):
        return "this is no DICOM file"
    return "this is the DICOMDIR of a medium; the files beside it are what is stored" if beginning.is_file_set(head) else ""


async def _take_object(call: Call, name: str, head: bytes, rest: AsyncIterator[bytes]) -> dict[str, Any]:
    if reason := _not_an_object(head):
        async for _ in rest:  # read to the end: a client that is still sending would not see our answer
            pass
        return await anyio.to_thread.run_sync(_refuse, call, name, reason)
    with await anyio.to_thread.run_sync(lambda: ingest.begin(call.context, call.principal, source="upload")) as reception:
        await anyio.to_thread.run_sync(reception.write, head)
        async for piece in rest:
            await anyio.to_thread.run_sync(reception.write, piece)
        return await anyio.to_thread.run_sync(_finish, reception, name)


def _finish(reception: ingest.Reception, name: str) -> dict[str, Any]:
    try:
        outcome = reception.finish()
    except REFUSED as error:
        header = reception.header
        uids = (header.study_instance_uid, header.sop_instance_uid) if header else ("", "")
        return _refused(name, str(error), *uids)
    return {
        "name": name, "status": outcome.status, "reason": outcome.reason or ", ".join(outcome.warnings),
        "StudyInstanceUID": outcome.study_instance_uid, "SOPInstanceUID": outcome.sop_instance_uid,
    }  # fmt: skip


def _refuse(call: Call, name: str, reason: str) -> dict[str, Any]:
    with ingest.begin(call.context, call.principal, source="upload") as reception:
        reception.refuse(reason)
    return _refused(name, reason)


def _refused(name: str, reason: str, study: str = "", instance: str = "") -> dict[str, Any]:
    return {"name": name, "status": "refused", "reason": reason, "StudyInstanceUID": study, "SOPInstanceUID": instance}


async def _take_zip(call: Call, name: str, head: bytes, rest: AsyncIterator[bytes]) -> list[dict[str, Any]]:
    incoming = await anyio.to_thread.run_sync(call.context.blobs.open_incoming)
    try:
        await anyio.to_thread.run_sync(incoming.write, head)
        checked = incoming.size
        async for piece in rest:
            await anyio.to_thread.run_sync(incoming.write, piece)
            if incoming.size - checked > SPACE_CHECKED_EVERY:
                checked = incoming.size
                await anyio.to_thread.run_sync(_need_space, call, "")
        return await anyio.to_thread.run_sync(lambda: list(_unpack(call, name, ZipFile(FileSource(incoming.fd, incoming.size)))))
    except REFUSED as error:
        return [_refused(name, str(error))]
    finally:
        await anyio.to_thread.run_sync(incoming.discard)


def _unpack(call: Call, name: str, archive: ZipFile) -> Iterator[dict[str, Any]]:
    """One result for each entry. The archive's own errors end it, and say how far it came."""
    done = 0
    entries = archive.entries()
    while True:
        try:
            entry = next(entries, None)
        except REFUSED as error:  # the list itself is damaged: what came before it stays
            yield _refused(name, str(error))
            return
        if entry is None:
            return
        if entry.is_folder or entry.name.startswith(LITTER[0]) or entry.name.rsplit("/", 1)[-1] in LITTER:
            continue
        try:
            yield _take_entry(call, f"{name}/{entry.name}", archive, entry)
        except IsocenterError as error:
            error.kept = f"the first {done} files of the ZIP were taken in"
            raise
        done += 1


def _take_entry(call: Call, name: str, archive: ZipFile, entry: Entry) -> dict[str, Any]:
    pieces = archive.read(entry)
    try:
        head = b""
        while len(head) < beginning.LENGTH and (piece := next(pieces, b"")):
            head += piece
        if _is_zip(head):
            return _refused(name, "this is a ZIP inside a ZIP: unpack it, or send it alone")
        if reason := _not_an_object(head):
            return _refuse(call, name, reason)
        if call.principal.kind == "link":  # what a ZIP grows by counts, too
            sharing.take_room(call.context, call.principal, max(0, entry.size - entry.compressed))
        with ingest.begin(call.context, call.principal, source="upload") as reception:
            reception.write(head)
            for piece in pieces:
                reception.write(piece)
            return _finish(reception, name)
    except REFUSED as error:
        return _refused(name, str(error))


ENDPOINTS = (
    Endpoint(
        method="POST", path="/upload", tag="upload", needs=Permission.STUDY_STORE, linked=True, respond=_upload,
        summary="Send one file: a DICOM object, or a ZIP of them",
        description="The body is the file's bytes, of any size; it is never held in memory. One result for the object, or one "
        "for each file of the ZIP (folders, and what macOS and Windows add, have none). A ZIP inside of the ZIP and encrypted "
        "files are refused with the reason. 507: the disk is full.",
        parameters=(Parameter("name", "the file's name in the results", text(default="file", minLength=1, maxLength=1024)),),
        body={"type": "string", "format": "binary"}, body_type="application/octet-stream",
        answer=obj({"results": array(ref("UploadResult"))}), errors=(Kind.NO_SPACE, Kind.TOO_LARGE),
    ),
)  # fmt: skip
