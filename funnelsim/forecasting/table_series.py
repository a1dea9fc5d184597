"""Regular series of a table of dates and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from funnelsim.documents import did_you_mean
from funnelsim.errors import DataError, Problem
from funnelsim.forecasting.columns import currency_of, dates_of
from funnelsim.forecasting.remarks import Remark
from funnelsim.forecasting.series import DAYS, OFFSETS, Every, SeriesSet, names

__all__ = ["LEAST", "from_table"]

LEAST: Final = 4
"""Nothing can be said of fewer periods."""
SPANS: Final[Mapping[Every, tuple[int, int]]] = {
    "day": (1, 1), "week": (7, 7), "month": (28, 31), "quarter": (89, 92),
}  # fmt: skip
REGULAR: Final = 0.7
"""Share of the distances between neighbouring dates that have to be one step."""
MOST_GAPS: Final = 0.4
RESERVED: Final = frozenset((
    *("series", "at", "y", "cutoff", "model", "h", "until", "actual", "mean", "scale"),
    *("square_scale", "period", "start", "end", "measure", "unit", "p10", "p50", "p90", "lo"),
    *("hi", "level", "error", "n", "rank"),
))  # fmt: skip
"""What our tables call their own columns: others of that name get an underscore."""


def from_table(
    table: pd.DataFrame,
    *,
    at: str,
    y: str,
    by: Sequence[str] = (),
    every: Every | None = None,
    until: str | pd.Timestamp | None = None,
    currency: str = "",
) -> SeriesSet:
    """Make regular series of a table.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per period; or, with `every`, shorter periods or single events, which are
        added up.
    at, y : str
        Columns with the date and the number.
    by : sequence of str
        Columns that tell series apart; one called as a column of ours (``series``) gets an
        underscore.
    every : {"day", "week", "month", "quarter"}, optional
        Left out: found from the dates.
    until : str or pandas.Timestamp, optional
        When the table was made: a period that was not over then is left out.
    currency : str
        Column with the currency of the numbers; left out: one that is called so.

    Returns
    -------
    SeriesSet
        Regular; a missing period is NaN (see `SeriesSet.treated`).

    Raises
    ------
    DataError
        Columns that are not there, dates or numbers that are none, one date twice, steps that
        differ, several currencies, fewer than four periods: all at once where possible.

    Examples
    --------
    >>> table = pd.DataFrame({"month": ["2025-01", "2025-02", "2025-04", "2025-05", "2025-06"],
    ...                       "sales": [10, 12, 14, 15, 16]})
    >>> made = from_table(table, at="month", y="sales")
    >>> made.every, made.treated().frame["y"].tolist()
    ('month', [10.0, 12.0, 13.0, 14.0, 15.0, 16.0])
    >>> print(made.treated().remarks[0])
    Periods missing, filled in from their neighbours and the season: 1.
    """
    currency = currency or currency_of(table)
    wanted = [at, y, *by, *([currency] if currency else [])]
    columns = [str(name) for name in table.columns]
    _raise(
        Problem(f'there is no column "{name}"', fix=did_you_mean(name, columns))
        for name in wanted
        if name not in columns
    )
    rows = _rows(table.reset_index(drop=True), at, y, by, currency)
    rows, said = _without_copies(rows)
    step, summed = _step(rows, at, every)
    if summed:
        rows, more = _summed(rows, step, summed, until)
    else:
        more = []
        rows, ended = _begins(rows, step)
        rows, more = _over(rows, step, until, ended)
        _raise(_twice(rows, at, step))
    if (rows["y"] < 0).any():
        more.append(Remark("negative", {"n": int((rows["y"] < 0).sum())}))
    labels = [_label(name) for name in by]
    return _regular(rows, step, labels, [*said, *more], zeros=summed == "events")


def _label(name: str) -> str:
    """A column's name in our tables, which have some names of their own."""
    return f"{name}_" if name in RESERVED else name


