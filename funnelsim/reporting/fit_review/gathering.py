"""From raw exports to everything a report on a calibration needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelsim.events import EventLog
from funnelsim.events.files import is_log
from funnelsim.reporting.fit_review.check import FitCheck, check_fit

if TYPE_CHECKING:
    from funnelsim.calibration.auditing.audit import Audit
    from funnelsim.calibration.drifting.drift import Drift
    from funnelsim.calibration.fitting import Fit
    from funnelsim.calibration.raw import RawHistory
    from funnelsim.calibration.stages.stage_parts import Stale

__all__ = ["RUNS", "Calibrated", "Sources", "calibrated"]

RUNS = 40
"""Replications of the check."""

Tell = Callable[[float], None]


@dataclass(frozen=True)
class Sources:
    """Raw exports, or a saved event log, and what the user says about them.

    Parameters
    ----------
    files : tuple of str or Path
        Exports of one CRM, or a database's address; or one folder with an event log.
    mapping : str
        For a format that is not recognised: what its columns mean.
    pipeline, time_zone, currency, query : str
        The only pipeline to keep; the zone and currency where the files name none; for a
        database its SQL query. Empty: not said.
    """

    files: tuple[str | Path, ...]
    mapping: str = ""
    pipeline: str = ""
    time_zone: str = ""
    currency: str = ""
    query: str = ""

    @property
    def is_log(self) -> bool:
        """Whether this is a saved event log, which needs no reading and no audit."""
        return len(self.files) == 1 and is_log(self.files[0])


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A fit with all that is told about it.

    Parameters
    ----------
    sources : Sources
    raw : RawHistory or None
        As the CRM wrote it; None where a saved log was given.
    audit : Audit or None
    log : EventLog
        Repaired; what the fit rests on.
    fit : Fit
    check : FitCheck
    drift : Drift or None
        Changes that were dated; None where the history cannot tell.
    """

    sources: Sources
    raw: RawHistory | None
    audit: Audit | None
    log: EventLog
    fit: Fit
    check: FitCheck
    drift: Drift | None = None


def read(sources: Sources) -> tuple[RawHistory | None, EventLog | None]:
    """Read exports as they stand, or a saved event log.

    Parameters
    ----------
    sources : Sources

    Returns
    -------
    tuple of RawHistory or None, and EventLog or None
        One of the two.

    Raises
    ------
    InputError
        What cannot be read, all at once.
    """
    if sources.is_log:
        return None, EventLog.load(sources.files[0])
    from funnelsim.calibration.readers.crm import read_crm

    said: dict[str, Any] = {
        name: value
        for name in ("mapping", "pipeline", "time_zone", "currency", "query")
        if (value := getattr(sources, name))
    }
    return read_crm(list(sources.files), **said), None


def calibrated(
    sources: Sources,
    *,
    name: str = "",
    half_life: str = "",
    stale: Stale = "lost",
    seed: int = 1,
    n: int = RUNS,
    tell: Callable[[str, float], None] | None = None,
) -> Calibrated:
    """Read, audit, fit, and play the fit against the data.

    Parameters
    ----------
    sources : Sources
    name : str
        Of the scenario; empty: from the data.
    half_life : str
        Weigh an event half as much for every such time before the end, ``90 d``; empty: all
        alike.
    stale : {"lost", "open"}
        What open deals are that are far older than any that closed.
    seed, n : int
        Of the replications of the check.
    tell : callable, optional
        Told what is being done and which share of it is done.

    Returns
    -------
    Calibrated

    Raises
    ------
    InputError
        The data cannot be read, or tells nothing that a scenario could be made of.
    """
    from funnelsim.calibration.fitting import calibrate

    say = tell or (lambda _what, _share: None)
    say("Reading", 0.0)
    raw, log = read(sources)
    found = _audited(raw) if raw is not None else None
    log = log if log is not None else raw.events()  # type: ignore[union-attr]
    say("Calibrating", 0.3)
    options: dict[str, Any] = {"half_life": half_life} if half_life else {}
    options |= {"stale": stale}
    options |= {"name": name} if name else {}
    fit = calibrate(log, **options)
    check = check_fit(
        fit.sampler, log, seed=seed, n=n, progress=lambda share: say("Checking", 0.5 + share / 2)
    )
    return Calibrated(sources, raw, found, log, fit, check, drifted(log))


def _audited(raw: RawHistory) -> Audit:
    from funnelsim.calibration.auditing.audit import audit

    return audit(raw)


def drifted(log: EventLog) -> Drift | None:
    """Changes of conversions, delays and definitions, dated; None where nobody can tell."""
    from funnelsim.calibration.drifting.drift import drift
    from funnelsim.errors import HistoryError

    try:
        return drift(log)
    except HistoryError:
        return None
