"""Widgets for JupyterLab: move a lever, see what follows."""

from __future__ import annotations

from funnelsim.workbench.bench import Bench, what_if

__all__ = ["Bench", "what_if"]
