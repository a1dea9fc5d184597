"""The STRESS-DES checklist, filled from a scenario and the log it gave.

What a scenario cannot know (why the study is made, where its numbers come from)
is named, never guessed.

References
----------
Monks, Currie, Onggo, Robinson, Kunc, Taylor (2019), "Strengthening the reporting
of empirical simulation studies: introducing the STRESS guidelines", Journal of
Simulation 13(1), 55-67, the checklist for discrete-event simulation.
"""

from __future__ import annotations

from funnelsim.events import EventLog
from funnelsim.reporting.blocks import column, table, text
from funnelsim.reporting.document import AnyBlock
from funnelsim.reporting.parameters import sources, stages, teams
from funnelsim.reporting.stress_des.items import Item, items
from funnelsim.reporting.texts import Texts
from funnelsim.scenarios.scenario import Scenario

__all__ = ["checklist", "no_scenario"]


def checklist(scenario: Scenario, log: EventLog, t: Texts, *, source: str) -> list[AnyBlock]:
    """How much of the checklist is filled, the checklist, and the parameters.

    Parameters
    ----------
    scenario : Scenario
        As simulated, overrides made.
    log : EventLog
        What it gave.
    t : Texts
    source : str
        The scenario's file.

    Returns
    -------
    list of Block
    """
    found = items(scenario, log, t, source=source)
    missing = t._("Not stated in the scenario – to be filled by you.")
    rows = [
        (
            f"{item.number} {item.title}",
            item.content if item.filled else f"{missing} {item.content}".strip(),
        )
        for item in found
    ]
    whole = table(
        [column(t._("Item")), column(t._("Content"))],
        rows,
        caption=t._("STRESS-DES checklist"),
        note=t._(
            "Sections: 1 objectives, 2 logic, 3 data, 4 experimentation, 5 implementation, "
            "6 code access. Monks et al. (2019), Journal of Simulation 13(1), 55–67."
        ),
    )
    parameters = (sources(scenario, t), stages(scenario, t), teams(scenario, t))
    return [text(_count(found, t)), whole, *(part for part in parameters if part)]


def no_scenario(log: EventLog, t: Texts) -> list[AnyBlock]:
    """Why there is no checklist for a log without its scenario.

    Parameters
    ----------
    log : EventLog
        Data, or a saved simulation.
    t : Texts

    Returns
    -------
    list of Block

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> from funnelsim.reporting.blocks import plain
    >>> from funnelsim.reporting.texts import texts
    >>> plain(no_scenario(BANK, texts("en"))[0].sentence)[:44]
    'This appendix does not apply: the report is '
    """
    if "scenario_sha256" in log.meta.provenance:
        return [
            text(
                t._(
                    "This appendix cannot be filled: the event log is simulated, but its scenario "
                    "file was not given. Make the report from the scenario file."
                )
            )
        ]
    return [
        text(
            t._(
                "This appendix does not apply: the report is made from recorded data, nothing "
                "was simulated."
            )
        )
    ]


def _count(found: tuple[Item, ...], t: Texts) -> str:
    """How many items are filled, and which are missing."""
    missing = [f"{item.number} {item.title}" for item in found if not item.filled]
    filled = len(found) - len(missing)
    return t._("{filled} of {n} items are filled; missing: {missing}.").format(
        filled=filled, n=len(found), missing=", ".join(missing)
    )
