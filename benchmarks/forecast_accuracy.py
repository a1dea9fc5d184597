"""Accuracy, intervals and speed of our forecasts beside the package statsforecast.

Series: `public_series`, all of them. The peers run in an environment of their own (they want an
older pandas), in a second process. One line per series and model is kept in
reports/forecast_accuracy.jsonl; a run that was stopped goes on where it was, and lines of an
older recipe do not count. Seconds are processor time on one thread.

    python benchmarks/forecast_accuracy.py            forecast what is missing, then the table
    python benchmarks/forecast_accuracy.py table      the table of what there is
    python benchmarks/forecast_accuracy.py full 300   only some models, only the first series
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess  # the peers, in their own environment
import sys
import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray
from public_series import EVERY, Case, cases
from resampling import mean_interval
from rounds import keep

from funnelsim.forecasting.combination import LEVELS, predict
from funnelsim.forecasting.scores import interval_score, mase, naive_error, pinball

ROOT = Path(__file__).parent.parent
FOUND = ROOT / "reports" / "forecast_accuracy.jsonl"
PEERS = ROOT / "benchmarks" / "peers" / "forecasters"
HOME = ROOT / "build" / "forecasters"
RECIPE = ("arima", "combination", "components", "naive", "orders", "outlook", "seasons",
          "smoothing", "statespace", "transforming", "widths")  # fmt: skip

OURS = ("full", "fast")
SCUM = ("AutoETS", "AutoARIMA", "AutoCES", "DynamicOptimizedTheta")
"""Petropoulos & Svetunkov (2020): the median of these four, quantile by quantile."""
ALONE = (*SCUM, "AutoTheta", "MSTL", "SeasonalNaive")
KEPT = (0.025, *(round(0.05 * step, 2) for step in range(1, 20)), 0.975)
MIDDLE = KEPT.index(0.5)
DRAWS = 2000
SCORES = ("MASE", "MSIS", "SQL")
ASKED = ("M1 monthly", "tourism monthly", "tourism quarterly", "sales")
"""On half A of these the recipe was chosen."""
FRESH = ("M3 monthly", "M3 quarterly")
"""Looked at when the recipe had been fixed; then half A helped to choose widths, and the members
of the fast profile."""
FEWEST = 20
"""A set of fewer series in a half stands in the table by set only: its mean is an accident."""

Floats = NDArray[np.float64]
Forecasts = dict[tuple[str, str], tuple[Floats, float, str]]
"""By series and model: quantiles (horizon, KEPT), seconds, and why a model failed."""


def main() -> None:
    """Forecast what is missing, and print the table."""
    words = sys.argv[1:]
    chosen = cases()
    for word in words:
        chosen = chosen[: int(word)] if word.isdigit() else chosen
    if "table" not in words:
        models = [word for word in words if not word.isdigit()] or [*OURS, "peers"]
        peers = _start_peers(chosen) if "peers" in models else None
        _forecast(chosen, [model for model in models if model in OURS])
        if peers and peers.wait():
            raise SystemExit("the peers stopped with an error")
    report(chosen)


def _forecast(chosen: Iterable[Case], models: Iterable[str]) -> None:
    """Our own forecasts that are not there yet, with a bar."""
    from rich.progress import track

    done = set(_forecasts())
    left = [(case, model) for case in chosen for model in models if (case.name, model) not in done]
    FOUND.parent.mkdir(exist_ok=True)
    warm = np.arange(40.0) + np.sin(np.arange(40))
    for model in {model for _, model in left}:  # what is loaded at a first call is not timed
        predict(warm, season=4, horizon=2, profile=model, n_paths=0)
    for case, model in track(left, "ours", update_period=5):
        start = time.process_time()
        found = predict(
            case.past,
            season=case.season,
            horizon=len(case.future),
            profile=model,
            n_paths=0,
        )
        took = time.process_time() - start
        line = {
            "series": case.name,
            "model": model,
            "recipe": recipe(),
            "seconds": round(took, 4),
            "failed": ", ".join(found.failed),
            "quantiles": _short(found.quantiles[:, [LEVELS.index(level) for level in KEPT]]),
        }
        _append(json.dumps(line) + "\n")


def _append(line: str) -> None:
    """One write at the end of the file, which the peers write to as well."""
    file = os.open(FOUND, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())
    os.close(file)


def _start_peers(chosen: Iterable[Case]) -> subprocess.Popen[bytes]:
    """Their environment, made once, and a process in it."""
    uv, python = Path(sys.executable).parent / "uv", HOME / "bin" / "python"
    lock = PEERS.with_suffix(".txt")
    stamp = HOME / hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    if not stamp.exists():
        for command in (
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, HOME],
            [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", lock],
        ):
            subprocess.run(command, check=True)  # noqa: S603 - our own commands
        stamp.touch()
    FOUND.parent.mkdir(exist_ok=True)
    asked = HOME / "cases.jsonl"
    with asked.open("w", encoding="utf-8") as file:
        for case in chosen:
            line = {"name": case.name, "season": case.season, "horizon": len(case.future),
                    "past": case.past.tolist()}  # fmt: skip
            file.write(json.dumps(line) + "\n")
    return subprocess.Popen([python, PEERS.with_suffix(".py"), asked, FOUND])  # noqa: S603 - same


@cache
def recipe() -> str:
    """What stands for the code of the models, comments and docstrings apart."""
    folder = ROOT / "funnelsim" / "forecasting"
    codes = []
    for name in RECIPE:
        tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                node.body = [  # type: ignore[attr-defined]
                    one
                    for one in body
                    if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
                ]
        codes.append(ast.dump(tree))
    return hashlib.sha256("".join(codes).encode()).hexdigest()[:12]


def _forecasts() -> Forecasts:
    """What was forecast so far; where a pair is there twice, the last counts."""
    found: Forecasts = {}
    mine = recipe()
    lines = FOUND.read_text(encoding="utf-8").splitlines() if FOUND.exists() else []
    for text in lines:
        line = json.loads(text)
        if line["model"] in OURS and line["recipe"] != mine:
            continue
        rows = np.array(line["quantiles"])
        found[line["series"], line["model"]] = (rows, line["seconds"], line["failed"])
    for name in {name for name, _ in found}:
        four = [found[name, model] for model in SCUM if (name, model) in found]
        if len(four) == len(SCUM):
            rows = np.sort(np.median([one[0] for one in four], axis=0), axis=1)
            found[name, "SCUM"] = (rows, sum(one[1] for one in four), "")
    return found


def _short(rows: Floats) -> list[list[float]]:
    return [[float(f"{value:.7g}") for value in row] for row in rows]


def score(case: Case, rows: Floats) -> Floats:
    """MASE, MSIS, SQL, shares within 80 and 95 % of one forecast."""
    scale = naive_error(case.past, case.season)
    ends = [(rows[:, KEPT.index(lo)], rows[:, KEPT.index(hi)]) for lo, hi in
            ((0.1, 0.9), (0.025, 0.975))]  # fmt: skip
    return np.array(
        [
            mase(rows[:, MIDDLE], case.future, scale),
            interval_score(*ends[1], case.future, 0.95) / scale,
            pinball(rows, case.future, KEPT) / scale,
            *(((lo <= case.future) & (case.future <= hi)).mean() for lo, hi in ends),
        ]
    )


def report(chosen: Iterable[Case]) -> None:
    """Print the tables and keep them."""
    found = _forecasts()
    models = [*OURS, "SCUM", *ALONE]
    there = [case for case in chosen if all((case.name, model) in found for model in models)
             and naive_error(case.past, case.season) > 0]  # fmt: skip
    if not there:
        print("no series has been forecast by all yet")
        return
    scores = {model: np.array([score(case, found[case.name, model][0]) for case in there])
              for model in models}  # fmt: skip
    groups = np.array([case.group for case in there])
    halves = np.array([case.half for case in there])
    result: dict[str, object] = {
        "series": {str(g): int((groups == g).sum()) for g in np.unique(groups)}
    }
    result["recipe"] = recipe()
    print(f"{len(there)} series: {result['series']}\n")
    asked, fresh = np.isin(groups, ASKED), np.isin(groups, FRESH)
    for title, rows in (("half B", asked & (halves == "B")), ("half A", asked & (halves == "A")),
                        ("all", asked), ("M3", fresh)):  # fmt: skip
        result[title] = _against_peers(title, scores, groups, rows)
    result["by set"] = _by_set(there, scores, groups)
    result["seconds"] = _seconds(found, there, models)
    result["failed"] = {model: sum(bool(found[case.name, model][2]) for case in there)
                        for model in models}  # fmt: skip
    keep("forecast_accuracy", result)


def _against_peers(
    title: str, scores: Mapping[str, Floats], groups: NDArray[np.str_], rows: NDArray[np.bool_]
) -> dict[str, object]:
    """Ours ÷ peer, geometric mean over sets, with paired bootstrap intervals."""
    rng = np.random.default_rng(1)
    sets = [np.flatnonzero(rows & (groups == group)) for group in np.unique(groups)]
    sets = [places for places in sets if len(places) >= FEWEST]
    if not sets:
        return {}
    draws = [[rng.choice(places, len(places)) for places in sets] for _ in range(DRAWS)]
    found: dict[str, object] = {}
    for ours in OURS:
        print(f"**{title}, {rows.sum()} series, {ours} recipe ÷ peer** (below 1 is better)\n")
        print("| peer | MASE | MSIS | SQL | covers 80 / 95 |\n|---|---|---|---|---|")
        for peer in scores:
            if peer == ours:
                continue
            best = _ratio(scores[ours], scores[peer], sets)
            sample = np.array([_ratio(scores[ours], scores[peer], draw) for draw in draws])
            ends = np.quantile(sample, [0.025, 0.975], axis=0)
            cells = [f"{best[i]:.3f} [{ends[0, i]:.3f}, {ends[1, i]:.3f}]" for i in range(3)]
            cover = scores[peer][rows, 3:].mean(axis=0) * 100
            print(f"| {peer} | {' | '.join(cells)} | {cover[0]:.1f} / {cover[1]:.1f} |")
            found[f"{ours} / {peer}"] = {
                name: [best[i], *ends[:, i]] for i, name in enumerate(SCORES)
            } | {"peer covers": cover.tolist()}
        cover = scores[ours][rows, 3:].mean(axis=0) * 100
        print(f"| ours | | | | {cover[0]:.1f} / {cover[1]:.1f} |\n")
        found[f"{ours} covers"] = cover.tolist()
    return found


def _ratio(ours: Floats, peer: Floats, sets: Iterable[NDArray[np.int64]]) -> Floats:
    logs = [np.log(ours[one, :3].mean(axis=0) / peer[one, :3].mean(axis=0)) for one in sets]
    return np.asarray(np.exp(np.mean(logs, axis=0)))


def _by_set(
    there: Iterable[Case], scores: Mapping[str, Floats], groups: NDArray[np.str_]
) -> dict[str, object]:
    """Scores and coverage of every model, set by set; 95 % intervals of coverage."""
    print("| set | model | MASE | MSIS | SQL | 80 % | 95 % |\n|---|---|---:|---:|---:|---:|---:|")
    found: dict[str, object] = {}
    units = np.array([_unit(case) for case in there])
    for group in np.unique(groups):
        member = groups == group
        for model, values in scores.items():
            mean = values[member].mean(axis=0)
            ends = [mean_interval(values[member, 3 + i], units[member]) for i in range(2)]
            covers = [f"{100 * v:.1f} [{100 * lo:.1f}, {100 * hi:.1f}]"
                      for v, (lo, hi) in zip(mean[3:], ends, strict=True)]  # fmt: skip
            cells = [*(f"{v:.3f}" for v in mean[:3]), *covers]
            print(f"| {group} | {model} | " + " | ".join(cells) + " |")
            found[f"{group} / {model}"] = {
                **dict(zip((*SCORES, "80", "95"), mean, strict=True)),
                "80 in": ends[0],
                "95 in": ends[1],
            }
    print()
    return found


def _unit(case: Case) -> str:
    """What varies on its own: a series; where series are cut at every origin, a stretch of time."""
    if case.group != EVERY:
        return case.name
    return f"{case.season} {len(case.past) // len(case.future)}"


def _seconds(found: Forecasts, there: Iterable[Case], models: Iterable[str]) -> dict[str, object]:
    """Processor seconds per series, set by set."""
    took: dict[str, dict[str, list[float]]] = {}
    for case in there:
        for model in models:
            one = took.setdefault(model, {}).setdefault(case.group, [])
            one.append(found[case.name, model][1])
    groups = sorted({case.group for case in there})
    print("| seconds per series | " + " | ".join(groups) + " |\n|---|" + "---:|" * len(groups))
    for model, by_group in took.items():
        cells = [f"{np.mean(by_group[group]):.3f}" for group in groups]
        print(f"| {model} | " + " | ".join(cells) + " |")
    return {model: {g: float(np.mean(times)) for g, times in by.items()}
            for model, by in took.items()}  # fmt: skip


if __name__ == "__main__":
    main()
