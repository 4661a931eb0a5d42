"""Providers of accounts (OpenID Connect): a real one from PyPI in a process of its own, and one that can be told to lie."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from servers import free_port, wait_for

CLIENT = "isocenter"
GROUPS = "Radiology=radiologist; CN=PACS,OU=IT=admin; Wards=referrer"

PEOPLE = (
    {"sub": "s-nora", "preferred_username": "nora.ray", "groups": ["Radiology"]},
    {"sub": "s-carl", "preferred_username": "carl", "groups": ["Radiology"]},
    {"sub": "s-cook", "preferred_username": "cook", "groups": ["Cafeteria"]},
)


def settings(issuer: str) -> dict[str, str]:
    """What an archive is told of a provider."""
    return {"oidc_issuer": issuer, "oidc_client_id": CLIENT, "oidc_client_secret": "a secret of theirs", "oidc_roles": GROUPS}


@contextmanager
def real(*people: Mapping[str, Any]) -> Iterator[str]:
    """oidc-provider-mock with these people (claims, of which sub); yields its issuer."""
    port = free_port()
    users = [word for person in people for word in ("--user-claims", json.dumps(person))]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), *users]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"})
    issuer = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        assert process.poll() is None, "the provider has ended"
        try:
            return httpx.get(f"{issuer}/.well-known/openid-configuration").status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait_for(ready)
        yield issuer
    finally:
        process.terminate()
        process.wait(10)


@dataclass
class Made:
    """A provider of ours. What it says may be changed between two requests; it checks the client's secret and PKCE.

    claims: added to those of the ID token, None takes one away. told: of the userinfo endpoint.
    """

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    kid: str = "one"
    published: list[str] = field(default_factory=lambda: ["one"])
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    keys: dict[str, RSAKey] = field(default_factory=dict)
    down: bool = False

    def key(self, kid: str) -> RSAKey:
        return self.keys.setdefault(kid, RSAKey.generate_key(2048, {"kid": kid}))

    def grant(self, authorization_url: str, code: str = "a-code") -> str:
        """Somebody signs in there; the address their browser is sent back to."""
        query = dict(parse_qsl(urlsplit(authorization_url).query))
        assert query["client_id"] == CLIENT and query["response_type"] == "code" and "openid" in query["scope"].split()
        assert query["code_challenge_method"] == "S256"
        self.codes[code] = query
        # session_state and iss: what real providers add (OpenID Connect Session Management, RFC 9207)
        told = {"code": code, "state": query["state"], "session_state": "x", "iss": self.issuer}
        return f"{query['redirect_uri']}?{urlencode(told)}"

    def answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        self.asked.append(path)
        if self.down:
            return 503, {}
        if path == "/.well-known/openid-configuration":
            known = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys",
                     "authorization_endpoint": f"{self.issuer}/authorize", "token_endpoint": f"{self.issuer}/token",
                     "userinfo_endpoint": f"{self.issuer}/userinfo", "end_session_endpoint": f"{self.issuer}/leave"}
            return 200, {name: value for name, value in {**known, **self.metadata}.items() if value is not None}
        if path == "/keys":
            return 200, KeySet([self.key(kid) for kid in self.published]).as_dict(private=False)
        if path == "/userinfo":
            return 200, {"sub": "s-1", **self.told}
        return self._token(form, authorization)

    def _token(self, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None:
            return 400, {"error": "invalid_grant"}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        assert challenge == asked["code_challenge"] and form["redirect_uri"] == asked["redirect_uri"]
        assert base64.b64decode(authorization.removeprefix("Basic ")).decode() == f"{CLIENT}:a secret of theirs"
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": "s-1", "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"],
                  "preferred_username": "Nora", "groups": ["Radiology"], **self.claims}
        held = {name: value for name, value in claims.items() if value is not None}
        if self.algorithm == "none":
            parts = (json.dumps(each).encode() for each in ({"alg": "none", "kid": self.kid}, held))
            unsigned = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
            return 200, {"token_type": "Bearer", "access_token": "at", "expires_in": 300, "id_token": f"{unsigned}."}
        key: Any = OctKey.import_key("a secret of theirs") if self.algorithm.startswith("HS") else self.key(self.kid)
        signed = jwt.encode({"alg": self.algorithm, "kid": self.kid}, held, key, algorithms=[self.algorithm])
        return 200, {"token_type": "Bearer", "access_token": "at", "expires_in": 300, "id_token": signed}


@contextmanager
def made() -> Iterator[Made]:
    """A provider of ours, which listens."""
    provider = Made()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
            status, value = provider.answer(urlsplit(self.path).path, form, self.headers.get("Authorization", ""))
            content = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
