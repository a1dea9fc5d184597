"""What-ifs against the baseline under the same luck, and whether one can tell them apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from funnelsim.documents import did_you_mean
from funnelsim.engine import Limits
from funnelsim.engine.simulation import Engine
from funnelsim.errors import ParameterError, Problem
from funnelsim.experiments.execution import (
    Observation,
    Settings,
    World,
    Worlds,
    observations,
)
from funnelsim.experiments.outcomes import Measure, read_limits
from funnelsim.experiments.precision import Sequential, mean_interval
from funnelsim.experiments.replication import (
    MOST,
    Replications,
    check_plan,
    columns,
    place,
    tell,
)
from funnelsim.experiments.uplifts import Uplift, paired, row
from funnelsim.experiments.what_ifs import WhatIfs, read_what_ifs
from funnelsim.scenarios.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from funnelsim.figures import Picture

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A baseline and what-ifs, replication by replication under the same luck.

    Parameters
    ----------
    base : Replications
    what_ifs : mapping of str to Replications
        By name; each has the baseline's seed and number of replications.
    labels : mapping of str to mapping
        What a what-if is called, by language, where the scenario says so.
    level : float
        Of intervals, simultaneous over the what-ifs.
    precision : mapping of str to float
        What was asked for, as shares of the baseline's means; empty if n was given.
    precise : bool
        Whether that was reached; True if nothing was asked for.
    """

    base: Replications
    what_ifs: Mapping[str, Replications]
    labels: Mapping[str, Mapping[str, str]]
    level: float
    precision: Mapping[str, float]
    precise: bool

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Measures that the baseline and at least one what-if have."""
        there = {m.id for reps in self.what_ifs.values() for m in reps.measures}
        return tuple(measure for measure in self.base.measures if measure.id in there)

    def uplift(self, measure: str, what_if: str | None = None) -> Uplift:
        """What one change does to one measure.

        Parameters
        ----------
        measure : str
        what_if : str, optional
            May be left out where there is only one.

        Returns
        -------
        Uplift

        Raises
        ------
        ParameterError
            If there is no such measure or what-if.
        """
        name = self._named(what_if)
        found = self.base.measures[place(self.base.measures, measure)]
        pair = self.base[measure], self.what_ifs[name][measure]
        return paired(name, found, *pair, self.level, len(self.what_ifs))

    @property
    def table(self) -> pd.DataFrame:
        """One row per measure and what-if.

        measure, what_if, unit, baseline, changed, uplift, lo, hi, relative, p_better,
        runs_better, n, level, method, verdict, name; see :class:`Uplift`. Intervals hold
        simultaneously over the what-ifs of *one* measure (Bonferroni); who looks at sixty
        measures will still see some that stray by chance.
        """
        import pandas as pd

        return pd.DataFrame(
            [
                row(self.uplift(measure.id, name), len(self.what_ifs))
                for measure in self.measures
                for name, reps in self.what_ifs.items()
                if any(measure.id == other.id for other in reps.measures)
            ]
        )

    def winner(self, measure: str) -> str | None:
        """The best of the baseline (``""``) and all what-ifs, if one can tell.

        Parameters
        ----------
        measure : str
            One of which more is better, or less.

        Returns
        -------
        str or None
            The one whose paired interval against *every* other excludes 0, Bonferroni over
            all pairs; None if there is no such one.

        Raises
        ------
        ParameterError
            If the measure is neither good nor bad, or unknown.
        """
        found = self.base.measures[place(self.base.measures, measure)]
        if not found.better:
            fix = "Ask for one that is, such as won, profit or cycle_time."
            raise ParameterError(Problem(f"{measure} is neither good nor bad by itself", fix=fix))
        runs = {"": self.base[measure]} | {k: reps[measure] for k, reps in self.what_ifs.items()}
        pairs = list(combinations(runs, 2))
        level = 1 - (1 - self.level) / len(pairs)
        beaten = dict.fromkeys(runs, 0)
        for one, other in pairs:
            gap = mean_interval(found.better * (runs[one] - runs[other]), level)
            beaten[other] += gap.lo > 0
            beaten[one] += gap.hi < 0
            if not (gap.lo > 0 or gap.hi < 0):
                beaten[one], beaten[other] = len(runs), len(runs)
        return next((name for name, times in beaten.items() if times == 0), None)

    def sentence(
        self,
        measure: str,
        what_if: str | None = None,
        *,
        lang: str = "en",
        text: Callable[[str], str] = str,
    ) -> str:
        """Say in one sentence what a change does; see :mod:`funnelsim.experiments.sentences`.

        Parameters
        ----------
        measure : str
        what_if : str, optional
            May be left out where there is only one.
        lang : str
            Language of numbers, units and labels.
        text : callable
            Translates the words.

        Returns
        -------
        str
            Names nothing better or worse where one cannot tell.
        """
        from funnelsim.experiments.sentences import sentence

        return sentence(self, measure, self._named(what_if), lang=lang, text=text)

    def plot(self, measure: str, *, lang: str = "en", text: Callable[[str], str] = str) -> Picture:
        """Draw the uplift of every what-if with its interval.

        Parameters
        ----------
        measure : str
        lang, text
            As in :meth:`sentence`.

        Returns
        -------
        Picture
        """
        from funnelsim.figures.uplift import uplift

        table = self.table
        rows = table[table["measure"] == measure]
        found = self.base.measures[place(self.base.measures, measure)]
        names = {key: self.called(key, lang) for key in self.what_ifs}
        return uplift(
            rows,
            name=found.words(lang, text),
            better=found.better,
            currency=self.base.scenario.currency,
            labels=names,
            lang=lang,
            text=text,
        )

    def called(self, what_if: str, lang: str = "en") -> str:
        """The name of a what-if in a language."""
        labels = self.labels.get(what_if, {})
        return labels.get(lang) or labels.get("en") or next(iter(labels.values()), what_if)

    def _named(self, what_if: str | None) -> str:
        if what_if is None and len(self.what_ifs) == 1:
            return next(iter(self.what_ifs))
        if what_if is None or what_if not in self.what_ifs:
            problem = f'there is no what-if "{what_if}"' if what_if else "which what-if is meant?"
            fix = did_you_mean(what_if or "", self.what_ifs, limit=40)
            raise ParameterError(Problem(problem, fix=fix))
        return what_if


def compare(  # noqa: PLR0913 - keywords with defaults
    base: World,
    what_ifs: WhatIfs | None = None,
    *,
    seed: int,
    n: int | None = None,
    precision: Mapping[str, float] | None = None,
    max_n: int = MOST,
    level: float = 0.95,
    limits: Limits | Mapping[str, str] | None = None,
    engine: Engine = "auto",
    executor: Executor | None = None,
    workers: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Comparison:
    """Compare a baseline with changes of it under common random numbers.

    Parameters
    ----------
    base : Scenario or ScenarioSampler
        Changes of a sampler are made to each of its draws.
    what_ifs : sequence or mapping, optional
        ``base.change(name, {…})``, a ``Change``, the name of a what-if that the scenario
        lists, or a mapping of names to scenarios. Left out: all that the scenario lists.
    seed : int
        0 to 2**64 - 1.
    n : int, optional
        How many replications; 20 if neither this nor ``precision`` is given.
    precision : mapping of str to float, optional
        Go on until the half-width of every uplift's (adjusted) interval is at most this
        share of the *baseline's* mean, by Hoad's sequential rule; of the uplift itself it
        could take for ever.
    max_n : int
        Stop here even if the precision is not reached (then ``precise`` is False).
    level : float
        Confidence level, simultaneous over the what-ifs.
    limits, engine, executor, workers, progress
        As in :func:`funnelsim.replicate`.

    Returns
    -------
    Comparison

    Raises
    ------
    ParameterError
        Numbers out of range, unknown measures or what-ifs, two of one name, none at all.
    ScenarioError
        A change that cannot be made.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> tiny = Scenario.model_validate(_TINY)
    >>> more = tiny.change("more leads", {"sources.web.rate": {"times": 1.1}})
    >>> found = compare(tiny, [more], n=10, seed=7)
    >>> row = found.uplift("leads")
    >>> row.verdict, bool(row.lo < 14 < row.hi)
    ('more', True)
    """
    settings = Settings(seed, engine, read_limits(limits), executor, workers, progress)
    limit = check_plan(n, precision, max_n, level)
    first = base if isinstance(base, Scenario) else base.draw(seed, 0)
    named = read_what_ifs(base, first, what_ifs)
    worlds = Worlds({"": base, **{name: world for name, (world, _) in named.items()}}, settings)
    adjusted = 1 - (1 - level) / len(named)
    wanted = [
        [(i, place(worlds.measures[i], name)) for i in range(len(named) + 1)]
        for name in precision or {}
    ]
    targets = [share for share in (precision or {}).values() for _ in named]
    rule = Sequential(targets, adjusted)
    found: list[tuple[Observation, ...]] = []
    with closing(observations(worlds, limit, settings)) as runs:
        for run in runs:
            found.append(run)
            rows = np.array([[run[i].measured[j] for i, j in row] for row in wanted])
            rows = rows.reshape(len(wanted), len(named) + 1)
            enough = rule.add(
                (rows[:, 1:] - rows[:, :1]).ravel(), np.repeat(rows[:, 0], len(named))
            )
            tell(progress, len(found), limit, rule if precision else None)
            if precision and enough:
                break
    asked = dict(precision or {})
    precise = not precision or rule.reached
    reps = [
        Replications(scenario, measures, *columns(series), seed, level, asked, precise)
        for scenario, measures, series in zip(
            worlds.scenarios, worlds.measures, zip(*found, strict=True), strict=True
        )
    ]
    labels = {name: label for name, (_, label) in named.items()}
    return Comparison(
        reps[0], dict(zip(named, reps[1:], strict=True)), labels, level, asked, precise
    )
