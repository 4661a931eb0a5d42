"""gdcm's gdcmscu stores.

Debian's gdcmscu (3.0.21) ends with an exception after each association, also with dcmtk's storescp: its exit code says nothing,
and what C-FIND has found is never printed. As the destination of its own C-MOVE it mixes up the presentation contexts of an
association that has more than one.
"""

import shutil
import subprocess
from pathlib import Path

import pydicom
import pytest

from dimse.conftest import Archive, eventually

pytestmark = pytest.mark.skipif(shutil.which("gdcmscu") is None, reason="gdcm is not installed")


def gdcmscu(archive: Archive, *arguments: str | Path) -> str:
    command = ["gdcmscu", "-V", *arguments, "--aetitle", "GDCM", "--call", "ISOCENTER", "127.0.0.1", str(archive.port)]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60).stdout


def test_store(archive: Archive, data: Path) -> None:
    sent = [data / "transfer-syntaxes" / name for name in ("CT_small.dcm", "MR_small_jp2klossless.dcm")]
    for number, path in enumerate(sent):
        said = gdcmscu(archive, "--store", "-i", path)
        eventually(lambda most=number: len(archive.files()) > most)
        assert "Error" not in said, said
    stored = {read.SOPInstanceUID: read.PixelData for read in map(pydicom.dcmread, archive.files())}
    assert stored == {read.SOPInstanceUID: read.PixelData for read in map(pydicom.dcmread, sent)}

