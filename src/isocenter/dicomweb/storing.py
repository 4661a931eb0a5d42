"""STOW-RS, user agent (PS3.18 10.5): stored files to the DICOMweb service of somebody else, as they are, streamed.

One request takes several instances; its answer says what became of each.
"""

import base64
import http.client
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson

from isocenter import __version__, tls
from isocenter.dicom.source import Source
from isocenter.dicomweb.multipart import closing, new_boundary, part_head
from isocenter.domain.errors import Away, IsocenterError
from isocenter.service import sending
from isocenter.service.context import Context
from isocenter.service.sending import Stored
from isocenter.settings import Settings

TOGETHER = 100  # instances of one request
BYTES_TOGETHER = 64 << 20  # a request begins no further instance beyond that
LONGEST_ANSWER = 16 << 20
PATIENCE = 120.0  # seconds without a byte: the service may index all of it before it answers
PIECE = 1 << 18

# PS3.18 Table I.2-2 and PS3.7 C.5.7; the second is what Azure says of an instance that it has already.
DUPLICATE_SOP_INSTANCE = 0x0111
ALREADY_THERE = frozenset({DUPLICATE_SOP_INSTANCE, 0xB00E})
PROCESSING_FAILURE = 0x0110

Pieces = Callable[[bytes], Iterable[bytes | memoryview]]


class Note(Protocol):
    """Told what became of an instance."""

    def __call__(self, sop_instance_uid: str, status: int, reason: str, *, arrived: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Service:
    """A DICOMweb service. url: its base, without a slash at the end. secret: a password; without a username a bearer token."""

    url: str
    username: str = ""
    secret: str = ""

    def headers(self) -> dict[str, str]:
        """Who we are."""
        if self.username:
            pair = base64.b64encode(f"{self.username}:{self.secret}".encode()).decode("ascii")
            return {"Authorization": f"Basic {pair}"}
        return {"Authorization": f"Bearer {self.secret}"} if self.secret else {}

    def connect(self, settings: Settings) -> http.client.HTTPConnection:
        """A connection that is opened with the first request. Raises OSError when https_ca cannot be used."""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            return http.client.HTTPSConnection(host, parts.port, timeout=PATIENCE, context=tls.to_services(settings))
        return http.client.HTTPConnection(host, parts.port, timeout=PATIENCE)


class _Unwanted(Exception):
    """Nobody wants it any more: the request is cut off, and the service keeps nothing of it."""


def store(
    context: Context, service: Service, held: Sequence[Stored], *, note: Note, unwanted: Callable[[], bool], pieces: Pieces
) -> None:
    """Send instances. note: told what became of each; pieces: the bytes as fast as they may leave.

    Raises Away when the service cannot be reached or does not take requests, with its reason.
    """
    for some in _batches(held):
        if unwanted():
            return
        try:
            _request(context, service, some, note, unwanted, pieces)
        except _Unwanted:
            return


def _batches(held: Sequence[Stored]) -> Iterator[list[Stored]]:
    some: list[Stored] = []
    size = 0
    for each in held:
        some.append(each)
        size += each.size
        if len(some) >= TOGETHER or size >= BYTES_TOGETHER:
            yield some
            some, size = [], 0
    if some:
        yield some


def _request(
    context: Context, service: Service, some: Sequence[Stored], note: Note, unwanted: Callable[[], bool], pieces: Pieces
) -> None:
    with ExitStack() as stack:
        files: list[tuple[Stored, Source]] = []
        for stored in some:
            try:
                files.append((stored, stack.enter_context(sending.opened(context, stored))))
            except IsocenterError as error:
                note(stored.sop_instance_uid, PROCESSING_FAILURE, error.message, arrived=False)
        if files:
            _tell([stored for stored, _ in files], *_exchange(context.settings, service, files, unwanted, pieces), note)


def _exchange(
    settings: Settings, service: Service, files: Sequence[tuple[Stored, Source]], unwanted: Callable[[], bool], pieces: Pieces
) -> tuple[int, bytes]:
    """The answer: its status and body. Raises Away, _Unwanted."""
    boundary = new_boundary()
    heads = [part_head(boundary, {"Content-Type": "application/dicom"}, first=not number) for number in range(len(files))]
    end = closing(boundary)
    length = sum(map(len, heads)) + sum(file.size for _, file in files) + len(end)

    def body() -> Iterator[bytes | memoryview]:
        for head, (_, file) in zip(heads, files, strict=True):
            if unwanted():
                raise _Unwanted
            yield head
            for start in range(0, file.size, PIECE):
                yield from pieces(file.read_at(start, min(PIECE, file.size - start)))
        yield end

    headers = {
        "Accept": "application/dicom+json", "Content-Length": str(length), "User-Agent": f"Isocenter/{__version__}",
        "Content-Type": f'multipart/related; type="application/dicom"; boundary="{boundary}"', **service.headers(),
    }  # fmt: skip
    connection: http.client.HTTPConnection | None = None
    try:
        connection = service.connect(settings)
        with suppress(BrokenPipeError, ConnectionResetError):  # it may have answered before it had heard all, and says why
            connection.request("POST", f"{urlsplit(service.url).path}/studies", body=body(), headers=headers)
        response = connection.getresponse()
        return response.status, response.read(LONGEST_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise Away(f"the DICOMweb service cannot be reached: {why}", where=service.url) from None
    finally:
        if connection is not None:
            connection.close()


def _tell(sent: Sequence[Stored], status: int, body: bytes, note: Note) -> None:
    """What the answer says of each instance (PS3.18 10.5.3). Raises Away when it is none of a store transaction."""
    if status not in (200, 202, 409):
        advice = {401: ": it asks for another name or password", 403: ": it does not let us store",
                  413: ": the request is too large for it"}.get(status, "")  # fmt: skip
        raise Away(f"the DICOMweb service answered with status {status}{advice}")
    answer = _parsed(body)
    stored, failed = _items(answer, "00081199", "00081196"), _items(answer, "00081198", "00081197")
    for each in sent:
        uid = each.sop_instance_uid
        if uid in failed and failed[uid] not in ALREADY_THERE:
            note(uid, failed[uid] or PROCESSING_FAILURE, f"refused with failure reason {failed[uid]:04X}H", arrived=False)
        elif uid in failed:
            note(uid, failed[uid], "it was there already", arrived=True)
        elif uid in stored or status == 200:
            note(uid, stored.get(uid, 0), "", arrived=True)
        else:
            note(uid, PROCESSING_FAILURE, "the answer does not say that it was stored", arrived=False)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        answer = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError:
        return {}
    first = answer[0] if isinstance(answer, list) and answer else answer
    return first if isinstance(first, dict) else {}


def _items(answer: dict[str, Any], sequence: str, reason: str) -> dict[str, int]:
    """SOP Instance UID -> its reason, 0 without one, of a sequence of the answer; what is malformed is left out."""
    found: dict[str, int] = {}
    try:
        for item in answer.get(sequence, {}).get("Value", ()):
            uid = str(item["00081155"]["Value"][0])
            found[uid] = int((item.get(reason, {}).get("Value") or [0])[0])
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        pass
    return found
