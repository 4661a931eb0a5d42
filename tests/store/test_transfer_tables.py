"""A backup holds every table there is, whoever imports it."""

import subprocess
import sys
from pathlib import Path

import isocenter.store


def test_a_backup_knows_every_table() -> None:
    folder = Path(isocenter.store.__file__).parent
    modules = sorted(path.stem for path in folder.glob("schema_*.py"))
    code = "import sys, isocenter.store.transfer; print(*sorted(name for name in sys.modules if 'store.schema_' in name))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True).stdout.split()
    assert found == [f"isocenter.store.{module}" for module in modules]
