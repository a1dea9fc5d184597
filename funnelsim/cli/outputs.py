"""What experiments leave behind: table, picture, sentences and where they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelsim.cli.showing import json_text

if TYPE_CHECKING:
    import pandas as pd

    from funnelsim.figures import Picture

__all__ = ["Finding", "leave"]


@dataclass(frozen=True)
class Finding:
    """What an experiment found, ready to be written.

    Parameters
    ----------
    verb : str
        The command; it names the files.
    sentences : tuple of str
    table : DataFrame
    picture : Picture
    origin : mapping
        Scenario, seed, replications, versions.
    """

    verb: str
    sentences: tuple[str, ...]
    table: pd.DataFrame
    picture: Picture
    origin: Mapping[str, Any]


def leave(found: Finding, out: Path, name: str) -> dict[str, str]:
    """Write all files of a finding, or none.

    Parameters
    ----------
    found : Finding
    out : Path
        A folder; made if missing.
    name : str
        How the files are called before the verb.

    Returns
    -------
    dict of str to str
        Kind → file.
    """
    from funnelsim.reporting.reports import workplace

    stem = f"{name}.{found.verb}"
    files = {kind: f"{stem}.{kind}" for kind in ("txt", "csv", "svg", "png")}
    files["manifest"] = f"{stem}.manifest.json"
    with workplace(out) as scratch:
        found.table.to_csv(scratch / files["csv"], index=False)
        (scratch / files["txt"]).write_text("\n".join(found.sentences) + "\n", "utf-8")
        (scratch / files["svg"]).write_text(found.picture.svg(outlines=True), "utf-8")
        (scratch / files["png"]).write_bytes(found.picture.png())
        manifest = json_text({**found.origin, "sentences": list(found.sentences)})
        (scratch / files["manifest"]).write_text(manifest + "\n", "utf-8")
        for file in files.values():
            (scratch / file).replace(out / file)
    return {kind: str(out / file) for kind, file in files.items()}
