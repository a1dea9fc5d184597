"""What could make the answer of page 1 wrong, the gravest first."""

from __future__ import annotations

import math

from funnelsim.events import EventLog
from funnelsim.reporting.blocks import sentence
from funnelsim.reporting.document import Sentence
from funnelsim.reporting.names import Names
from funnelsim.reporting.review.facts import Empty, Facts
from funnelsim.reporting.texts import Texts

__all__ = ["risks"]

# An interval wider than this share of its estimate is worth a warning.
WIDE = 0.25
# Half of the leads should have had time to close before the window ends.
SHORT = 4.0
MOST = 3


def risks(facts: Facts, names: Names, t: Texts, log: EventLog) -> tuple[Sentence, ...]:
    """Name the three largest risks to the answer, the gravest first.

    Parameters
    ----------
    facts : Facts
    names : Names
    t : Texts
    log : EventLog
        Its metadata say whether the numbers are illustrative or simulated.

    Returns
    -------
    tuple of Sentence
        Three at most.
    """
    found = []
    if log.meta.illustrative:
        found.append(
            sentence(
                t._(
                    "**The numbers are illustrative**: they show how the funnel behaves, "
                    "not how yours does. Put in your own before you decide."
                )
            )
        )
    if facts.empty is not None:
        found.append(_empty(facts.empty, t))
    if facts.open:
        found.append(_open(facts, t))
    if facts.busiest is not None and facts.busiest.overloaded:
        found.append(
            sentence(
                t._(
                    "Team **“{team}”** works **{share}** of its staffed time: "
                    "a few more leads, and its queue grows out of proportion."
                ),
                team=names.of_team(facts.busiest.team),
                share=t.share(facts.busiest.utilisation),
            )
        )
    found += _method_risks(facts, t, log)
    return tuple(found[:MOST])


def _empty(empty: Empty, t: Texts) -> Sentence:
    """What starting with an empty funnel does to the numbers."""
    return sentence(
        t._(
            "**The simulation started empty** {before} before the window, but one win in five "
            "takes longer than {slow}: wins, queues and open leads are too low. Give the "
            "scenario a longer warm_up."
        ),
        before=t.duration(empty.before),
        slow=t.duration(empty.wins_within),
    )


def _open(facts: Facts, t: Texts) -> Sentence:
    """What the open leads do to the win rate."""
    values = {"open": t.number(facts.open), "n": t.number(facts.leads)}
    if math.isnan(facts.closed_only):
        return sentence(t._("**{open}** of {n} leads are still open."), **values)
    return sentence(
        t._(
            "**{open}** of {n} leads are still open: the win rate counts them by what became "
            "of similar ones. Closed leads alone would say {closed_only}."
        ),
        **values,
        closed_only=t.share(facts.closed_only),
    )


def _method_risks(facts: Facts, t: Texts, log: EventLog) -> list[Sentence]:
    """What the way of measuring leaves open."""
    found = []
    rate = facts.win_rate
    if rate.hi - rate.lo > WIDE * rate.value:
        found.append(
            sentence(
                t._("**{n} leads are few**: the share that wins lies anywhere from {lo} to {hi}."),
                n=t.number(facts.leads),
                lo=t.share(rate.lo),
                hi=t.share(rate.hi),
            )
        )
    if facts.leads and not facts.days > SHORT * facts.cycle.value / 86_400:
        found.append(
            sentence(
                t._(
                    "**The window is short**: {days} days, while half of the leads take longer "
                    "than {cycle} to close."
                )
                if math.isfinite(facts.cycle.value)
                else t._("**The window is short**: in {days} days too few leads have closed."),
                days=t.number(facts.days),
                cycle=t.duration(facts.cycle.value),
            )
        )
    if "seed" in log.meta.provenance:
        found.append(
            sentence(
                t._("**One simulated run**: another seed gives other numbers; see the intervals.")
            )
        )
    if facts.busiest is None and facts.split is not None:
        found.append(
            sentence(
                t._(
                    "**Working hours are not in the data**: how busy teams are cannot be said, "
                    "and waiting includes nights and weekends."
                )
            )
        )
    found.append(
        sentence(
            t._(
                "**Times are by the clock on the wall**: nights, weekends and holidays count, "
                "so one working day over a weekend is three days."
            )
        )
    )
    return found
