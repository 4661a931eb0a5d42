"""What the archive is and holds, for the administration page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from isocenter import __version__
from isocenter.domain import certificates
from isocenter.domain.access import Permission, Principal, require
from isocenter.service.context import Context
from isocenter.store import uploads as upload_rows
from isocenter.store import worklist


@dataclass(frozen=True, slots=True)
class System:
    """Facts about this archive. Counts are of rows; `free_bytes` may still be written."""

    version: str
    aet: str
    dicom: str
    dicom_tls: str  # "" when there is none
    dicom_tls_expires: datetime | None  # when its certificate does
    http: str
    http_tls_expires: datetime | None
    database: str
    counts: dict[str, int]
    free_bytes: int


def describe(context: Context, principal: Principal) -> System:
    """Read them."""
    require(principal, Permission.SYSTEM_READ)
    settings = context.settings
    return System(
        version=__version__,
        aet=settings.aet,
        dicom=str(settings.dicom),
        dicom_tls=str(settings.dicom_tls or ""),
        dicom_tls_expires=certificate_end(settings.dicom_certificate) if settings.dicom_tls else None,
        http=settings.url,
        http_tls_expires=certificate_end((settings.tls_cert,)),
        database="SQLite" if settings.embedded else "PostgreSQL",
        counts=context.database.read(worklist.counts),
        free_bytes=context.blobs.free_space(),
    )


def uploads(context: Context) -> tuple[int, float]:
    """How many objects are on a node's disk only, of all nodes, and for how many seconds the oldest has been."""
    waiting, oldest = context.database.read(upload_rows.figures)
    return waiting, 0.0 if oldest is None else max(0.0, (context.clock() - oldest).total_seconds())


def certificate_end(files: Sequence[Path | None] | None) -> datetime | None:
    """When the certificate in the first file ends; None when there is none, or it cannot be read any more."""
    if not files or files[0] is None:
        return None
    try:
        return certificates.not_after(files[0].read_text("ascii", "replace"))
    except (OSError, ValueError):
        return None
