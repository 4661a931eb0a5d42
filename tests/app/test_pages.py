"""The web client's files over ASGI: types, caching, twins, routes."""

import gzip
from pathlib import Path

import httpx
import pytest

from isocenter.pages import Pages


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>Isocenter</title>")
    (tmp_path / "assets" / "main-4f3a.js").write_text("let answer = 42;" * 100)
    (tmp_path / "assets" / "main-4f3a.js.gz").write_bytes(gzip.compress(b"let answer = 42;" * 100))
    (tmp_path / "assets" / "codec.wasm").write_bytes(b"\0asm" + bytes(3_000_000))
    return tmp_path


def client(folder: Path) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(Pages(folder)), base_url="http://isocenter")


def get(folder: Path, path: str, **headers: str) -> httpx.Response:
    import asyncio

    async def ask() -> httpx.Response:
        async with client(folder) as asking:
            return await asking.get(path, headers={"accept-encoding": "identity", **headers})

    return asyncio.run(ask())


@pytest.mark.parametrize("path", ["/", "/login", "/viewer/1.2.840.113619.2.55.3", "/admin"])
def test_client_routes_get_the_page_and_ask_again_next_time(folder: Path, path: str) -> None:
    answer = get(folder, path)
    assert answer.status_code == 200 and "Isocenter" in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


def test_hashed_files_are_kept_for_ever(folder: Path) -> None:
    answer = get(folder, "/assets/main-4f3a.js")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert get(folder, "/assets/main-4f3a.js", **{"if-none-match": answer.headers["etag"]}).status_code == 304


def test_a_compressed_twin_is_sent_to_who_takes_it(folder: Path) -> None:
    plain = get(folder, "/assets/main-4f3a.js")
    packed = get(folder, "/assets/main-4f3a.js", **{"accept-encoding": "gzip, br;q=0.9"})
    assert packed.headers["content-encoding"] == "gzip" and packed.content == plain.content
    assert "content-encoding" not in plain.headers and plain.headers["vary"] == "accept-encoding"


def test_large_files_come_whole(folder: Path) -> None:
    answer = get(folder, "/assets/codec.wasm")
    assert answer.headers["content-type"] == "application/wasm" and len(answer.content) == 3_000_004


@pytest.mark.parametrize("path", ["/assets/gone-1234.js", "/favicon.ico", "/../../etc/passwd.txt"])
def test_a_missing_file_is_404_and_no_page(folder: Path, path: str) -> None:
    assert get(folder, path).status_code == 404


def test_without_a_built_client_the_page_says_so(tmp_path: Path) -> None:
    answer = get(tmp_path, "/")
    assert answer.status_code == 503 and "make run" in answer.text
