"""The stages of a history: those the CRM lists, those it forgot, those that close deals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Literal

import numpy as np
import pandas as pd

from funnelsim.calibration.cleaning.ledger import Ledger
from funnelsim.calibration.raw import RawStage
from funnelsim.events import StageInfo

__all__ = ["StageList", "plain", "stage_list"]

CLOSING: Final[Mapping[str, Mapping[str, str]]] = {
    "won": {"en": "Won", "ru": "Выиграно", "uk": "Виграно"},
    "lost": {"en": "Lost", "ru": "Проиграно", "uk": "Програно"},
}
LONGEST: Final = 60  # characters of an id


@dataclass(frozen=True, slots=True)
class StageList:
    """Stages in the order of the funnel; elsewhere they are known by their position here.

    Parameters
    ----------
    stages : tuple of RawStage
        Those of the CRM, then those found in the history only; closing stages last.
    unlisted : tuple of str
        Names found in the history only.
    """

    stages: tuple[RawStage, ...]
    unlisted: tuple[str, ...] = ()

    def codes(self, names: pd.Series, funnel: pd.Series | None = None) -> np.ndarray:
        """Return the position of each stage by its name in the CRM, -1 for none."""
        if funnel is not None and len({stage.funnel for stage in self.stages}) > 1:
            named = names.fillna("").astype("str")
            keys = funnel.fillna("").astype("str") + "\x00" + named.map(plain)
            known = {
                f"{stage.funnel}\x00{plain(stage.name)}": number
                for number, stage in reversed(list(enumerate(self.stages)))
            }
            own = _mapped(keys, known, lambda key: key)
            return np.where(own >= 0, own, self.codes(names))
        known = {
            plain(stage.name): number for number, stage in reversed(list(enumerate(self.stages)))
        }
        return _mapped(names, known, plain)

    def outcomes(self) -> np.ndarray:
        """Return what entering each stage means: won, lost or nothing; shape ``(n + 1,)``."""
        return np.array([*(stage.outcome or "" for stage in self.stages), ""], dtype=object)

    def terminal(self) -> np.ndarray:
        """Say of each stage whether deals end there; shape ``(n + 1,)``, the last is False."""
        return np.array([*(bool(s.outcome) or s.terminal for s in self.stages), False])

    def ids(self) -> np.ndarray:
        """Return the lasting names; shape ``(n + 1,)``, the last is None."""
        return np.array([*(stage.id for stage in self.stages), None], dtype=object)

    def closing(self, outcome: str) -> int:
        """Return the first stage of an outcome, -1 if there is none."""
        found = [number for number, s in enumerate(self.stages) if s.outcome == outcome]
        return found[0] if found else -1

    def infos(self) -> tuple[StageInfo, ...]:
        """Return the stages as an event log describes them."""
        named = any(stage.advance for stage in self.stages)
        path = [s for s in self.stages if s.name not in self.unlisted and not s.terminal]
        path = [s for s in path if s.outcome != "lost"]
        following = {a.id: b.id for a, b in pairwise(path) if not a.outcome}
        return tuple(
            StageInfo(
                id=stage.id,
                label=dict(stage.label) or {"en": stage.name},
                block=stage.block,
                position=number,
                advance=stage.advance if named else following.get(stage.id),
                terminal=stage.terminal or stage.outcome is not None,
                outcome=stage.outcome,
            )
            for number, stage in enumerate(self.stages)
        )


def stage_list(
    known: Sequence[RawStage],
    deals: pd.DataFrame,
    moves: pd.DataFrame,
    funnel: str,
    ledger: Ledger,
) -> StageList:
    """Return every stage that the history needs.

    Parameters
    ----------
    known : sequence of RawStage
        What the CRM lists; empty where a file is all there is.
    deals, moves : pandas.DataFrame
        As cleaned.
    funnel : str
        The pipeline; stages of others are left out. Empty: all stages stay.
    ledger : Ledger
        Gets an entry for the stages that were not listed.

    Returns
    -------
    StageList
    """
    own = [s for s in known if not funnel or s.funnel in ("", funnel)] or list(known)
    listed = {plain(stage.name) for stage in own}
    found = _in_order(deals, moves)
    extra = [name for name in found if plain(name) not in listed]
    taken = {stage.id for stage in own}
    more = [RawStage(name, _id_of(name, taken)) for name in extra]
    if own and extra:
        ledger.add("unlisted_stages", moves.iloc[:0], len(found), len(extra))
    closed = [stage for stage in own if stage.outcome]
    last = max((n for n, stage in enumerate(own) if not stage.outcome), default=-1) + 1
    stages = [*own[:last], *more, *own[last:]]
    for outcome in ("won", "lost"):
        wanted = (deals["status"] == outcome).any()
        if wanted and not any(stage.outcome == outcome for stage in closed):
            stages.append(_closing_stage(outcome, taken))
    return StageList(tuple(stages), tuple(extra) if own else ())


def _in_order(deals: pd.DataFrame, moves: pd.DataFrame) -> list[str]:
    """Return the names that occur, in the order in which deals usually come to them."""
    number = moves.groupby("lead").cumcount() + 1
    parts = [
        pd.DataFrame({"stage": moves["stage"], "rank": number.astype("float64")}),
        pd.DataFrame({"stage": moves["from_stage"], "rank": number - 0.5}),
        pd.DataFrame({"stage": deals["stage"], "rank": np.nan}),
    ]
    seen = pd.concat(parts, ignore_index=True).dropna(subset=["stage"])
    seen = seen[seen["stage"] != ""]
    rank = seen.groupby("stage", sort=False)["rank"].mean()
    return list(rank.sort_values(kind="stable", na_position="last").index)


def _id_of(name: str, taken: set[str]) -> str:
    """Return a new id for a name in any script."""
    from slugify import slugify

    base = slugify(name, separator="_", max_length=LONGEST - 4) or "stage"
    result, number = base, 2
    while result in taken:
        result, number = f"{base}_{number}", number + 1
    taken.add(result)
    return result


def _closing_stage(outcome: Literal["won", "lost"], taken: set[str]) -> RawStage:
    """Return a stage for deals that a CRM closes without moving them."""
    stage = RawStage(CLOSING[outcome]["en"], _id_of(outcome, taken))
    return replace(stage, outcome=outcome, label=CLOSING[outcome])


def plain(name: str) -> str:
    """Return a name as it is compared: spaces and capitals do not count.

    Parameters
    ----------
    name : str
        As the CRM writes it.

    Returns
    -------
    str

    Examples
    --------
    >>> plain("  Closed  Won")
    'closed won'
    """
    return " ".join(str(name).split()).casefold()


def _mapped(names: pd.Series, known: Mapping[str, int], spelt: Callable[[str], str]) -> np.ndarray:
    """Look up each name once."""
    codes, values = pd.factorize(names)
    table = np.array([*(known.get(spelt(value), -1) for value in values), -1], dtype=np.int64)
    return table[codes]
