"""Comparisons in words: which what-if helps, what could be wrong, what follows.

Only what the runs can tell: a best one is named only where its interval against every
other one, no change included, leaves 0 out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from funnelsim.reporting.blocks import sentence
from funnelsim.reporting.document import Run, Sentence
from funnelsim.reporting.experiment import headline, illustrative, luck, scale, span
from funnelsim.reporting.texts import Texts

if TYPE_CHECKING:
    from funnelsim.experiments import Comparison, Measure, Uplift

__all__ = ["Verdicts", "advice", "answer", "found", "question", "risks", "told"]

BUSY: Final = 0.85
TOLD: Final = 4  # what-ifs with a sentence of their own on page 1
MOST_RISKS: Final = 3


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What-ifs sorted by what the runs tell about the measure that decides.

    Parameters
    ----------
    measure : Measure
    winner : str or None
        The best of all, ``""`` for no change; None: one cannot tell.
    better, worse, unclear : tuple of str
        Names; better ones best first.
    """

    measure: Measure
    winner: str | None
    better: tuple[str, ...]
    worse: tuple[str, ...]
    unclear: tuple[str, ...]


def found(comparison: Comparison) -> Verdicts:
    """Sort the what-ifs.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    Verdicts
    """
    measure = headline(comparison.measures)
    uplifts = sorted(
        (comparison.uplift(measure.id, name) for name in comparison.what_ifs),
        key=lambda uplift: -uplift.uplift * (measure.better or 1),
    )
    sorted_by = {
        "better": tuple(u.what_if for u in uplifts if u.verdict in {"better", "more"}),
        "worse": tuple(u.what_if for u in uplifts if u.verdict in {"worse", "less"}),
        "unclear": tuple(u.what_if for u in uplifts if u.verdict in {"same", "cannot tell"}),
    }
    winner = comparison.winner(measure.id) if measure.better else None
    return Verdicts(measure, winner, **sorted_by)


def question(comparison: Comparison, t: Texts) -> str:
    """What is asked: the one what-if itself, or which of several."""
    names = list(comparison.what_ifs)
    if len(names) == 1:
        return comparison.called(names[0], t.lang)
    return t.n_(
        "Which of {n} change brings most, and can one tell?",
        "Which of {n} changes brings most, and can one tell?",
        len(names),
    ).format(n=t.number(len(names)))


def answer(
    comparison: Comparison, verdicts: Verdicts, t: Texts, *, most: int = TOLD
) -> list[Sentence]:
    """Which one is best, if one can tell, and what each of them does.

    Parameters
    ----------
    comparison : Comparison
    verdicts : Verdicts
    t : Texts
    most : int
        So many have a sentence of their own: page 1 has room for four.

    Returns
    -------
    list of Sentence
    """
    names = [*verdicts.better, *verdicts.worse, *verdicts.unclear]
    said = [told(comparison, name, verdicts.measure, t) for name in names[:most]]
    return [_overall(comparison, verdicts, t), *said] if len(names) > 1 else said


def told(comparison: Comparison, what_if: str, measure: Measure, t: Texts) -> Sentence:
    """What one what-if does, with its name in bold.

    Deals won are told with the money they bring; but where the two disagree, or nothing
    happens to the deals, the money speaks alone.
    """
    there = {each.id for each in comparison.what_ifs[what_if].measures}
    asked = measure.id
    if "won" in there and measure.unit == "minor":
        deals = comparison.uplift("won", what_if).verdict
        if deals == comparison.uplift(asked, what_if).verdict and deals in {"better", "worse"}:
            asked = "won"
    whole = comparison.sentence(asked, what_if, lang=t.lang, text=t._)
    name = comparison.called(what_if, t.lang).rstrip(" .?!")
    if whole.startswith(name):
        return (Run(text=name, strong=True), Run(text=whole.removeprefix(name)))
    return (Run(text=whole),)


def _overall(comparison: Comparison, verdicts: Verdicts, t: Texts) -> Sentence:
    """One sentence over all what-ifs."""
    words = _words(comparison, verdicts, t)
    words["measure"] = verdicts.measure.words(t.lang, t._)
    if verdicts.winner:
        template = t._("**{first} is best** for {measure}, beyond chance.")
    elif verdicts.winner == "":
        template = t._("**No change is best**: every one of them makes {measure} worse.")
    elif len(verdicts.better) > 1:
        words["several"] = _listed(comparison, verdicts.better, t)
        template = t._(
            "Better for {measure}: {several}. **Which of them is best one cannot tell.**"
        )
    elif verdicts.better:
        template = t._("Only **{first}** is clearly better for {measure}.")
    else:
        template = t._("**One cannot tell** that any of the changes helps {measure}.")
    return sentence(template, **words)


