"""The OpenID provider as its client sees it (OpenID Connect Core 1.0, code flow with PKCE): two addresses and what came of them.

    begin   where to send the browser, and what it must bring back
    finish  the code it brought -> Person, everything checked: signature, issuer, audience, expiry, nonce, at_hash
    leave   where to send it to sign out there, too

Authlib and joserfc do the protocol; they are loaded when the first person asks. Everything blocks, and runs in threads.
"""

import secrets
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import orjson

from isocenter.domain.provider import Person, Refusal, Refused
from isocenter.settings import Settings

WELL_KNOWN = "/.well-known/openid-configuration"
KEPT_SECONDS = 3600.0  # metadata and keys
LEAST_SECONDS = 30.0  # between two looks for a key that was not known: nobody can make us ask again and again
PATIENCE = 10.0  # seconds for a connection, and for an answer
LEEWAY = 120  # seconds that clocks may differ
LARGEST_ANSWER = 1 << 20
# Signed with a key of the provider's own. Never one of the client's (HS256), which would be known to whoever reads our settings.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")


@dataclass(frozen=True, slots=True)
class Begun:
    """url: for the browser, which keeps the rest to itself until it comes back."""

    url: str
    state: str
    nonce: str
    verifier: str


@lru_cache(maxsize=64)  # one for each institution
def of(settings: Settings) -> "Provider":
    """The provider of these settings."""
    return Provider(settings)


