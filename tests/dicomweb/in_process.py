"""DICOMweb in process, for tests: the real archive behind the real ASGI application, and a client that speaks HTTP to it."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from isocenter.dicomweb import multipart
from isocenter.dicomweb.accept import parse_media_type
from isocenter.dicomweb.routes import asgi
from isocenter.domain.access import Principal, Role, by_role
from isocenter.service.context import Context

READER = by_role("rita", Role.RADIOLOGIST, "user", "bearer", "10.0.0.7")


@dataclass
class As:
    """An authenticator for whom everybody is `who`, or nobody when it is an error."""

    who: Principal | Exception = READER

    async def principal(self, scope: Any) -> Principal:
        if isinstance(self.who, Exception):
            raise self.who
        return self.who

    async def still(self, scope: Any) -> Principal:
        return await self.principal(scope)


@dataclass
class Client:
    """Synchronous requests to the application; `authenticator.who` may be changed between them."""

    context: Context
    runner: asyncio.Runner
    authenticator: As = field(default_factory=As)

    def __post_init__(self) -> None:
        self.application = asgi(self.context, self.authenticator)
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.application),  # type: ignore[arg-type]
            base_url="http://pacs.test/dicom-web",
        )

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.runner.run(self._http.request(method, path, **options))

    def get(self, path: str, accept: str | None = None, **options: Any) -> httpx.Response:
        headers = {"accept": accept} if accept is not None else {}
        return self.request("GET", path, headers={**headers, **options.pop("headers", {})}, **options)

    def json(self, path: str, **options: Any) -> list[dict[str, Any]]:
        answer = self.get(path, **options)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    def store(self, *files: Path | bytes, study: str = "", pieces: int = 65536) -> httpx.Response:
        """STOW-RS of these files; the body arrives in pieces of that many bytes."""
        bodies = [file.read_bytes() if isinstance(file, Path) else file for file in files]
        body = b"".join(
            multipart.part_head("xyz", {"Content-Type": "application/dicom"}, first=number == 0) + content
            for number, content in enumerate(bodies)
        ) + multipart.closing("xyz")

        async def stream() -> Any:
            for start in range(0, len(body), pieces):
                yield body[start : start + pieces]

        headers = {"content-type": 'multipart/related; type="application/dicom"; boundary=xyz'}
        return self.request("POST", f"/studies/{study}" if study else "/studies", content=stream(), headers=headers)


def parts(answer: httpx.Response) -> list[tuple[str, bytes]]:
    """(Content-Type, body) of each part of a multipart answer."""
    return split(answer.headers["content-type"], answer.content)


def split(content_type: str, content: bytes) -> list[tuple[str, bytes]]:
    """The same of a body whoever received it."""
    name, parameters, _ = parse_media_type(content_type)
    assert name == "multipart/related", name
    reader = multipart.Reader(parameters["boundary"].encode())
    found: list[tuple[str, bytearray]] = []
    for event in reader.feed(content):
        if isinstance(event, multipart.PartBegin):
            found.append((event.headers["content-type"], bytearray()))
        elif isinstance(event, multipart.PartData):
            found[-1][1].extend(event.data)
    reader.close()
    return [(media_type, bytes(body)) for media_type, body in found]
