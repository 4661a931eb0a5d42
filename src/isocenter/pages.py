"""The built web client: static files with their compressed twins, index.html for every client route."""

import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from hashlib import sha256
from pathlib import Path

import anyio.to_thread
from starlette.types import Receive, Scope, Send

WEB_CLIENT = Path(__file__).parent / "web_client"

# Vite puts a hash of the content into the name of everything below assets/, so a name never changes its meaning.
HASHED = re.compile(r"assets/.+")
# A name with an ending of letters is a file's; a UID in a client route has dots too, but ends in digits.
FILE_NAME = re.compile(r"\.[A-Za-z][A-Za-z0-9]*$")
IMMUTABLE = b"public, max-age=31536000, immutable"
ASK_AGAIN = b"no-cache"

# Compressed twins that the build may have left beside a file, best first.
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))

# Files are read in whole up to this size (all of the client but for codecs), larger ones in pieces of it.
PIECE = 1 << 20

TYPES = {".wasm": "application/wasm", ".js": "text/javascript", ".mjs": "text/javascript", ".map": "application/json",
         ".webmanifest": "application/manifest+json", ".woff2": "font/woff2"}

MISSING_CLIENT = b"""<!doctype html><meta charset="utf-8"><title>Isocenter</title>
<p>This Isocenter has no web client: it was installed without it. <code>make run</code> builds it;
the wheel carries it. DICOM, DICOMweb and the API work.</p>"""


@dataclass(frozen=True, slots=True)
class Page:
    """One file of the client: where it is, its type, its tag and its twins (encoding -> path)."""

    path: Path
    content_type: bytes
    etag: bytes
    modified: bytes
    cache: bytes
    twins: Mapping[str, Path]


class Pages:
    """ASGI application. The tree is read once: the client of a running server does not change."""

    def __init__(self, folder: Path = WEB_CLIENT) -> None:
        self._pages = {page_name(folder, file): page(folder, file) for file in folder.rglob("*") if _is_page(file)}
        self._index = self._pages.get("index.html")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer GET and HEAD; a path that names no file and looks like a client route gets index.html."""
        if scope["method"] not in {"GET", "HEAD"}:
            await _answer(send, 405, [(b"allow", b"GET, HEAD"), (b"content-type", b"text/plain")], b"method not allowed\n")
            return
        name = scope["path"].strip("/") or "index.html"
        found = self._pages.get(name)
        if found is None and self._index is None:
            await _answer(send, 503, [(b"content-type", b"text/html; charset=utf-8")], MISSING_CLIENT)
        elif found is None and FILE_NAME.search(name):
            # A missing script answered with a page would be a puzzle for whoever debugs it.
            await _answer(send, 404, [(b"content-type", b"text/plain")], b"not found\n")
        else:
            await _send_page(found or self._index, scope, send)


def _is_page(file: Path) -> bool:
    return file.is_file() and file.suffix not in {suffix for _, suffix in ENCODINGS}


def page_name(folder: Path, file: Path) -> str:
    """The path below the root of the site."""
    return file.relative_to(folder).as_posix()


def page(folder: Path, file: Path) -> Page:
    """What is known of a file before anyone asks for it."""
    guessed = TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    text = guessed.startswith("text/") or guessed in {"application/json", "image/svg+xml"}
    twins = {encoding: file.with_name(file.name + suffix) for encoding, suffix in ENCODINGS}
    return Page(
        path=file,
        content_type=(guessed + ("; charset=utf-8" if text else "")).encode(),
        etag=b'"' + sha256(file.read_bytes()).hexdigest()[:20].encode() + b'"',
        modified=formatdate(file.stat().st_mtime, usegmt=True).encode(),
        cache=IMMUTABLE if HASHED.fullmatch(page_name(folder, file)) else ASK_AGAIN,
        twins={encoding: path for encoding, path in twins.items() if path.exists()},
    )


async def _send_page(wanted: Page | None, scope: Scope, send: Send) -> None:
    assert wanted is not None  # index.html is there: the caller has looked
    asked = dict(scope["headers"])
    headers = [(b"cache-control", wanted.cache), (b"etag", wanted.etag), (b"last-modified", wanted.modified)]
    if wanted.twins:
        headers.append((b"vary", b"accept-encoding"))
    if asked.get(b"if-none-match") in {wanted.etag, b"W/" + wanted.etag}:
        await _answer(send, 304, headers, None)
        return
    accepted = {part.split(";")[0].strip() for part in asked.get(b"accept-encoding", b"").decode("latin-1").split(",")}
    encoding = next((name for name in wanted.twins if name in accepted), None)
    path = wanted.path if encoding is None else wanted.twins[encoding]
    if encoding is not None:
        headers.append((b"content-encoding", encoding.encode()))
    body = await anyio.to_thread.run_sync(path.read_bytes)
    headers += [(b"content-type", wanted.content_type), (b"content-length", str(len(body)).encode())]
    await _answer(send, 200, headers, None if scope["method"] == "HEAD" else body)


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes | None) -> None:
    if body is not None and not any(name == b"content-length" for name, _ in headers):
        headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    view = body or b""
    for at in range(0, len(view), PIECE):
        await send({"type": "http.response.body", "body": view[at : at + PIECE], "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
