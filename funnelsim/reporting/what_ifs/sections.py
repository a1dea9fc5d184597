"""The what-if report, section by section: comparison → blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from funnelsim.reporting import parameters
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
from funnelsim.reporting.document import Figure, Group
from funnelsim.reporting.evidence import of_experiment
from funnelsim.reporting.experiment import (
    head,
    headline,
    made_from,
    span,
    today,
)
from funnelsim.reporting.settings import settings
from funnelsim.reporting.texts import Texts, texts
from funnelsim.reporting.what_ifs.findings import advice as counsel
from funnelsim.reporting.what_ifs.findings import answer, found, question
from funnelsim.reporting.what_ifs.findings import risks as dangers
from funnelsim.reporting.what_ifs.tables import CLEAR, note, tables, uplift
from funnelsim.scenarios.scenario import Scenario

if TYPE_CHECKING:
    from funnelsim.experiments import Comparison, Measure

__all__ = ["appendix", "demand", "effects", "elsewhere", "front", "making", "parts", "settled"]

FEWER: Final = 20  # replications under other demand
MAIN: Final = ("leads", "won", "lost", "win_share", "cycle_time", "open_deals")


def elsewhere(
    scenario: Scenario, what_ifs: Sequence[str] | None = None, *, seed: int, lang: str = "en"
) -> dict[str, Comparison]:
    """Ask the same with a tenth fewer and a tenth more leads.

    Parameters
    ----------
    scenario : Scenario
    what_ifs : sequence of str, optional
        Of those that the scenario lists; left out: all.
    seed : int
    lang : str
        Of the keys.

    Returns
    -------
    dict of str to Comparison
        By what was done to the demand, in words; empty where no source has a rate.
    """
    from funnelsim.experiments import compare

    t = texts(lang)
    labels = {
        0.9: t._("a tenth fewer leads"),
        1.1: t._("a tenth more leads"),
    }
    rates = [key for key, source in scenario.sources.items() if source.rate is not None]
    if not rates:
        return {}
    other = {
        label: scenario.change(label, {f"sources.{key}.rate": {"times": by} for key in rates})
        for by, label in labels.items()
    }
    return {
        label: compare(changed, what_ifs or None, seed=seed, n=FEWER)
        for label, changed in other.items()
    }


def front(
    comparison: Comparison, lang: str = "en", *, other: Mapping[str, Comparison] | None = None
) -> Group:
    """Page 1: the question, the answer, one picture, risks, what follows.

    Parameters
    ----------
    comparison : Comparison
    lang : str
        Language of the report.
    other : mapping of str to Comparison, optional
        The same under other demand; see `elsewhere`.

    Returns
    -------
    Group

    Examples
    --------
    >>> from funnelsim.experiments import compare
    >>> from funnelsim.scenarios.scenario import _TINY
    >>> tiny = Scenario.model_validate(_TINY)
    >>> more = tiny.change("More advertising", {"sources.web.rate": {"times": 1.1}})
    >>> [block.kind for block in front(compare(tiny, [more], n=5, seed=7)).blocks]
    ['cover', 'kpis', 'summary', 'figure', 'risks', 'advice']
    """
    t = texts(lang)
    verdicts, under = found(comparison), other or {}
    base = comparison.base
    return group(
        head(base.scenario, t, kicker=t._("What if"), question=question(comparison, t)),
        today(base, t),
        summary(answer(comparison, verdicts, t), title=t._("The answer")),
        _picture(comparison, verdicts.measure, t),
        risks(dangers(comparison, verdicts, under, t), title=t._("Risks")),
        advice(counsel(comparison, verdicts, under, t), title=t._("What follows")),
    )


def effects(comparison: Comparison, lang: str = "en") -> Group:
    """What each change does to the funnel as a whole.

    Parameters
    ----------
    comparison, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t = texts(lang)
    decisive = headline(comparison.measures)
    listed = [m for m in comparison.measures if m.id in MAIN or (m.unit == "minor" and not m.item)]
    # Where deals won are the income, its name stands twice.
    whole = list({measure.words(): measure for measure in reversed(listed)}.values())[::-1]
    also = [m for m in whole if m.id == "won" and m.id != decisive.id]
    lead = t._(
        "Every change is simulated under the very same luck as no change: the same leads come, "
        "and decide and wait as before unless the change makes the difference. So the difference "
        "is known far better than either number."
    )
    return group(
        section(t._("What each change does")),
        text(lead),
        *tables(comparison, whole, t._("The funnel as a whole"), t),
        *(_picture(comparison, measure, t) for measure in also),
    )


