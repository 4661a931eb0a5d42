"""`isocenter serve` with DICOM over TLS: both ports, in each process, and what is at fault said before anything starts."""

import json
import re
import subprocess
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certificates import Authority
from dimse.conftest import RawPeer
from isocenter.dimse.upper_layer import pdu
from servers import free_port, run, running

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    authority = Authority(folder)
    authority.signed("ours")
    authority.signed("theirs")
    return folder


def test_both_ports_are_served_and_peers_are_called_over_tls(keys: Path, tmp_path: Path) -> None:
    port = free_port()
    settings = ("--dicom-tls-cert", str(keys / "ours.crt"), "--dicom-tls-key", str(keys / "ours.key"),
                "--dicom-tls-ca", str(keys / "authority.crt"))
    with running(tmp_path, "--dicom-tls", f"127.0.0.1:{port}", "--dicom-processes", "2",
                 "--max-associations-per-peer", "3", *settings) as server:
        assert f"over TLS at 127.0.0.1:{port}" in server.output()
        facts = server.client().get("/api/v1/system").json()
        assert facts["dicom_tls_address"] == f"127.0.0.1:{port}" and facts["http_tls_expires"] is None
        end = datetime.fromisoformat(facts["dicom_tls_expires"])
        assert timedelta(days=1) < end - datetime.now(UTC) < timedelta(days=3)
        (gauge,) = re.findall(r"^isocenter_dicom_certificate_ends (.*)$", server.client().get("/metrics").text, re.MULTILINE)
        assert float(gauge) == end.timestamp()
        theirs = ["+tls", str(keys / "theirs.key"), str(keys / "theirs.crt"), "+cf", str(keys / "authority.crt")]
        for options, to in (([], server.dicom_port), (theirs, port), (theirs, port)):
            subprocess.run(["echoscu", *options, "127.0.0.1", str(to)], check=True, timeout=60)
        with ExitStack() as stack:  # the limit is one over both processes, and over both ports
            held = [RawPeer(to) for to in (server.dicom_port, server.dicom_port, server.dicom_port, server.dicom_port)]
            for peer in held:
                stack.callback(peer.close)
            assert [type(peer.associate(calling="SAME")) for peer in held] == [pdu.AssociateAC] * 3 + [pdu.AssociateRJ]
            one_too_many = ["echoscu", "-aet", "SAME", *theirs, "127.0.0.1", str(port)]
            said = subprocess.run(one_too_many, timeout=60, capture_output=True, text=True)
            assert said.returncode != 0 and "Local Limit Exceeded" in said.stdout + said.stderr, said
        data = ("--data", str(server.data), *settings)
        assert run("peer", "add", "SELF", "127.0.0.1", str(port), "--tls", *data).returncode == 0
        echo = run("peer", "echo", "SELF", "--json", *data)
        assert json.loads(echo.stdout)["outcome"] in ("answered", "rejected"), echo.stdout  # it is called by another AE title
        assert run("peer", "change", "SELF", "--no-tls", *data).returncode == 0
        assert json.loads(run("peer", "echo", "SELF", "--json", *data).stdout)["outcome"] == "no_answer"


@pytest.mark.parametrize(("cert", "key", "authority", "sentence"), [
    ("ours.crt", "theirs.key", "authority.crt", "dicom_tls_key: "),
    ("none.crt", "ours.key", "authority.crt", "dicom_tls_cert: "),
    ("ours.crt", "ours.key", "none.crt", "dicom_tls_ca: "),
    ("ours.crt", "ours.key", "ours.key", "dicom_tls_ca: "),
])
def test_files_that_are_no_good_are_said_before_anything_starts(
    keys: Path, tmp_path: Path, cert: str, key: str, authority: str, sentence: str
) -> None:
    options = ("--dicom-tls", "127.0.0.1:0", "--dicom-tls-cert", str(keys / cert), "--dicom-tls-key", str(keys / key),
               "--dicom-tls-ca", str(keys / authority))
    done = run("serve", "--data", str(tmp_path / "data"), "--http", "127.0.0.1:0", "--dicom", "127.0.0.1:0", *options)
    assert done.returncode == 2 and done.stderr.startswith("isocenter: " + sentence), done.stderr
    assert done.stderr.endswith("Nothing was started.\n") and not (tmp_path / "data").exists()
