"""Several event logs as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

import pandas as pd

from funnelsim.errors import Problem
from funnelsim.events.schema import Metadata

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["joined_metadata", "prefixed"]

Part = TypeVar("Part")

# What must be the same in all logs, and what to do where it is not.
ALIKE = {
    "observed_from": "Take the part of each log that all of them cover.",
    "observed_until": "Cut them to one moment with as_of.",
    "time_zone": "",
    "history": "",
    "currency": "Convert with dated rates first.",
    "known": "",
}


def joined_metadata(metas: Sequence[Metadata]) -> tuple[Metadata, list[Problem]]:
    """Return the metadata of several logs together.

    Parameters
    ----------
    metas : sequence of Metadata
        At least one.

    Returns
    -------
    tuple of Metadata and list of Problem
        Stages and teams of all; illustrative if one of them is; and where they
        contradict each other.

    Examples
    --------
    >>> one = Metadata(observed_from="2023-01-01T00:00Z", observed_until="2024-01-01T00:00Z")
    >>> _, problems = joined_metadata([one, one.model_copy(update={"time_zone": "Europe/Kyiv"})])
    >>> print(*problems)
    meta time_zone: the logs differ: UTC, Europe/Kyiv
    """
    first = metas[0]
    problems = []
    for name, fix in ALIKE.items():
        values = list(dict.fromkeys(str(getattr(meta, name)) for meta in metas))
        if len(values) > 1:
            problems.append(Problem(f"the logs differ: {', '.join(values)}", "meta", name, fix))
    stages = _united("stages", (meta.stages for meta in metas), lambda stage: stage.id, problems)
    teams = _united("teams", (meta.teams for meta in metas), lambda team: team.id, problems)
    provenance: dict[str, str] = {}
    for meta in metas:
        for key, text in meta.provenance.items():
            known = provenance.get(key)
            provenance[key] = text if known in {None, text} else f"{known}; {text}"
    updates = {
        "stages": stages,
        "teams": teams,
        "provenance": provenance,
        "labels": {key: names for meta in metas for key, names in meta.labels.items()},
        "illustrative": any(meta.illustrative for meta in metas),
    }
    return first.model_copy(update=updates), problems


def prefixed(frames: Iterable[pd.DataFrame], prefixes: Sequence[str]) -> pd.DataFrame:
    """Return frames below one another, with a prefix before the lead ids of each.

    Parameters
    ----------
    frames : iterable of pandas.DataFrame
        The same table of several logs.
    prefixes : sequence of str
        One per frame; empty to keep the ids.

    Returns
    -------
    pandas.DataFrame
        Rows in the order given.

    Examples
    --------
    >>> frame = pd.DataFrame({"lead_id": ["a"]})
    >>> prefixed([frame, frame], ["", "2/"])["lead_id"].tolist()
    ['a', '2/a']
    """
    parts = [
        frame.assign(lead_id=prefix + frame["lead_id"]) if prefix else frame
        for frame, prefix in zip(frames, prefixes, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def _united(
    name: str,
    groups: Iterable[Iterable[Part]],
    identity: Callable[[Part], str],
    problems: list[Problem],
) -> tuple[Part, ...]:
    """Return the parts of all logs, each once; parts of one id must be equal."""
    found: dict[str, Part] = {}
    for group in groups:
        for part in group:
            known = found.setdefault(identity(part), part)
            if known != part:
                message = f'the logs describe "{identity(part)}" differently'
                if not any(problem.message == message for problem in problems):
                    problems.append(Problem(message, "meta", name))
    return tuple(found.values())
