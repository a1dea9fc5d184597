"""What the levers of a scenario were found to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnelsim.errors import ParameterError, Problem
from funnelsim.experiments.atlas import Lever
from funnelsim.experiments.outcomes import Measure
from funnelsim.experiments.precision import Interval
from funnelsim.experiments.replication import Replications
from funnelsim.scenarios.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from funnelsim.figures import Picture

__all__ = ["Effect", "Levers", "Together"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """What a step does to the measure.

    Parameters
    ----------
    lever : Lever
    gains : ndarray, shape (replications,)
        Changed − baseline under the same luck.
    costs : ndarray, shape (replications,)
        Further costs of leads, deals and staffed hours; NaN where none are given.
    interval : Interval
        Of the mean gain, simultaneous over all levers.
    verdict : str
        ``better``, ``worse``, ``more``, ``less``, ``same`` (no replication differs) or
        ``cannot tell``.
    """

    lever: Lever
    gains: Floats
    costs: Floats
    interval: Interval
    verdict: str


@dataclass(frozen=True, slots=True)
class Together:
    """Two levers at once (2 × 2 factorial).

    Parameters
    ----------
    levers : tuple of str
    both : Interval
        Mean gain of both together.
    interaction : Interval
        Both − one − other + baseline: how much more they bring together than apart;
        simultaneous over the pairs.
    """

    levers: tuple[str, str]
    both: Interval
    interaction: Interval


@dataclass(frozen=True, slots=True, eq=False)
class Levers:
    """The lever atlas: every standard step, ranked.

    A point, a day, a seat and a tenth more leads are steps people can imagine, not equal
    efforts: the ranking says which *step* brings most, and what it may cost is for the
    reader to weigh.

    Parameters
    ----------
    scenario : Scenario
    measure : Measure
    effects : tuple of Effect
        Best first.
    base : Replications
    top : str or None
        The lever that brings most, where the runs can tell it from every other.
    limit : str or None
        ``conversion``, ``delay`` or ``capacity``; None: one cannot tell. See
        :mod:`funnelsim.experiments.relief`.
    reliefs : mapping of str to Interval
        By that: gain of a tenth less of the obstacle.
    pairs : tuple of Together
        The first three that help, two at a time.
    left_out : mapping of str to str
        Lever → why it was not tried.
    level : float
    """

    scenario: Scenario
    measure: Measure
    effects: tuple[Effect, ...]
    base: Replications
    top: str | None
    limit: str | None
    reliefs: Mapping[str, Interval]
    pairs: tuple[Together, ...]
    left_out: Mapping[str, str]
    level: float

    def __getitem__(self, lever: str) -> Effect:
        """The effect of a lever by its id, such as ``seats.desk``."""
        found = [effect for effect in self.effects if effect.lever.id == lever]
        if not found:
            known = ", ".join(effect.lever.id for effect in self.effects)
            raise ParameterError(Problem(f'there is no lever "{lever}"', fix=f"There are: {known}"))
        return found[0]

    @property
    def baseline(self) -> float:
        """Mean of the measure as things are."""
        return float(np.nanmean(self.base[self.measure.id]))

    @property
    def table(self) -> pd.DataFrame:
        """One row per lever, best first.

        rank, lever, kind, item; step and step_unit (``share``: 0.01 is a point; ``s``:
        seconds of mean delay on its clock; ``seats``), cut (``partly``, ``whole``: the step
        is smaller as there is no more to take); measure, unit, baseline; uplift, lo, hi
        (simultaneous over the levers, paired), relative, verdict; cost (further costs of
        leads, deals and staffed hours) and priced (whether the step's own price is among
        them: wages of the seat, cost of the leads); net, net_lo, net_hi (uplift − cost, for
        money); payback (uplift ÷ cost, for priced steps); n, level, method, name. Money in
        minor units; NaN where no costs are given.
        """
        import pandas as pd

        from funnelsim.experiments.lever_rows import row

        return pd.DataFrame([row(self, i) for i in range(len(self.effects))])

    @property
    def interactions(self) -> pd.DataFrame:
        """One row per pair of the first three levers that help.

        first, second; both, both_lo, both_hi: gain of both together; apart: the sum of
        their own gains; interaction, lo, hi: both − apart, simultaneous over the pairs; n,
        level, method. Above 0 they help each other, below 0 they get in each other's way.
        """
        import pandas as pd

        from funnelsim.experiments.lever_rows import pair_row

        return pd.DataFrame([pair_row(self, pair) for pair in self.pairs])

    def sentences(self, *, lang: str = "en", text: Callable[[str], str] = str) -> list[str]:
        """Say the facts, one sentence each; see :mod:`funnelsim.experiments.lever_sentences`.

        Parameters
        ----------
        lang : str
            Language of numbers and labels.
        text : callable
            Translates the words.

        Returns
        -------
        list of str
            The largest step or that one cannot tell, what limits, what pays, what does
            nothing, how the first ones go together.
        """
        from funnelsim.experiments.lever_sentences import sentences

        return sentences(self, lang=lang, text=text)

    def plot(
        self, *, most: int = 15, lang: str = "en", text: Callable[[str], str] = str
    ) -> Picture:
        """Draw the tornado: one bar per lever with its interval.

        Parameters
        ----------
        most : int
            How many levers at most.
        lang, text
            As in :meth:`sentences`.

        Returns
        -------
        Picture
        """
        from funnelsim.figures.tornado import tornado

        names = {e.lever.id: e.lever.words(lang, text) for e in self.effects}
        return tornado(
            self.table.head(most),
            name=self.measure.words(lang, text),
            better=self.measure.better,
            currency=self.scenario.currency,
            labels=names,
            lang=lang,
            text=text,
        )