class Provider:
    """What is known of the provider; of use to many threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._issuer = settings.oidc_issuer
        self._lock = threading.Lock()
        self._metadata: dict[str, Any] = {}
        self._keys: Any = None
        self._metadata_at = self._keys_at = -KEPT_SECONDS

    def begin(self, back: str) -> Begun:
        """back: our own address, as the provider knows it. Raises Refused."""
        begun = Begun("", secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
        place = _text(self._known(), "authorization_endpoint")
        with self._session(back) as session:
            url, _ = session.create_authorization_url(place, state=begun.state, nonce=begun.nonce, code_verifier=begun.verifier)
        return Begun(url, begun.state, begun.nonce, begun.verifier)

    def finish(self, code: str, nonce: str, verifier: str, back: str) -> Person:
        """Who it is. Raises Refused: AWAY, or UNTRUSTED when anything does not hold."""
        from authlib.common.errors import AuthlibBaseError
        from joserfc.errors import JoseError
        from requests import RequestException

        try:
            with self._session(back) as session:
                token = session.fetch_token(_text(self._known(), "token_endpoint"), code=code, code_verifier=verifier,
                                            grant_type="authorization_code")
                claims = self._claims(token, nonce)
                return self._person({**self._asked(session, claims), **claims})
        except RequestException as error:
            raise Refused(Refusal.AWAY) from error
        except (AuthlibBaseError, JoseError, ValueError, KeyError, TypeError) as error:
            raise Refused(Refusal.UNTRUSTED) from error

    def leave(self, back: str) -> str:
        """Where one signs out at the provider (RP-Initiated Logout 1.0), and then comes back; "" when it offers none."""
        place = self._known().get("end_session_endpoint")
        asked = urlencode({"client_id": self._settings.oidc_client_id, "post_logout_redirect_uri": back})
        return f"{place}{'&' if '?' in place else '?'}{asked}" if isinstance(place, str) and place else ""

    def _claims(self, token: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """Of the ID token, which holds (OpenID Connect Core 3.1.3.7)."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.jws import JWSRegistry

        registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        decoded = jwt.decode(token["id_token"], key=self._signers(token["id_token"]), registry=registry)
        options = {"iss": {"essential": True, "value": self._issuer}, "aud": {"essential": True,
                   "value": self._settings.oidc_client_id}}
        params = {"nonce": nonce, "client_id": self._settings.oidc_client_id, "access_token": token.get("access_token")}
        held = CodeIDToken(decoded.claims, decoded.header, options, params)
        held.validate(leeway=LEEWAY)
        return dict(held)

    def _asked(self, session: Any, claims: Mapping[str, Any]) -> dict[str, Any]:
        """What the provider tells only when asked (5.3), where the ID token does not say it already."""
        wanted = (self._settings.oidc_name_claim, self._settings.oidc_groups_claim)
        place = self._known().get("userinfo_endpoint")
        if all(each in claims for each in wanted) or not isinstance(place, str) or not place:
            return {}
        told = _json(session.get(place, stream=True))
        if told.get("sub") != claims["sub"]:  # 5.3.2: it may be another's
            raise Refused(Refusal.UNTRUSTED)
        return told

    def _person(self, claims: Mapping[str, Any]) -> Person:
        name, groups = claims.get(self._settings.oidc_name_claim), claims.get(self._settings.oidc_groups_claim, [])
        listed = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
        methods = claims.get("amr")
        return Person(self._issuer, str(claims["sub"]), name if isinstance(name, str) else "",
                      tuple(each for each in listed if isinstance(each, str)),
                      tuple(str(each)[:32] for each in methods[:8]) if isinstance(methods, list) else ())

    def _known(self) -> dict[str, Any]:
        """The metadata (OpenID Connect Discovery 1.0). Raises Refused."""
        with self._lock:
            if time.monotonic() - self._metadata_at >= KEPT_SECONDS:
                told = self._fetched(self._issuer.rstrip("/") + WELL_KNOWN)
                if told.get("issuer") != self._issuer:
                    raise Refused(Refusal.UNTRUSTED)
                self._metadata, self._metadata_at = told, time.monotonic()
            return self._metadata

    def _signers(self, id_token: str) -> Any:
        """The provider's keys; anew when it signs with one we have not seen, since it changes them."""
        from joserfc import jws
        from joserfc.jwk import KeySet

        place = _text(self._known(), "jwks_uri")
        kid = jws.extract_compact(id_token.encode()).headers().get("kid")
        with self._lock:
            age = time.monotonic() - self._keys_at
            unknown = self._keys is not None and kid is not None and kid not in {key.kid for key in self._keys.keys}
            if age >= KEPT_SECONDS or (unknown and age >= LEAST_SECONDS):
                self._keys, self._keys_at = KeySet.import_key_set(self._fetched(place)), time.monotonic()  # type: ignore[arg-type]
            return self._keys

    def _fetched(self, url: str) -> dict[str, Any]:
        from requests import RequestException

        try:
            with self._session("") as session:
                return _json(session.get(url, withhold_token=True, stream=True))
        except RequestException as error:
            raise Refused(Refusal.AWAY) from error
        except ValueError as error:
            raise Refused(Refusal.UNTRUSTED) from error

    def _session(self, back: str) -> Any:
        """An HTTP client with the protocol's knowledge."""
        from authlib.integrations.requests_client import OAuth2Session

        offered = self._metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        secret = self._settings.oidc_client_secret or None
        basic = "client_secret_basic" if "client_secret_basic" in offered else "client_secret_post"
        session = OAuth2Session(self._settings.oidc_client_id, secret, redirect_uri=back, scope=self._settings.oidc_scopes,
                                token_endpoint_auth_method=basic if secret else "none", code_challenge_method="S256",
                                default_timeout=PATIENCE)
        session.max_redirects = 3
        session.verify = str(self._settings.https_ca) if self._settings.https_ca else _system_certificates()
        return session


def _system_certificates() -> str | bool:
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath or True


def _json(answer: Any) -> dict[str, Any]:
    """An answer's object. Raises ValueError, RequestException."""
    answer.raise_for_status()
    content = answer.raw.read(LARGEST_ANSWER + 1, decode_content=True)
    if len(content) > LARGEST_ANSWER:
        raise ValueError("the answer is too large")
    value = orjson.loads(content)
    if not isinstance(value, dict):
        raise ValueError("the answer is no object")
    return value


def _text(metadata: Mapping[str, Any], name: str) -> str:
    value = metadata.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(Refusal.UNTRUSTED)
    return value
