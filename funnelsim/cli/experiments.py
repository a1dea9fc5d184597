"""The verbs that try things out: compare, levers, sweep."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from funnelsim.cli.options import Json, Lang, Seed, Set, overrides, precisions, sweep_values
from funnelsim.cli.verbs import ScenarioFile, app

if TYPE_CHECKING:
    from funnelsim.cli.outputs import Finding
    from funnelsim.experiments import Replications
    from funnelsim.scenarios.scenario import Scenario

__all__ = ["app"]

Runs = Annotated[
    int | None, typer.Option("--n", min=2, help="Replications of each variant.", show_default=False)
]
Precise = Annotated[
    list[str] | None,
    typer.Option(
        "--precision",
        metavar="MEASURE=SHARE",
        help="Go on until intervals are at most this share of today's mean to either side, e.g. "
        "won_value=1%. May be repeated.",
        show_default=False,
    ),
]
Most = Annotated[int, typer.Option("--max-n", min=2, help="Stop here even if not precise.")]
Out = Annotated[Path, typer.Option("--out", help="Folder of the files.")]
REPORTS = Path("reports")


@app.command()
def compare(  # noqa: PLR0913, PLR0917 - one parameter an option
    file: ScenarioFile,
    what_ifs: Annotated[
        list[str] | None,
        typer.Option(
            "--what-if", metavar="KEY", help="Only this one of the file. May be repeated."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="A what-if of your own, e.g. teams.advisers.seats=12. Repeated: all at once.",
            show_default=False,
        ),
    ] = None,
    seed: Seed = 1,
    n: Runs = None,
    precision: Precise = None,
    max_n: Most = 1000,
    lang: Lang = "en",
    out: Out = REPORTS,
    as_json: Json = False,
) -> None:
    """Compare a scenario with its what-ifs: sentences, table and picture."""
    from funnelsim import experiments
    from funnelsim.cli.outputs import Finding
    from funnelsim.cli.progress import progress_bar
    from funnelsim.cli.running import ready
    from funnelsim.reporting.blocks import plain
    from funnelsim.reporting.texts import texts
    from funnelsim.reporting.what_ifs.findings import answer, found
    from funnelsim.scenarios.changes import Change

    t, own, wanted = texts(lang), overrides(settings), precisions(precision)
    scenario = ready(file, {})
    asked: list[Any] = list(what_ifs or ([] if own else scenario.what_ifs))
    if own:
        asked.append(Change(name=", ".join(settings or ()), overrides=own))
    with progress_bar(f"Comparing {scenario.name}") as tell:
        made = experiments.compare(
            scenario,
            asked,
            seed=seed,
            n=n,
            precision=wanted or None,
            max_n=max_n,
            progress=tell,
        )
    verdicts = found(made)
    finding = Finding(
        verb="compare",
        sentences=tuple(plain(said) for said in answer(made, verdicts, t, most=len(asked))),
        table=made.table,
        picture=made.plot(verdicts.measure.id, lang=t.lang, text=t._),
        origin=_origin("compare", file, made.base, {"what_ifs": list(made.what_ifs), "set": own}),
    )
    if not made.precise:
        told = f"not precise enough after {len(made.base)} replications; allow more with --max-n"
        print(told, file=sys.stderr)  # noqa: T201 - the message is the output
    _end(finding, out, scenario, as_json=as_json, precise=made.precise)


@app.command()
def levers(  # noqa: PLR0913, PLR0917 - one parameter an option
    file: ScenarioFile,
    measure: Annotated[
        str,
        typer.Option(help="What counts, e.g. profit. [default: income, else deals won]"),
    ] = "",
    seed: Seed = 1,
    n: Runs = None,
    precision: Precise = None,
    max_n: Most = 1000,
    settings: Set = None,
    lang: Lang = "en",
    out: Out = REPORTS,
    as_json: Json = False,
) -> None:
    """Try every lever: a point, a day, a seat, a tenth more leads; say what limits."""
    from funnelsim import experiments
    from funnelsim.cli.outputs import Finding
    from funnelsim.cli.progress import progress_bar
    from funnelsim.cli.running import ready
    from funnelsim.reporting.lever_atlas.sections import deciding
    from funnelsim.reporting.texts import texts

    t, changes, wanted = texts(lang), overrides(settings), precisions(precision)
    scenario = ready(file, changes)
    with progress_bar(f"Trying the levers of {scenario.name}") as tell:
        made = experiments.levers(
            scenario,
            seed=seed,
            n=n,
            precision=wanted or None,
            max_n=max_n,
            measure=measure or deciding(scenario),
            progress=tell,
        )
    finding = Finding(
        verb="levers",
        sentences=tuple(made.sentences(lang=t.lang, text=t._)),
        table=made.table,
        picture=made.plot(lang=t.lang, text=t._),
        origin=_origin("levers", file, made.base, {"overrides": changes}),
    )
    _end(finding, out, scenario, as_json=as_json, limit=made.limit, top=made.top)


@app.command()
def sweep(  # noqa: PLR0913, PLR0917 - one parameter an option
    file: ScenarioFile,
    over: Annotated[
        list[str],
        typer.Option(
            "--over",
            metavar="PATH=A,B,C",
            help="Values to try, or a range PATH=LOW..HIGH. May be repeated.",
            show_default=False,
        ),
    ],
    measure: Annotated[
        str,
        typer.Option(help="Of the picture. [default: profit, else income, else deals won]"),
    ] = "",
    design: Annotated[
        Literal["grid", "latin"],
        typer.Option(help="Every combination, or points spread evenly (Latin hypercube)."),
    ] = "grid",
    points: Annotated[
        int | None,
        typer.Option(min=1, help="Steps of a range; latin: of all.", show_default=False),
    ] = None,
    seed: Seed = 1,
    n: Annotated[int, typer.Option("--n", min=2, help="Replications of each point.")] = 20,
    settings: Set = None,
    lang: Lang = "en",
    out: Out = REPORTS,
    as_json: Json = False,
) -> None:
    """Simulate a scenario over values of its parts: table, and heat map or course."""
    from funnelsim import experiments
    from funnelsim.cli.outputs import Finding
    from funnelsim.cli.progress import progress_bar
    from funnelsim.cli.running import ready
    from funnelsim.reporting.experiment import headline
    from funnelsim.reporting.texts import texts

    t, changes, values = texts(lang), overrides(settings), sweep_values(over)
    scenario = ready(file, changes)
    with progress_bar(f"Sweeping {scenario.name}") as tell:
        made = experiments.sweep(
            scenario, values, seed=seed, n=n, design=design, points=points, progress=tell
        )
    asked = measure or headline(made.base.measures).id
    drawn = [axis.path for axis in made.axes][:2]
    picture = made.plot(asked, paths=drawn, lang=t.lang, text=t._)
    caution = t._(
        "The best of many points is lucky too: confirm it with another seed before you rely on it."
    )
    finding = Finding(
        verb="sweep",
        sentences=(picture.alt, caution),
        table=made.table,
        picture=picture,
        origin=_origin("sweep", file, made.base, {"overrides": changes, "over": values}),
    )
    _end(finding, out, scenario, as_json=as_json, points=len(made.points))


def _end(finding: Finding, out: Path, scenario: Scenario, *, as_json: bool, **more: object) -> None:
    """Write the files; print the sentences first, then where the files are."""
    from funnelsim.cli.outputs import leave
    from funnelsim.cli.showing import show_json

    files = leave(finding, out, scenario.name)
    if as_json:
        rows = finding.table.to_dict("records")
        said = list(finding.sentences)
        show_json({**finding.origin, **more, "sentences": said, "table": rows, "files": files})
        return
    for sentence in finding.sentences:
        typer.echo(sentence)
    typer.echo("")
    for file in files.values():
        typer.echo(file)


def _origin(
    verb: str, file: Path, base: Replications, more: Mapping[str, object]
) -> dict[str, Any]:
    """Where the numbers came from: enough to make the same again."""
    from funnelsim.cli.running import made_with

    return {
        "format_version": 1,
        "command": verb,
        "input": file.name,
        "scenario": base.scenario.name,
        "scenario_sha256": base.scenario.fingerprint(),
        **more,
        "seed": base.seed,
        "replications": len(base),
        "level": base.level,
        "versions": made_with(),
    }
