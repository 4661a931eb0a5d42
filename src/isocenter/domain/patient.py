"""Who a patient is: Patient ID together with its issuer (PS3.3 C.2.2). An ID alone never joins two patients."""

import hashlib
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from isocenter.dicom.match import fold

DEMOGRAPHICS = ("PatientName", "PatientBirthDate")  # two of one ID and issuer that differ in these may be two people

_LONGEST = 200


def identity(values: Mapping[str, str], study_instance_uid: str) -> str:
    """The key under which studies are joined to one patient.

    Same Patient ID (0010,0020) and same Issuer of Patient ID (0010,0021), or both without issuer: same key. Without a Patient ID
    the key is the study's own: nothing is known that could join it to another.
    """
    patient_id = _normal(values.get("PatientID", ""))
    if not patient_id:
        return f"study:{study_instance_uid}"
    issuer = _normal(values.get("IssuerOfPatientID", ""))
    key = f"id:{len(issuer)}:{issuer}:{patient_id}"
    # Two LO of 64 characters always fit; what is longer still must not be cut, or two patients could become one.
    return key if len(key) <= _LONGEST else f"sha256:{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"


def issued(values: Mapping[str, str], universal: str, default: str, namespaces: Mapping[str, str]) -> Mapping[str, str]:
    """The values with the issuer under which the patient is known; unchanged where the object names one, or has no Patient ID.

    universal: Universal Entity ID of the issuer's qualifiers (PS3.3 10.14), which stands for the namespace that `namespaces` has
    for it. default: the issuer of what this sender sends without a word about it.
    """
    if not _normal(values.get("PatientID", "")) or _normal(values.get("IssuerOfPatientID", "")):
        return values
    issuer = namespaces.get(_normal(universal), _normal(universal)) or _normal(default)
    return {**values, "IssuerOfPatientID": issuer} if issuer else values


@lru_cache(maxsize=16)
def namespaces(text: str) -> Mapping[str, str]:
    """Universal Entity ID -> local namespace, of NAMESPACE=UNIVERSAL,... Raises ValueError."""
    found: dict[str, str] = {}
    for pair in filter(None, (each.strip() for each in text.split(","))):
        name, sign, universal = (part.strip() for part in pair.partition("="))
        if not (name and sign and universal) or universal in found or len(name) > 64:
            raise ValueError("write NAMESPACE=UNIVERSAL,... with each universal ID once, for example HOSP=1.2.840.99")
        found[universal] = name
    return MappingProxyType(found)


def contradicts(held: Mapping[str, str], arriving: Mapping[str, str]) -> tuple[str, ...]:
    """The keywords of the demographics in which two objects of one patient differ; an empty value contradicts nothing."""
    return tuple(
        keyword
        for keyword in DEMOGRAPHICS
        if (mine := fold(held.get(keyword, ""))) and (theirs := fold(arriving.get(keyword, ""))) and mine != theirs
    )


@lru_cache(1024)
def _normal(text: str) -> str:
    """LO: leading and trailing spaces do not count (PS3.5 6.2); composed and decomposed letters are the same letter."""
    text = unicodedata.normalize("NFC", text.replace("\0", "").strip(" "))
    return text.encode("utf-8", "backslashreplace").decode("utf-8")  # no lone surrogates: no database takes them
