"""Whether every number leads back: block to cell, cell to seed and input, PDF to blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from funnelsim.errors import FunnelsimError
from funnelsim.reporting.reports import products
from funnelsim.reporting.trail import listed
from funnelsim.scheduling.gate.drafts import Draft

__all__ = ["same_input", "same_products", "traced"]

BEGIN: Final = b"%PDF-"
END: Final = b"%%EOF"
PARTS: Final = ("funnelsim", "python", "numpy", "pandas")


def traced(draft: Draft) -> Iterator[str]:
    """Every block is the one that its cell showed when it ran."""
    shown = listed(draft.blocks, draft.cells)
    noted = [dict(each) for each in draft.told["blocks"]]
    if shown == noted:
        return
    if len(shown) != len(noted):
        yield f"The notebook holds {len(shown)} blocks, the run showed {len(noted)}."
    changed = [one for one, other in zip(shown, noted, strict=False) if one != other]
    for each in changed[:1]:
        yield f"A {each['kind']} of cell {each['cell']} is not what the run showed."


def same_input(draft: Draft) -> Iterator[str]:
    """The notebook read what the manifest names, and says with which versions."""
    found, told = draft.evidence, draft.manifest
    if found is not None and found.input_sha256 != told.input.sha256:
        yield f"{told.input.name} was replaced while the report was made, or is another file."
    lacking = [part for part in PARTS if not told.versions.get(part)]
    if lacking:
        yield f"The manifest does not say with which {', '.join(lacking)} the numbers were made."


def same_products(draft: Draft) -> Iterator[str]:
    """The PDF is whole, and all that is made from the notebook, made once more, is the same."""
    if not draft.pdf.startswith(BEGIN) or END not in draft.pdf[-32:]:
        yield "The PDF is not whole."
        return
    try:
        again = products(draft.blocks, draft.cells, draft.told)
    except FunnelsimError as error:
        yield f"The PDF cannot be drawn from the notebook: {error}."
        return
    for ending, content in again.items():
        file = draft.folder / f"{draft.stem}{ending}"
        if not file.is_file() or file.read_bytes() != content:
            yield f"{file.name} is not of this run: made from the notebook, it comes out otherwise."
