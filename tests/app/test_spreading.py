"""Associations spread over the processes that receive: each has a core to itself only when none has those of another."""

import contextlib
import os
import re
import struct
from pathlib import Path

import pytest

from dimse.conftest import RawPeer
from isocenter.dimse.upper_layer import pdu
from servers import Server, running, wait_for


def connections(server: Server) -> list[int]:
    """How many connections each DICOM process has."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {words[9] for words in lines if words[1].endswith(f":{server.dicom_port:04X}") and words[3] == "01"}

    def held(pid: int) -> int:
        links = []
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                links.append(re.sub(r"^socket:\[(\d+)\]$", r"\1", os.readlink(descriptor)))
        return len(inodes.intersection(links))

    return sorted(held(pid) for pid in server.pids("dicom"))


def told(server: Server) -> list[int]:
    """What they have told each other of it."""
    for descriptor in Path(f"/proc/{server.pids('dicom')[0]}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if "isocenter-places" in os.readlink(descriptor):
                table = struct.iter_unpack("<ii", descriptor.read_bytes()[: 64 * 8])
                return sorted(number for process, number in table if process)
    raise AssertionError("they share no memory")


@pytest.mark.parametrize("at_once", [True, False])
def test_every_process_has_as_many_as_the_others(at_once: bool, tmp_path: Path) -> None:
    with running(tmp_path, "--dicom-processes", "2") as server:
        for _ in range(12):
            wait_for(lambda: told(server) == [0, 0])
            with contextlib.ExitStack() as stack:
                peers = []
                for number in range(4):
                    peers.append(RawPeer(server.dicom_port))
                    stack.callback(peers[-1].close)
                    if not at_once:
                        assert isinstance(peers[number].associate(), pdu.AssociateAC)
                wait_for(lambda: sum(connections(server)) == 4)
                assert connections(server) == [2, 2]
                assert told(server) == [2, 2]
