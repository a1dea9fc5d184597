"""The verbs that look ahead: ``forecast leads`` and ``backtest``.

Other modules put their own verbs into the group ``forecast``.
"""

from __future__ import annotations

import typer

from funnelsim.cli.verbs import app

__all__ = ["forecast"]

forecast = typer.Typer(
    name="forecast",
    help="What will come: leads, revenue, people needed.",
    no_args_is_help=True,
    add_completion=False,
)
app.add_typer(forecast)


@forecast.callback()
def _forecasts() -> None:
    """What will come: leads, revenue, people needed."""
