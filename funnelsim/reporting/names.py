"""What stages, teams and reasons are called in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from funnelsim.events import EventLog
from funnelsim.reporting.texts import Texts

__all__ = ["Names"]


@dataclass(frozen=True, slots=True)
class Names:
    """Names by id; what has none is called by its id.

    Parameters
    ----------
    stages, teams, others : mapping of str to str

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> from funnelsim.reporting.texts import texts
    >>> Names.of(BANK, texts("en")).of_stage("lost_deals")
    'lost deals'
    """

    stages: Mapping[str, str]
    teams: Mapping[str, str]
    others: Mapping[str, str]

    @classmethod
    def of(cls, log: EventLog, t: Texts) -> Names:
        """Read the names in a log."""
        return cls(
            stages={stage.id: t.label(stage.label, _spoken(stage.id)) for stage in log.meta.stages},
            teams={team.id: t.label(team.label, _spoken(team.id)) for team in log.meta.teams},
            others={
                "(won)": t._("Won"),
                "(lost)": t._("Lost"),
                "(open)": t._("Open"),
                "(ended)": t._("Ended otherwise"),
            },
        )

    def of_stage(self, key: str) -> str:
        """A stage, or an outcome in parentheses."""
        return self.stages.get(key) or self.others.get(key) or _spoken(key)

    def of_team(self, key: str) -> str:
        """A team."""
        return self.teams.get(key) or _spoken(key)

    def of_reason(self, key: str) -> str:
        """A reason for a loss."""
        return self.stages.get(key) or _spoken(key)

    def of_other(self, key: str) -> str:
        """A source, product or segment."""
        return _spoken(key)

    def all(self) -> dict[str, str]:
        """Every name, for a picture."""
        return {**self.others, **self.teams, **self.stages}


def _spoken(key: str) -> str:
    """An id as words."""
    return key.replace("_", " ")
