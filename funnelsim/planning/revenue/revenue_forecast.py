"""A forecast of revenue: paths from three ways, and every table that is read from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.documents import did_you_mean
from funnelsim.errors import ParameterError, Problem
from funnelsim.forecasting.samples import levels
from funnelsim.planning.pipeline.pipeline import ORIGINS
from funnelsim.planning.revenue.bottom_up import GROUPS
from funnelsim.planning.revenue.cash import Payments
from funnelsim.planning.revenue.cells import Cells, Freq, calendar
from funnelsim.planning.revenue.drivers import downside, without_deals
from funnelsim.planning.revenue.plan import Plan, precision, read_plan
from funnelsim.planning.revenue.top_down import MEASURES

__all__ = ["RevenueForecast"]

Floats = NDArray[np.float64]

QUANTILES: Final = (0.1, 0.5, 0.9)
ISSUED: Final = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
SERIES: Final = {"won": "wins", "won_value": "won_value", "paid_value": "paid_value"}
UNITS: Final = {"won": "deals", "won_value": "minor", "paid_value": "minor"}
HORIZON: Final = "horizon"


@dataclass(frozen=True, eq=False)
class RevenueForecast:
    """What will be won, and when it is paid; made by `forecast_revenue`.

    Parameters
    ----------
    start : pandas.Timestamp
        The cutoff: nothing later was known.
    cells : Cells
        Pieces of the horizon; weeks, months and quarters are sums of them.
    measure : {"won_value", "won"}
        What is forecast in the first place: money, or deals where no deal has a value.
    currency : str
    paths : ndarray, shape (n, cells, origins, measures)
        Combined sample paths: open deals and future leads; deals won and their value in minor
        units.
    ways : mapping of str to ndarray, shape (n, cells, measures)
        ``bottom_up``, ``top_down`` (where a series could be forecast), ``combined``.
    weights : mapping of str to float
        Of the ways that were combined.
    reach : float
        How far the history of the series carries over the horizon: 1 far enough.
    cash : ndarray, shape (n, cells), or None
        Money that comes in; None where the data knows of no payments.
    won : pandas.DataFrame
        A row per deal won in a run: ``run``, ``cell``, ``lead_id``, ``worth`` (minor units),
        ``value`` and ``count`` (scaled so that they add up to the combined forecast),
        ``origin``, ``stage``, ``source``, ``product``, ``segment``.
    before : pandas.DataFrame
        Won in the present periods before the cutoff: ``closed_at``, ``value``, and groups.
    cashed : pandas.DataFrame
        Paid in the present periods before the cutoff: ``closed_at``, ``value``.
    deals : pandas.DataFrame
        Open deals with their chances.
    past : pandas.DataFrame
        Forecasts at past cutoffs beside what came, as `backtest_revenue` gives them.
    plan : pandas.DataFrame or None
        As `read_plan` gives it.
    payments : Payments or None
    notes : tuple of str
        What the reader has to know.
    seed : int
    raw : pandas.DataFrame or None
        What was simulated, where what is stated is corrected by past promises (`restate`):
        ``series``, ``period_start``, ``quantile``, ``raw``.
    """

    start: pd.Timestamp
    cells: Cells
    measure: str
    currency: str
    paths: Floats
    ways: Mapping[str, Floats]
    weights: Mapping[str, float]
    reach: float
    cash: Floats | None
    won: pd.DataFrame = field(repr=False)
    before: pd.DataFrame = field(repr=False)
    cashed: pd.DataFrame = field(repr=False)
    deals: pd.DataFrame = field(repr=False)
    past: pd.DataFrame = field(repr=False)
    plan: pd.DataFrame | None = None
    payments: Payments | None = None
    notes: tuple[str, ...] = ()
    seed: int = 0
    raw: pd.DataFrame | None = field(default=None, repr=False)

    @property
    def n(self) -> int:
        """Runs."""
        return len(self.paths)

    @property
    def end(self) -> pd.Timestamp:
        """The end of the horizon."""
        return self.cells.cuts[-1]

    @cached_property
    def table(self) -> pd.DataFrame:
        """Quantiles of every period, every quarter and the horizon.

        Returns
        -------
        pandas.DataFrame
            ``span`` (week, month, quarter, horizon), ``period``, ``begin``, ``end``, ``whole``
            (False: the horizon cuts it off), ``way`` (combined, bottom_up, top_down),
            ``origin`` (open, future, all), ``measure`` (won, won_value, paid_value), ``unit``,
            ``booked`` (of it before the cutoff; part of the quantiles of origin all), ``mean``,
            ``p10``, ``p50``, ``p90``, ``n`` runs. Sums are sums of whole paths: their quantiles
            are not the sums of the periods' quantiles.
        """
        rows: list[dict[str, object]] = []
        for freq in dict.fromkeys((self.cells.freq, "quarter", HORIZON)):
            for way, origin, measure, paths in self._series():
                rows += self._spans(freq, way, origin, measure, paths)
        return pd.DataFrame(rows)

    @property
    def minor_units(self) -> int:
        """How many minor units one of the measure holds: 100 of most money, 1 of deals."""
        return 10 ** precision(self.currency) if self.measure == "won_value" else 1

    def total(self, way: str = "combined") -> Floats:
        """The sum over the horizon, by path, shape (n,)."""
        return np.asarray(self.ways[way][..., self._place].sum(axis=1))

    def chance_of(self, plan: Plan | None = None) -> pd.DataFrame:
        """The chance that a plan is reached, by period and in all.

        Parameters
        ----------
        plan : float, DataFrame, str or Path, optional
            As `read_plan` takes it; left out: the one the forecast was made with.

        Returns
        -------
        pandas.DataFrame
            ``period`` (``total`` in the last row: the sum of the planned periods), ``plan``,
            ``booked``, ``p10``, ``p50``, ``p90`` (booked ones included), ``chance``, ``gap``
            (median less plan); minor units.

        Raises
        ------
        InputError
            No plan, or one that does not fit.
        """
        table = self._planned(plan).groupby("period", sort=True)["plan"].sum()
        periods, paths = self.cells.sums(self.ways["combined"][..., self._place])
        booked = self._booked(self.before, self.cells.freq)
        rows = []
        together, aims, had = np.zeros(self.n), 0.0, 0.0
        for period, aim in zip(pd.PeriodIndex(table.index), table, strict=True):
            already = booked.get(period, 0.0)
            draws = paths[:, periods.get_loc(period)] + already
            rows.append(self._against(str(period), float(aim), already, draws))
            together, aims, had = together + draws, aims + float(aim), had + already
        rows.append(self._against("total", aims, had, together))
        return pd.DataFrame(rows)

    def reconciled(self, plan: Plan | None = None) -> pd.DataFrame:
        """The plan beside the forecast, cell by cell of the plan (product × channel).

        Parameters
        ----------
        plan : float, DataFrame, str or Path, optional
            As for `chance_of`.

        Returns
        -------
        pandas.DataFrame
            The plan's columns (product, source, segment), then as for `chance_of`, over all
            planned periods. What is forecast and nobody planned has a row with plan 0; the last
            row is the sum, whose quantiles are not the sums of those above.

        Raises
        ------
        InputError
            No plan, or one that does not fit.
        """
        table = self._planned(plan)
        by = [name for name in GROUPS if name in table]
        periods = set(table["period"])
        chosen = np.array([period in periods for period in self.cells.periods()])
        won = self.won[chosen[self.won["cell"].to_numpy(int)]]
        at = calendar(self.before["closed_at"], self.cells.zone, self.cells.freq)
        before = self.before[np.isin(at, list(periods))]
        aims = table.groupby(by or (lambda _: ""))["plan"].sum()
        size = "value" if self.measure == "won_value" else "count"
        every = set(aims.index) | (set(_keys(won, by)) | set(_keys(before, by)) if by else set())
        rows = []
        for key in sorted(every, key=str):
            mine, had = (
                (_keys(frame, by) == key) if by else slice(None) for frame in (won, before)
            )
            mine_won = won[mine]
            draws = _by_run(mine_won["run"], mine_won[size], self.n)
            already = float(before[had][size].sum())
            names = dict(zip(by, key if isinstance(key, tuple) else (key,), strict=False))
            row = self._against("", float(aims.get(key, 0.0)), already, draws + already)
            rows.append({**names, **row})
        whole = self.chance_of(plan).iloc[[-1]]
        made = pd.concat([pd.DataFrame(rows), whole], ignore_index=True).drop(columns="period")
        made[by] = made[by].fillna("total") if by else made[by]
        return made

    def downside(self, by: str = "stage") -> pd.DataFrame:
        """What is missing in the worst tenth of the runs, by group.

        Parameters
        ----------
        by : {"stage", "source", "product", "segment", "lead_id"}
            Deals that are not here yet have no stage and no id.

        Returns
        -------
        pandas.DataFrame
            ``origin``, the group, ``mean``, ``worst``, ``lacks``, ``share``; see `downside`.

        Raises
        ------
        ParameterError
            No such group.
        """
        known = ("stage", *GROUPS, "lead_id")
        if by not in known:
            fix = did_you_mean(by, list(known), limit=5)
            raise ParameterError(Problem(f'there is no group "{by}"', path="by", fix=fix))
        won = self.won
        if by == "lead_id":
            won = won.assign(lead_id=won["lead_id"].where(won["origin"] == 0, ""))
        if self.measure == "won":
            won = won.assign(value=won["count"])
        made = downside(won, ["origin", by], self.n)
        return made.assign(origin=made["origin"].map(dict(enumerate(ORIGINS))))

    def top_deals(self, most: int = 10) -> pd.DataFrame:
        """The open deals on which most hangs, and what is left without each of them.

        Parameters
        ----------
        most : int

        Returns
        -------
        pandas.DataFrame
            As `without_deals` gives it; ``chance`` is that of the plan of all planned periods.
        """
        won = self.won.assign(value=self.won["worth"] if self.measure == "won_value" else 1.0)
        planned = None
        if self.plan is not None:
            goal = float(self.plan["plan"].sum()) - float(self.chance_of()["booked"].iloc[-1])
            aimed = np.asarray(self.cells.periods().isin(set(self.plan["period"])))
            sums = self.ways["combined"][..., self._place][:, aimed].sum(axis=1)
            planned = (sums, won[aimed[won["cell"].to_numpy(int)]], goal)
        return without_deals(self.total(), won, self.deals, most, planned)

    def issued(self) -> pd.DataFrame:
        """The forecast as the ledger keeps it, to be scored later.

        Returns
        -------
        pandas.DataFrame
            ``cutoff``, ``series`` (won_value, wins, paid_value), ``period_start``,
            ``period_end``, ``unit``, ``quantile``, ``value`` (what is stated), ``raw`` (what was
            simulated, before `restate`); periods that the horizon holds whole, what was booked
            before the cutoff included.
        """
        rows = []
        for way, origin, measure, paths in self._series():
            if way != "combined" or origin != "all":
                continue
            for row in self._spans(self.cells.freq, way, origin, measure, paths, ISSUED):
                if row["whole"]:
                    kept = {"cutoff": self.start, "series": SERIES[measure]}
                    kept |= {"period_start": row["begin"], "period_end": row["end"]}
                    for q in ISSUED:
                        value = row[f"p{q * 100:02.0f}"]
                        rows.append({**kept, "unit": row["unit"], "quantile": q, "value": value})
        table = pd.DataFrame(rows)
        if self.raw is None or not len(table):
            return table.assign(raw=table.get("value"))
        return table.merge(self.raw, on=["series", "period_start", "quantile"], how="left")

    def sentence(self) -> str:
        """Say in one sentence what will be won, how sure that is, and the chance of the plan.

        Returns
        -------
        str
        """
        total = self.total()
        p10, p50, p90 = (self._written(value) for value in levels(total, QUANTILES))
        share = self.share_open
        begin, end = (t.tz_convert(self.cells.zone).date() for t in (self.start, self.end))
        said = (
            f"From {begin} to {end} {p50} will be won (median; 8 in 10 between {p10} and {p90}), "
            f"{share:.0%} of it from deals open today"
        )
        if self.plan is not None:
            row = self.chance_of().iloc[-1]
            said += (
                f"; the chance of the plan of {self._written(row['plan'])} is {row['chance']:.0%}"
            )
        return said + "."

    @property
    def share_open(self) -> float:
        """The share of the expected sum that comes from deals open at the cutoff."""
        parts = self.paths[..., self._place].mean(axis=0).sum(axis=0)
        return float(parts[0] / parts.sum()) if parts.sum() else 0.0

    @property
    def _place(self) -> int:
        """Which of the measures is the first."""
        return MEASURES.index(self.measure)

    def _series(self) -> list[tuple[str, str, str, Floats]]:
        """Way, origin, measure and paths (n, cells) of everything that is told."""
        found = []
        for m, measure in enumerate(MEASURES):
            found += [
                ("combined", origin, measure, self.paths[:, :, o, m])
                for o, origin in enumerate(ORIGINS)
            ]
            found += [
                (way, "all", measure, self.ways[way][..., m])
                for way in ("combined", "bottom_up", "top_down")
                if way in self.ways
            ]
        if self.cash is not None:
            found.append(("combined", "all", "paid_value", self.cash))
        return found

    def _spans(
        self,
        freq: str,
        way: str,
        origin: str,
        measure: str,
        paths: Floats,
        quantiles: tuple[float, ...] = QUANTILES,
    ) -> list[dict[str, object]]:
        """A row per period of a frequency, or one for the horizon."""
        what = {"way": way, "origin": origin, "measure": measure, "unit": UNITS[measure]}
        if freq == HORIZON:
            span = {"span": HORIZON, "period": HORIZON, "begin": self.start, "end": self.end}
            spread = _spread(paths.sum(axis=1), 0.0, quantiles)
            return [{**span, "whole": True, **what, "booked": 0.0, **spread}]
        chosen: Freq = freq  # type: ignore[assignment]
        periods, sums = self.cells.sums(paths, chosen)
        whole = set(self.cells.periods(chosen)[self.cells.whole(chosen)])
        source = self.cashed if measure == "paid_value" else self.before
        size = "count" if measure == "won" else "value"
        booked = self._booked(source, chosen, size) if origin == "all" else {}
        rows = []
        for p, period in enumerate(periods):
            had = float(booked.get(period, 0.0))
            begin, end = (
                t.tz_localize(self.cells.zone, nonexistent="shift_forward", ambiguous=True)
                for t in (period.start_time, (period + 1).start_time)
            )
            span = {"span": freq, "period": str(period), "begin": begin, "end": end}
            span |= {"whole": period in whole}
            rows.append({**span, **what, "booked": had, **_spread(sums[:, p], had, quantiles)})
        return rows

    def _booked(self, rows: pd.DataFrame, freq: Freq, size: str = "") -> dict[pd.Period, float]:
        """What came in the present periods before the cutoff."""
        size = size or ("value" if self.measure == "won_value" else "count")
        at = calendar(rows["closed_at"], self.cells.zone, freq)
        return dict(rows.groupby(at)[size].sum()) if len(rows) else {}

    def _planned(self, plan: Plan | None) -> pd.DataFrame:
        """The plan given, or the forecast's own."""
        if plan is None and self.plan is None:
            fix = "Give a number per period, or a table."
            raise ParameterError(Problem("there is no plan", path="plan", fix=fix))
        if plan is None:
            return self.plan  # type: ignore[return-value]
        known = pd.concat([self.won[list(GROUPS)], self.deals[list(GROUPS)]])
        currency = self.currency if self.measure == "won_value" else "JPY"  # deals: no cents
        return read_plan(plan, self.cells, currency, known)

    def _against(self, period: str, plan: float, booked: float, draws: Floats) -> dict[str, object]:
        """A plan beside what is forecast."""
        p10, p50, p90 = levels(draws, QUANTILES)
        row = {"period": period, "plan": plan, "booked": booked, "p10": p10, "p50": p50, "p90": p90}
        return {**row, "chance": float((draws >= plan).mean()), "gap": p50 - plan}

    def _written(self, value: float) -> str:
        """An amount, or a number of deals."""
        if self.measure == "won":
            return f"{value:,.0f} deals"
        whole = value / self.minor_units
        digits = max(0, len(f"{abs(whole):.0f}") - 3)
        return f"{self.currency} {round(whole, -digits):,.0f}".strip()


def _spread(draws: Floats, booked: float, quantiles: tuple[float, ...]) -> dict[str, object]:
    """Mean, quantiles and number of draws."""
    found = levels(draws, quantiles) + booked
    named = {f"p{q * 100:02.0f}": value for q, value in zip(quantiles, found, strict=True)}
    return {"mean": float(draws.mean()) + booked, **named, "n": len(draws)}


def _by_run(runs: pd.Series, sizes: pd.Series, n: int) -> Floats:
    """Sums by run."""
    return np.asarray(np.bincount(runs, weights=sizes, minlength=n), dtype=float)


def _keys(frame: pd.DataFrame, by: list[str]) -> pd.Series:
    """The cell of a plan each row belongs to."""
    if len(by) == 1:
        return frame[by[0]]
    return pd.Series(list(frame[by].itertuples(index=False, name=None)), index=frame.index)