def _rows(table: pd.DataFrame, at: str, y: str, by: Sequence[str], currency: str) -> pd.DataFrame:
    """Dates and numbers as such, with the row of the table; every problem at once."""
    dates = dates_of(table[at])
    rows = pd.DataFrame({"at": dates, "y": pd.to_numeric(table[y], errors="coerce")})
    rows["row"] = np.arange(2, len(table) + 2)
    rows["series"] = names(table, by)
    for name in by:
        rows[f"by {_label(name)}"] = table[name].astype("str").fillna("—")
    problems = []
    for name, column, what in (("at", at, "date"), ("y", y, "number")):
        empty = table[column].isna() & (name == "y")  # a period without a number is a gap
        broken = rows[name].isna() & ~empty
        if broken.any():
            value, row = table.loc[broken, column].iloc[0], rows.loc[broken, "row"].iloc[0]
            message = f'no {what}: {int(broken.sum())}, the first "{value}" in row {row}'
            problems.append(Problem(message, path=column))
    infinite = np.isinf(rows["y"])
    if infinite.any():
        problems.append(Problem(f"infinite numbers: {int(infinite.sum())}", path=y))
    if currency:
        used = sorted(table[currency].dropna().astype("str").str.strip().unique())
        if len(used) > 1:
            fix = "Convert to one currency, or name the currency among the columns of by."
            message = f"several currencies: {', '.join(used[:5])}"
            if currency not in by:
                problems.append(Problem(message, path=currency, fix=fix))
    _raise(problems)
    return rows


def _without_copies(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Remark]]:
    """Leave out rows that repeat another one, unless rows are single events (see `_step`)."""
    copies = rows.duplicated(["series", "at", "y"]) & (rows["at"].dt.normalize() == rows["at"])
    whole = rows["at"].nunique() * rows["series"].nunique()
    if not copies.any() or copies.sum() > 0.1 * whole:
        return rows, []
    return rows[~copies], [Remark("copies", {"n": int(copies.sum())})]


def _step(rows: pd.DataFrame, at: str, every: Every | None) -> tuple[Every, str]:
    """Find the step, and whether rows have to be added up: shorter periods, or events."""
    days = rows.sort_values("at").groupby("series")["at"].diff().dt.total_seconds() / 86_400
    steps = days[days > 0]
    if steps.empty:
        message = f"{rows['at'].nunique()} date only"
        fix = f"A series needs {LEAST} periods or more."
        raise DataError(Problem(message, path=at, fix=fix))
    shares = {name: float(steps.between(*span).mean()) for name, span in SPANS.items()}
    found = max(shares, key=lambda name: shares[name])
    regular = shares[found] >= REGULAR and (days == 0).mean() < 1 - REGULAR
    if every is None:
        if regular:
            return found, ""
        raise DataError(_mixed(rows, steps, shares, at))
    if not regular:
        return every, "events"
    if DAYS[every] == DAYS[found]:
        return every, ""
    if DAYS[every] < DAYS[found]:
        message = f"the dates are a {found} apart; a {every} cannot be told from that"
        raise DataError(Problem(message, path=at, fix=f"Take {found}s, or longer periods."))
    return every, found


def _mixed(rows: pd.DataFrame, steps: pd.Series, shares: Mapping[Every, float], at: str) -> Problem:
    """Say how the distances between dates differ, and where that begins."""
    both = [name for name, share in shares.items() if share >= 0.1]  # noqa: PLR2004 - some
    if len(both) > 1:
        ordered = rows.loc[steps.index].assign(days=steps)
        usual = ordered["days"].between(*SPANS[both[0]])
        change = ordered.loc[usual != usual.iloc[0]].iloc[0]
        message = (
            f"mixed steps: {' and '.join(name + 's' for name in both)}; they change "
            f"at {change['at'].date()} (row {change['row']})"
        )
        fix = "One step for all, please; or ask for the longer one (freq), and all is added up."
        return Problem(message, path=at, fix=fix)
    message = f"the dates are {steps.min():g} to {steps.max():g} days apart, no regular step"
    fix = "If the rows are single events, say freq (D, W, M or Q): they are then counted by it."
    return Problem(message, path=at, fix=fix)


def _begins(rows: pd.DataFrame, step: Every) -> tuple[pd.DataFrame, pd.Series]:
    """Each row's period by its beginning, and whether the row's date is the period's last day."""
    begins = rows["at"].dt.to_period(_period(step)).dt.start_time
    ends = rows["at"].dt.to_period(_period(step)).dt.end_time.dt.normalize()
    return rows.assign(at=begins), rows["at"].dt.normalize() == ends


