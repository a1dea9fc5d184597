"""What reports on experiments share: their cover, their numbers in words, their origin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from funnelsim.figures.differences import Scale
from funnelsim.reporting.blocks import column, cover, kpi, kpis, sentence, table
from funnelsim.reporting.document import Cover, Kpis, Sentence, Table, Tile
from funnelsim.reporting.inputs import fingerprint
from funnelsim.reporting.provenance import versions
from funnelsim.reporting.texts import Texts
from funnelsim.scenarios.scenario import Scenario

if TYPE_CHECKING:
    from funnelsim.experiments import Measure, Replications

__all__ = [
    "capital",
    "head",
    "headline",
    "illustrative",
    "luck",
    "made_from",
    "scale",
    "span",
    "today",
]

HEADLINES: Final = ("profit", "income", "won_value", "won")
TILES: Final = ("won", "profit", "income", "won_value", "win_share", "cycle_time")
MOST_TILES: Final = 4
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def headline(measures: Iterable[Measure]) -> Measure:
    """The measure that decides: what is left over, else what comes in, else deals won.

    Examples
    --------
    >>> from funnelsim.experiments import Measure
    >>> headline([Measure("won", "deals", "deals won", 1), Measure("leads", "leads", "leads")]).id
    'won'
    """
    known = {measure.id: measure for measure in measures}
    return next((known[name] for name in HEADLINES if name in known), next(iter(known.values())))


def scale(measure: Measure, sizes: Iterable[float], scenario: Scenario, t: Texts) -> Scale:
    """How a measure and its differences are written."""
    return Scale(measure.unit, t.wording(), sizes, scenario.currency)


def span(scenario: Scenario, t: Texts) -> str:
    """The observed time in words: ``26 weeks``."""
    horizon = scenario.run.horizon
    n = t.number(horizon.amount, 1)
    counted = int(horizon.amount) if horizon.amount % 1 == 0 else 0
    patterns = {
        "d": t.n_("{n} day", "{n} days", counted),
        "w": t.n_("{n} week", "{n} weeks", counted),
        "mo": t.n_("{n} month", "{n} months", counted),
    }
    return patterns.get(horizon.unit, str(horizon)).format(n=n).replace(" ", "\u00a0")


def head(scenario: Scenario, t: Texts, *, kicker: str, question: str) -> Cover:
    """The head of page 1: whose funnel, which question, which time."""
    start, end = _window(scenario)
    return cover(
        t.label(scenario.title, scenario.name),
        lang=t.spoken,
        as_of=end.date(),
        kicker=kicker,
        subtitle=question,
        period=t.period(start, end, scenario.time_zone),
        illustrative=scenario.illustrative,
    )


def today(base: Replications, t: Texts) -> Kpis:
    """How things are without any change, and between what bounds luck alone moves them."""
    known = {measure.id: measure for measure in base.measures}
    money = [name for name in HEADLINES if name in known and known[name].unit == "minor"][:1]
    ids = [n for n in TILES if n in known and (known[n].unit != "minor" or n in money)]
    rows = {str(row["measure"]): row for row in base.summary().to_dict("records")}
    return kpis(_tile(known[name], rows[name], base.scenario, t) for name in ids[:MOST_TILES])


def luck(base: Replications, measure: Measure) -> float:
    """By how much one future may miss the mean: half the prediction interval."""
    rows = {row["measure"]: row for row in base.summary().to_dict("records")}
    return float(rows[measure.id]["pi_hi"] - rows[measure.id]["mean"])


def illustrative(scenario: Scenario, t: Texts) -> list[Sentence]:
    """That the numbers are made up, where they are."""
    if not scenario.illustrative:
        return []
    told = t._(
        "**The numbers are illustrative**: they show how the funnel behaves, "
        "not how yours does. Put in your own before you decide."
    )
    return [sentence(told)]


def made_from(
    base: Replications,
    t: Texts,
    *,
    source: str,
    overrides: Mapping[str, object] | None = None,
    variants: int,
    level: float,
    rows: Sequence[tuple[str, str]] = (),
) -> Table:
    """What an experiment was made from: input, seed, replications, window, versions."""
    scenario = base.scenario
    start, end = _window(scenario)
    begin = EPOCH + timedelta(microseconds=scenario.run.instants(scenario.time_zone)[0])
    listed = [
        (t._("Input"), Path(source).name),
        (t._("Fingerprint of the input (SHA-256)"), fingerprint(source)[:16]),
        *((t._("Changed"), f"{path}: {new}") for path, new in (overrides or {}).items()),
        (t._("Seed"), str(base.seed)),
        (t._("Replications of each variant"), t.number(len(base))),
        (t._("Variants, as things are included"), t.number(variants)),
        (t._("Confidence level"), t.share(level)),
        *rows,
        (t._("Simulated from"), t.day(begin, scenario.time_zone)),
        (t._("Window"), t.period(start, end, scenario.time_zone)),
        (t._("Time zone"), scenario.time_zone),
        (t._("Versions"), versions()),
    ]
    return table(
        [column(t._("What")), column(t._("Which"))],
        listed,
        caption=t._("Input, seed and versions"),
    )


def _window(scenario: Scenario) -> tuple[datetime, datetime]:
    """Beginning and end of the observed time."""
    _, start, end = scenario.run.instants(scenario.time_zone)
    return EPOCH + timedelta(microseconds=start), EPOCH + timedelta(microseconds=end)


def _tile(measure: Measure, row: Mapping[Any, Any], scenario: Scenario, t: Texts) -> Tile:
    """One measure as things are."""
    margin = float(row["pi_hi"] - row["mean"])
    written = scale(measure, [margin], scenario, t)
    label = t._("As things are: {measure}").format(measure=measure.words(t.lang, t._))
    note = t._("95% of futures: ± {luck}").format(luck=written.gap(margin))
    return kpi(label, written.value(float(row["mean"])), note)


def capital(words: str) -> str:
    """Words with a capital at the beginning.

    Examples
    --------
    >>> capital("deals won")
    'Deals won'
    """
    return words[:1].upper() + words[1:]
