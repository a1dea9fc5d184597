"""What a comparison says, in one plain sentence; no winner where one cannot tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from funnelsim.figures.differences import Scale
from funnelsim.figures.wording import Wording

if TYPE_CHECKING:
    from funnelsim.experiments.comparison import Comparison
    from funnelsim.experiments.uplifts import Uplift

__all__ = ["sentence"]

Text = Callable[[str], str]

CLEAR = ("better", "worse", "more", "less")
WORTH = ("profit", "income")


def sentence(
    comparison: Comparison,
    measure: str,
    what_if: str,
    *,
    lang: str = "en",
    text: Text = str,
) -> str:
    r"""Say what a what-if does to a measure, what that is worth and whom it loads.

    Parameters
    ----------
    comparison : Comparison
    measure, what_if : str
    lang : str
        Language of numbers, units and labels.
    text : callable
        Translates the words.

    Returns
    -------
    str
        One sentence. Where the interval holds 0 it says that one cannot tell, and gives the
        interval; money and teams are mentioned only where they clearly change.

    Examples
    --------
    >>> from funnelsim.experiments import compare
    >>> from funnelsim.scenarios.scenario import _TINY, Scenario
    >>> tiny = Scenario.model_validate(_TINY)
    >>> more = tiny.change("More advertising", {"sources.web.rate": {"times": 1.1}})
    >>> sentence(compare(tiny, [more], n=20, seed=7), "won", "More advertising")
    'More advertising: deals won up by 14 (95%: 12 to 16), from 138 to 152 in 4 weeks.'
    """
    wording = Wording(lang=lang, text=text)
    found = comparison.uplift(measure, what_if)
    name = comparison.called(what_if, lang).rstrip(" .?!")
    if found.verdict not in CLEAR:
        return _unclear(found, name, comparison, wording)
    parts = [_change(found, name, comparison, wording)]
    parts += _worth(comparison, found, wording)
    parts += _load(comparison, found, wording)
    return "; ".join(parts).removesuffix(".") + "."  # an abbreviation may end it


def _change(found: Uplift, name: str, comparison: Comparison, wording: Wording) -> str:
    """The measure before and after."""
    scale = _scale(found, comparison, wording)
    near, far = sorted((abs(found.lo), abs(found.hi)))
    before, after = scale.value(found.baseline), scale.value(found.changed)
    pattern = (
        wording.text("{what_if}: {measure} up by {by} ({level}: {lo} to {hi}), {course}{span}")
        if found.uplift > 0
        else wording.text(
            "{what_if}: {measure} down by {by} ({level}: {lo} to {hi}), {course}{span}"
        )
    )
    course = (
        wording.text("from {before} to {after}")
        if before != after
        else wording.text("still about {after}")
    )
    return pattern.format(
        what_if=name,
        measure=found.measure.words(wording.lang, wording.text),
        by=scale.gap(abs(found.uplift)),
        level=wording.share(found.level),
        lo=scale.bare(near),
        hi=scale.gap(far) if scale.spelled else scale.bare(far),
        course=course.format(before=before, after=after),
        span=_span(found, comparison, wording),
    )


def _unclear(found: Uplift, name: str, comparison: Comparison, wording: Wording) -> str:
    """That one cannot tell, or that nothing differs at all."""
    scale = _scale(found, comparison, wording)
    words = {
        "what_if": name,
        "measure": found.measure.words(wording.lang, wording.text),
        "before": scale.value(found.baseline),
        "n": wording.number(found.n),
    }
    if found.verdict == "same":
        pattern = wording.text(
            "{what_if}: {measure} stays the same in all {n} replications: {before}."
        )
        return pattern.format(**words)
    if found.n < 2:  # noqa: PLR2004 - no interval from one pair
        pattern = wording.text(
            "{what_if}: cannot tell what it does to {measure}: too few replications ({n}) "
            "have a value."
        )
        return pattern.format(**words)
    pattern = (
        wording.text(
            "{what_if}: cannot tell which is better: {measure} changes by between {lo} and {hi} "
            "({level}, {n} replications) from {before}."
        )
        if found.measure.better
        else wording.text(
            "{what_if}: cannot tell whether {measure} changes: by between {lo} and {hi} "
            "({level}, {n} replications) from {before}."
        )
    )
    return pattern.format(
        lo=scale.gap(found.lo), hi=scale.gap(found.hi), level=wording.share(found.level), **words
    )


def _worth(comparison: Comparison, found: Uplift, wording: Wording) -> list[str]:
    """What it is worth in money."""
    known = {measure.id for measure in comparison.measures}
    money = next((name for name in WORTH if name in known), "")
    if not money or found.measure.unit == "minor":
        return []
    worth = comparison.uplift(money, found.what_if)
    scale = _scale(worth, comparison, wording)
    words = {
        "measure": worth.measure.words(wording.lang, wording.text),
        "by": scale.gap(abs(worth.uplift)),
        "lo": scale.gap(worth.lo),
        "hi": scale.gap(worth.hi),
    }
    if worth.verdict == "better":
        return [wording.text("worth {by} ({measure})").format(**words)]
    if worth.verdict == "worse":
        return [wording.text("costing {by} ({measure})").format(**words)]
    if worth.verdict == "cannot tell":
        unclear = wording.text("in money one cannot tell: {lo} to {hi} ({measure})")
        return [unclear.format(**words)]
    return []


def _load(comparison: Comparison, found: Uplift, wording: Wording) -> list[str]:
    """The team whose utilisation moves most, if it clearly does."""
    moved = [
        uplift
        for measure in comparison.measures
        if measure.id.startswith("utilisation.") and measure.id != found.measure.id
        if any(other.id == measure.id for other in comparison.what_ifs[found.what_if].measures)
        for uplift in [comparison.uplift(measure.id, found.what_if)]
        if uplift.verdict in CLEAR
        and wording.share(uplift.baseline) != wording.share(uplift.changed)
    ]
    if not moved:
        return []
    most = max(moved, key=lambda uplift: abs(uplift.uplift))
    pattern = wording.text("{measure} from {before} to {after}")
    return [
        pattern.format(
            measure=most.measure.words(wording.lang, wording.text),
            before=wording.share(most.baseline),
            after=wording.share(most.changed),
        )
    ]


def _scale(found: Uplift, comparison: Comparison, wording: Wording) -> Scale:
    sizes = (found.uplift, found.lo, found.hi)
    return Scale(found.measure.unit, wording, sizes, comparison.base.scenario.currency)


def _span(found: Uplift, comparison: Comparison, wording: Wording) -> str:
    """How long the window is, where the measure adds up over it."""
    adds_up = found.measure.unit in {"deals", "leads", "times", "minor"}
    level = found.measure.id.startswith(("wip.", "queue.", "open_deals"))
    if not adds_up or level:
        return ""
    horizon = comparison.base.scenario.run.horizon
    patterns = {
        "w": wording.text(" in {number} weeks"),
        "mo": wording.text(" in {number} months"),
    }
    pattern = patterns.get(horizon.unit, " ({horizon})")
    return pattern.format(number=wording.number(horizon.amount, 1), horizon=horizon)
