"""The web client in Debian's Chromium against a running server, as a person uses it: web/e2e/*.spec.ts through Playwright.

Screenshots are kept in web/test-results/screenshots.
"""

import os
import subprocess
from pathlib import Path

import pytest

from servers import PASSWORD, running

WEB = Path(__file__).parents[2] / "web"


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("spec", sorted(path.name for path in (WEB / "e2e").glob("*.spec.ts")))
def test_the_web_client_in_chromium(spec: str, tmp_path: Path, data: Path) -> None:
    with running(tmp_path / "archive") as server:
        done = subprocess.run(
            ["npx", "--no-install", "playwright", "test", spec, "--output", f"test-results/{spec.removesuffix('.spec.ts')}"],
            cwd=WEB,
            env={
                **os.environ,
                "ISOCENTER_URL": server.url,
                "ISOCENTER_ADMIN_PASSWORD": PASSWORD,
                "ISOCENTER_TEST_DATA": str(data.resolve()),
            },
            capture_output=True,
            text=True,
            timeout=880,
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
