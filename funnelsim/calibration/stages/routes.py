"""Routes: which way visits lead, when several ways compete and many visits are still open."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.calibration.cleaning.spelling import shares
from funnelsim.calibration.parts import Path, Refusal, Settings
from funnelsim.calibration.stages.decisions import Leaf, leaves
from funnelsim.calibration.stages.survival import curve
from funnelsim.calibration.stages.unclosed import Unclosed
from funnelsim.calibration.stages.visits import StageVisits
from funnelsim.calibration.unevenness import Unevenness
from funnelsim.measures.estimates import effective_size, wilson
from funnelsim.messages import Message
from funnelsim.scenarios.evidence import Evidence
from funnelsim.worktime import SECOND, parse_duration

__all__ = ["FEWEST", "Branch", "Routes", "routes"]

Floats = NDArray[np.float64]

FEWEST: Final = 10
"""Moves that a way needs: with fewer its share is not known to a factor of two."""
TRACE: Final = 5e-5
"""Shares that round to nothing are left out."""
FIX: Final = Message("A longer history, or several exports taken on different days, would tell.")


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
    unrecorded : Unclosed or None
        Open visits that count as losses.
    uneven : Unevenness or None
        Luck that visits of a period share: what was seen may have been lucky as a whole.
    """

    stage: str
    ways: tuple[str, ...]
    advance: str
    branches: tuple[Branch, ...]
    whole: Branch
    unresolved: float
    unrecorded: Unclosed | None = None
    uneven: Unevenness | None = None

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
        """Shares that the data could as well mean: Dirichlet, one visit's worth of doubt.

        Where periods share luck, the odds of advancing move together, as those seen may have been
        lucky ones.
        """
        found = [_drawn(branch, rng) for branch in self.branches]
        if self.uneven is not None:
            luck, spread = self.uneven.drawn_mean(rng), self.uneven.variance()
            found = [self._tilted(share, -luck, spread) for share in found]
        return {self.path: self._written(found)}

    def _tilted(self, share: Floats, by: float, spread: float) -> Floats:
        """Shares with the log odds of advancing moved.

        A factor of mean 1 on the odds lowers the mean share (by Jensen's inequality); the
        share seen is a mean over such factors already, so that much is given back:
        E σ(λ + c + τz − τ²/2) = σ(λ) to the second order for c = τ² σ(λ).
        """
        at = self.ways.index(self.advance)
        odds = np.ones(len(share))
        odds[at] = np.exp(by + spread * share[at])
        return np.asarray(share * odds / float(share @ odds))

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Every share with its interval; where there are cases, those of all visits too."""
        *cases, rest = self.branches
        found = self._rows(f"stages.{self.stage}.next.to", "share", rest)
        for place, case in enumerate(cases):
            found += self._rows(f"stages.{self.stage}.next.cases.{place}.to", "share", case)
        if cases:
            found += self._rows(f"stages.{self.stage}.next.to", "overall_share", self.whole)
        if self.unrecorded is not None:
            found.append(self._losses(self.unrecorded))
        return tuple(found)

    def _losses(self, over: Unclosed) -> Evidence:
        """How many visits are over though nobody recorded it."""
        return Evidence(
            of=f"stages.{self.stage}.next",
            measure="unrecorded_losses",
            value=over.share,
            unit="share",
            lo=over.lo,
            hi=over.hi,
            n=over.n,
            method="mixture cure model",
            note="They count as losses like those on record.",
        )

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
    visits: StageVisits,
    advance: Sequence[str],
    *,
    waits: bool = True,
    sources: Collection[str] = (),
) -> tuple[Routes | None, tuple[Refusal, ...]]:
    """Estimate the ways out of a stage.

    Parameters
    ----------
    visits : StageVisits
    advance : sequence of str
        Stages that would be progress, the likeliest first.
    waits : bool
        Whether the scenario has queues to wait in.
    sources : collection of str
        Those of the scenario: leads of ``web`` that enter elsewhere are ``web-at-offer``.

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
        why = Message("None of {n} visits has ended.", n=len(visits))
        instead = Message("All go to the next stage in the scenario.")
        return None, (Refusal(where, why, instead, FIX),)
    ways, counts = np.unique(visits.way[stays.ended].astype(str), return_counts=True)
    ordered = [str(ways[at]) for at in np.argsort(-counts, kind="stable")]
    found = leaves(visits, ordered, waits=waits)
    branches = tuple(
        replace(_branch(visits, leaf, ordered), when=_named(leaf.when, sources)) for leaf in found
    )
    part = Routes(
        stage=visits.stage,
        ways=tuple(ordered),
        advance=next((stage for stage in advance if stage in ordered), ordered[0]),
        branches=branches,
        whole=_whole(visits, found, ordered),
        unresolved=curve(stays).unresolved,
    )
    return part, _refusals(part, where)


def _branch(visits: StageVisits, leaf: Leaf, ways: list[str]) -> Branch:
    """Shares of one kind of visit: the Aalen–Johansen jumps of its ends."""
    jump = np.zeros(len(visits))
    jump[leaf.group] = curve(visits.stays.taken(leaf.group)).jump
    found = _weighed(jump[leaf.rows], visits.way[leaf.rows], ways)
    if leaf.pooling is None:
        return found
    lean = leaf.pooling.strength
    share = (found.size * found.share + lean * leaf.pooling.centre) / (found.size + lean)
    return replace(found, share=share, size=found.size + lean)


def _whole(visits: StageVisits, found: Sequence[Leaf], ways: list[str]) -> Branch:
    """Shares of all visits; those that outlast observation go as the longest that ended."""
    stays = visits.stays
    known = curve(stays)
    late = stays.ended
    lengths = [parse_duration(leaf.when["stay"]) for leaf in found if "stay" in leaf.when]
    if lengths:
        longest = max(length.microseconds() for length in lengths) / SECOND
        late = late & (stays.time >= longest)
    mass = known.jump.copy()
    if mass[late].sum() > 0:
        mass[late] *= 1 + known.unresolved / mass[late].sum()
    return _weighed(mass[stays.ended], visits.way[stays.ended], ways)


def _weighed(mass: Floats, way: NDArray[np.object_], ways: list[str]) -> Branch:
    """Shares of ends that stand for more or less than one visit each."""
    n = np.array([int((way == one).sum()) for one in ways], dtype=np.int64)
    if not mass.sum() > 0:
        return Branch({}, n / n.sum(), float(n.sum()), n)
    taken = np.array([mass[way == one].sum() for one in ways])
    return Branch({}, taken / taken.sum(), effective_size(mass), n)


def _named(when: Mapping[str, object], sources: Collection[str]) -> Mapping[str, object]:
    """A condition with all the sources that stand for one of the log."""
    if "source" not in when:
        return when
    mine = [one for one in sources if one.startswith(f"{when['source']}-at-")]
    return {**when, "source": [when["source"], *sorted(mine)]} if mine else when


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
        ways = ", ".join(rare)
        why = Message("Ways taken fewer than {least} times: {ways}.", least=FEWEST, ways=ways)
        instead = Message("Their shares stand there, very uncertain.")
        found.append(Refusal(where, why, instead, FIX))
    if part.unresolved > 0.2:  # noqa: PLR2004
        why = Message("{share} of visits last longer than was observed.", share=part.unresolved)
        instead = Message("They are taken to go the same ways as those that ended.")
        found.append(Refusal(where, why, instead, FIX))
    return tuple(found)
