"""Files brought under another key: how far it is can be asked, and one that was killed goes on where it was."""

import base64
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from isocenter import doctor
from isocenter.domain.access import SYSTEM
from isocenter.operations import gauges
from isocenter.service import encrypting, ingest
from isocenter.service.context import Context
from isocenter.store import keys
from isocenter.store.blobs_local import LocalBlobs
from objects import part10

STUDIES = 12


class Killed(BaseException):
    """The process ends here."""


def under_a_key(context: Context, tmp_path: Path) -> Context:
    (tmp_path / "key").write_text(base64.b64encode(os.urandom(32)).decode())
    settings = replace(context.settings, encryption_key=f"file:{tmp_path / 'key'}")
    return replace(context, settings=settings, blobs=LocalBlobs(settings.data, keys.of(settings)))


def store(context: Context, number: int) -> None:
    with ingest.begin(context, SYSTEM, source="upload") as reception:
        uid = f"1.{number}"
        reception.write(part10(StudyInstanceUID=uid, SeriesInstanceUID=f"{uid}.1", SOPInstanceUID=f"{uid}.1.1"))
        assert reception.finish().status == "stored"


@pytest.fixture
def sealing(context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    for number in range(STUDIES):
        store(context, number)
    monkeypatch.setattr(encrypting, "_NOTED_EVERY", 0.0)
    return under_a_key(context, tmp_path)


def killed_after(context: Context, files: int) -> None:
    left = iter(range(files))

    def advance(count: int) -> None:
        if count and next(left, None) is None:
            raise Killed

    with pytest.raises(Killed):
        encrypting.renew(context, None, advance)


def test_one_that_was_killed_goes_on_where_it_was(sealing: Context) -> None:
    killed_after(sealing, 5)
    (found,) = encrypting.renewals(sealing, SYSTEM)
    assert (found.expected, found.files, found.changed, found.ended_at) == (STUDIES, 5, 5, None)
    figures = gauges(sealing)
    told = [figures[f"isocenter_encryption_renewal_{name}"][1] for name in ("files", "expected", "open")]
    assert told == [5, STUDIES, 1]
    later = replace(sealing, clock=lambda: found.heard_at + timedelta(minutes=11))
    assert encrypting.is_stopped(later, found) and not encrypting.is_stopped(sealing, found)
    assert any("broken off at 5 of 12" in each.what for each in doctor.examine(later))

    seen: list[str] = []
    reseal = sealing.blobs.reseal

    class Watched:
        def __getattr__(self, name: str) -> object:
            return getattr(sealing.blobs, name)

        def reseal(self, key: str) -> bool:
            seen.append(key)
            return reseal(key)

    report = encrypting.renew(replace(sealing, blobs=Watched()), None, lambda count: None)  # type: ignore[arg-type]
    assert report.files == STUDIES and not report.faults
    assert len(seen) == STUDIES - 5, "what was done before is not read again"
    assert encrypting.status(sealing, None, lambda count: None) == {encrypting.current(sealing): STUDIES}
    (ended,) = encrypting.renewals(sealing, SYSTEM)
    assert ended.ended_at is not None and gauges(sealing)["isocenter_encryption_renewal_open"][1] == 0


def test_another_key_begins_anew(sealing: Context) -> None:
    killed_after(sealing, 5)
    clear = replace(sealing.settings, encryption_key="", encryption_old_keys=sealing.settings.encryption_key)
    other = replace(sealing, settings=clear, blobs=LocalBlobs(clear.data, keys.of(clear)))
    report = encrypting.renew(other, None, lambda count: None)
    assert (report.files, report.changed) == (STUDIES, 6)  # back into clear; the sixth was done, and nobody had noted it
    assert encrypting.status(other, None, lambda count: None) == {"": STUDIES}


def test_a_backup_has_a_line_of_its_own(sealing: Context, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    LocalBlobs(folder)
    encrypting.renew(sealing, folder, lambda count: None)
    assert [(each.place, each.files) for each in encrypting.renewals(sealing, SYSTEM)] == [(str(folder), 0)]
    assert "isocenter_encryption_renewal_files" not in gauges(sealing)
