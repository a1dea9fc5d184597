"""Whether every number leads back: block to cell, cell to seed and input, PDF to blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from funnelsim.errors import FunnelsimError
from funnelsim.messages import Message
from funnelsim.reporting.reports import products
from funnelsim.reporting.trail import listed
from funnelsim.scheduling.gate.drafts import Draft

__all__ = ["same_input", "same_products", "traced"]

BEGIN: Final = b"%PDF-"
END: Final = b"%%EOF"
PARTS: Final = ("funnelsim", "python", "numpy", "pandas")


def traced(draft: Draft) -> Iterator[Message]:
    """Every block is the one that its cell showed when it ran."""
    shown = listed(draft.blocks, draft.cells)
    noted = [dict(each) for each in draft.told["blocks"]]
    if shown == noted:
        return
    if len(shown) != len(noted):
        yield Message(
            "Blocks in the notebook: {there}; blocks that the run showed: {shown}.",
            there=len(shown),
            shown=len(noted),
        )
    changed = [one for one, other in zip(shown, noted, strict=False) if one != other]
    for each in changed[:1]:
        yield Message(
            "A {kind} of cell {n} is not what the run showed.", kind=each["kind"], n=each["cell"]
        )


def same_input(draft: Draft) -> Iterator[Message]:
    """The notebook read what the manifest names, and says with which versions."""
    found, told = draft.evidence, draft.manifest
    if found is not None and found.input_sha256 != told.input.sha256:
        yield Message(
            "{file} was replaced while the report was made, or is another file.",
            file=told.input.name,
        )
    lacking = [part for part in PARTS if not told.versions.get(part)]
    if lacking:
        yield Message(
            "The manifest does not say with which version of {parts} the numbers were made.",
            parts=", ".join(lacking),
        )


def same_products(draft: Draft) -> Iterator[Message]:
    """The PDF is whole, and all that is made from the notebook, made once more, is the same."""
    if not draft.pdf.startswith(BEGIN) or END not in draft.pdf[-32:]:
        yield Message("The PDF is not whole.")
        return
    try:
        again = products(draft.blocks, draft.cells, draft.told)
    except FunnelsimError as error:
        yield Message("The PDF cannot be drawn from the notebook: {error}.", error=str(error))
        return
    for ending, content in again.items():
        file = draft.folder / f"{draft.stem}{ending}"
        if not file.is_file() or file.read_bytes() != content:
            yield Message(
                "{file} is not of this run: made from the notebook, it comes out otherwise.",
                file=file.name,
            )