def risks(
    comparison: Comparison, verdicts: Verdicts, elsewhere: Mapping[str, Comparison], t: Texts
) -> list[Sentence]:
    """What could make the answer wrong, the gravest first; three at most.

    Parameters
    ----------
    comparison : Comparison
    verdicts : Verdicts
    elsewhere : mapping of str to Comparison
        The same what-ifs under another demand.
    t : Texts

    Returns
    -------
    list of Sentence
    """
    said = [
        *illustrative(comparison.base.scenario, t),
        *_overload(comparison, verdicts, t),
        *_turned(verdicts, elsewhere, t),
        _noise(comparison, verdicts, t),
        sentence(
            t._(
                "**What a change does to its stage is put in, not found**: the runs tell what "
                "follows from it for the whole funnel."
            )
        ),
    ]
    return said[:MOST_RISKS]


def advice(
    comparison: Comparison, verdicts: Verdicts, elsewhere: Mapping[str, Comparison], t: Texts
) -> dict[str, Sentence]:
    """Do, don't, test first, and what would change the answer.

    Parameters
    ----------
    comparison, verdicts, elsewhere, t
        As in `risks`.

    Returns
    -------
    dict of str to Sentence
    """
    return {
        t._("Do"): _do(comparison, verdicts, t),
        t._("Don't"): _dont(comparison, verdicts, t),
        t._("Test first"): _test(comparison, verdicts, t),
        t._("What would change it"): _change_of_mind(comparison, verdicts, elsewhere, t),
    }


def _do(comparison: Comparison, verdicts: Verdicts, t: Texts) -> Sentence:
    """The clear winner, up to a price; the cheaper one of equals; or nothing."""
    words = _words(comparison, verdicts, t)
    if not verdicts.better:
        return sentence(t._("Leave things as they are: no gain is shown."))
    if verdicts.winner or len(verdicts.better) == 1:
        if verdicts.measure.unit == "minor":
            return sentence(
                t._(
                    "{first}: worth doing if it costs less than **{lo}** in {span}; it brings at "
                    "least as much."
                ),
                **words,
            )
        return sentence(
            t._("{first}: worth doing if at least {lo} ({measure}) in {span} pay for it."), **words
        )
    words["several"] = _listed(comparison, verdicts.better, t)
    return sentence(t._("Take the cheapest of these: {several}."), **words)


def _dont(comparison: Comparison, verdicts: Verdicts, t: Texts) -> Sentence:
    """What harms; else what shows no gain; else the mistake to avoid."""
    if verdicts.worse:
        return sentence(
            t._("{several}: it makes {measure} worse."),
            several=_listed(comparison, verdicts.worse, t),
            measure=verdicts.measure.words(t.lang, t._),
        )
    if verdicts.unclear:
        return sentence(
            t._("Count on {several} for {measure}: no gain is shown."),
            several=_listed(comparison, verdicts.unclear, t),
            measure=verdicts.measure.words(t.lang, t._),
        )
    return sentence(
        t._("Judge it by the months before and after: luck moves {measure} as well."),
        measure=verdicts.measure.words(t.lang, t._),
    )


def _test(comparison: Comparison, verdicts: Verdicts, t: Texts) -> Sentence:
    """Whether the change reaches what was assumed, on leads drawn by lot."""
    if not verdicts.better:
        return sentence(
            t._(
                "Other levers: every stage, team and source can be tried, with a report of kind "
                "levers."
            )
        )
    return sentence(
        t._(
            "Whether {first} reaches what is assumed (table “{table}”), with some of the leads, "
            "drawn by lot."
        ),
        table=t._("What each change sets"),
        **_words(comparison, verdicts, t),
    )


