"""The DICOM network services a peer can be allowed, by the names that people read and programs write."""

from enum import StrEnum

__all__ = ["DimseService"]


class DimseService(StrEnum):
    """What a peer may ask of us. `dimse/services.py` says which SOP classes and operations each is made of."""

    VERIFICATION = "verification"
    STORAGE = "storage"
    QUERY = "query"
    RETRIEVE = "retrieve"
    STORAGE_COMMITMENT = "storage-commitment"
    WORKLIST = "worklist"
    PROCEDURE_STEP = "procedure-step"  # MPPS
    UPS = "ups"
    PRINT = "print"
