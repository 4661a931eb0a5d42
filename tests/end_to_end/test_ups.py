"""A work item, a subscriber, and the whole server with all its processes: nothing that was to be told is lost with them."""

import os
import signal
from pathlib import Path

from pydicom.uid import generate_uid
from pynetdicom import AE

from dimse.conftest import eventually
from dimse.ups.users import GLOBAL, PULL, PUSH, RESTARTED, STATE, WATCH, User, Watcher, step
from servers import Server, run, running


def associated(server: Server) -> User:
    entity = AE(ae_title="PERFORMER")
    for sop_class in (PUSH, PULL, WATCH):
        entity.add_requested_context(sop_class)
    association = entity.associate("127.0.0.1", server.dicom_port, ae_title=server.aet)
    assert association.is_established
    return User(association)


def test_what_was_to_be_told_survives_the_worker_and_the_server(tmp_path: Path) -> None:
    watcher, uid = Watcher(), generate_uid()
    with watcher.listening():
        with running(tmp_path) as server:
            added = run("peer", "add", "WATCHER", "127.0.0.1", str(watcher.port), "--data", str(server.data))
            assert added.returncode == 0, added.stderr
            user = associated(server)
            assert user.subscribe(GLOBAL) == 0
            for pid in server.pids("worker"):
                os.kill(pid, signal.SIGKILL)
            assert user.create(step(), uid)[0] == 0
            assert user.begin(uid, generate_uid()) == 0
            user.association.release()
            eventually(lambda: len(watcher.told(uid)) == 2, 30)
            assert watcher.told(uid) == [(STATE, "SCHEDULED"), (STATE, "IN PROGRESS")]
        with running(tmp_path) as server:
            eventually(lambda: watcher.told(GLOBAL), 30)
            assert watcher.told(GLOBAL) == [(RESTARTED, "")]
            user = associated(server)
            _, got = user.get(uid)
            assert got is not None and got.ProcedureStepState == "IN PROGRESS"
            user.association.release()
