"""The measures' warnings in the reader's words."""

from __future__ import annotations

from funnelsim.measures import cautions
from funnelsim.reporting.texts import Texts

__all__ = ["caution"]


def caution(said: str, t: Texts) -> str:
    """Translate what stands in a table's column ``caution``.

    Parameters
    ----------
    said : str
        Warnings of `funnelsim.measures.cautions`, joined by commas.
    t : Texts

    Returns
    -------
    str
        Empty where nothing speaks against the number.

    Examples
    --------
    >>> from funnelsim.reporting.texts import texts
    >>> caution("immature, cut off", texts("en"))
    'still rising, part of the period'
    """
    words = {
        cautions.TOO_FEW: t._("too few to tell"),
        cautions.IMMATURE: t._("still rising"),
        cautions.CUT_OFF: t._("part of the period"),
        cautions.CANNOT_TELL: t._("may be chance"),
        cautions.EXTRAPOLATED: t._("goes beyond the data"),
        cautions.NO_CHURN: t._("nothing says when clients leave"),
        cautions.NO_COSTS: t._("some costs are not known"),
        cautions.NOT_MARKED: t._("not in the data"),
        cautions.UNEQUAL: t._("periods of different length"),
        cautions.NO_VALUE: t._("some orders without value"),
        cautions.LEADS_COUNTED: t._("leads counted, not customers"),
    }
    parts = [part for part in said.split(", ") if part]
    return ", ".join(words.get(part, part) for part in parts)
