"""What the archive is and holds, for the administration page."""

from dataclasses import dataclass

from isocenter import __version__
from isocenter.domain.access import Permission, Principal, require
from isocenter.service.context import Context
from isocenter.store import worklist


@dataclass(frozen=True, slots=True)
class System:
    """Facts about this archive. Counts are of rows; `free_bytes` may still be written."""

    version: str
    aet: str
    dicom: str
    dicom_tls: str  # "" when there is none
    http: str
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
        http=settings.url,
        database="SQLite" if settings.embedded else "PostgreSQL",
        counts=context.database.read(worklist.counts),
        free_bytes=context.blobs.free_space(),
    )
