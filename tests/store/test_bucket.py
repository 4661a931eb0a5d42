"""What a bucket is asked, as the store sees it: encryption in each way, and the bucket's name in the path or in the host's.

The store is a stand-in that keeps what it gets: no S3 server of Debian has a key management service.
"""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from isocenter.settings import Settings, check
from isocenter.store.bucket import Bucket
from isocenter.store.open_files import LocalFile


class Store(ThreadingHTTPServer):
    """Objects by host and path; every request's method, host, path and headers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects: dict[tuple[str, str], bytes] = {}
        self.asked: list[tuple[str, str, str, dict[str, str]]] = []


class Handler(BaseHTTPRequestHandler):
    server: Store

    def _key(self) -> tuple[str, str]:
        headers = {name.lower(): value for name, value in self.headers.items()}
        host = headers["host"].rpartition(":")[0]
        self.server.asked.append((self.command, host, self.path, headers))
        return host, self.path

    def do_PUT(self) -> None:
        self.server.objects[self._key()] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, b"")

    def do_HEAD(self) -> None:
        self._answer(200, self.server.objects[self._key()], body=False)

    def do_GET(self) -> None:
        content = self.server.objects[self._key()]
        start, _, end = self.headers["Range"].removeprefix("bytes=").partition("-")
        self._answer(206, content[int(start) : int(end) + 1], f"bytes {start}-{end}/{len(content)}")

    def _answer(self, status: int, content: bytes, range_: str = "", body: bool = True) -> None:
        self.send_response(status)
        for name, value in (("Content-Length", str(len(content))), ("ETag", '"1"'), ("Content-Range", range_),
                            ("Last-Modified", "Sun, 22 Nov 2026 12:00:00 GMT")):  # fmt: skip
            if value:
                self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *unused: object) -> None:
        """Nothing on the screen."""


@pytest.fixture
def store() -> Iterator[Store]:
    with Store() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def bucket(store: Store, name: str = "images", host: str = "127.0.0.1", style: str = "path", **given: Any) -> Bucket:
    storage = f"s3://{name}/site?endpoint=http://{host}:{store.server_port}&style={style}"
    return Bucket(check(Settings(data=Path("/nowhere"), storage=storage, s3_access_key="A", s3_secret_key="S", **given)))


def file(folder: Path, content: bytes) -> LocalFile:
    (folder / "file").write_bytes(content)
    return LocalFile(os.open(folder / "file", os.O_RDONLY))


@pytest.mark.parametrize(("given", "expected"), [
    ({}, {}),
    ({"s3_encryption": "s3"}, {"x-amz-server-side-encryption": "AES256"}),
    ({"s3_encryption": "kms"}, {"x-amz-server-side-encryption": "aws:kms"}),
    ({"s3_encryption": "kms", "s3_kms_key": "a-key"},
     {"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": "a-key"}),
])  # fmt: skip
def test_the_store_is_asked_to_encrypt(given: dict[str, str], expected: dict[str, str], store: Store, folder: Path) -> None:
    asked = bucket(store, **given)
    asked.put("archive/a", file(folder, b"twelve bytes"))
    assert asked.get("archive/a", 3, 5) == (b"lve b", 12)
    (method, host, path, headers), *_ = store.asked
    assert (method, host, path) == ("PUT", "127.0.0.1", "/images/site/archive/a")
    assert {name: value for name, value in headers.items() if "encryption" in name} == expected


def test_the_name_of_the_bucket_is_part_of_the_hosts(store: Store, folder: Path) -> None:
    """BUCKET.ENDPOINT; here both together are the one name that is found everywhere without a name server."""
    asked = bucket(store, "127.0.0", "1", "virtual")
    asked.put("archive/a", file(folder, b"content"))
    assert asked.get("archive/a", 0, 7) == (b"content", 7)
    assert {(host, path) for _, host, path, _ in store.asked} == {("127.0.0.1", "/site/archive/a")}
