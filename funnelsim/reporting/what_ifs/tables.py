"""Tables of what each change does: uplifts with their intervals, one row a measure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from funnelsim.reporting.blocks import column, table
from funnelsim.reporting.document import AnyBlock, Table
from funnelsim.reporting.experiment import capital, scale
from funnelsim.reporting.texts import Texts

if TYPE_CHECKING:
    from funnelsim.experiments import Comparison, Measure, Uplift

__all__ = ["CLEAR", "note", "tables", "uplift"]

ACROSS: Final = 3  # what-ifs in one table
CLEAR: Final = ("better", "worse", "more", "less")


def tables(
    comparison: Comparison, measures: Sequence[Measure], caption: str, t: Texts
) -> list[AnyBlock]:
    """Measures by what-if, a few what-ifs to a table."""
    names = list(comparison.what_ifs)
    return [
        _table(comparison, measures, names[i : i + ACROSS], caption, t)
        for i in range(0, len(names), ACROSS)
    ]


def _table(
    comparison: Comparison,
    measures: Iterable[Measure],
    names: Sequence[str],
    caption: str,
    t: Texts,
) -> Table:
    """One row a measure: as things are, and the change by what-if."""
    rows = [row for measure in measures if (row := _row(comparison, measure, names, t)) is not None]
    heads = [column(comparison.called(name, t.lang), numeric=True) for name in names]
    return table(
        [column(t._("Measure")), column(t._("As things are"), numeric=True), *heads],
        rows,
        caption=caption,
        note=note(comparison, t),
    )


def _row(
    comparison: Comparison, measure: Measure, names: Sequence[str], t: Texts
) -> tuple[str, ...] | None:
    """A measure as things are and how each change moves it."""
    uplifts = {
        name: comparison.uplift(measure.id, name)
        for name in names
        if any(measure.id == other.id for other in comparison.what_ifs[name].measures)
    }
    known = [uplift for uplift in uplifts.values() if uplift.n]
    if not known:
        return None
    value = scale(measure, [], comparison.base.scenario, t).value(known[0].baseline)
    cells = (uplift(comparison, uplifts[name], t) if name in uplifts else "–" for name in names)
    return capital(measure.words(t.lang, t._)), value, *cells


def uplift(comparison: Comparison, found: Uplift, t: Texts) -> str:
    """A change, and below it its interval; ? where one cannot tell."""
    if not found.n:
        return "–"
    if found.verdict == "same":
        return t._("no difference")
    sizes = (found.uplift, found.lo, found.hi)
    written = scale(found.measure, sizes, comparison.base.scenario, t)
    size = written.signed(found.uplift)
    between = ""
    if found.n > 1:
        between = t._("{lo} to {hi}").format(lo=written.bare(found.lo), hi=written.bare(found.hi))
    if 1 < found.n < len(comparison.base):
        between += t._(" ({n} pairs)").format(n=t.number(found.n))
    doubt = "" if found.verdict in CLEAR else "? "
    return f"{doubt}{size}\n{between}".rstrip()


def note(comparison: Comparison, t: Texts) -> str:
    """How to read the numbers of a table."""
    return t._(
        "Mean difference of {n} pairs of runs ({level} interval, over all changes together). "
        "?: not to be told from chance."
    ).format(n=t.number(len(comparison.base)), level=t.share(comparison.level))
