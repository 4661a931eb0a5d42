"""The web client in Debian's Chromium against a running server, as a person uses it: web/e2e/*.spec.ts through Playwright.

Screenshots are kept in web/test-results/screenshots.
"""

import os
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

import measured
import ohif
import openid
import remotes
import showing
import shown
import written
from servers import PASSWORD, free_port, running

WEB = Path(__file__).parents[2] / "web"
# Specs that need another archive: it knows this one as a destination of C-MOVE.
WITH_ORTHANC = ("network.spec.ts",)
# The spec in which OHIF, not our own client, is in the browser.
WITH_OHIF = ("ohif.spec.ts",)
# The spec that compares the screen with pictures and numbers worked out in numpy.
WITH_CORPUS = ("corpus.spec.ts",)
# Specs whose archive makes copies for viewing.
WITH_COPIES = ("slow.spec.ts",)
# Specs that leave objects which the viewer wrote, with how many.
WRITING = {"overlays.spec.ts": 4}
# Specs of objects that are made here.
WITH_OBJECTS = ("objects.spec.ts",)
# The spec whose archive lets people in with the accounts of a provider.
WITH_PROVIDER = ("provider.spec.ts",)
# The spec whose server has a name: browsers have no passkeys for an address in figures.
BY_NAME = ("passkey.spec.ts",)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("spec", sorted(path.name for path in (WEB / "e2e").glob("*.spec.ts")))
def test_the_web_client_in_chromium(spec: str, tmp_path: Path, data: Path) -> None:
    with ExitStack() as stack:
        options = ("--htj2k", "all") if spec in WITH_COPIES else ()
        if spec in WITH_PROVIDER:
            issuer = stack.enter_context(openid.real(*openid.PEOPLE))
            options = tuple(f"--{name.replace('_', '-')}={text}" for name, text in openid.settings(issuer).items())
        if spec in BY_NAME:
            port = free_port()
            options = ("--http", f"127.0.0.1:{port}", "--public-url", f"http://localhost:{port}")
        server = stack.enter_context(running(tmp_path / "archive", *options))
        foreign = stack.enter_context(remotes.orthanc(tmp_path / "orthanc", server.dicom_port)) if spec in WITH_ORTHANC else None
        viewer = stack.enter_context(ohif.serving(server)) if spec in WITH_OHIF else ""
        if spec in WITH_OBJECTS:
            showing.write(tmp_path / "objects")
        if spec in WITH_CORPUS:
            shown.write(tmp_path / "corpus")
            measured.write(tmp_path / "corpus" / "measured")
        done = subprocess.run(
            ["node_modules/.bin/playwright", "test", spec, "--output", f"test-results/{spec.removesuffix('.spec.ts')}"],
            cwd=WEB,
            env={
                **os.environ,
                "ISOCENTER_URL": f"http://localhost:{server.http_port}" if spec in BY_NAME else server.url,
                "ISOCENTER_ADMIN_PASSWORD": PASSWORD,
                "ISOCENTER_TEST_DATA": str(data.resolve()),
                "ISOCENTER_OBJECTS": str(tmp_path / "objects"),
                "ISOCENTER_CORPUS": str(tmp_path / "corpus"),
                "ISOCENTER_WRITTEN": str(tmp_path / "written"),
                "OHIF_URL": viewer,
                "ORTHANC_URL": str(foreign.http.base_url) if foreign else "",
                "ORTHANC_DICOM_PORT": str(foreign.port) if foreign else "",
            },
            capture_output=True,
            text=True,
            timeout=880,
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout or " flaky" in done.stdout  # the second try of a spec's only test
    if spec in WRITING:
        written.check(tmp_path / "written", sorted((data / written.CT).glob("*.dcm")), WRITING[spec])
