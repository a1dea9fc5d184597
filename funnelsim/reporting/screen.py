"""How a block looks in JupyterLab and on a terminal."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape

from funnelsim.reporting.blocks import plain
from funnelsim.reporting.document import (
    Advice,
    Block,
    Cover,
    Figure,
    Kpis,
    Risks,
    Section,
    Sentence,
    Summary,
    Table,
    Text,
)

__all__ = ["html", "line"]

TILE = "flex:1;min-width:8em;padding:6px 10px;border-left:3px solid #0b4f80"


def html(block: Block) -> str:
    """Return a block as HTML; texts are escaped, pictures stand alone.

    Parameters
    ----------
    block : Block

    Returns
    -------
    str

    Examples
    --------
    >>> html(Section(title="Time & <load>"))
    '<h2>Time &amp; &lt;load&gt;</h2>'
    """
    match block:
        case Cover():
            under = " · ".join(filter(None, [block.subtitle, block.period]))
            return f"<h1>{escape(block.title)}</h1><p>{escape(under)}</p>"
        case Section():
            return f"<h2>{escape(block.title)}</h2>"
        case Text():
            return f"<p>{_rich(block.sentence)}</p>"
        case Kpis():
            return _tiles(block)
        case Summary() | Risks():
            return f"<h3>{escape(block.title)}</h3>{_list(map(_rich, block.sentences))}"
        case Advice():
            points = (f"<b>{escape(p.word)}.</b> {_rich(p.sentence)}" for p in block.points)
            return f"<h3>{escape(block.title)}</h3>{_list(points)}"
        case Figure():
            return _picture(block)
        case Table():
            return _grid(block)
    return ""


def line(block: Block) -> str:
    """Return a block in short, for a terminal.

    Examples
    --------
    >>> line(Section(title="Time"))
    'Time'
    """
    match block:
        case Cover() | Section():
            return block.title
        case Text():
            return plain(block.sentence)
        case Kpis():
            return "; ".join(f"{tile.label}: {tile.value}" for tile in block.tiles)
        case Summary() | Risks():
            return "\n".join(plain(sentence) for sentence in block.sentences)
        case Advice():
            return "\n".join(f"{point.word}: {plain(point.sentence)}" for point in block.points)
        case Figure() | Table():
            return block.caption
    return ""


def _rich(runs: Sentence) -> str:
    """A sentence with its strong stretches."""
    return "".join(f"<b>{escape(run.text)}</b>" if run.strong else escape(run.text) for run in runs)


def _list(items: Iterable[str]) -> str:
    """Bullets."""
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"


def _tiles(block: Kpis) -> str:
    """Key figures in one row."""
    tiles = "".join(
        f"<div style='{TILE}'><small>{escape(tile.label)}</small><br>"
        f"<b style='font-size:1.6em'>{escape(tile.value)}</b><br>"
        f"<small>{escape(tile.note)}</small></div>"
        for tile in block.tiles
    )
    return f"<div style='display:flex;flex-wrap:wrap;gap:6px'>{tiles}</div>"


def _picture(block: Figure) -> str:
    """A picture as an image of its own, so that ids of two pictures cannot meet."""
    code = base64.b64encode((block.outlines or block.svg).encode()).decode()
    return (
        f'<figure><img alt="{escape(block.alt)}" src="data:image/svg+xml;base64,{code}">'
        f"<figcaption>{escape(block.caption)}</figcaption></figure>"
    )


def _grid(block: Table) -> str:
    """A table with its caption and note."""
    sides = ["right" if column.numeric else "left" for column in block.columns]

    def row(cells: Iterable[str], tag: str) -> str:
        """One row, numbers to the right."""
        return "".join(
            f"<{tag} style='text-align:{side}'>{escape(cell)}</{tag}>"
            for side, cell in zip(sides, cells, strict=True)
        )

    heads = [", ".join(filter(None, [column.title, column.unit])) for column in block.columns]
    body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in block.rows)
    return (
        f"<table><caption>{escape(block.caption)}</caption><thead><tr>{row(heads, 'th')}</tr>"
        f"</thead><tbody>{body}</tbody></table><p><small>{escape(block.note)}</small></p>"
    )
