"""A pack: the reports that one job made together, bound as one PDF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from funnelsim.reporting.blocks import cover
from funnelsim.reporting.document import AnyBlock, Cover
from funnelsim.reporting.notebooks import Cell
from funnelsim.reporting.pdf import bind
from funnelsim.reporting.texts import texts
from funnelsim.reporting.trail import printed

__all__ = ["Made", "pack"]

Made = tuple[Sequence[AnyBlock], Sequence[Cell], Mapping[str, Any]]
"""What a notebook showed, the cell of each block, and the manifest."""


def pack(reports: Sequence[Made], *, title: str, lang: str) -> bytes:
    """Bind reports: page 1 has all their answers and the contents, then they follow whole.

    Parameters
    ----------
    reports : sequence of (blocks, cells, manifest)
        Two or more, of the same input and language, in the order they are to stand.
    title : str
        Of the pack.
    lang : str
        As that of the reports.

    Returns
    -------
    bytes
        A PDF; the same reports give the same bytes.

    Raises
    ------
    RunError
        A report has no cover, or a character is not in the font.
    """
    t = texts(lang)
    parts = [printed(blocks, cells, manifest, t) for blocks, cells, manifest in reports]
    covers = [part[0] for part in parts if isinstance(part[0], Cover)]
    as_of = max(each.as_of for each in covers)
    head = cover(
        title,
        lang=t.spoken,
        as_of=as_of,
        kicker=t._("Report pack"),
        subtitle=" · ".join(each.kicker for each in covers),
        period=t.wording().day(as_of),
        illustrative=any(each.illustrative for each in covers),
    )
    source = reports[0][2]["input"]
    origin = f"funnelsim {version('funnelsim')} · {source['name']} · {source['sha256'][:12]}"
    return bind(head, parts, origin=origin)