def parts(comparison: Comparison, lang: str = "en") -> Group:
    """Where the effect shows: stages and teams.

    Parameters
    ----------
    comparison, lang
        As for `front`.

    Returns
    -------
    Group
        Only measures that some change clearly moves; teams in full.
    """
    t = texts(lang)
    stages = ("conversion.", "dwell.", "entered.", "wip.")
    teams = ("utilisation.", "wait.", "queue.", "given_up.")
    moved = [m for m in comparison.measures if m.id.startswith(stages) and _moves(comparison, m)]
    staff = [m for m in comparison.measures if m.id.startswith(teams)]
    telling = [m for m in staff if m.id.startswith(("utilisation.", "wait."))]
    staff = [m for m in staff if m in telling or _moves(comparison, m)]
    told = (
        t._("Stages in which a change moves something beyond chance; all others stay as they are.")
        if moved
        else t._("No change moves anything in any stage that chance would not.")
    )
    return group(
        section(t._("Where it shows: stages and teams")),
        text(told),
        *(tables(comparison, moved, t._("Stages"), t) if moved else []),
        *(tables(comparison, staff, t._("Teams"), t) if staff else []),
    )


def demand(comparison: Comparison, other: Mapping[str, Comparison], lang: str = "en") -> Group:
    """Whether the answer holds with fewer and with more leads.

    Parameters
    ----------
    comparison, lang
        As for `front`.
    other : mapping of str to Comparison
        From `elsewhere`.

    Returns
    -------
    Group
        Empty where nothing else was tried.
    """
    if not other:
        return group()
    t = texts(lang)
    measure = headline(comparison.measures)
    cases = {t._("as things are"): comparison} | dict(other)
    rows = [
        (
            comparison.called(name, t.lang),
            *(uplift(case, case.uplift(measure.id, name), t) for case in cases.values()),
        )
        for name in comparison.what_ifs
    ]
    return group(
        section(t._("If the demand were another")),
        text(t._("The same changes with a tenth fewer and a tenth more leads from every source.")),
        table(
            [column(t._("What if")), *(column(label, numeric=True) for label in cases)],
            rows,
            caption=t._("Change of {measure} by demand").format(measure=measure.words(t.lang, t._)),
            note=note(comparison, t)
            + " "
            + t._("With other demand: {n} pairs.").format(n=t.number(FEWER)),
        ),
    )


def settled(comparison: Comparison, lang: str = "en") -> Group:
    """What was assumed: the values that each change sets.

    Parameters
    ----------
    comparison, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t = texts(lang)
    told = settings(comparison.base.scenario, tuple(comparison.what_ifs), t)
    if told is None:
        return group()
    return group(section(t._("What was assumed")), told)


def making(
    comparison: Comparison,
    lang: str = "en",
    *,
    source: str,
    overrides: Mapping[str, object] | None = None,
) -> Group:
    """How the report was made: input, seed, replications, definitions.

    Parameters
    ----------
    comparison, lang
        As for `front`.
    source : str
        The scenario's file.
    overrides : mapping, optional
        What was changed in the scenario for all variants.

    Returns
    -------
    Group
    """
    t = texts(lang)
    return group(
        section(t._("How this report was made")),
        made_from(
            comparison.base,
            t,
            source=source,
            overrides=overrides,
            variants=len(comparison.what_ifs) + 1,
            level=comparison.level,
        ),
        *(text(told) for told in _definitions(comparison, t)),
        of_experiment(comparison.base, source=source, overrides=overrides),
    )


def appendix(scenario: Scenario, lang: str = "en") -> Group:
    """The scenario's numbers: sources, stages, teams.

    Parameters
    ----------
    scenario : Scenario
        As things are.
    lang : str

    Returns
    -------
    Group
    """
    t = texts(lang)
    shown = [parameters.sources(scenario, t), parameters.stages(scenario, t)]
    teams = parameters.teams(scenario, t)
    return group(
        section(t._("Appendix: the funnel as things are")), *shown, *([teams] if teams else [])
    )


def _picture(comparison: Comparison, measure: Measure, t: Texts) -> Figure:
    """Uplifts of one measure with their intervals."""
    caption = t._("Change of {measure} in {span}, against things as they are").format(
        measure=measure.words(t.lang, t._), span=span(comparison.base.scenario, t)
    )
    drawn = comparison.plot(measure.id, lang=t.lang, text=t._)
    return figure(drawn, caption=caption, key=f"uplift-{measure.id}")


def _moves(comparison: Comparison, measure: Measure) -> bool:
    """Whether some change moves a measure beyond chance."""
    return any(
        comparison.uplift(measure.id, name).verdict in CLEAR
        for name, reps in comparison.what_ifs.items()
        if any(measure.id == other.id for other in reps.measures)
    )


def _definitions(comparison: Comparison, t: Texts) -> list[str]:
    """What the numbers mean."""
    return [
        t._(
            "A measure counts what happens inside the window, whoever it happens to. “As things "
            "are” is the mean of {n} runs; “95% of futures” is where one single run may come to "
            "lie, and so may reality if the scenario is right."
        ).format(n=t.number(len(comparison.base))),
        t._(
            "Intervals of changes are Student's t for paired runs, widened (Bonferroni) so that "
            "they hold for all changes of one measure together. Of many measures, some will still "
            "stray by chance: decide by the one on page 1."
        ),
        t._(
            "Money is counted as far as the scenario gives it: what a change itself costs is not "
            "in it, unless it is a cost of staff, leads or deals that the scenario knows."
        ),
    ]