def _over(
    rows: pd.DataFrame, step: Every, until: str | pd.Timestamp | None, ended: pd.Series
) -> tuple[pd.DataFrame, list[Remark]]:
    """Leave out what was not over when the table was made, or ends before its period does."""
    last = rows["at"] == rows["at"].max()
    unfinished = pd.Series(data=False, index=rows.index)
    if step != "day" and ended[~last].all() and (~last).any():
        unfinished = last & ~ended  # all other rows are dated by their period's last day
    if until is not None:
        over = rows["at"].dt.to_period(_period(step)).dt.end_time
        unfinished |= over >= pd.Timestamp(until).tz_localize(None)
    left_out = rows.loc[unfinished, "at"].nunique()
    return rows[~unfinished], [Remark("open", {"n": left_out})] if left_out else []


def _twice(rows: pd.DataFrame, at: str, step: Every) -> list[Problem]:
    """A period with several numbers."""
    twice = rows[rows.duplicated(["series", "at"], keep=False)]
    if twice.empty:
        return []
    first = twice[
        (twice["at"] == twice["at"].iloc[0]) & (twice["series"] == twice["series"].iloc[0])
    ]
    shown = " and ".join(
        f"{value:g} (row {row})" for value, row in zip(first["y"], first["row"], strict=True)
    )
    n = int(twice.duplicated(["series", "at"]).sum())
    message = (
        f"the same {step} more than once: {n}, the first {first['at'].iloc[0].date()}: {shown}"
    )
    fix = "Add the numbers up, or name the columns that tell the series apart (by)."
    return [Problem(message, path=at, fix=fix)]


def _summed(
    rows: pd.DataFrame, step: Every, found: str, until: str | pd.Timestamp | None
) -> tuple[pd.DataFrame, list[Remark]]:
    """Add shorter periods or events up; the periods at both ends only if they are whole."""
    period = rows["at"].dt.to_period(_period(step))
    begins, ends = period.dt.start_time, period.dt.end_time.dt.normalize()
    shorter = _period(found) if found in OFFSETS else "D"  # type: ignore[arg-type]
    reach = rows["at"].dt.to_period(shorter)
    first, last = reach.dt.start_time.min(), reach.dt.end_time.dt.normalize().max()
    if until is not None:
        stop = pd.Timestamp(until).tz_localize(None).normalize() - pd.Timedelta(days=1)
        last = max(last, stop) if found == "events" else min(last, stop)
    whole = (begins >= first) & (ends <= last)
    cut = period[~whole].nunique()
    kept = rows[whole].assign(at=begins[whole])
    keys = ["series", *[name for name in kept if str(name).startswith("by ")], "at"]
    total = kept.groupby(keys, sort=False)["y"].sum(min_count=1).reset_index().assign(row=0)
    kind = "events" if found == "events" else "summed"
    said = [Remark(kind, {"n": len(kept)})]
    return total, [*said, Remark("cut", {"n": cut})] if cut else said


def _regular(
    rows: pd.DataFrame, step: Every, by: Sequence[str], said: list[Remark], *, zeros: bool
) -> SeriesSet:
    """Every series on the grid of its step; the shorter than `LEAST` and the thin are refused."""
    parts, problems = [], []
    end = rows["at"].max()
    for name, group in rows.groupby("series", sort=False):
        y = group.set_index("at")["y"].sort_index().asfreq(OFFSETS[step])
        if zeros:
            y = y.reindex(pd.date_range(y.index[0], end, freq=OFFSETS[step])).fillna(0.0)
        whose = f'the series "{name!s}"' if name else "the series"
        if len(y) < LEAST:
            fix = f"{LEAST} are the least; 24 make a season visible."
            problems.append(Problem(f"{whose} has {len(y)} periods", fix=fix))
        elif y.isna().mean() > MOST_GAPS:
            message = f"{whose} lacks {int(y.isna().sum())} of its {len(y)} periods"
            problems.append(Problem(message, fix="Fill them in, or take longer periods (freq)."))
        part = y.rename("y").rename_axis("at").reset_index().assign(series=name)
        for column in by:
            part[column] = group[f"by {column}"].iloc[0]
        parts.append(part)
    if not parts:
        problems.append(Problem(f"no whole {step} is left", fix="Take a shorter period (freq)."))
    _raise(problems)
    frame = pd.concat(parts)[["series", *by, "at", "y"]].reset_index(drop=True)
    return SeriesSet(frame, step, tuple(said), tuple(by))


def _period(step: Every) -> str:
    return {"day": "D", "week": "W-SUN", "month": "M", "quarter": "Q"}[step]


def _raise(problems: object) -> None:
    """Raise all problems at once, if there are any."""
    found = list(problems)  # type: ignore[call-overload]
    if found:
        raise DataError(found)
