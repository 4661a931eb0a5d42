"""How somebody likes to work: kept with the account, so that it is the same at every workstation.

The server keeps parts of JSON and does not look into them; they are the web client's, and a later one must cope with what an
earlier one wrote. Nothing of them concerns a patient, so no row of the change log says when somebody moved a key.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from isocenter.domain.access import Principal
from isocenter.domain.errors import Invalid, Missing, TooLarge
from isocenter.service.context import Context
from isocenter.store import accounts
from isocenter.store import preferences as rows

PART = re.compile(r"[a-z][a-z0-9-]{0,31}")
MOST_PARTS = 32
LONGEST = 16 * 1024  # characters of JSON; every key of the viewer moved is 3,000


def preferences(context: Context, principal: Principal) -> dict[str, Any]:
    """One's own preferences: part -> value."""
    found = context.database.read(lambda connection: rows.preferences(connection, principal.name))
    return {part: json.loads(value) for part, value in found.items()}


def set_preference(context: Context, principal: Principal, part: str, value: Mapping[str, Any]) -> None:
    """Replace one part of one's own preferences; an empty value forgets it. Raises Invalid, TooLarge, Missing (no account)."""
    if not PART.fullmatch(part):
        raise Invalid("a part is named by small letters, digits and dashes", where="part")
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > LONGEST:
        raise TooLarge(f"a part of the preferences has at most {LONGEST} characters", where=part)

    def write(connection: Connection) -> None:
        account = accounts.account(connection, principal.name)
        if account is None:
            raise Missing("there is no account whose preferences this could be", where="account")
        if not value:
            rows.drop_preference(connection, account.id, part)
            return
        rows.set_preference(connection, account.id, part, text)
        if rows.count(connection, account.id) > MOST_PARTS:
            raise TooLarge(f"an account has at most {MOST_PARTS} parts of preferences", where=part)

    context.database.write(write)
