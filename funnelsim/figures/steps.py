"""The rows of a funnel, read out of the tables of measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from funnelsim.figures.rows import one_group
from funnelsim.figures.wording import Wording

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Step", "describe", "steps"]

WON: Final = "(won)"
NAN: Final = float("nan")


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of the funnel: a stage and what became of the leads that entered it."""

    name: str
    entered: float
    advanced: float
    lost: float
    open: float
    share: float
    lo: float
    hi: float
    of_all: float
    reasons: tuple[tuple[str, float], ...] = ()
    final: bool = False
    more_to_come: bool = False

    @property
    def other(self) -> float:
        """Leads that went elsewhere: back, aside, or on by another way."""
        return max(self.entered - self.advanced - self.lost - self.open, 0.0)


def steps(
    conversion: pd.DataFrame,
    end_to_end: pd.DataFrame | None,
    losses: pd.DataFrame | None,
    wording: Wording,
) -> list[Step]:
    """Read the rows of the funnel out of the tables of measures, in the order of its path."""
    whole = {} if end_to_end is None else _by_stage(end_to_end)
    left = _by_stage(conversion)
    top = next((float(row["entered"]) for row in left.values()), NAN)
    rows: list[Step] = []
    here = left.pop(next(iter(left)), None) if left else None
    while here is not None:
        share_of_all = whole.get(here["stage"], {}).get("value", _over(here["entered"], top))
        rows.append(
            Step(
                name=wording.label(here["stage"]),
                entered=float(here["entered"]),
                advanced=float(here["advanced"]),
                lost=float(here["lost"]),
                open=float(here["open"]),
                share=float(here["value"]),
                lo=float(here["lo"]),
                hi=float(here["hi"]),
                of_all=float(share_of_all),
                reasons=_reasons(losses, here["stage"], wording),
            )
        )
        here = left.pop(here["next_stage"], None)
    return rows + _last(whole, wording)


def _by_stage(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Read the rows of one group by stage."""
    one_group(frame, "stage")
    rows = ({str(name): cell for name, cell in row.items()} for row in frame.to_dict("records"))
    return {str(row["stage"]): row for row in rows}


def _last(whole: Mapping[str, dict[str, Any]], wording: Wording) -> list[Step]:
    """Return the bar of won leads, and before it the path's last stage if that differs."""
    if WON not in whole:
        return []
    stages = list(whole)
    before = whole[stages[stages.index(WON) - 1]]
    ends = [before] if len(stages) > 1 and before["advanced"] != whole[WON]["advanced"] else []
    return [
        Step(
            name=wording.label(row["stage"]),
            entered=float(row["advanced"]),
            advanced=float(row["advanced"]),
            lost=0.0,
            open=0.0,
            share=NAN,
            lo=float(row["lo"]),
            hi=float(row["hi"]),
            of_all=float(row["value"]),
            final=True,
            more_to_come=bool(row.get("open", 0)),
        )
        for row in [*ends, whole[WON]]
    ]


def _over(part: float, whole: float) -> float:
    """Divide; NaN when there is nothing to divide by."""
    return part / whole if whole > 0 else NAN


def _reasons(
    losses: pd.DataFrame | None, stage: str, wording: Wording
) -> tuple[tuple[str, float], ...]:
    """Reasons of a stage's losses, the most frequent first."""
    if losses is None:
        return ()
    here = losses[losses["stage"] == stage].sort_values("value", ascending=False, kind="stable")
    pairs = zip(here["reason"], here["value"], strict=True)
    return tuple((wording.label(reason), float(n)) for reason, n in pairs)


def describe(rows: Sequence[Step], wording: Wording) -> str:
    """Say in two sentences what the funnel shows, for who cannot see it."""
    if not rows:
        return wording.text("Funnel without stages.")
    told = ", ".join(f"{row.name} {wording.share(row.share)}" for row in rows if not row.final)
    said = wording.text("Funnel: {n} leads enter {stage}. Share that goes on: {shares}.").format(
        n=wording.number(rows[0].entered), stage=rows[0].name, shares=told
    )
    if not rows[-1].final:
        return said
    won = wording.text("Won so far: {n}; expected in the end: {share} of all.").format(
        n=wording.number(rows[-1].entered), share=wording.share(rows[-1].of_all)
    )
    return f"{said} {won}"
