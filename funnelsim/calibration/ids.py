"""Names of the log as ids of a scenario."""

from __future__ import annotations

import re

__all__ = ["lasting_id"]


def lasting_id(name: str) -> str:
    """A name as an id; a name that is one already stays as it is.

    Examples
    --------
    >>> lasting_id("client_desk"), lasting_id("Call Outbound"), lasting_id("Дзвінок")
    ('client_desk', 'call-outbound', 'dzvinok')
    """
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", name):
        return name
    from slugify import slugify

    return slugify(name, max_length=60) or "unnamed"
