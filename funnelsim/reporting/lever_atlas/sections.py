"""The lever report, section by section: which step pays, what limits the funnel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from funnelsim.reporting.blocks import (
    advice,
    column,
    figure,
    group,
    risks,
    section,
    summary,
    table,
    text,
)
from funnelsim.reporting.document import Column, Figure, Group, Table
from funnelsim.reporting.evidence import of_experiment
from funnelsim.reporting.experiment import capital, head, made_from, scale, span, today
from funnelsim.reporting.lever_atlas.findings import advice as counsel
from funnelsim.reporting.lever_atlas.findings import answer, details
from funnelsim.reporting.lever_atlas.findings import risks as dangers
from funnelsim.reporting.texts import Texts, texts

if TYPE_CHECKING:
    from funnelsim.experiments import Levers
    from funnelsim.experiments.precision import Interval
    from funnelsim.scenarios.scenario import Scenario

__all__ = ["deciding", "front", "limits", "making", "steps", "together"]

GROSS: Final = ("income", "won_value", "won")
ON_FRONT: Final = 6
IN_FULL: Final = 20


def deciding(scenario: Scenario) -> str:
    """The measure that levers are ranked by: what comes in, else deals won.

    Parameters
    ----------
    scenario : Scenario

    Returns
    -------
    str
        Costs are set against it step by step, so it is not the profit.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY, Scenario
    >>> deciding(Scenario.model_validate(_TINY))
    'won'
    """
    from funnelsim.engine import make_plan
    from funnelsim.experiments.outcomes import Outcomes

    known = [measure.id for measure in Outcomes(make_plan(scenario)).measures]
    return next((name for name in GROSS if name in known), known[0])


def front(found: Levers, lang: str = "en") -> Group:
    """Page 1: which step brings most, what limits, what pays, and what follows.

    Parameters
    ----------
    found : Levers
    lang : str
        Language of the report.

    Returns
    -------
    Group
    """
    t = texts(lang)
    return group(
        head(
            found.scenario,
            t,
            kicker=t._("Levers"),
            question=t._("Which lever pays, and what limits the funnel?"),
        ),
        today(found.base, t),
        summary(answer(found, t), title=t._("The answer")),
        _tornado(found, t, most=ON_FRONT),
        risks(dangers(found, t), title=t._("Risks")),
        advice(counsel(found, t), title=t._("What follows")),
    )


def steps(found: Levers, lang: str = "en") -> Group:
    """Every step with its interval, costs and what is left.

    Parameters
    ----------
    found, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t = texts(lang)
    lead = t._(
        "Each step is tried by itself, under the very same luck as no step: 1 point more "
        "conversion, a day less delay, one more seat, a tenth more leads."
    )
    more = [_tornado(found, t, most=IN_FULL)] if len(found.effects) > ON_FRONT else []
    return group(
        section(t._("What each step brings")),
        text(lead),
        *more,
        _table(found, t),
        *(text(said) for said in details(found, t)),
    )


