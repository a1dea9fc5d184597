"""Which leads go other ways than the rest: a tree of conditions, written as a list of cases.

Branches are added one by one, each time the one that the data supports most by Schwarz's
criterion, until none is supported. A branch holds by a condition of the language ("stayed at
least 5 d", "source web"); reading the leaves in order, those of the condition first, gives
cases of which the first that fits is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.calibration.cleaning.spelling import digits, length
from funnelsim.calibration.stages.visits import StageVisits
from funnelsim.worktime import SECOND, parse_duration

__all__ = ["Leaf", "Pooling", "leaves"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Conditions = dict[str, object]

FEWEST: Final = 25
"""Visits on either side of a branch."""
SMALLEST: Final = 0.02
"""Share of a stage's visits on either side of a branch: less would not matter."""
NAMED: Final = 10
"""Visits that a source, segment or product needs to have shares of its own."""
MOST: Final = 12
"""Leaves of one stage: more than a planner could read."""
VISITS: Final = (2, 3, 4, 5)
CUTS: Final = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
STRENGTHS: Final = np.geomspace(1.0, 3000.0, 40)


@dataclass(frozen=True, slots=True, eq=False)
class Pooling:
    """How far shares of a kind of lead lean to those of all (Dirichlet).

    Parameters
    ----------
    strength : float
        Visits of all that each kind borrows.
    centre : ndarray, shape (ways,)
        Shares of all kinds.
    """

    strength: float
    centre: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """Visits that go the same ways.

    Parameters
    ----------
    when : dict
        Conditions in the language; empty: whoever fits none before.
    group : ndarray of bool, shape (n,)
        Visits, open ones included, to which it belongs by what is known on entering.
    rows : ndarray of bool, shape (n,)
        Those of them that are over and belong to it by all conditions.
    pooling : Pooling or None
        What their shares lean to.
    final : bool
        No more branches: kinds too rare to be told apart, for which those of all stand.
    """

    when: Conditions
    group: Flags
    rows: Flags
    pooling: Pooling | None = None
    final: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Split:
    gain: float
    children: tuple[Leaf, ...] = field(repr=False)


def leaves(visits: StageVisits, ways: list[str], *, waits: bool = True) -> list[Leaf]:
    """Find the kinds of visits that go different ways.

    Parameters
    ----------
    visits : StageVisits
    ways : list of str
        Where they can lead.
    waits : bool
        Whether the scenario has the waits that a condition could ask for.

    Returns
    -------
    list of Leaf
        In the order of cases; the last has no condition.

    References
    ----------
    Schwarz (1978), Annals of Statistics 6: 461–464; Rivest (1987), Learning decision lists,
    Machine Learning 2: 229–246.
    """
    over = visits.stays.ended
    place = {way: at for at, way in enumerate(ways)}
    code = np.array([place.get(way, 0) for way in visits.way])
    found = [Leaf({}, np.ones(len(visits), dtype=bool), over.copy())]
    if len(ways) == 1:
        return found
    counts = _Counts(code, visits.stays.weight, len(ways))
    best = [_best(found[0], visits, counts, waits=waits)]
    while len(found) < MOST:
        at = int(np.argmax([split.gain for split in best]))
        split = best[at]
        if split.gain <= 0 or len(found) - 1 + len(split.children) > MOST:
            break
        found[at : at + 1] = split.children
        best[at : at + 1] = [_best(child, visits, counts, waits=waits) for child in split.children]
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Counts:
    """Visits by way, weighted."""

    code: NDArray[np.int64]
    weight: Floats
    ways: int

    def of(self, rows: Flags) -> Floats:
        weight = self.weight[rows]
        if not len(weight):
            return np.zeros(self.ways)
        worth = weight.sum() / (weight**2).sum()
        sums = np.bincount(self.code[rows], weights=weight * worth, minlength=self.ways)
        return sums.astype(np.float64)


