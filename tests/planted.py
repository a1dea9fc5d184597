"""Faults planted in finished reports: what the publish gate must see.

A fault of *files* is done to a finished draft, as a disk, a mix-up or a hand might do it. A
fault of the *run* is planted in what the notebook showed, and then all hashes are made to fit,
as if the run itself had gone wrong: no hash can see it.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat

from funnelsim.reporting.blocks import plain
from funnelsim.reporting.document import MIME, Summary
from funnelsim.reporting.notebooks import Run, shown_by
from funnelsim.reporting.trail import listed

__all__ = ["FAULTS", "Copy", "Fault", "job_of", "without_kernel"]

MANIFEST = ".manifest.json"


@dataclass
class Copy:
    """A draft to be spoilt, the job it is judged by, and another draft to mix it up with."""

    folder: Path
    other: Path
    only_if: dict[str, Any] = field(default_factory=dict)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self):
        self.stem = self.file(MANIFEST).name.removesuffix(MANIFEST)
        self.told = json.loads(self.file(MANIFEST).read_text("utf-8"))
        self.notebook = nbformat.read(self.file(".ipynb"), as_version=4)
        self.wanted = (self.told["kind"], self.told["lang"], self.told["seed"])
        self.simulated = self.told["input"]["name"].endswith(".yaml")

    def file(self, ending, folder=None):
        (found,) = (folder or self.folder).glob(f"*{ending}")
        return found

    @property
    def code(self):
        return [cell for cell in self.notebook.cells if cell.cell_type == "code"]

    def stored(self, *kinds):
        """The blocks as the notebook stores them, with the list that each stands in."""
        for cell in self.code:
            for output in cell.outputs:
                data = output.get("data", {})
                if isinstance(data.get(MIME), dict):
                    data[MIME] = [data[MIME]]
                for block in list(data.get(MIME, [])):
                    if not kinds or block["kind"] in kinds:
                        yield block, data[MIME]

    def first(self, kind):
        return next(block for block, _ in self.stored(kind))

    def drop(self, kind):
        block, among = next(self.stored(kind))
        among.remove(block)

    def again(self, kind):
        block, among = next(self.stored(kind))
        among.insert(among.index(block) + 1, json.loads(json.dumps(block)))

    def numeric(self):
        """A table with numbers: it, a row and a column where one is."""
        for table, _ in self.stored("table"):
            for row, numbers in enumerate(table["numbers"]):
                for column, number in enumerate(numbers):
                    if number and 0 < abs(number["value"]) < 9000:
                        return table, row, column
        raise LookupError("no table holds numbers")

    def tell(self):
        """Write the manifest as it stands."""
        self.file(MANIFEST).write_text(json.dumps(self.told, ensure_ascii=False), "utf-8")

    def keep(self):
        """Write the notebook as it stands."""
        nbformat.write(self.notebook, self.file(".ipynb"))

    def seal(self):
        """Make every hash fit, as if the run had made all of it."""
        self.keep()
        shown = shown_by(self.notebook)
        blocks = [block for _, found in shown for block in found]
        self.told["blocks"] = listed(blocks, [cell for cell, found in shown for _ in found])
        self.told["run"]["cells"] = len(shown)
        self.told["sentences"] = [
            plain(sentence)
            for block in blocks
            if isinstance(block, Summary)
            for sentence in block.sentences
        ]
        for name in self.told["outputs"]:
            content = (self.folder / name).read_bytes()
            self.told["outputs"][name] = hashlib.sha256(content).hexdigest()
        self.tell()


@dataclass(frozen=True)
class Fault:
    """What is wrong, and how it is planted; None if this draft has no place for it."""

    name: str
    plant: Callable[[Copy], bool | None]
    sealed: bool = False

    def put(self, copy: Copy) -> bool:
        """Plant it; False where it has no place."""
        try:
            placed = self.plant(copy) is not False
        except (StopIteration, LookupError):
            return False
        if placed and self.sealed:
            copy.seal()
        return placed


FAULTS: list[Fault] = []


def without_kernel(notebook: Path, parameters: Mapping[str, Any], **_: object) -> Run:
    """What a kernel would do, in this very process: the same cells, the same outputs."""
    read = nbformat.read(notebook, as_version=4)
    names: dict[str, Any] = {}
    given = "".join(f"{name} = {value!r}\n" for name, value in parameters.items())
    cell = nbformat.v4.new_code_cell(given, metadata={"tags": ["injected-parameters"]})
    place = next(i for i, c in enumerate(read.cells) if "parameters" in c.metadata.get("tags", []))
    read.cells.insert(place + 1, cell)
    count = 0
    for cell in (c for c in read.cells if c.cell_type == "code"):
        count += 1
        cell.execution_count, cell.outputs = count, []
        tree = ast.parse(cell.source)
        last = tree.body[-1]
        asked = isinstance(last, ast.Expr)
        body = ast.Module(tree.body[:-1] if asked else tree.body, [])
        exec(compile(body, "cell", "exec"), names)  # noqa: S102 - our own notebook
        if not asked:
            continue
        shown = eval(compile(ast.Expression(last.value), "cell", "eval"), names)  # noqa: S307
        if hasattr(shown, "_repr_mimebundle_"):
            data = json.loads(json.dumps(shown._repr_mimebundle_()))
            output = nbformat.v4.new_output("execute_result", data=data, execution_count=count)
            cell.outputs.append(output)
    for number, cell in enumerate(read.cells):
        cell["id"] = f"cell-{number}"
    read.metadata["funnelsim"] = {"parameters": dict(parameters)}
    return Run(read, tuple(block for _, found in shown_by(read) for block in found))


def fault(name, *, sealed=False):
    def listed_(plant):
        FAULTS.append(Fault(name, plant, sealed))
        return plant

    return listed_


def of_run(name):
    return fault(name, sealed=True)


def job_of(copy: Copy) -> dict[str, Any]:
    """The job that asked for the draft, with the conditions the fault needs."""
    kind, lang, seed = copy.wanted
    scenario = copy.simulated and "fresh" not in copy.only_if
    return {
        "funnelsim": 1,
        "report": {"kind": kind, "lang": lang, "seed": seed},
        "source": {"scenario" if scenario else "file": "input"},
        "schedule": {"cron": "0 7 * * 1", "zone": "Europe/Kyiv"},
        "only_if": {"audit": "D", **copy.only_if},
    }


# --- files ----------------------------------------------------------------------------------------


@fault("PDF cut in half")
def _(c):
    file = c.file(".pdf")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@fault("PDF of zero bytes")
def _(c):
    c.file(".pdf").write_bytes(b"")


@fault("PDF missing")
def _(c):
    c.file(".pdf").unlink()


@fault("PDF of another run")
def _(c):
    shutil.copy(c.file(".pdf", c.other), c.file(".pdf"))


@fault("PDF of another run, with its hash")
def _(c):
    file = c.file(".pdf")
    shutil.copy(c.file(".pdf", c.other), file)
    c.told["outputs"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    c.tell()


@fault("one bit of the PDF flipped")
def _(c):
    content = bytearray(c.file(".pdf").read_bytes())
    content[len(content) // 2] ^= 1
    c.file(".pdf").write_bytes(bytes(content))


@fault("PDF without its end, with its hash")
def _(c):
    file = c.file(".pdf")
    file.write_bytes(file.read_bytes()[:-40])
    c.told["outputs"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    c.tell()


@fault("notebook missing")
def _(c):
    c.file(".ipynb").unlink()


@fault("notebook cut off")
def _(c):
    text = c.file(".ipynb").read_text("utf-8")
    c.file(".ipynb").write_text(text[: len(text) // 2], "utf-8")


@fault("notebook of another run, with its hash")
def _(c):
    file = c.file(".ipynb")
    shutil.copy(c.file(".ipynb", c.other), file)
    c.told["outputs"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    c.tell()


@fault("manifest missing")
def _(c):
    c.file(MANIFEST).unlink()


@fault("manifest cut off")
def _(c):
    file = c.file(MANIFEST)
    file.write_text(file.read_text("utf-8")[:200], "utf-8")


@fault("manifest of zero bytes")
def _(c):
    c.file(MANIFEST).write_bytes(b"")


for _name in ("seed", "input", "notebook", "blocks", "run", "outputs", "versions", "sentences"):

    @fault(f"manifest without {_name}")
    def _(c, name=_name):
        del c.told[name]
        c.tell()


@fault("manifest of a later format")
def _(c):
    c.told["format_version"] = 2
    c.tell()


@fault("run record says failed")
def _(c):
    c.told["run"]["state"] = "failed"
    c.tell()


@fault("manifest says another seed")
def _(c):
    c.told["seed"] += 1
    c.tell()


@fault("manifest says another language")
def _(c):
    c.told["lang"] = "nl"
    c.tell()


@fault("manifest says another kind")
def _(c):
    c.told["kind"] = "levers" if c.told["kind"] != "levers" else "what-if"
    c.tell()


@fault("manifest says other overrides")
def _(c):
    c.told["overrides"] = {"teams.desk.seats": 3}
    c.tell()


@fault("hash of the input changed")
def _(c):
    c.told["input"]["sha256"] = "0" * 64
    c.tell()


@fault("hash of the notebook's template changed")
def _(c):
    c.told["notebook"]["sha256"] = "0" * 64
    c.tell()


@fault("hash of an output changed")
def _(c):
    name = c.file(".pdf").name
    c.told["outputs"][name] = "0" * 64
    c.tell()


@fault("a block's fingerprint changed")
def _(c):
    c.told["blocks"][3]["sha256"] = "0" * 64
    c.tell()


@fault("a block without provenance")
def _(c):
    del c.told["blocks"][3]
    c.tell()


@fault("a block ascribed to another cell")
def _(c):
    c.told["blocks"][3]["cell"] += 1
    c.tell()


@fault("answer edited in the manifest")
def _(c):
    c.told["sentences"][0] = "All leads win."
    c.tell()


@fault("number edited in the notebook")
def _(c):
    c.first("kpis")["tiles"][0]["value"] = "99,999"
    c.keep()


@fault("workbook of another run")
def _(c):
    shutil.copy(c.file(".xlsx", c.other), c.file(".xlsx"))


@fault("workbook missing")
def _(c):
    c.file(".xlsx").unlink()


@fault("number edited in the tidy table, with its hash")
def _(c):
    file = c.file(".tables.csv")
    file.write_bytes(file.read_bytes().replace(b"1", b"2", 1))
    c.told["outputs"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    c.tell()


@fault("a second report in the folder")
def _(c):
    if c.file(MANIFEST, c.other).name == c.file(MANIFEST).name:
        return False
    for file in c.other.iterdir():
        shutil.copy(file, c.folder / file.name)
    return None


@fault("report of another job")
def _(c):
    c.wanted = (c.wanted[0], c.wanted[1], c.wanted[2] + 1)


@fault("report in another language than the job's")
def _(c):
    c.wanted = (c.wanted[0], "ru" if c.wanted[1] != "ru" else "uk", c.wanted[2])


# --- the run: cells -------------------------------------------------------------------------------


@of_run("a cell removed")
def _(c):
    c.notebook.cells.remove(c.code[5])


@of_run("a cell showed nothing")
def _(c):
    c.code[5].outputs = []


@of_run("a cell failed")
def _(c):
    wrong = nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[])
    c.code[5].outputs.append(wrong)


@of_run("a cell never ran")
def _(c):
    c.code[5].execution_count = None


@of_run("cells ran out of turn")
def _(c):
    one, other = c.code[5], c.code[6]
    one.execution_count, other.execution_count = other.execution_count, one.execution_count


@of_run("a cell's code is another")
def _(c):
    c.code[4].source = c.code[4].source.replace("lang", "'en'")


@of_run("a cell too many")
def _(c):
    extra = nbformat.v4.new_code_cell("log = log.as_of(log.meta.observed_from)", execution_count=99)
    c.notebook.cells.insert(6, extra)


@of_run("no end")
def _(c):
    c.drop("end")


@of_run("two ends")
def _(c):
    c.again("end")


@of_run("the end in the middle")
def _(c):
    c.drop("end")
    _, among = next(c.stored("summary"))
    among.append({"kind": "end"})


@of_run("parameters not recorded")
def _(c):
    given = [cell for cell in c.code if "injected-parameters" in cell.metadata.get("tags", [])]
    c.notebook.cells.remove(given[0])


for _name, _new in (("seed", "987"), ("lang", "'nl'"), ("source", "'/tmp/other.csv'")):

    @of_run(f"ran with another {_name}")
    def _(c, name=_name, new=_new):
        given = next(x for x in c.code if "injected-parameters" in x.metadata.get("tags", []))
        lines = given.source.splitlines()
        given.source = "\n".join(
            f"{name} = {new}" if x.startswith(f"{name} =") else x for x in lines
        )


# --- the run: blocks ------------------------------------------------------------------------------


for _kind in ("cover", "kpis", "summary", "risks", "advice", "evidence"):

    @of_run(f"no {_kind}")
    def _(c, kind=_kind):
        c.drop(kind)


@of_run("a section's table missing")
def _(c):
    for cell in c.code:
        if "making(" in cell.source:
            for output in cell.outputs:
                kept = [b for b in output["data"].get(MIME, []) if b["kind"] != "table"]
                output["data"][MIME] = kept


@of_run("one of several tables missing")
def _(c):
    c.drop("table")


for _kind in ("kpis", "table", "figure", "evidence"):

    @of_run(f"{_kind} twice")
    def _(c, kind=_kind):
        c.again(kind)


@of_run("a heading twice")
def _(c):
    headings = [block for block, _ in c.stored("section")]
    headings[1]["title"] = headings[0]["title"]


@of_run("nothing under a heading")
def _(c):
    for cell in c.code[5:]:
        for output in cell.outputs:
            among = output.get("data", {}).get(MIME, [])
            if among and among[0]["kind"] == "section":
                del among[1:]
                return


@of_run("an empty table")
def _(c):
    table = c.first("table")
    table["rows"], table["numbers"] = [], []


@of_run("a picture that is none")
def _(c):
    c.first("figure")["svg"] = c.first("figure")["svg"][:300]


@of_run("an empty picture")
def _(c):
    c.first("figure")["svg"] = '<svg xmlns="http://www.w3.org/2000/svg"/>'


@of_run("cover in another language")
def _(c):
    c.first("cover")["lang"] = "nl"


@of_run("headings in another language")
def _(c):
    latin = c.told["lang"] == "en"
    for number, (block, _) in enumerate(c.stored("section")):
        block["title"] = f"Раздел про продажи {number}" if latin else f"Section on sales {number}"


@of_run("Russian in a Ukrainian report, or the other way round")
def _(c):
    if c.told["lang"] not in ("uk", "ru"):
        return False
    wrong = "Откуда мы это знаем" if c.told["lang"] == "uk" else "Звідки ми це знаємо: її"
    c.first("section")["title"] = wrong
    return None


@of_run("another date")
def _(c):
    c.first("cover")["as_of"] = "2020-02-02"
    c.told["as_of"] = "2020-02-02"


# --- the run: numbers -----------------------------------------------------------------------------


def evidence(c):
    return c.first("evidence")


@of_run("NaN in a key figure")
def _(c):
    c.first("kpis")["tiles"][0]["value"] = "nan"


@of_run("NaN in the answer")
def _(c):
    c.first("summary")["sentences"][0][0]["text"] = "So nan leads win."


@of_run("NaN in a table")
def _(c):
    table, row, column = c.numeric()
    table["rows"][row][column] = "nan%"


@of_run("infinity in a table")
def _(c):
    table, row, column = c.numeric()
    table["rows"][row][column] = "inf"


@of_run("None in a column of numbers")
def _(c):
    table, row, column = c.numeric()
    table["columns"][column]["numeric"] = True
    table["rows"][row][column] = "None"


@of_run("a key figure printed wrong")
def _(c):
    tile = next(t for b, _ in c.stored("kpis") for t in b["tiles"] if t["number"])
    tile["number"]["value"] *= 1.5


@of_run("a cell printed wrong")
def _(c):
    table, row, column = c.numeric()
    table["rows"][row][column] = "1" + table["rows"][row][column]


@of_run("a share printed as a hundredth")
def _(c):
    for table, _ in c.stored("table"):
        for row, numbers in enumerate(table["numbers"]):
            for column, number in enumerate(numbers):
                if number and number["form"] == "share" and 0.2 < number["value"] < 0.9:
                    table["rows"][row][column] = "0.5" if c.told["lang"] == "en" else "0,5"
                    return None
    return False


@of_run("a sum that is none")
def _(c):
    for table, _ in c.stored("table"):
        if table["total"] and table["numbers"]:
            for column, number in enumerate(table["numbers"][-1]):
                if number and number["form"] == "number" and 0 < number["value"] < 9000:
                    number["value"] += 7
                    table["rows"][-1][column] = f"{number['value']:.0f}"
                    return None
    return False


@of_run("leads of page 1 miscounted")
def _(c):
    found = evidence(c)
    if not found["told"]:
        return False
    number = found["told"][0]
    for run in [r for s in c.first("summary")["sentences"] for r in s]:
        run["text"] = run["text"].replace(number, number[:-1] + str((int(number[-1]) + 1) % 10))
    return None


@of_run("wins of page 1 miscounted")
def _(c):
    found = evidence(c)
    if len(found["told"]) < 2:
        return False
    found["told"][1] = found["told"][1] + "0"
    return None


@of_run("leads vanish in a stage")
def _(c):
    evidence(c)["flows"][0]["left"] -= 3


@of_run("leads appear from nowhere")
def _(c):
    evidence(c)["flows"][1]["came"] += 1


@of_run("leads vanish on the whole")
def _(c):
    evidence(c)["flows"][-1]["left"] -= 1


@of_run("no flows at all")
def _(c):
    evidence(c)["flows"] = []


@of_run("parts that do not make the whole")
def _(c):
    evidence(c)["counts"]["open"] += 5


@of_run("no leads at all")
def _(c):
    found = evidence(c)
    found["counts"] = dict.fromkeys(found["counts"], 0)
    found["told"] = []


@of_run("bounds the wrong way round")
def _(c):
    each = evidence(c)["intervals"][0]
    each["lo"], each["hi"] = each["hi"], each["lo"]


@of_run("an estimate outside of its bounds")
def _(c):
    each = evidence(c)["intervals"][0]
    each["value"] = each["hi"] * 1.2 + 1


@of_run("a share of more than all")
def _(c):
    each = next(x for x in evidence(c)["intervals"] if x["what"] in ("win_rate", "win_share"))
    each["value"], each["hi"] = 1.1, 1.3


@of_run("an interval wider than the job allows")
def _(c):
    each = evidence(c)["intervals"][0]
    c.only_if["widest"] = 0.5
    each["lo"], each["hi"] = each["value"] * 0.7, each["value"] * 1.3


@of_run("stale data")
def _(c):
    evidence(c)["simulated"] = False
    c.only_if["fresh"] = "2 d"
    until = datetime.fromisoformat(evidence(c)["observed_until"])
    c.at = until + timedelta(days=2, hours=1)


@of_run("data from the future")
def _(c):
    evidence(c)["simulated"] = False
    c.at = datetime.fromisoformat(evidence(c)["observed_until"]) - timedelta(days=3)


@of_run("a window that ends before it begins")
def _(c):
    found = evidence(c)
    found["observed_from"], found["observed_until"] = (
        found["observed_until"],
        found["observed_from"],
    )


@of_run("audit red")
def _(c):
    evidence(c)["grades"] = dict.fromkeys(("conversion", "delays", "staffing", "forecast"), "E")


@of_run("input replaced while it was read")
def _(c):
    evidence(c)["input_sha256"] = hashlib.sha256(b"other").hexdigest()


# What nothing can see yet: a sentence or a picture that was wrong from the beginning.


@of_run("a number in a paragraph wrong")
def _(c):
    for block, _ in c.stored("text"):
        for run in block["sentence"]:
            digits = [sign for sign in run["text"] if sign in "12345678"]
            if digits:
                run["text"] = run["text"].replace(digits[0], "9", 1)
                return None
    return False


@of_run("a bar of a picture too long")
def _(c):
    figure = c.first("figure")
    changed = re.sub(r"\bL (?=\d)", "L 9", figure["svg"], count=1)
    if changed == figure["svg"]:
        return False
    figure["svg"] = changed
    return None