def limits(found: Levers, lang: str = "en") -> Group:
    """Conversion, delay or capacity: what a tenth less of each obstacle brings.

    Parameters
    ----------
    found, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t = texts(lang)
    names = {
        "conversion": t._("conversion: a tenth more leads come in"),
        "delay": t._("delay: every delay is a tenth shorter"),
        "capacity": t._("capacity: all work is done in a tenth less time"),
    }
    rows = [
        (capital(names[name]), _gain(found, gain, t), _yes(name == found.limit, t))
        for name, gain in found.reliefs.items()
    ]
    return group(
        section(t._("What limits the funnel")),
        text(
            t._(
                "A point, a day and a seat cannot be compared. So every obstacle is made a tenth "
                "smaller, one at a time; what brings more than each of the others limits."
            )
        ),
        table(
            [
                column(t._("A tenth less of the obstacle")),
                column(_measure(found, t), numeric=True),
                column(t._("Limits")),
            ],
            rows,
            caption=t._("What a tenth brings"),
            note=_note(found, t),
        ),
    )


def together(found: Levers, lang: str = "en") -> Group:
    """Whether the first levers help each other.

    Parameters
    ----------
    found, lang
        As for `front`.

    Returns
    -------
    Group
        Empty where fewer than two steps help.
    """
    if not found.pairs:
        return group()
    t = texts(lang)
    rows = []
    for pair in found.pairs:
        apart = sum(found[lever].interval.mean for lever in pair.levers)
        rows.append(
            (
                " + ".join(found[lever].lever.words(t.lang, t._) for lever in pair.levers),
                _gain(found, pair.both, t),
                scale(found.measure, [apart], found.scenario, t).gap(apart),
                _gain(found, pair.interaction, t),
            )
        )
    return group(
        section(t._("Two levers at once")),
        text(t._("Above 0 they help each other, below 0 they get in each other's way.")),
        table(
            [
                column(t._("Levers")),
                column(t._("Together"), numeric=True),
                column(t._("Sum of each alone"), numeric=True),
                column(t._("Difference"), numeric=True),
            ],
            rows,
            caption=t._("The first levers, two at a time: {measure}").format(
                measure=found.measure.words(t.lang, t._)
            ),
            note=_note(found, t),
        ),
    )


def making(
    found: Levers,
    lang: str = "en",
    *,
    source: str,
    overrides: Mapping[str, object] | None = None,
) -> Group:
    """How the report was made: input, seed, replications, definitions.

    Parameters
    ----------
    found, lang
        As for `front`.
    source : str
        The scenario's file.
    overrides : mapping, optional
        What was changed in the scenario for all steps.

    Returns
    -------
    Group
    """
    t = texts(lang)
    variants = 1 + len(found.effects) + len(found.reliefs) + len(found.pairs)
    said = t._(
        "Intervals are Student's t for paired runs, widened (Bonferroni) over all steps. The "
        "largest step and what limits are named only where the runs tell them from every other "
        "one. “95% of futures” is where one single run may come to lie, and so may reality if the "
        "scenario is right."
    )
    return group(
        section(t._("How this report was made")),
        made_from(
            found.base,
            t,
            source=source,
            overrides=overrides,
            variants=variants,
            level=found.level,
        ),
        text(said),
        of_experiment(found.base, source=source, overrides=overrides),
    )


def _tornado(found: Levers, t: Texts, *, most: int) -> Figure:
    """The steps as bars, the largest first."""
    shown = min(most, len(found.effects))
    caption = (
        t._("What each step changes in {measure} in {span}")
        if shown == len(found.effects)
        else t._("What the {n} largest steps change in {measure} in {span}")
    )
    return figure(
        found.plot(most=most, lang=t.lang, text=t._),
        caption=caption.format(
            n=t.number(shown),
            measure=found.measure.words(t.lang, t._),
            span=span(found.scenario, t),
        ),
        key=f"tornado-{shown}",
    )


def _table(found: Levers, t: Texts) -> Table:
    """One row a step; costs only where the scenario gives some."""
    records = found.table.to_dict("records")
    money = found.measure.unit == "minor" and any(row["priced"] for row in records)
    heads = [column(t._("Step")), column(_measure(found, t), numeric=True)]
    if money:
        heads += [_head(t._("Costs"), found), _head(t._("Left over"), found)]
    rows = []
    for effect, row in zip(found.effects, records, strict=True):
        written = scale(found.measure, [row["uplift"]], found.scenario, t)
        cells = [
            capital(effect.lever.words(t.lang, t._)),
            _gain(found, effect.interval, t, same=effect.verdict == "same"),
        ]
        if money:
            own = row["priced"]
            cells += [written.gap(row["cost"]) if own else "–"]
            cells += [written.gap(row["net"]) if own else "–"]
        rows.append(tuple(cells))
    note = _note(found, t)
    if money:
        note += " " + t._("–: what the step itself costs is not in the scenario.")
    return table(heads, rows, caption=t._("All steps, the largest first"), note=note)


def _head(title: str, found: Levers) -> Column:
    return column(title, unit=found.scenario.currency, numeric=True)


def _measure(found: Levers, t: Texts) -> str:
    return t._("Change of {measure}").format(measure=found.measure.words(t.lang, t._))


def _gain(found: Levers, gain: Interval, t: Texts, *, same: bool = False) -> str:
    """A mean difference, and below it its interval."""
    if same or (gain.lo == gain.hi == 0):
        return t._("no difference")
    written = scale(found.measure, [gain.mean, gain.lo, gain.hi], found.scenario, t)
    doubt = "" if gain.lo > 0 or gain.hi < 0 else "? "
    between = t._("{lo} to {hi}").format(lo=written.bare(gain.lo), hi=written.bare(gain.hi))
    return f"{doubt}{written.signed(gain.mean)}\n{between}"


def _yes(it_is: Any, t: Texts) -> str:  # noqa: ANN401 - true or not
    return t._("yes") if it_is else "–"


def _note(found: Levers, t: Texts) -> str:
    return t._(
        "Mean of {n} pairs of runs ({level} interval). ?: not to be told from chance."
    ).format(n=t.number(len(found.base)), level=t.share(found.level))
