"""What a correction of a patient's identity says, and what holds when there are several: pure.

A correction gives studies the patient they belong to. The newest one of a study that was not undone holds; without one the
study is as its objects say. So undoing is possible in any order, and undoing all of them is where it began.
"""

import re
from collections.abc import Iterable, Mapping

from isocenter.dicom.corrected import KEYWORDS
from isocenter.domain.errors import Invalid

LONGEST = {"PatientName": 324, "PatientID": 64, "IssuerOfPatientID": 64, "PatientBirthDate": 8, "PatientSex": 16}  # PS3.5 6.2
LONGEST_REASON = 1000

_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")
_DATE = re.compile(r"(\d{8})?")


def checked(said: Mapping[str, str]) -> dict[str, str]:
    """All KEYWORDS of a patient, what was not said as "". Raises Invalid."""
    patient = {keyword: said.get(keyword, "").strip() for keyword in KEYWORDS}
    for keyword, text in patient.items():
        if len(text) > LONGEST[keyword] or _CONTROL.search(text):
            raise Invalid(f"{keyword} cannot be this", where=keyword,
                          hint=f"At most {LONGEST[keyword]} characters, no backslash and no control characters.")
    if not patient["PatientID"]:
        raise Invalid("a patient needs an ID", where="PatientID", hint="Without one the study could not be joined to anybody.")
    if not _DATE.fullmatch(patient["PatientBirthDate"]):
        raise Invalid("a date is written YYYYMMDD", where="PatientBirthDate")
    if patient["PatientSex"] not in ("", "F", "M", "O"):
        raise Invalid("Patient's Sex is F, M or O, or empty", where="PatientSex")
    return patient


def holding(corrections: Iterable[tuple[int, bool]]) -> int | None:
    """Which of the corrections of a study holds, each (id, undone): the newest that was not undone; None without."""
    return max((id_ for id_, undone in corrections if not undone), default=None)
