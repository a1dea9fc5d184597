"""Tables of measures → pictures, in one house style and the reader's language.

Every function takes tables as :mod:`funnelsim.measures` returns them and gives a
:class:`Picture`: a matplotlib figure, and what to say to somebody who cannot see it. It
shows itself in JupyterLab. ``lang`` writes numbers and dates, ``labels`` names stages,
teams and reasons by id, ``text`` translates the few words of a picture.
"""

from __future__ import annotations

from funnelsim.figures.accumulation import cumulative_flow
from funnelsim.figures.ageing import wip_ageing
from funnelsim.figures.durations import dwell_time, time_split
from funnelsim.figures.flow import flow
from funnelsim.figures.funnel import funnel
from funnelsim.figures.overview import overview
from funnelsim.figures.picture import Picture
from funnelsim.figures.style import FONT_FAMILY, FONT_FOLDER, house_style
from funnelsim.figures.teams import utilisation
from funnelsim.figures.uplift import uplift
from funnelsim.figures.week import week
from funnelsim.figures.wording import Wording

__all__ = [
    "FONT_FAMILY",
    "FONT_FOLDER",
    "Picture",
    "Wording",
    "cumulative_flow",
    "dwell_time",
    "flow",
    "funnel",
    "house_style",
    "overview",
    "time_split",
    "uplift",
    "utilisation",
    "week",
    "wip_ageing",
]
