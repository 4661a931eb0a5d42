"""The DICOM listener: one process of it, a thread an association.

Several processes share one listening socket, which the supervisor binds. All of them wait for it; who has more associations than
the others gives them a moment to take the next, so that associations spread evenly. A connection that comes while a process is
started again is taken by another.
"""

import ipaddress
import logging
import select
import socket
import threading
import time
from collections.abc import Mapping
from functools import partial
from typing import NoReturn

from isocenter import metrics
from isocenter.dimse import identity, services, storage, tls
from isocenter.dimse.dispatch import Dispatcher, ProtocolError
from isocenter.dimse.exchange import Session
from isocenter.dimse.places import Places, create
from isocenter.dimse.status import Category
from isocenter.dimse.tally import Tally
from isocenter.dimse.upper_layer.association import Association, Ended, Limits
from isocenter.dimse.upper_layer.pdu import (
    CALLED_AE_TITLE_NOT_RECOGNIZED,
    CALLING_AE_TITLE_NOT_RECOGNIZED,
    LOCAL_LIMIT_EXCEEDED,
    REJECT_TEXT,
    TEMPORARY_CONGESTION,
    AssociateRJ,
    AssociateRQ,
)
from isocenter.dimse.upper_layer.transport import timeval
from isocenter.domain.errors import Forbidden, IsocenterError
from isocenter.service import peers
from isocenter.service.context import Context
from isocenter.service.peers import Caller
from isocenter.tls import Certificates

log = logging.getLogger(__name__)

BACKLOG = 256  # connections the kernel holds for us while all cores are busy; 200 modalities may wake up at once

# Connections above max_associations that are still told why (A-ASSOCIATE-RJ) before one is simply closed.
REJECTED_AT_ONCE = 50

# How long accept() sleeps before it looks whether it is to stop: shutdown() would end it, but for all who share the socket.
ACCEPT_SECONDS = 0.25

# How long a process that has more associations than the others leaves a new connection to them, who take it within a
# millisecond unless every core is busy (seconds).
LEFT_TO_OTHERS = 0.25

# While stopping, an association without a message for this long has nothing to lose (seconds).
QUIET = 0.5

# After the grace time a message in progress gets this long to be answered before its socket is closed (seconds).
LAST_MESSAGE = 5.0


def admit(context: Context, request: AssociateRQ, address: str) -> Caller | AssociateRJ:
    """Who that is, or the rejection: known peers may come in, on loopback anybody while the settings accept unknown AE titles.

    Many senders in the field call an archive by an old name, so the called one is compared only when the settings ask for it.
    """
    if context.settings.check_called_aet and request.called_ae_title != context.settings.aet:
        return CALLED_AE_TITLE_NOT_RECOGNIZED  # PS3.8 9.3.4
    try:
        return peers.let_in(context, request.calling_ae_title, address)
    except Forbidden:
        return CALLING_AE_TITLE_NOT_RECOGNIZED
    except IsocenterError:  # the database is away: not the peer's fault, and it may try again
        log.exception("cannot look up a peer")
        return TEMPORARY_CONGESTION


Archives = Context | Mapping[str, Context]
"""The one archive, or each institution's by its AE title (isocenter.tenants)."""


