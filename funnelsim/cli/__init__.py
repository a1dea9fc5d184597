"""The command line: verbs only; what they do stands in the layers below."""

from __future__ import annotations

from funnelsim.cli.ending import main

__all__ = ["main"]
