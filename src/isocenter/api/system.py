"""What this archive is, for its administration page."""

from typing import Any

from isocenter.api.endpoint import Call, Endpoint
from isocenter.api.schema import integer, obj, text
from isocenter.domain.access import Permission
from isocenter.service import system


def _system(call: Call) -> Any:
    facts = system.describe(call.context, call.principal)
    return {
        "version": facts.version, "aet": facts.aet, "dicom_address": facts.dicom, "dicom_tls_address": facts.dicom_tls,
        "http_address": facts.http,
        "database": facts.database, "counts": facts.counts, "free_bytes": facts.free_bytes,
    }  # fmt: skip


_COUNTS = obj({name: integer() for name in ("patients", "studies", "series", "instances", "exceptions")})

ENDPOINTS = (
    Endpoint(
        method="GET", path="/system", tag="admin", needs=Permission.SYSTEM_READ, run=_system,
        summary="What this archive is and holds",
        answer=obj(
            {"version": text(), "aet": text("AE title"), "dicom_address": text("HOST:PORT"),
             "dicom_tls_address": text("HOST:PORT; empty: none"), "http_address": text("URL"),
             "database": text(), "counts": _COUNTS, "free_bytes": integer("that can still be stored")}
        ),
    ),
)  # fmt: skip