class Server:
    """Listens on bound sockets, which other processes may share, until `stop`, which closes them.

    archives: who calls another AE title than those of several archives is rejected. secure: the one for TLS, with the
    certificates of the settings. places: of the associations of all these processes (`places.create`); None: this one's only.
    Raises Broken when the certificates cannot be used.
    """

    def __init__(
        self, archives: Archives, listener: socket.socket, secure: socket.socket | None = None, places: int | None = None
    ) -> None:
        self._archives = archives
        contexts = [archives] if isinstance(archives, Context) else list(archives.values())
        settings = self._settings = contexts[0].settings  # what is asked of them here is the same for all
        self._limits = Limits(
            maximum_length=settings.max_pdu, artim_timeout=settings.artim_timeout, idle_timeout=settings.dicom_idle_timeout
        )
        self._balancers = tuple(ipaddress.ip_network(network, strict=False) for network in settings.dicom_proxies)
        self._certificates = tls.accepting(settings) if secure else None
        self._listeners = [listener, secure] if secure else [listener]
        self._stopping = False
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._open: dict[Association, threading.Thread] = {}
        self._places = Places(create(settings.max_associations) if places is None else places)
        self._established: dict[Association, int] = {}  # and the place of each; one that is over has none
        self._tallies = {id(context): Tally(context) for context in contexts}

    @property
    def port(self) -> int:
        """The port listened on in clear text."""
        return int(self._listeners[0].getsockname()[1])

    @property
    def grace_seconds(self) -> float:
        """How long a stop waits for what has begun."""
        return self._settings.grace_seconds

    @property
    def associations(self) -> int:
        """How many associations are established now."""
        with self._lock:
            return len(self._established)

    @property
    def connections(self) -> int:
        """How many transport connections are open now, established or not."""
        return len(self._open)

    def start(self) -> None:
        """Listen, and accept in threads."""
        for listener in self._listeners:
            # SO_RCVBUF stays unset: the kernel's own tuning was as quick with 512 KB slices, and grows further over a WAN.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval(ACCEPT_SECONDS))
            listener.listen(BACKLOG)
            certificates = None if listener is self._listeners[0] else self._certificates
            thread = threading.Thread(target=self._accept, args=(listener, certificates), name="dicom-listener", daemon=True)
            self._threads.append(thread)
            thread.start()
        for tally in self._tallies.values():
            tally.start()

    def stop(self, grace_seconds: float) -> None:
        """Accept nothing more; associations in use may go on for the grace time, idle ones and then all get A-ABORT.

        A message that is in progress is always answered first, unless it takes longer than the grace time and LAST_MESSAGE.
        """
        if not self._threads:
            return
        self._stopping = True
        for thread in self._threads:
            thread.join()
        for listener in self._listeners:
            listener.close()
        deadline = time.monotonic() + grace_seconds
        while self._still_open() and time.monotonic() < deadline:
            self._end(quiet_since=time.monotonic() - QUIET)
            time.sleep(0.05)
        self._end(quiet_since=float("inf"))
        self._join(LAST_MESSAGE)
        for association in self._still_open():
            association.sever()
        for tally in self._tallies.values():
            tally.stop()
        if not self._still_open():
            self._places.close()

    def _still_open(self) -> list[Association]:
        with self._lock:
            return list(self._open)

    def _end(self, *, quiet_since: float) -> None:
        for association in self._still_open():
            if not association.stopping and association.last_activity < quiet_since:
                association.stop()

    def _join(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with self._lock:
            threads = list(self._open.values())
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _accept(self, listener: socket.socket, certificates: Certificates | None) -> None:
        while not self._stopping:
            if self._leaves_it_to_others(listener):
                continue
            try:
                connection, address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                continue
            except OSError as error:
                # Out of file descriptors or memory: those that are open will end.
                log.error("cannot accept a connection", extra={"facts": {"reason": error.strerror}})
                time.sleep(0.1)
                continue
            self._begin(connection, address[0], certificates)

    def _leaves_it_to_others(self, listener: socket.socket) -> bool:
        """Whether no connection waits that this process has to take. Returns soon."""
        if not self._places.has_more_than_others():
            return False
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        if not poll.poll(1000 * ACCEPT_SECONDS):
            return True
        until = time.monotonic() + LEFT_TO_OTHERS
        while time.monotonic() < until and self._places.has_more_than_others():
            time.sleep(0.001)
            if not poll.poll(0):
                return True
        return False

    def _begin(self, connection: socket.socket, address: str, certificates: Certificates | None) -> None:
        if not self._room():
            connection.close()
            return
        try:
            secured = certificates.context() if certificates else None
            association = Association.accepted(connection, self._limits, secured)
        except OSError:  # reset before we could set its options
            connection.close()
            return
        thread = threading.Thread(target=self._run, args=(association, address), name=f"dicom-{address}", daemon=True)
        with self._lock:
            self._open[association] = thread
            self._places.tell(len(self._open))
        try:
            thread.start()
        except RuntimeError:  # no more threads
            with self._lock:
                del self._open[association]
                self._places.tell(len(self._open))
            association.close()

    def _room(self) -> bool:
        """Whether one more connection can be taken.

        Who has been there longest without asking for an association makes room: a request comes within milliseconds, and
        silent connections, however many, must not keep it out.
        """
        with self._lock:
            if len(self._open) < self._settings.max_associations + REJECTED_AT_ONCE:
                return True
            silent = next((each for each in self._open if each.awaiting_request), None)
            if silent is None:
                return False
            del self._open[silent]
        silent.sever()
        return True

    def _run(self, association: Association, address: str) -> None:
        facts: dict[str, object] = {"address": address}
        began = time.monotonic()
        outcome, detail = "lost", ""
        try:
            self._serve(association, address, facts)
        except Ended as end:
            outcome, detail = end.how, end.detail
        except ProtocolError as error:
            outcome, detail = "provider_aborted", str(error)
            association.abort(error.reason)
        except Exception:  # one association may fail, the listener goes on
            log.exception("association failed", extra={"facts": facts})
            association.abort()
        finally:
            association.close()
            with self._lock:
                self._open.pop(association, None)
                self._places.tell(len(self._open))
        facts.update(how=outcome, detail=detail, seconds=round(time.monotonic() - began, 3))
        log.info("association ended", extra={"facts": facts})
        metrics.association(_METRIC.get(outcome, "aborted"), str(facts.get("calling", "")))

    def _serve(self, association: Association, address: str, facts: dict[str, object]) -> None:
        """One association from its request to its end, which raises Ended or ProtocolError."""
        if any(ipaddress.ip_address(address) in network for network in self._balancers):
            address = association.announced() or address
            facts["address"] = address
        request = association.request()
        facts.update(calling=request.calling_ae_title, called=request.called_ae_title)
        context = self._archive(request.called_ae_title)
        if context is None:
            self._reject(association, CALLED_AE_TITLE_NOT_RECOGNIZED, facts)  # PS3.8 9.3.4
        caller = self._admit(context, association, request, address)
        if isinstance(caller, AssociateRJ):
            self._reject(association, caller, facts)
        try:
            identified = identity.identify(context, request, caller, secured=bool(association.secured))
            if isinstance(identified, AssociateRJ):
                self._reject(association, identified, facts)
            caller, answer = identified
            roles = services.scp_roles(request)
            choose = partial(services.choose, peer=caller.peer, sent=roles)
            association.accept(request, choose, scp_roles=roles, extend=services.extend, identity=answer)
            facts["implementation"] = association.peer_implementation
            if caller.principal.kind == "user":
                facts["user"] = caller.principal.name
            if association.secured:
                facts["tls"] = association.secured
            log.info("association accepted", extra={"facts": {**facts, "contexts": len(association.contexts)}})
            metrics.association("accepted", request.calling_ae_title)
            self._note(context, caller, associations=1)
            titles = request.calling_ae_title, request.called_ae_title
            scp = storage.StorageSCP(context, caller.principal, *titles, issuer=caller.peer.issuer if caller.peer else "")
            session = Session(context, caller.principal, *titles, association, caller.peer)
            try:
                with metrics.association_open():
                    Dispatcher(association, partial(services.handler, session, scp)).run()
            finally:
                scp.close()
                facts.update({category.lower(): number for category, number in scp.answered.items()})
                self._note(context, caller, instances=scp.answered[Category.SUCCESS] + scp.answered[Category.WARNING])
        finally:
            self._leave(association)

    @staticmethod
    def _reject(association: Association, rejection: AssociateRJ, facts: dict[str, object]) -> NoReturn:
        facts["reason"] = REJECT_TEXT.get((rejection.source, rejection.reason), "")
        association.reject(rejection)
        raise Ended("rejected")

    def _archive(self, called: str) -> Context | None:
        return self._archives if isinstance(self._archives, Context) else self._archives.get(called)

    def _note(self, context: Context, caller: Caller, *, associations: int = 0, instances: int = 0) -> None:
        if caller.peer is not None:
            self._tallies[id(context)].note(caller.peer.aet, associations=associations, instances=instances)

    def _admit(self, context: Context, association: Association, request: AssociateRQ, address: str) -> Caller | AssociateRJ:
        """The caller, who has a place from now on, or why not: no place is left, for nobody or for this peer."""
        caller = admit(context, request, address)
        if isinstance(caller, AssociateRJ):
            return caller
        most = (caller.peer.max_associations if caller.peer else 0) or context.settings.max_associations_per_peer
        place = self._places.take(request.calling_ae_title, most)
        if place is None:
            return LOCAL_LIMIT_EXCEEDED
        with self._lock:
            self._established[association] = place
        # One that is over but waits for its peer to close (Sta13) takes nobody's place.
        association.when_over = partial(self._leave, association)
        return caller

    def _leave(self, association: Association) -> None:
        with self._lock:
            place = self._established.pop(association, None)
        if place is not None:
            self._places.free(place)


_METRIC = {"released": "released", "rejected": "rejected", "timeout": "timeout"}


def serve(
    archives: Archives,
    stop: threading.Event,
    listener: socket.socket,
    secure: socket.socket | None = None,
    places: int | None = None,
) -> None:
    """Receive DICOM on bound sockets, the second for TLS, until `stop` is set, then stop gracefully.

    archives, places: as in `Server`.
    """
    server = Server(archives, listener, secure, places)
    server.start()
    stop.wait()
    server.stop(server.grace_seconds)

