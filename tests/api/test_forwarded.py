"""Where a request comes from, and the headers that depend on it."""

import pytest

from api_harness import Api
from isocenter.api.forwarded import Forwarding, Origin
from isocenter.domain.access import Role

PROXIES = ("10.0.0.0/8", "::1")


def origin(client: str | None, *headers: tuple[bytes, bytes], scheme: str = "http", proxies: tuple[str, ...] = PROXIES) -> Origin:
    scope = {"type": "http", "client": (client, 1) if client else None, "scheme": scheme, "headers": list(headers)}
    return Forwarding(proxies).origin(scope)


def seen(chain: str) -> tuple[bytes, bytes]:
    return b"x-forwarded-for", chain.encode()


@pytest.mark.parametrize(
    ("client", "chain", "expected"),
    [
        ("203.0.113.5", "1.2.3.4", "203.0.113.5"),
        ("10.1.1.1", "203.0.113.5", "203.0.113.5"),
        ("10.1.1.1", "6.6.6.6, 203.0.113.5", "203.0.113.5"),
        ("10.1.1.1", "203.0.113.5, 10.2.2.2", "203.0.113.5"),
        ("::1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:10.1.1.1", "203.0.113.5", "203.0.113.5"),
        ("10.1.1.1", "unknown", "10.1.1.1"),
        ("10.1.1.1", "203.0.113.5, garbage", "10.1.1.1"),
        ("10.1.1.1", "", "10.1.1.1"),
    ],
)
def test_only_declared_proxies_are_believed_and_only_so_far(client: str, chain: str, expected: str) -> None:
    assert origin(client, seen(chain)).address == expected


def test_the_scheme_is_the_proxys_word_when_it_is_ours() -> None:
    https = (b"x-forwarded-proto", b"https")
    assert origin("10.1.1.1", https).https
    assert not origin("203.0.113.5", https).https
    assert not origin("10.1.1.1", https, proxies=()).https
    assert origin("203.0.113.5", scheme="https").https
    assert not origin("10.1.1.1", (b"x-forwarded-proto", b"https, http")).https
    assert origin(None) == Origin("", False)


@pytest.mark.anyio
async def test_every_answer_carries_the_security_headers(sqlite_api: Api) -> None:
    async with sqlite_api.client() as plain, sqlite_api.client(https=True) as secure:
        for client in (plain, secure):
            for path in ("/docs", "/session", "/nothing"):
                headers = (await client.get(path)).headers
                policy = headers["content-security-policy"]
                script = next(part for part in policy.split("; ") if part.startswith("script-src"))
                assert script == "script-src 'self' 'wasm-unsafe-eval'"
                assert "frame-ancestors 'none'" in policy and "worker-src 'self' blob:" in policy
                assert headers["cross-origin-opener-policy"] == "same-origin"
                assert headers["cross-origin-embedder-policy"] == "require-corp"
                assert headers["cross-origin-resource-policy"] == "same-origin"
                assert headers["x-content-type-options"] == "nosniff"
                assert headers["referrer-policy"] == "no-referrer"
                assert ("strict-transport-security" in headers) is (client is secure)


@pytest.mark.anyio
async def test_behind_a_proxy_the_cookie_is_secure_and_the_address_the_clients(sqlite_api: Api) -> None:
    sqlite_api.account(Role.RADIOLOGIST, "ray")
    sqlite_api.open(proxies=("127.0.0.1",))
    async with sqlite_api.client() as client:
        client.headers.update({"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "https"})
        response = await sqlite_api.log_in(client, "ray")
        assert "secure" in response.headers["set-cookie"].lower()
        assert "strict-transport-security" in response.headers
    from isocenter.store import changes

    rows = sqlite_api.context.database.read(lambda connection: changes.since(connection, 0))
    assert rows[-1].payload["address"] == "203.0.113.5"
