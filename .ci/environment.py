"""Write environment.yml, for people who use conda, from pyproject.toml.

``python .ci/environment.py`` writes it; ``--check`` only says whether it is up to date.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "environment.yml"

# Where conda-forge calls a package otherwise than PyPI does; it writes all names in lower case.
CONDA_NAMES = {"jupyter-client": "jupyter_client", "typst": "typst-py", "tzdata": "python-tzdata"}

HEAD = """\
# Made from pyproject.toml by .ci/environment.py; do not edit.
name: funnelsim
channels:
  - conda-forge
dependencies:
"""
TAIL = """\
  - pip
  - pip:
      - --editable .
"""


def conda_name(requirement: str) -> str:
    """Turn ``Babel>=2`` into what conda-forge calls it."""
    match = re.fullmatch(r"([\w.-]+)([<>=!~].*)?", requirement.replace(" ", ""))
    if match is None:
        message = f"pyproject.toml: cannot turn {requirement!r} into a conda requirement"
        raise SystemExit(message)
    name = match[1].lower()
    return CONDA_NAMES.get(name, name) + (match[2] or "")


def environment(python: str, requirements: list[str]) -> str:
    """Return the text of environment.yml."""
    names = sorted(conda_name(each) for each in requirements)
    return HEAD + "".join(f"  - {name}\n" for name in [f"python{python}", *names]) + TAIL


def main(arguments: list[str]) -> int:
    """Write the file, or compare."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    text = environment(
        project["requires-python"],
        project["dependencies"] + project["optional-dependencies"]["parquet"],
    )
    if "--check" not in arguments:
        TARGET.write_text(text, "utf-8")
        return 0
    if TARGET.is_file() and TARGET.read_text("utf-8") == text:
        return 0
    print("environment.yml is older than pyproject.toml: run `make lock`")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
