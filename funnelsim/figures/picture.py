"""A finished figure and what to say to somebody who cannot see it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from funnelsim.figures.style import FONT_FAMILY, house_style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

__all__ = ["Picture"]

# What a browser may use instead when the house font is not installed.
ELSEWHERE = "'Segoe UI', 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure with its description; shows itself in JupyterLab.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        6.3 inches wide, without a title: titles belong in captions.
    alt : str
        One or two sentences that say what the picture shows, in the reader's language.

    Examples
    --------
    >>> from funnelsim.figures.style import page
    >>> picture = Picture(page(1.0), "An empty page")
    >>> picture.svg() == picture.svg()
    True
    """

    figure: Figure
    alt: str

    def svg(self, *, outlines: bool = False) -> str:
        """Return the picture as SVG; the same picture gives the same bytes.

        Parameters
        ----------
        outlines : bool
            False keeps text as text, selectable and searchable, for a reader that
            has the fonts of ``FONT_FOLDER`` (the report). True draws the letters,
            for a browser that has not.

        Returns
        -------
        str
        """
        import matplotlib as mpl

        out = StringIO()
        with house_style(), mpl.rc_context({"svg.fonttype": "path" if outlines else "none"}):
            self.figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
        drawn = re.sub(r' transform="rotate\(-0 [^"]*\)"', "", out.getvalue())
        drawn = drawn.replace(f"'{FONT_FAMILY}'", f"'{FONT_FAMILY}', {ELSEWHERE}")
        _, _, body = drawn.partition("<svg ")
        return f'<svg role="img" aria-label={quoteattr(self.alt)} {body}'

    def png(self, dpi: int = 200) -> bytes:
        """Return the picture as PNG with ``dpi`` dots per inch."""
        out = BytesIO()
        with house_style():
            self.figure.savefig(out, format="png", dpi=dpi, metadata={"Software": None})
        return out.getvalue()

    def _repr_mimebundle_(self, **_: object) -> Mapping[str, str]:
        """Show the picture in a notebook, letters drawn, with its description."""
        return {"image/svg+xml": self.svg(outlines=True), "text/plain": self.alt}
