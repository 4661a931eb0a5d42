"""What this archive is, for its administration page."""

from datetime import datetime
from typing import Any

from isocenter.api.endpoint import Call, Endpoint
from isocenter.api.schema import integer, obj, or_null, text
from isocenter.domain.access import Permission
from isocenter.service import system


def _system(call: Call) -> Any:
    facts = system.describe(call.context, call.principal)
    return {
        "version": facts.version, "aet": facts.aet, "dicom_address": facts.dicom, "dicom_tls_address": facts.dicom_tls,
        "dicom_tls_expires": _moment(facts.dicom_tls_expires), "http_tls_expires": _moment(facts.http_tls_expires),
        "http_address": facts.http,
        "database": facts.database, "counts": facts.counts, "free_bytes": facts.free_bytes,
    }  # fmt: skip


def _moment(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


_COUNTS = obj({name: integer() for name in ("patients", "studies", "series", "instances", "exceptions")})

ENDPOINTS = (
    Endpoint(
        method="GET", path="/system", tag="admin", needs=Permission.SYSTEM_READ, run=_system,
        summary="What this archive is and holds",
        answer=obj(
            {"version": text(), "aet": text("AE title"), "dicom_address": text("HOST:PORT"),
             "dicom_tls_address": text("HOST:PORT; empty: none"),
             "dicom_tls_expires": or_null(text("when its certificate ends")),
             "http_tls_expires": or_null(text("when the certificate of http ends")), "http_address": text("URL"),
             "database": text(), "counts": _COUNTS, "free_bytes": integer("that can still be stored")}
        ),
    ),
)  # fmt: skip
