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
    stages, teams : mapping of str to str
    labels : mapping of str to str
        Whatever else the log names, by dotted id.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> from funnelsim.reporting.texts import texts
    >>> Names.of(BANK, texts("en")).of_stage("lost_deals")
    'lost deals'
    """

    stages: Mapping[str, str]
    teams: Mapping[str, str]
    labels: Mapping[str, str]

    @classmethod
    def of(cls, log: EventLog, t: Texts) -> Names:
        """Read the names in a log."""
        return cls(
            stages={stage.id: t.label(stage.label, _spoken(stage.id)) for stage in log.meta.stages},
            teams={team.id: t.label(team.label, _spoken(team.id)) for team in log.meta.teams},
            labels={key: t.label(label, "") for key, label in log.meta.labels.items()},
        )

    def of_stage(self, key: str) -> str:
        """A stage."""
        return self.stages.get(key) or _spoken(key)

    def of_team(self, key: str) -> str:
        """A team."""
        return self.teams.get(key) or _spoken(key)

    def of_reason(self, key: str) -> str:
        """A reason for a loss."""
        return self.labels.get(f"reasons.{key}") or self.stages.get(key) or _spoken(key)

    def of_other(self, key: str) -> str:
        """A source."""
        return self.labels.get(f"sources.{key}") or _spoken(key)

    def all(self) -> dict[str, str]:
        """Every name, for a picture."""
        bare = {key.partition(".")[2]: label for key, label in self.labels.items()}
        return {**bare, **self.teams, **self.stages}


def _spoken(key: str) -> str:
    """An id as words."""
    return key.replace("_", " ")
