"""What earlier reports promised, what came, and why this forecast differs from the last one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from funnelsim.errors import InputError
from funnelsim.planning.bridge import Inputs, bridge
from funnelsim.planning.issued import actuals, matched, read_issued, recalibrated, score
from funnelsim.reporting.blocks import column, group, section, table, text
from funnelsim.reporting.document import Group, Table
from funnelsim.reporting.sales_forecast_words import Words

if TYPE_CHECKING:
    from funnelsim.reporting.sales_forecast import SalesForecast
    from funnelsim.reporting.texts import Texts

__all__ = ["promises"]

RUNS: Final = 40


def promises(found: SalesForecast, words: Words) -> Group:
    """Score what was issued before, correct the bands by it, and bridge to the last forecast.

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
    corrected = _corrected(found, matched(issued, came), words)
    return group(
        *parts, text(told), _scores(issued, came, words), *corrected, *_bridge(found, issued, words)
    )


def _scores(issued: pd.DataFrame, came: pd.DataFrame, words: Words) -> Table:
    """Coverage, bias and value added by series."""
    t = words.t
    rows = [
        (
            _series(str(row["series"]), t),
            t.number(row["n"]),
            t.share(row["coverage"]) if np.isfinite(row["coverage"]) else "–",
            t.share(row["nominal"]),
            _signed(row["bias"], t),
            _signed(row["added"], t),
        )
        for row in score(issued, came).to_dict("records")
    ]
    heads = [t._("Periods"), t._("Held"), t._("Should hold"), t._("Bias"), t._("Value added")]
    return table(
        [column(t._("Series")), *(column(head, numeric=True) for head in heads)],
        rows,
        caption=t._("What earlier forecasts promised and kept"),
    )


def _corrected(found: SalesForecast, past: pd.DataFrame, words: Words) -> list[Table]:
    """The bands of now, corrected where past ones did not hold."""
    t, made = words.t, found.forecast
    series = "won_value" if made.measure == "won_value" else "wins"
    now = made.issued()
    now = now[(now["series"] == series) & now["quantile"].isin((0.1, 0.5, 0.9))]
    mine = past[(past["series"] == series) & past["quantile"].isin((0.1, 0.5, 0.9))]
    if not len(now) or not len(mine):
        return []
    done, _ = recalibrated(now, mine)
    if np.allclose(done["value"], now["value"]):
        return []
    code = {"week": "W-SUN", "month": "M", "quarter": "Q"}[made.cells.freq]
    rows = []
    both = now.assign(done=done["value"])
    for start, parts in both.groupby("period_start", sort=True):
        by = parts.set_index("quantile")
        name = words.period(pd.Timestamp(str(start)).tz_localize(None).to_period(code))
        amounts = [by[kind][level] for kind in ("value", "done") for level in (0.1, 0.9)]
        rows.append((name, *(words.cell(float(amount)) for amount in amounts)))
    heads = ["P10", "P90", t._("P10, corrected"), t._("P90, corrected")]
    return [
        table(
            [column(t._("Period")), *(column(head, numeric=True) for head in heads)],
            rows,
            caption=words.captioned(t._("Bands corrected by how past ones held")),
            note=t._(
                "Past bands held too seldom or too often; moved by split conformal prediction, so "
                "that bands like these would have held as often as they should."
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
