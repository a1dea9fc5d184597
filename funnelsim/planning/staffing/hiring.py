"""Whom to hire by when, if needs are uncertain and people leave: from need to cost.

Forecast → need in full-time equivalents → less those who are still there (attrition by tenure)
→ hires that are proficient in time (hiring lead, class size, training yield, ramp) → cost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from funnelsim.errors import ParameterError, Problem
from funnelsim.forecasting.samples import levels
from funnelsim.worktime import DAY, Duration, parse_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Hiring", "HiringPlan", "plan_hiring"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_YEAR: Final = 365.25


@dataclass(frozen=True, slots=True)
class Hiring:
    """What it takes to have one more person.

    Parameters
    ----------
    lead : str
        From the decision to the first day: ``6 w``.
    training : str
        From the first day until they work at all.
    ramp : str
        From then until they work like the others; in between half counts.
    training_yield : float
        Share of a class that gets through training, above 0, up to 1.
    class_size : int
        People start in classes of so many.
    attrition : float
        Share of people who leave within a year, 0 to below 1.
    early_attrition : float, optional
        The same for people in their first year; left out: as the others.
    cost : float
        Of hiring and training one person, in major units of the currency.
    hourly : float
        Pay of an hour, in major units.

    Examples
    --------
    >>> Hiring(lead="6 w", ramp="4 w").days
    70
    """

    lead: str = "6 w"
    training: str = "0 d"
    ramp: str = "4 w"
    training_yield: float = 1.0
    class_size: int = 1
    attrition: float = 0.0
    early_attrition: float | None = None
    cost: float = 0.0
    hourly: float = 0.0

    @property
    def days(self) -> int:
        """From the decision until somebody is proficient."""
        return sum(round(_elapsed(text) / DAY) for text in (self.lead, self.training, self.ramp))

    def problems(self) -> list[Problem]:
        """What is wrong with it."""
        found = []
        for name in ("lead", "training", "ramp"):
            try:
                _elapsed(getattr(self, name))
            except ValueError as wrong:
                found.append(Problem(str(wrong), path=f"hiring.{name}", fix="Write 6 w."))
        shares = {"attrition": self.attrition, "early_attrition": self.early_attrition or 0.0}
        found += [
            Problem(f"is {share!r}", path=f"hiring.{name}", fix="Give a share from 0 to below 1.")
            for name, share in shares.items()
            if not 0 <= share < 1
        ]
        if not 0 < self.training_yield <= 1:
            fix = "Give a share above 0, up to 1."
            found.append(Problem(f"is {self.training_yield!r}", path="hiring.yield", fix=fix))
        if self.class_size < 1 or self.class_size % 1:
            fix = "Give a whole number from 1 on."
            found.append(Problem(f"is {self.class_size!r}", path="hiring.class_size", fix=fix))
        found += [
            Problem(f"is {value!r}", path=f"hiring.{name}", fix="Give 0 or more.")
            for name, value in (("cost", self.cost), ("hourly", self.hourly))
            if not value >= 0
        ]
        return found


@dataclass(frozen=True, eq=False)
class HiringPlan:
    """Whom to hire by when, and how sure that is.

    Parameters
    ----------
    team : str
    starts : tuple of pandas.Timestamp
        When the periods begin.
    end : pandas.Timestamp
    need : ndarray, shape (paths, periods)
        People needed, in full-time equivalents.
    there : ndarray, shape (paths, periods)
        Of those of today, who are still there.
    hires : ndarray of int, shape (paths, periods)
        Hired on each path to be proficient by the period's beginning.
    sure : float
    hiring : Hiring
    contract : float
        Hours a week.
    people : float
        Full-time equivalents today.
    """

    team: str
    starts: tuple[pd.Timestamp, ...]
    end: pd.Timestamp
    need: Floats
    there: Floats
    hires: Ints
    sure: float
    hiring: Hiring
    contract: float
    people: float

    @property
    def total(self) -> Ints:
        """Hires up to each period, on each path."""
        return np.asarray(self.hires.cumsum(axis=1))

    @property
    def planned(self) -> Ints:
        """Hires up to each period that are enough on the share ``sure`` of the paths."""
        enough = np.quantile(self.total, self.sure, axis=0, method="inverted_cdf")
        size = self.hiring.class_size
        classes = -(-np.maximum.accumulate(enough.astype(np.int64)) // size)
        return np.asarray(classes * size)

    @property
    def table(self) -> pd.DataFrame:
        """One row per hire or class.

        hire (how many by then), decide_by, first_day, needed_by (proficient), people, chance
        (that so many are needed by the end of the horizon), planned, late (the decision would
        have had to fall before the horizon begins), cost.

        Up to three more than planned are listed where there is a chance of one in twenty or more
        that they are needed.
        """
        rows = []
        before = 0
        for k, count in enumerate(self.planned.tolist()):
            if count > before:
                rows.append(self._row(before + 1, count, k, planned=True))
                before = count
        final = self.total[:, -1]
        size = self.hiring.class_size
        for extra in range(1, 4):
            count = before + extra * size
            chance = float((final > count - size).mean())
            if chance < 0.05:  # noqa: PLR2004 - one in twenty
                break
            when = int(np.argmax((self.total > count - size).mean(axis=0) >= chance / 2))
            rows.append(self._row(count - size + 1, count, when, planned=False))
        columns = ["hire", "decide_by", "first_day", "needed_by", "people", "chance", "planned"]
        return pd.DataFrame(rows, columns=[*columns, "late", "cost"])

    @property
    def fan(self) -> pd.DataFrame:
        """One row per period: need (p10, p50, p90), there (mean), planned, lacking.

        period_start, need_p10, need_p50, need_p90, there, planned (hires up to then), proficient
        (those there and hired), short (chance that they are too few without hiring), still_short
        (chance with the plan).
        """
        low, mid, high = levels(self.need, (0.1, 0.5, 0.9))
        with_plan = self.there + self._newcomers()
        return pd.DataFrame(
            {
                "period_start": self.starts,
                "need_p10": low,
                "need_p50": mid,
                "need_p90": high,
                "there": self.there.mean(axis=0),
                "planned": self.planned,
                "proficient": with_plan.mean(axis=0),
                "short": (self.need > self.there + 1e-9).mean(axis=0),
                "still_short": (self.need > with_plan + 1e-9).mean(axis=0),
            }
        )

    def _newcomers(self) -> Floats:
        """Of the planned hires, how many are still there, on average, shape (periods,)."""
        days = np.diff([*self.starts, self.end]) / np.timedelta64(1, "D")
        begins = np.concatenate([[0.0], np.cumsum(np.asarray(days, float))[:-1]])
        joined = np.diff(self.planned, prepend=0)
        age = np.maximum(begins[:, None] - begins[None, :], 0.0) / _YEAR
        later = self.hiring.attrition
        early = later if self.hiring.early_attrition is None else self.hiring.early_attrition
        stays = (1 - early) ** np.minimum(age, 1) * (1 - later) ** np.maximum(age - 1, 0)
        return np.asarray((np.tril(stays) * joined).sum(axis=1))

    @property
    def cost(self) -> float:
        """Of the planned hires up to the end of the horizon: hiring, training and pay."""
        return float(self.table.loc[self.table["planned"], "cost"].sum())

    def sentence(self, *, lang: str = "en", text: Callable[[str], str] = str) -> str:
        """Say in one sentence whom to hire.

        Parameters
        ----------
        lang : str
            Language of numbers and dates.
        text : callable
            Translates the words.

        Returns
        -------
        str
        """
        from funnelsim.planning.staffing.staffing_sentences import hiring_sentence

        return hiring_sentence(self, lang=lang, text=text)

    def _row(self, first: int, count: int, period: int, *, planned: bool) -> dict[str, object]:
        """One class of people who start together."""
        needed = self.starts[period]
        train = pd.Timedelta(microseconds=_elapsed(self.hiring.training))
        ramp = pd.Timedelta(microseconds=_elapsed(self.hiring.ramp))
        begin = needed - ramp - train
        decide = begin - pd.Timedelta(microseconds=_elapsed(self.hiring.lead))
        people = int(np.ceil((count - first + 1) / self.hiring.training_yield - 1e-9))
        weeks = max((self.end - max(begin, self.starts[0])).days / 7, 0.0)
        pay = weeks * self.contract * self.hiring.hourly
        return {
            "hire": count,
            "decide_by": decide,
            "first_day": begin,
            "needed_by": needed,
            "people": people,
            "chance": float((self.total[:, -1] >= first).mean()),
            "planned": planned,
            "late": bool(decide < self.starts[0]),
            "cost": people * (self.hiring.cost + pay),
        }


def plan_hiring(  # noqa: PLR0913 - keywords
    need: ArrayLike,
    *,
    people: float,
    starts: Sequence[pd.Timestamp],
    end: pd.Timestamp,
    hiring: Hiring | None = None,
    sure: float = 0.8,
    contract: float = 40.0,
    team: str = "",
    seed: int = 0,
) -> HiringPlan:
    """Plan hires so that the proficient are enough on most sample paths.

    On each path people leave by chance, newcomers perhaps sooner; whenever fewer are there than
    needed, people are hired so that they are proficient in time. The plan has as many by each
    period as are enough on the share ``sure`` of the paths.

    Parameters
    ----------
    need : array_like, shape (paths, periods)
        Paid full-time equivalents needed.
    people : float
        There today.
    starts : sequence of pandas.Timestamp
        When the periods begin.
    end : pandas.Timestamp
    hiring : Hiring, optional
    sure : float
        Above 0, below 1.
    contract : float
        Hours a week.
    team : str
    seed : int

    Returns
    -------
    HiringPlan

    Raises
    ------
    ParameterError
        Negative needs or people, shares out of range: every problem.

    Examples
    --------
    >>> weeks = pd.date_range("2026-03-02", periods=3, freq="7D")
    >>> plan = plan_hiring([[3, 4, 4]] * 4 + [[3, 4, 5]], people=2, starts=weeks, end=weeks[2])
    >>> plan.planned.tolist(), float(plan.table["chance"].iloc[-1])
    ([1, 2, 2], 0.2)
    """
    hiring = hiring or Hiring()
    wanted = np.atleast_2d(np.asarray(need, float))
    problems = hiring.problems()
    if not (np.isfinite(wanted) & (wanted >= 0)).all():
        problems.append(Problem("negative or missing", path="need", fix="Give 0 or more."))
    if not people >= 0:
        problems.append(Problem(f"is {people!r}", path="people", fix="Give 0 or more."))
    if not 0 < sure < 1:
        problems.append(Problem(f"is {sure!r}", path="sure", fix="Give a share such as 0.8."))
    if wanted.shape[1] != len(starts):
        message = f"need has {wanted.shape[1]} periods, starts {len(starts)}"
        problems.append(Problem(message, path="starts"))
    if problems:
        raise ParameterError(problems)
    days = np.diff([*starts, end]) / np.timedelta64(1, "D")
    there, hires = _futures(wanted, people, np.asarray(days, float), hiring, seed)
    return HiringPlan(
        team, tuple(starts), end, wanted, there, hires, sure, hiring, contract, people
    )


def _futures(
    need: Floats, people: float, days: Floats, hiring: Hiring, seed: int
) -> tuple[Floats, Ints]:
    """By path and period: who of today is there, and how many are hired."""
    rng = np.random.default_rng([seed, 21])
    paths, periods = need.shape
    whole = int(people)
    old = np.full(paths, whole)
    part = people - whole  # a part-timer: stays as such
    early = hiring.attrition if hiring.early_attrition is None else hiring.early_attrition
    new = np.zeros((paths, periods), np.int64)  # by the period in which they came
    there, hires = np.zeros((paths, periods)), np.zeros((paths, periods), np.int64)
    age = np.zeros(periods)
    for k in range(periods):
        there[:, k] = old + part
        missing = need[:, k] - there[:, k] - new.sum(axis=1)
        hires[:, k] = np.maximum(np.ceil(missing - 1e-9), 0)
        new[:, k] = hires[:, k]
        age[: k + 1] += days[k]
        old = rng.binomial(old, (1 - hiring.attrition) ** (days[k] / _YEAR))
        yearly = np.where(age <= _YEAR, early, hiring.attrition)
        new = rng.binomial(new, (1 - yearly) ** (days[k] / _YEAR))
    return there, hires


def _elapsed(text: str | Duration) -> float:
    """Microseconds of elapsed time."""
    duration = parse_duration(text)
    if duration.clock != "elapsed":
        msg = f"{duration}: use elapsed time (d, w)"
        raise ValueError(msg)
    return duration.microseconds()
