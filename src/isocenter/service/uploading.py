"""What is on the disks of nodes and not in the object store yet, for those who run the archive."""

from sqlalchemy import Connection

from isocenter.domain.access import Permission, Principal, require
from isocenter.domain.errors import Conflict, Missing
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import changes, uploads
from isocenter.store.uploads import Node

__all__ = ["Node", "forget", "nodes"]


def nodes(context: Context, principal: Principal) -> list[Node]:
    """The nodes that have something to upload."""
    require(principal, Permission.SYSTEM_READ)
    return context.database.read(uploads.nodes)


def forget(context: Context, principal: Principal, node: str) -> int:
    """The disk of a node is lost: what only it had is missing from now on. Returns how many objects that are. A change row.

    Raises Missing when it has nothing to upload, Conflict for the node that asks: its disk is here.
    """
    require(principal, Permission.SYSTEM_MANAGE)
    if node == context.blobs.node:
        raise Conflict("this is the node itself: it uploads what it has", where=node, kept="Nothing was forgotten.",
                       hint="Is it running, and does the object store answer? Its log says why not.")  # fmt: skip

    def write(connection: Connection) -> int:
        count = uploads.forget(connection, node)
        if count:
            changes.append(connection, Event.UPLOADS_FORGOTTEN, node, principal.name, {"node": node, "objects": count})
        return count

    forgotten = context.database.write(write)
    if not forgotten:
        raise Missing("no node of this name has anything to upload", where=node, hint="`isocenter uploads` lists them.")
    return forgotten