def _change_of_mind(
    comparison: Comparison, verdicts: Verdicts, elsewhere: Mapping[str, Comparison], t: Texts
) -> Sentence:
    """The price at which it no longer pays, and whether other demand turns the answer."""
    parts = []
    words = _words(comparison, verdicts, t)
    if verdicts.better and verdicts.measure.unit == "minor":
        parts.append(t._("A price above {hi} in {span}."))
    elif not verdicts.better:
        parts.append(t._("A larger change than the one assumed."))
    turned = [label for label, other in elsewhere.items() if _other(verdicts, found(other))]
    if turned:
        parts.append(t._("Another demand: with {turned} another change is best."))
    elif elsewhere:
        parts.append(t._("Not the demand: with {stayed} the answer is the same."))
    words |= {"turned": _either(turned, t), "stayed": _either(list(elsewhere), t)}
    return sentence(" ".join(parts) or t._("Other numbers in the scenario."), **words)


def _overload(comparison: Comparison, verdicts: Verdicts, t: Texts) -> list[Sentence]:
    """A team that the best change makes so busy that queues grow fast."""
    busy = [
        uplift
        for name in verdicts.better
        for measure in comparison.what_ifs[name].measures
        if measure.id.startswith("utilisation.")
        for uplift in [_of_both(comparison, measure.id, name)]
        if uplift and uplift.verdict == "more" and uplift.changed >= BUSY
    ]
    if not busy:
        return []
    most = max(busy, key=lambda uplift: uplift.changed)
    return [
        sentence(
            t._(
                "{what_if} makes **{measure}** rise to **{share}**: a few more leads, and the "
                "queue grows out of proportion."
            ),
            what_if=_quoted(comparison, most.what_if, t),
            measure=most.measure.words(t.lang, t._),
            share=t.share(most.changed),
        )
    ]


def _of_both(comparison: Comparison, measure: str, what_if: str) -> Uplift | None:
    """An uplift, where the baseline has the measure too."""
    known = {each.id for each in comparison.base.measures}
    return comparison.uplift(measure, what_if) if measure in known else None


def _turned(verdicts: Verdicts, elsewhere: Mapping[str, Comparison], t: Texts) -> list[Sentence]:
    """That the answer hangs on the demand."""
    turned = [label for label, other in elsewhere.items() if _other(verdicts, found(other))]
    if not turned:
        return []
    return [
        sentence(
            t._("**The answer hangs on the demand**: with {turned} another change is best."),
            turned=_either(turned, t),
        )
    ]


def _other(here: Verdicts, there: Verdicts) -> bool:
    """Whether both name a best one, and not the same."""
    return here.winner is not None and there.winner is not None and here.winner != there.winner


def _either(labels: list[str], t: Texts) -> str:
    """One or the other."""
    return t._(" or ").join(labels)


def _noise(comparison: Comparison, verdicts: Verdicts, t: Texts) -> Sentence:
    """How large the effect is beside plain luck."""
    base = comparison.base
    measure = verdicts.measure
    margin = luck(base, measure)
    uplifts = [comparison.uplift(measure.id, name) for name in verdicts.better]
    largest = max((abs(uplift.uplift) for uplift in uplifts), default=0.0)
    written = scale(measure, [margin, largest], base.scenario, t)
    words = {
        "measure": measure.words(t.lang, t._),
        "luck": written.gap(margin),
        "span": span(base.scenario, t),
    }
    if largest < margin:
        template = t._(
            "**The books will not show it**: in {span} luck alone moves {measure} by ± {luck}, "
            "more than any of the changes."
        )
    else:
        template = t._(
            "**Luck remains**: in {span} it moves {measure} by ± {luck}, with and without a change."
        )
    return sentence(template, **words)


def _words(comparison: Comparison, verdicts: Verdicts, t: Texts) -> dict[str, str]:
    """The best what-if and its uplift, ready for a sentence."""
    scenario = comparison.base.scenario
    words = {"span": span(scenario, t), "measure": verdicts.measure.words(t.lang, t._)}
    names = [*verdicts.better, *verdicts.unclear, *verdicts.worse]
    uplift = comparison.uplift(verdicts.measure.id, verdicts.winner or names[0])
    written = scale(verdicts.measure, [uplift.lo, uplift.hi], scenario, t)
    near, far = sorted((uplift.lo, uplift.hi), key=abs)
    return words | {
        "first": _quoted(comparison, uplift.what_if, t),
        "gain": written.signed(uplift.uplift),
        "lo": written.gap(near),
        "hi": written.gap(far),
    }


def _listed(comparison: Comparison, names: tuple[str, ...], t: Texts) -> str:
    """Names in quotation marks, one after the other."""
    return ", ".join(_quoted(comparison, name, t) for name in names)


def _quoted(comparison: Comparison, name: str, t: Texts) -> str:
    return t._("“{name}”").format(name=comparison.called(name, t.lang))
