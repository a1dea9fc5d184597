"""Routes: which way visits lead, when several ways compete and many visits are still open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.calibration.decisions import Leaf, leaves
from funnelsim.calibration.parts import Path, Refusal, Settings
from funnelsim.calibration.spelling import shares
from funnelsim.calibration.survival import Durations, curve
from funnelsim.calibration.visits import StageVisits
from funnelsim.measures.estimates import effective_size, wilson
from funnelsim.scenarios.evidence import Evidence

__all__ = ["FEWEST", "Branch", "Routes", "routes"]

Floats = NDArray[np.float64]

FEWEST: Final = 10
"""Moves that a way needs: with fewer its share is not known to a factor of two."""
TRACE: Final = 5e-5
"""Shares that round to nothing are left out."""
FIX: Final = "A longer history, or several exports taken on different days, would tell."


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """Shares of the ways out for some visits.

    Parameters
    ----------
    when : dict
        Conditions in the language; empty for all others.
    share : ndarray, shape (ways,)
        They sum to 1.
    size : float
        Fully observed visits that would tell as much.
    n : ndarray of int, shape (ways,)
        Moves seen.
    """

    when: Mapping[str, object]
    share: Floats
    size: float
    n: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Routes:
    """The ways out of a stage, estimated.

    Parameters
    ----------
    stage : str
    ways : tuple of str
        Ids of stages.
    advance : str
        The one that counts as progress.
    branches : tuple of Branch
        Cases in order; the last is for all others.
    whole : Branch
        All visits together.
    unresolved : float
        Share of visits that last longer than was observed.
    """

    stage: str
    ways: tuple[str, ...]
    advance: str
    branches: tuple[Branch, ...]
    whole: Branch
    unresolved: float

    @property
    def name(self) -> str:
        """``next/offer``."""
        return f"next/{self.stage}"

    @property
    def path(self) -> Path:
        """Where it stands in the scenario."""
        return ("stages", self.stage, "next")

    @property
    def settings(self) -> Settings:
        """The best estimate, in the language of scenarios."""
        return {self.path: self._written([branch.share for branch in self.branches])}

    def drawn(self, rng: np.random.Generator) -> Settings:
        """Shares that the data could as well mean: Dirichlet, one visit's worth of doubt."""
        return {self.path: self._written([_drawn(branch, rng) for branch in self.branches])}

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Every share with its interval; where there are cases, those of all visits too."""
        *cases, rest = self.branches
        found = self._rows(f"stages.{self.stage}.next.to", "share", rest)
        for place, case in enumerate(cases):
            found += self._rows(f"stages.{self.stage}.next.cases.{place}.to", "share", case)
        if cases:
            found += self._rows(f"stages.{self.stage}.next.to", "overall_share", self.whole)
        return tuple(found)

    def _rows(self, where: str, measure: str, branch: Branch) -> list[Evidence]:
        note = ""
        if self.unresolved >= 0.01:  # noqa: PLR2004
            note = (
                f"{self.unresolved:.0%} of visits last longer than was observed; they are "
                "taken to go the same ways."
            )
        found = []
        for way, share, n in zip(self.ways, branch.share, branch.n, strict=True):
            if share < TRACE:
                continue
            lo, hi = wilson(float(share), branch.size, 0.95)
            found.append(
                Evidence(
                    of=f"{where}.{way}",
                    measure=measure,
                    value=float(share),
                    unit="share",
                    lo=max(lo, 0.0),
                    hi=min(hi, 1.0),
                    n=int(n),
                    method="Aalen-Johansen",
                    note=note,
                )
            )
        return found

    def _written(self, drawn: Sequence[Floats]) -> dict[str, object]:
        """The table in the language."""
        *cases, rest = [
            (branch.when, self._to(share))
            for branch, share in zip(self.branches, drawn, strict=True)
        ]
        table: dict[str, object] = {"advance": self.advance, "to": rest[1]}
        if self.advance not in rest[1] and not any(self.advance in to for _, to in cases):
            table["advance"] = max(rest[1], key=lambda way: rest[1][way])
        if cases:
            table["cases"] = [{"when": dict(when), "to": to} for when, to in cases]
        return table

    def _to(self, share: Floats) -> dict[str, float]:
        pairs = zip(self.ways, share.tolist(), strict=True)
        # The way of progress stays even where it was never taken: what-ifs add to it.
        used = {way: part for way, part in pairs if part >= TRACE or way == self.advance}
        return shares(used)


def routes(
    visits: StageVisits, advance: Sequence[str], *, waits: bool = True
) -> tuple[Routes | None, tuple[Refusal, ...]]:
    """Estimate the ways out of a stage.

    Parameters
    ----------
    visits : StageVisits
    advance : sequence of str
        Stages that would be progress, the likeliest first.
    waits : bool
        Whether the scenario has queues to wait in.

    Returns
    -------
    tuple
        The part (None without a single move), and what is refused.

    References
    ----------
    Aalen & Johansen (1978), Scandinavian Journal of Statistics 5: 141–150; the share of a
    way among visits of a certain length is λ_way ÷ λ there.
    """
    where = f"stages.{visits.stage}.next"
    stays = visits.stays
    if not stays.events:
        why = f"None of {len(visits):,} visits has ended."
        return None, (Refusal(where, why, "All go to the next stage in the scenario.", FIX),)
    ways, counts = np.unique(visits.way[stays.ended].astype(str), return_counts=True)
    ordered = [str(ways[at]) for at in np.argsort(-counts, kind="stable")]
    branches = tuple(
        _branch(visits, leaf, ordered) for leaf in leaves(visits, ordered, waits=waits)
    )
    everyone = Leaf({}, np.ones(len(visits), dtype=bool), stays.ended)
    part = Routes(
        stage=visits.stage,
        ways=tuple(ordered),
        advance=next((stage for stage in advance if stage in ordered), ordered[0]),
        branches=branches,
        whole=_branch(visits, everyone, ordered),
        unresolved=curve(stays).unresolved,
    )
    return part, _refusals(part, where)


def _branch(visits: StageVisits, leaf: Leaf, ways: list[str]) -> Branch:
    """Shares of one kind of visit: the Aalen–Johansen jumps of its ends."""
    jump = np.zeros(len(visits))
    jump[leaf.group] = curve(_chosen(visits.stays, leaf)).jump
    mass = jump[leaf.rows]
    way = visits.way[leaf.rows]
    taken = np.array([mass[way == one].sum() for one in ways])
    n = np.array([int((way == one).sum()) for one in ways], dtype=np.int64)
    size = effective_size(mass) if mass.sum() > 0 else float(len(mass))
    share = taken / taken.sum() if taken.sum() > 0 else n / n.sum()
    if leaf.pooling is not None:
        lean = leaf.pooling.strength
        share = (size * share + lean * leaf.pooling.centre) / (size + lean)
        size += lean
    return Branch(leaf.when, share, size, n)


def _chosen(stays: Durations, leaf: Leaf) -> Durations:
    return stays.taken(leaf.group)


def _drawn(branch: Branch, rng: np.random.Generator) -> Floats:
    """Shares from the Dirichlet distribution with one visit more than were seen."""
    used = branch.share >= TRACE
    luck = np.zeros(len(branch.share))
    luck[used] = rng.standard_gamma(branch.size * branch.share[used] + 1 / used.sum())
    total = luck.sum()
    return luck / total if total > 0 else branch.share


def _refusals(part: Routes, where: str) -> tuple[Refusal, ...]:
    """Ways too rarely taken to know their share, and a tail that nobody saw."""
    found = []
    rare = [
        f"{way} {n}" for way, n in zip(part.ways, part.whole.n.tolist(), strict=True) if n < FEWEST
    ]
    if rare:
        many = f"{len(rare)} ways were" if len(rare) > 1 else "One way was"
        why = f"{many} taken fewer than {FEWEST} times ({', '.join(rare)})."
        found.append(Refusal(where, why, "Their shares stand there, very uncertain.", FIX))
    if part.unresolved > 0.2:  # noqa: PLR2004
        why = f"{part.unresolved:.0%} of visits last longer than was observed."
        instead = "They are taken to go the same ways as those that ended."
        found.append(Refusal(where, why, instead, FIX))
    return tuple(found)
