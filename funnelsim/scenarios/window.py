"""Horizon and warm-up against the time that leads take."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from funnelsim.scenarios.findings import Finding
from funnelsim.scenarios.paths import Journey, Paths

__all__ = ["short_windows"]

_HOUR = 3.6e9


def short_windows(paths: Paths) -> Iterator[Finding]:
    """A warm-up that leaves the funnel half empty, a horizon that sees few deals close.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY, Scenario
    >>> list(short_windows(Paths(Scenario.model_validate(_TINY))))
    []
    """
    begin, start, end = paths.scenario.run.instants(paths.scenario.time_zone)
    won, closed = set(), set()
    for key, stage in paths.scenario.stages.items():
        kinds = {mark.kind for mark in stage.marks}
        won |= {key} if "won" in kinds else set()
        closed |= {key} if kinds & {"won", "lost"} or stage.next is None else set()
    warm_up, horizon = (start - begin) / _HOUR, (end - start) / _HOUR
    wins, closures = paths.journey(won), paths.journey(closed)
    if wins.share:
        yield from _short_warm_up(wins, warm_up, horizon)
    if closures.share:
        yield from _short_horizon(closures, horizon)


def _short_warm_up(wins: Journey, warm_up: float, horizon: float) -> Iterator[Finding]:
    """Wins of leads that would have arrived before the simulation began are missing."""
    missed = 1 - float(wins.done_within(warm_up + _ages(horizon)).mean())
    if missed > 0.03:  # noqa: PLR2004 - below, nobody would see it in a report
        yield Finding(
            severity="warning",
            message=(
                f"a win takes about {_days(wins.mean)} from arrival (19 of 20 within "
                f"{_days(wins.quantile(0.95))}), the warm-up is {_days(warm_up)}: "
                f"about −{missed:.0%} of the wins in the horizon"
            ),
            path="run.warm_up",
            value=round(missed, 3),
            fix=f"Use {int(np.ceil(wins.quantile(0.95) / 168))} w or more.",
        )


def _short_horizon(closures: Journey, horizon: float) -> Iterator[Finding]:
    """Most leads that arrive in the horizon are still open at its end."""
    seen = float(closures.done_within(_ages(horizon)).mean())
    if seen < 1 / 2:
        yield Finding(
            severity="warning",
            message=(
                f"{_days(horizon)} is short for a cycle of about {_days(closures.mean)}: "
                f"about {1 - seen:.0%} of the leads that arrive in it are still open at its end"
            ),
            path="run.horizon",
            value=round(seen, 3),
            fix=f"Use {int(np.ceil(closures.mean * 3 / 168))} w or more.",
        )


def _ages(horizon: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Hours left to leads that arrive evenly over the horizon."""
    return (np.arange(400) + 0.5) / 400 * horizon


def _days(hours: float) -> str:
    """A length of time in a unit that suits it."""
    if 0 < hours < 48:  # noqa: PLR2004 - two days
        return f"{hours:.0f} h"
    return f"{hours / 24:.0f} d"
