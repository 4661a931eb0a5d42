"""An S3 bucket: the only code that speaks to an object store. Errors become ours; credentials and keys are never in them.

Requests are signed over the SHA-256 of their body, which the store compares with what came: an object in the bucket is what we
sent.
"""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import obstore
from obstore import exceptions
from obstore.store import S3Store

from isocenter.domain.errors import Away, Broken, IsocenterError, Missing
from isocenter.settings import Settings
from isocenter.store.open_files import OpenFile

log = logging.getLogger(__name__)

T = TypeVar("T")

PART = 8 << 20  # bytes of a part of a large object: so many of it are in memory, twice
LISTED = 1000  # keys of one answer

_TIMEOUT = timedelta(seconds=60)  # of one request; none carries more than a part or FETCHED of dicomweb.exchange
_PATIENCE = timedelta(seconds=15)  # for all tries of a request: a sender waits
_SAFE = "What came in is safe on this node's disk and is copied later."
_CODE, _STATUS = re.compile(r"<Code>(\w{1,60})</Code>"), re.compile(r"status code: (\d{3})")
_AGAIN = {"408", "409", "425", "429"}  # of 4xx: worth another try
_ENCRYPTION = {"s3": "AES256", "kms": "aws:kms", "customer": "sse-c"}


@dataclass(frozen=True, slots=True)
class Facts:
    """An object of the bucket: bytes, and when it was written."""

    size: int
    modified: datetime


class Bucket:
    """Objects by key, below the prefix of the settings. Safe to share between threads; made anew in each process."""

    def __init__(self, settings: Settings) -> None:
        address = settings.bucket
        if address is None:
            raise ValueError("the settings name no bucket")
        self._name = address.name
        self.place = f"{address.endpoint}/{address.name}/{address.prefix}"
        options: dict[str, Any] = {"connect_timeout": timedelta(seconds=5), "timeout": _TIMEOUT}
        config: dict[str, Any] = {"region": address.region, "virtual_hosted_style_request": address.virtual}
        if address.endpoint:
            scheme, _, host = address.endpoint.partition("://")
            config["endpoint"] = f"{scheme}://{address.name}.{host}" if address.virtual else address.endpoint
            options["allow_http"] = address.endpoint.startswith("http:")
        if settings.s3_access_key:
            config |= {"access_key_id": settings.s3_access_key, "secret_access_key": settings.s3_secret_key}
        if address.checksum:
            config["checksum_algorithm"] = address.checksum
        config |= _encryption(settings)
        if settings.s3_ca is not None:
            try:
                options["root_certificate"] = settings.s3_ca.read_bytes()
            except OSError as error:
                raise Broken(f"s3_ca: {settings.s3_ca} cannot be read: {error.strerror}", hint="Name a PEM file.") from None
        retry: Any = {"max_retries": 4, "retry_timeout": _PATIENCE,
                      "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2}}
        self._store = self._ask(lambda: S3Store(address.name, prefix=address.prefix or None, config=config,  # type: ignore[arg-type]
                                                client_options=options, retry_config=retry))  # type: ignore[arg-type]

    def check(self) -> None:
        """Whether it is there and may be read. Raises Broken, Away."""
        self._ask(lambda: obstore.list_with_delimiter(self._store, "archive"))

    def put(self, key: str, file: OpenFile) -> None:
        """Write an object and look whether it is there; on return it is as durable as the store makes it. Raises Away, Broken."""
        if file.size <= PART:
            self._ask(lambda: obstore.put(self._store, key, file.read_at(0, file.size), use_multipart=False))
        else:
            parts = (file.read_at(start, PART) for start in range(0, file.size, PART))
            self._ask(lambda: obstore.put(self._store, key, parts, chunk_size=PART, max_concurrency=2))
        found = self.facts(key)
        if found.size != file.size:
            raise Broken("the object store does not hold what was sent to it", where=key, kept=_SAFE)

    def facts(self, key: str) -> Facts:
        """What is under a key. Raises Missing, Away, Broken."""
        meta = self._ask(lambda: obstore.head(self._store, key))
        return Facts(meta["size"], meta["last_modified"])

    def get(self, key: str, offset: int, length: int) -> tuple[bytes, int]:
        """Bytes [offset, offset + length) of an object, in one request, and the size of all of it. Raises as `facts`."""

        def ask() -> tuple[bytes, int]:
            result = obstore.get(self._store, key, options={"range": (offset, offset + length)})
            return result.bytes().to_bytes(), result.meta["size"]

        return self._ask(ask)

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens when it is not there. Raises Away, Broken."""
        try:
            self._ask(lambda: obstore.delete(self._store, key))
        except Missing:
            pass

    def list(self, prefix: str) -> Iterator[str]:
        """Every key below `prefix` ("archive", "quarantine/2026"), sorted. Raises Away, Broken."""
        pages = self._ask(lambda: iter(obstore.list(self._store, prefix, chunk_size=LISTED)))
        while page := self._ask(lambda: next(pages, None)):
            yield from (meta["path"] for meta in page)

    def _ask(self, request: Callable[[], T]) -> T:
        try:
            return request()
        except (exceptions.BaseError, OSError, ValueError) as error:
            raise self._told(error) from None  # the driver's own words hold addresses, and what answered there

    def _told(self, error: Exception) -> IsocenterError:
        """The error as ours, by what S3 calls it."""
        text = str(error)
        code, status = _CODE.search(text), _STATUS.search(text)
        if code is not None and code[1] == "NoSuchBucket":
            return Broken(f"there is no bucket {self._name}", kept=_SAFE, hint="Make it, or name another in the setting storage.")
        if isinstance(error, FileNotFoundError):
            return Missing("the object store does not have this object")
        if status is None and "certificate" in text.lower():
            return Broken("the certificate of the object store is not trusted", kept=_SAFE,
                          hint="Name the certificates of who signed it with the setting s3_ca.")
        facts = {"bucket": self._name, "error": type(error).__name__, "code": code[1] if code else "",
                 "status": status[1] if status else ""}  # fmt: skip
        if status is not None and status[1].startswith("4") and status[1] not in _AGAIN:
            log.error("the object store refuses a request", extra={"facts": facts})
            reason = f" ({code[1]})" if code else ""
            return Broken(f"the object store refuses what we ask of the bucket {self._name}{reason}", kept=_SAFE,
                          hint="An administrator should look at the settings s3_*, and at the bucket's policy.")
        log.warning("the object store does not answer", extra={"facts": facts})
        return Away(f"the object store with the bucket {self._name} does not answer", kept=_SAFE, hint="Try again later.")


def _encryption(settings: Settings) -> dict[str, Any]:
    """What the store is asked to encrypt with."""
    if settings.s3_encryption == "none":
        return {}
    config = {"server_side_encryption": _ENCRYPTION[settings.s3_encryption]}
    if settings.s3_kms_key:
        config["sse_kms_key_id"] = settings.s3_kms_key
    if settings.s3_customer_key:
        config["sse_customer_key_base64"] = settings.s3_customer_key
    return config
