"""Names of PS3.5 Annexes H to K and of other alphabets: found by QIDO-RS by every spelling, and shown whole."""

from typing import Any

import objects
from dicomweb.in_process import Client

NAME = "00100010"
GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def whole(name: dict[str, Any]) -> str:
    """The name of a row with all its component groups, as a PN has them."""
    (value,) = name["Value"]
    return "=".join(value.get(group, "") for group in GROUPS).rstrip("=")


def test_every_name_is_found_by_every_spelling(both_clients: Client) -> None:
    for number, name in enumerate(objects.spellings()):
        study = f"1.4.{number}"
        stored = both_clients.store(objects.part10(
            64, PatientName=name, PatientID=f"N{number}", StudyInstanceUID=study, SeriesInstanceUID=f"{study}.1",
        ))  # fmt: skip
        assert stored.status_code == 200, stored.text
    missed = []
    for name, spellings in objects.spellings().items():
        for spelling in spellings:
            found = both_clients.json("/studies", params={"PatientName": spelling})
            if name not in [whole(row[NAME]) for row in found]:
                missed.append((name, spelling))
    assert not missed
