"""The lever atlas in words: risks, and what follows from which step pays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnelsim.experiments.lever_rows import priced
from funnelsim.reporting.blocks import sentence
from funnelsim.reporting.document import Run, Sentence
from funnelsim.reporting.experiment import illustrative, luck, scale, span
from funnelsim.reporting.texts import Texts

if TYPE_CHECKING:
    from funnelsim.experiments import Levers
    from funnelsim.experiments.effects import Effect

__all__ = ["advice", "answer", "details", "risks"]

ON_FRONT = 3
CLEAR = ("better", "more")


def answer(found: Levers, t: Texts) -> list[Sentence]:
    """The largest step, what limits, and what pays: at most three sentences.

    Parameters
    ----------
    found : Levers
    t : Texts

    Returns
    -------
    list of Sentence
    """
    said = found.sentences(lang=t.lang, text=t._)
    return [(Run(text=one),) for one in said[:ON_FRONT]]


def details(found: Levers, t: Texts) -> list[str]:
    """What page 1 has no room for."""
    return found.sentences(lang=t.lang, text=t._)[ON_FRONT:]


def risks(found: Levers, t: Texts) -> list[Sentence]:
    """What could make the answer wrong; three at most.

    Parameters
    ----------
    found : Levers
    t : Texts

    Returns
    -------
    list of Sentence
    """
    base = found.base
    margin = luck(base, found.measure)
    written = scale(found.measure, [margin], base.scenario, t)
    helping = [effect for effect in found.effects if effect.verdict in CLEAR]
    unpriced = [effect for effect in helping if not priced(effect.lever, base.scenario)]
    said = [
        *illustrative(base.scenario, t),
        sentence(
            t._(
                "**A point, a day, a seat and a tenth more leads are not equal efforts**: the "
                "ranking says what a step brings, not what it takes."
            )
        ),
        sentence(
            t._(
                "**The books will not show it**: in {span} luck alone moves {measure} by "
                "±\u00a0{luck}."
            ),
            span=span(base.scenario, t),
            measure=found.measure.words(t.lang, t._),
            luck=written.gap(margin),
        ),
    ]
    if unpriced:
        told = t.n_(
            "**{n} step that helps has no price** in the scenario: compare it with your own.",
            "**{n} steps that help have no price** in the scenario: compare them with your own.",
            len(unpriced),
        )
        said.insert(-1, sentence(told, n=t.number(len(unpriced))))
    return said[:3]


def advice(found: Levers, t: Texts) -> dict[str, Sentence]:
    """Do, don't, test first, and what would change the answer.

    Parameters
    ----------
    found : Levers
    t : Texts

    Returns
    -------
    dict of str to Sentence
    """
    helping = [effect for effect in found.effects if effect.verdict in CLEAR]
    return {
        t._("Do"): _do(found, helping, t),
        t._("Don't"): _dont(found, t),
        t._("Test first"): _test(helping, t),
        t._("What would change it"): _change_of_mind(found, helping, t),
    }


def _do(found: Levers, helping: list[Effect], t: Texts) -> Sentence:
    """The step that pays best, else the largest one up to its worth."""
    table = found.table
    paying = table[table["priced"] & (table["net_lo"] > 0)].sort_values("net", ascending=False)
    written = scale(found.measure, [e.interval.mean for e in found.effects], found.scenario, t)
    if len(paying):
        best = paying.iloc[0]
        return sentence(
            t._("{lever}: it pays, leaving **{net}** in {span} after its costs."),
            lever=_quoted(found[str(best["lever"])], t),
            net=written.gap(float(best["net"])),
            span=span(found.scenario, t),
        )
    if not helping:
        return sentence(t._("Leave things as they are: no gain is shown."))
    first = next((e for e in helping if not priced(e.lever, found.scenario)), helping[0])
    row = {row["lever"]: row for row in table.to_dict("records")}[first.lever.id]
    gain = float(row["net"]) if row["net"] == row["net"] else first.interval.mean
    return sentence(
        t._("Price {lever} first: it is worth up to **{gain}** ({measure}) in {span}."),
        lever=_quoted(first, t),
        gain=written.gap(gain),
        measure=found.measure.words(t.lang, t._),
        span=span(found.scenario, t),
    )


def _dont(found: Levers, t: Texts) -> Sentence:
    """The usual reflex that would bring little here."""
    written = scale(
        found.measure, [gain.mean for gain in found.reliefs.values()], found.scenario, t
    )
    words = {name: written.gap(gain.mean) for name, gain in found.reliefs.items()}
    patterns = {
        "conversion": t._(
            "Hire first: all work done in a tenth less time brings {capacity}, a tenth more leads "
            "{conversion}."
        ),
        "delay": t._(
            "Hire or buy leads first: every delay a tenth shorter brings {delay}, a tenth more "
            "leads {conversion}."
        ),
        "capacity": t._(
            "Buy more leads first: a tenth more brings {conversion}, all work done in a tenth less "
            "time {capacity}."
        ),
    }
    if found.limit:
        return sentence(patterns[found.limit], **words)
    none = [e for e in found.effects if e.verdict in {"same", "cannot tell", "worse"}]
    if none:
        listed = ", ".join(_quoted(effect, t) for effect in none[:2])
        return sentence(
            t._("Spend on {levers}: no gain in {measure} is shown."),
            levers=listed,
            measure=found.measure.words(t.lang, t._),
        )
    return sentence(
        t._("Judge it by the months before and after: luck moves {measure} as well."),
        measure=found.measure.words(t.lang, t._),
    )


def _test(helping: list[Effect], t: Texts) -> Sentence:
    """Whether the step can be had at all."""
    if not helping:
        return sentence(t._("Larger steps: these were a point, a day, a seat, a tenth more leads."))
    return sentence(
        t._("Whether {lever} can be had, with some of the leads, drawn by lot."),
        lever=_quoted(helping[0], t),
    )


def _change_of_mind(found: Levers, helping: list[Effect], t: Texts) -> Sentence:
    """Prices, and more runs where two steps are too close."""
    if len(helping) < 2:  # noqa: PLR2004 - two to compare
        return sentence(t._("Other numbers in the scenario."))
    first, second = helping[:2]
    written = scale(found.measure, [first.interval.mean], found.scenario, t)
    words = {
        "first": _quoted(first, t),
        "second": _quoted(second, t),
        "gap": written.gap(abs(first.interval.mean - second.interval.mean)),
        "n": t.number(len(found.base)),
    }
    if found.top is None:
        return sentence(
            t._("More runs: {n} are too few to tell {first} from {second}. And prices."), **words
        )
    return sentence(
        t._("Prices: if {first} costs **{gap}** more than {second}, that one is ahead."), **words
    )


def _quoted(effect: Effect, t: Texts) -> str:
    return t._("“{name}”").format(name=effect.lever.words(t.lang, t._))
