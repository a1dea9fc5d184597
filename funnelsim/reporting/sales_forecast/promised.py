"""What earlier reports promised, what came, and why this forecast differs from the last one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from funnelsim.errors import InputError
from funnelsim.planning.bridge import Inputs, bridge
from funnelsim.planning.issued import actuals, read_issued, score
from funnelsim.planning.revenue.cells import calendar
from funnelsim.reporting.blocks import column, group, section, table, text
from funnelsim.reporting.document import Group, Table
from funnelsim.reporting.sales_forecast.ranges import KINDS, how_corrected, stated, widened
from funnelsim.reporting.sales_forecast.words import Words

if TYPE_CHECKING:
    from funnelsim.reporting.sales_forecast.gathering import SalesForecast
    from funnelsim.reporting.texts import Texts

__all__ = ["promises"]

RUNS: Final = 40


def promises(found: SalesForecast, words: Words) -> Group:
    """Score what was issued before, show what it corrected, and bridge to the last forecast.

    Parameters
    ----------
    found : SalesForecast
    words : Words

    Returns
    -------
    Group
        Empty where nothing was issued before.

    Raises
    ------
    InputError
        The file cannot be read.
    """
    t = words.t
    if not found.past:
        return group()
    issued = read_issued(found.past)
    issued = issued[issued["cutoff"] < found.forecast.start]
    came = actuals(found.log, issued)
    parts = [section(t._("Promises kept"))]
    if not len(came):
        told = t._("No period of an earlier forecast is over yet: nothing can be scored.")
        return group(*parts, text(told), *_bridge(found, issued, words))
    told = t._(
        "Forecasts of earlier reports for periods that are over. Value added: how much smaller "
        "the error is than that of “what as long a time before brought”."
    )
    told += " " + how_corrected(found.forecast, t)
    scores, corrected = _scores(issued, came, words), _corrected(found, words)
    return group(*parts, text(told), scores, *corrected, *_bridge(found, issued, words))


def _scores(issued: pd.DataFrame, came: pd.DataFrame, words: Words) -> Table:
    """Coverage, bias and value added by series."""
    t = words.t
    rows = [
        (
            _series(str(row["series"]), t),
            t.number(row["n"]),
            *(
                t.share(row[name]) if np.isfinite(row[name]) else "–"
                for name in ("coverage", "uncorrected")
            ),
            t.share(row["nominal"]),
            _signed(row["bias"], t),
            _signed(row["added"], t),
        )
        for row in score(issued, came).to_dict("records")
    ]
    heads = [t._("Periods"), t._("Held"), t._("Held, as simulated"), t._("Should hold")]
    heads += [t._("Bias"), t._("Value added")]
    return table(
        [column(t._("Series")), *(column(head, numeric=True) for head in heads)],
        rows,
        caption=t._("What earlier forecasts promised and kept"),
    )


def _corrected(found: SalesForecast, words: Words) -> list[Table]:
    """The stated bands beside the simulated ones, where past ones corrected them."""
    t, made = words.t, found.forecast
    rows = stated(made)
    if not widened(made):
        return []
    shown = []
    for start, parts in rows.groupby("period_start", sort=True):
        by = parts.set_index("quantile")
        local = pd.DatetimeIndex([pd.Timestamp(str(start))])
        name = words.period(calendar(local, made.cells.zone, made.cells.freq)[0])
        amounts = [by[kind][level] for kind in KINDS for level in (0.1, 0.9)]
        shown.append((name, *(words.cell(float(amount)) for amount in amounts)))
    heads = [t._("P10, simulated"), t._("P90, simulated"), t._("P10, stated"), t._("P90, stated")]
    return [
        table(
            [column(t._("Period")), *(column(head, numeric=True) for head in heads)],
            shown,
            caption=words.captioned(t._("Ranges corrected by how past ones held")),
            note=t._(
                "Each outcome outside of a range widens those to come, each one inside narrows "
                "them a little (conformal quantile tracking), so that they hold as often as they "
                "say. All numbers of this report rest on the stated ranges; what was simulated is "
                "kept too, and the next correction begins with it."
            ),
        )
    ]


def _bridge(found: SalesForecast, issued: pd.DataFrame, words: Words) -> list[Table]:
    """Why the forecast of the present quarter changed since the last report."""
    from funnelsim.calibration.fitting import calibrate

    t, made = words.t, found.forecast
    if not len(issued) or found.log.meta.history != "full":
        return []
    cutoff = issued["cutoff"].max()
    try:
        then = found.log.as_of(cutoff)
        before = Inputs(then, calibrate(then), seed=made.seed)
    except InputError:
        return []
    after = Inputs(found.log, found.fit, seed=made.seed)
    quarter = made.cells.periods("quarter")[0]
    start, end = (
        at.tz_localize(made.cells.zone, nonexistent="shift_forward", ambiguous=True)
        for at in (quarter.start_time, (quarter + 1).start_time)
    )
    steps = bridge(before, after, start=start, end=end, measure=made.measure, n=RUNS)
    names = {
        "before": t._("Forecast of {day}").format(day=words.day(cutoff)),
        "luck": t._("Luck: more or less was won since than expected"),
        "new_data": t._("New data: the open deals of today"),
        "calibration": t._("Calibration: the funnel is seen otherwise"),
        "scenario": t._("Edits of the scenario"),
        "seed": t._("Chance of the simulation"),
        "now": t._("Forecast of {day}").format(day=words.day(made.start)),
    }
    rows = []
    for row in steps.to_dict("records"):
        change = row["change"]
        if change == 0 and row["step"] in {"scenario", "seed"}:
            continue
        written = "" if pd.isna(change) else _gap(change, words)
        rows.append((names[str(row["step"])], written, words.cell(row["value"])))
    return [
        table(
            [
                column(t._("Step")),
                column(t._("Change"), numeric=True),
                column(t._("Then"), numeric=True),
            ],
            rows,
            caption=words.captioned(
                t._("From the last forecast of {quarter} to this one").format(
                    quarter=words.period(quarter)
                )
            ),
            note=t._(
                "Means of the bottom-up forecast, made again with one input exchanged after the "
                "other and the same random numbers: the parts add up exactly."
            ),
            total=True,
        )
    ]


def _series(series: str, t: Texts) -> str:
    """What is forecast."""
    known = {
        "won_value": t._("Value won"),
        "wins": t._("Deals won"),
        "paid_value": t._("Money paid"),
        "leads": t._("Leads"),
    }
    return known.get(series, series)


def _signed(share: float, t: Texts) -> str:
    """A share with its sign."""
    if not np.isfinite(share):
        return "–"
    return f"{'−' if share < 0 else '+'}{t.share(abs(share))}"


def _gap(value: float, words: Words) -> str:
    """A difference with its sign."""
    return f"{'−' if value < 0 else '+'}{words.cell(abs(value))}"
