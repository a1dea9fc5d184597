"""What a sales forecast is told from: the data read, calibrated and forecast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from funnelsim.events import EventLog
from funnelsim.planning import RevenueForecast, forecast_revenue, restate
from funnelsim.planning.issued import read_issued

if TYPE_CHECKING:
    from funnelsim.calibration.fitting import Fit

__all__ = ["SalesForecast", "work"]

RUNS: Final = 200


@dataclass(frozen=True, eq=False)
class SalesForecast:
    """A revenue forecast with what it was made from.

    Parameters
    ----------
    log : EventLog
        Up to the cutoff.
    fit : Fit
    forecast : RevenueForecast
    source, mapping : str
        The files.
    past : str
        A file with forecasts issued earlier; empty: none.
    """

    log: EventLog
    fit: Fit
    forecast: RevenueForecast
    source: str = ""
    mapping: str = ""
    past: str = ""


def work(  # noqa: PLR0913 - one keyword per thing that can be said
    source: str | Path,
    *,
    mapping: str = "",
    plan: str = "",
    horizon: str = "26 w",
    freq: str = "",
    past: str = "",
    seed: int = 1,
    n: int = RUNS,
    tell: Callable[[float], None] | None = None,
) -> SalesForecast:
    """Read, calibrate, forecast.

    Parameters
    ----------
    source : str or Path
        A CRM export, or a folder with an event log.
    mapping : str
        For an export that is not recognised.
    plan : str
        An amount for every period, or a file; empty: none.
    horizon, freq : str
        How far, and week, month or quarter; empty: by the horizon.
    past : str
        A CSV of forecasts issued earlier; empty: none.
    seed, n : int
        Of the runs.
    tell : callable, optional
        Told the share done.

    Returns
    -------
    SalesForecast

    Raises
    ------
    InputError
        The data, the plan or the horizon cannot be used.
    """
    from funnelsim.calibration.fitting import calibrate
    from funnelsim.reporting.inputs import open_log

    earlier = read_issued(past) if past else None
    log = open_log(source, mapping=mapping)
    fit = calibrate(log)
    chosen: Any = freq or None
    made = forecast_revenue(
        fit,
        horizon=horizon,
        freq=chosen,
        plan=_plan(plan),
        seed=seed,
        n=n,
        progress=tell,
    )
    if earlier is not None:
        made = restate(made, log, earlier)
    return SalesForecast(log, fit, made, str(source), mapping, past)


def _plan(plan: str) -> float | str | None:
    """A number for every period, or a file."""
    try:
        return float(plan.replace(" ", "")) if plan else None
    except ValueError:
        return plan
