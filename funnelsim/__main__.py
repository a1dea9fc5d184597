"""Lets ``python -m funnelsim`` do what ``funnelsim`` does."""

from __future__ import annotations

from funnelsim.cli import main

if __name__ == "__main__":
    main()
