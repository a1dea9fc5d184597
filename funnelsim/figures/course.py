"""Where the bands of a flow picture run: plain geometry, no drawing.

Stages stand in columns, in order. A lead that skips stages runs in a lane above the
stages it passes, so that forward bands never cross; who leaves the funnel drops out
below; who goes back is an arc above.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Arc", "Band", "Course", "Drop", "Node", "course"]

LANE_GAP: Final = 0.03  # of the tallest column


@dataclass(frozen=True, slots=True)
class Node:
    """A stage: its column, how deep it starts, how many leads it holds."""

    stage: str
    column: int
    top: float
    size: float


@dataclass(frozen=True, slots=True)
class Band:
    """Leads that go forward: one place (column, depth) per column they touch."""

    source: str
    target: str
    size: float
    places: tuple[tuple[int, float], ...]

    @property
    def skips(self) -> bool:
        """Whether it passes stages by."""
        return len(self.places) > 2  # noqa: PLR2004 - where it starts and where it ends


@dataclass(frozen=True, slots=True)
class Drop:
    """Leads that leave the funnel at a stage: where they start, and where to."""

    source: str
    target: str
    column: int
    top: float
    size: float


@dataclass(frozen=True, slots=True)
class Arc:
    """Leads that go back, or into the same stage again."""

    source: str
    target: str
    start: int
    end: int
    size: float


@dataclass(frozen=True, slots=True)
class Course:
    """The whole picture, in leads; depth grows downwards from 0."""

    nodes: tuple[Node, ...]
    bands: tuple[Band, ...]
    drops: tuple[Drop, ...]
    arcs: tuple[Arc, ...]

    @property
    def depth(self) -> float:
        """Lowest edge of all stages."""
        return max((node.top + node.size for node in self.nodes), default=0.0)


def course(counts: Mapping[tuple[str, str], float], goals: Collection[str] = ()) -> Course:
    """Lay out a flow of leads between stages.

    Parameters
    ----------
    counts : mapping of (stage, next stage) to float
        Leads; stages in the funnel's order of their first appearance. What leads nowhere
        further leaves the funnel, unless it is a goal.
    goals : collection of str
        Where leads should get to; those that nothing follows stand in the last column.

    Returns
    -------
    Course

    Examples
    --------
    >>> flow = course({("a", "b"): 6, ("a", "won"): 1, ("a", "lost"): 3, ("b", "won"): 6},
    ...               goals=["won"])
    >>> [(node.stage, node.column, node.size) for node in flow.nodes]
    [('a', 0, 10.0), ('b', 1, 6.0), ('won', 2, 7.0)]
    >>> [(band.target, band.skips) for band in flow.bands]
    [('won', True), ('b', False), ('won', False)]
    """
    stages = list(dict.fromkeys(source for source, _ in counts))
    ends = [t for t in dict.fromkeys(t for _, t in counts) if t in goals and t not in stages]
    column = {stage: place for place, stage in enumerate(stages + ends[:1])}
    column |= {goal: len(stages) for goal in ends}
    flows = {pair: float(n) for pair, n in counts.items() if n > 0}
    forward = [(s, t) for s, t in flows if t in column and column[t] > column[s]]
    back = [(s, t) for s, t in flows if t in column and column[t] <= column[s]]
    out = [(s, t) for s, t in flows if t not in column]
    sizes = _sizes(flows, column)
    tops, lanes = _lanes(forward, flows, column, sizes)
    starts, finishes = _ports(forward, back, out, flows, column, tops)
    return Course(
        tuple(Node(stage, place, tops[stage], sizes[stage]) for stage, place in column.items()),
        tuple(
            Band(
                *pair,
                flows[pair],
                (
                    (column[pair[0]], starts[pair]),
                    *sorted(lanes[pair].items()),
                    (column[pair[1]], finishes[pair]),
                ),
            )
            for pair in _outermost_first(forward, column)
        ),
        tuple(Drop(*pair, column[pair[0]], starts[pair], flows[pair]) for pair in out),
        tuple(Arc(*pair, column[pair[0]], column[pair[1]], flows[pair]) for pair in back),
    )


Pair = tuple[str, str]


def _sizes(flows: Mapping[Pair, float], column: Mapping[str, int]) -> dict[str, float]:
    """Leads of each stage: those that came or those that went, whichever is more."""
    came: dict[str, float] = defaultdict(float)
    went: dict[str, float] = defaultdict(float)
    for (source, target), n in flows.items():
        went[source] += n
        came[target] += n
    return {stage: max(came[stage], went[stage]) for stage in column}


def _outermost_first(pairs: Iterable[Pair], column: Mapping[str, int]) -> list[Pair]:
    """Order bands as they leave a stage from top to bottom: the farthest on top."""
    return sorted(pairs, key=lambda pair: (column[pair[0]], -column[pair[1]]))


def _lanes(
    forward: Sequence[Pair],
    flows: Mapping[Pair, float],
    column: Mapping[str, int],
    sizes: Mapping[str, float],
) -> tuple[dict[str, float], dict[Pair, dict[int, float]]]:
    """Depth of each stage, and of each band above the stages that it passes by."""
    gap = LANE_GAP * max(sizes.values(), default=0.0)
    lanes: dict[Pair, dict[int, float]] = {pair: {} for pair in forward}
    tops: dict[str, float] = {}
    for stage, place in column.items():
        passing = [pair for pair in forward if column[pair[0]] < place < column[pair[1]]]
        depth = 0.0
        for pair in sorted(passing, key=lambda p: (-column[p[1]], column[p[0]])):
            lanes[pair][place] = depth
            depth += flows[pair] + gap
        tops[stage] = depth
    return tops, lanes


def _ports(
    forward: Sequence[Pair],
    back: Sequence[Pair],
    out: Sequence[Pair],
    flows: Mapping[Pair, float],
    column: Mapping[str, int],
    tops: Mapping[str, float],
) -> tuple[dict[Pair, float], dict[Pair, float]]:
    """Depth at which each flow leaves its stage, and reaches the next."""
    starts: dict[Pair, float] = {}
    finishes: dict[Pair, float] = {}
    left, reached = dict(tops), dict(tops)
    for source, target in back:
        left[source] += flows[source, target]
        reached[target] += flows[source, target]
    for pair in [*_outermost_first(forward, column), *out]:
        starts[pair] = left[pair[0]]
        left[pair[0]] += flows[pair]
    for pair in sorted(forward, key=lambda p: column[p[0]]):
        finishes[pair] = reached[pair[1]]
        reached[pair[1]] += flows[pair]
    return starts, finishes