def _best(leaf: Leaf, visits: StageVisits, counts: _Counts, *, waits: bool) -> _Split:
    """The best branch of a leaf; without gain if there is none."""
    whole = counts.of(leaf.rows)
    kinds = int((whole > 0).sum())
    n = float(whole.sum())
    best = _Split(0.0, ())
    if leaf.final or kinds < 2 or n < 2 * FEWEST:  # noqa: PLR2004
        return best
    base = _likelihood(whole)
    least = max(FEWEST, SMALLEST * visits.stays.events)
    for when, holds, entering in _conditions(leaf, visits, waits=waits):
        yes, no = leaf.rows & holds, leaf.rows & ~holds
        if min(yes.sum(), no.sum()) < least:
            continue
        rise = _likelihood(counts.of(yes)) + _likelihood(counts.of(no)) - base
        gain = 2 * rise - kinds * np.log(n)
        if gain > best.gain:
            both = _groups(leaf, holds, entering=entering)
            first = replace(leaf, when=leaf.when | when, group=both[0], rows=yes)
            best = _Split(float(gain), (first, replace(leaf, group=both[1], rows=no)))
    for name in visits.traits:
        split = _kinds(leaf, visits, counts, name)
        if split.gain > best.gain:
            best = split
    return best


def _groups(leaf: Leaf, holds: Flags, *, entering: bool) -> tuple[Flags, Flags]:
    """Whose durations weigh the ends: of all, where only the end decides."""
    return (leaf.group & holds, leaf.group & ~holds) if entering else (leaf.group, leaf.group)


def _conditions(
    leaf: Leaf, visits: StageVisits, *, waits: bool
) -> Iterator[tuple[Conditions, Flags, bool]]:
    """Branches by one threshold: the condition, where it holds, whether known on entering."""
    for number in VISITS:
        yield {"visit": number}, visits.number >= number, True
    measured = [("stay", visits.stays.time), ("age", visits.age)]
    if waits and (visits.waiting[leaf.rows] > 0).any():
        measured.append(("wait", np.nan_to_num(visits.waiting)))
    for name, values in measured:
        if name == "age" and np.array_equal(values, visits.stays.time):
            continue
        for text in _thresholds(values[leaf.rows]):
            yield {name: text}, values >= parse_duration(text).microseconds(1) / SECOND, False


def _thresholds(values: Floats) -> list[str]:
    """Round lengths of time that part the values."""
    cuts = np.unique(np.quantile(values, CUTS))
    return list(dict.fromkeys(length(digits(float(cut), 2)) for cut in cuts if cut >= 1))


def _kinds(leaf: Leaf, visits: StageVisits, counts: _Counts, name: str) -> _Split:
    """A branch for every source, segment or product, with partial pooling."""
    none = _Split(0.0, ())
    traits = visits.traits[name]
    values, sizes = np.unique(traits[leaf.rows].astype(str), return_counts=True)
    pairs = zip(values.tolist(), sizes.tolist(), strict=True)
    named = [value for value, size in pairs if value and size >= NAMED]
    if len(named) < 2:  # noqa: PLR2004
        return none
    whole = counts.of(leaf.rows)
    parts = [(value, traits == value) for value in named]
    table = np.array([counts.of(leaf.rows & holds) for _, holds in parts])
    strength, gain = _strength(table, whole / whole.sum())
    gain -= np.log(float(whole.sum())) + 2 * np.log(len(visits.traits))  # Chen & Chen (2008)
    if gain <= 0:
        return none
    pooling = Pooling(strength, whole / whole.sum())
    children = [
        Leaf(leaf.when | {name: value}, leaf.group & holds, leaf.rows & holds, pooling)
        for value, holds in parts
    ]
    others = leaf.group & ~np.logical_or.reduce([holds for _, holds in parts])
    if others.any():
        return _Split(float(gain), (*children, replace(leaf, final=True)))
    children.sort(key=lambda child: int(child.rows.sum()))
    children[-1] = replace(children[-1], when=leaf.when)
    return _Split(float(gain), tuple(children))


def _strength(table: Floats, centre: Floats) -> tuple[float, float]:
    """How much kinds are alike, by marginal likelihood, and what telling them apart gains.

    References
    ----------
    Minka (2000), Estimating a Dirichlet distribution, eq. 53 (Dirichlet-multinomial).
    """
    from scipy.special import gammaln

    used = centre > 0
    table, centre = table[:, used], centre[used]
    sizes = table.sum(axis=1)
    alike = float((table * np.log(centre)).sum())
    best = (float(STRENGTHS[-1]), 0.0)
    for strength in STRENGTHS:
        prior = strength * centre
        value = float(
            (gammaln(strength) - gammaln(strength + sizes)).sum()
            + (gammaln(prior + table) - gammaln(prior)).sum()
        )
        if 2 * (value - alike) > best[1]:
            best = (float(strength), 2 * (value - alike))
    return best


def _likelihood(counts: Floats) -> float:
    """Log likelihood of counts at their own shares."""
    from scipy.special import xlogy

    total = counts.sum()
    return float(xlogy(counts, counts / total).sum()) if total else 0.0
