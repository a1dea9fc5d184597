"""The verbs. Heavy imports wait inside them, so that the help is there at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from funnelsim.cli.options import Input, Json, Lang, Mapping, Seed, Set, overrides

__all__ = ["ScenarioFile", "app"]

app = typer.Typer(
    name="funnelsim",
    help="Simulate a sales funnel, measure it, and get the answer as a PDF.",
    epilog="Exit codes: 0 done, 1 failed, 2 something in the input needs mending, 130 stopped.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ScenarioFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="A scenario (.yaml).", show_default=False)
]


@app.callback(invoke_without_command=True)
def _everything(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from funnelsim import __version__

        typer.echo(f"funnelsim {__version__}")
        raise typer.Exit


@app.command()
def new(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A new folder.", show_default=False)
    ],
    template: Annotated[
        str, typer.Option("--from", help="The scenario to start from.")
    ] = "bank-retail",
    as_json: Json = False,
) -> None:
    """Make a workspace: a scenario to edit, notebooks, a README, a place for reports."""
    from funnelsim.cli.showing import show_json
    from funnelsim.cli.workspace import make_workspace

    scenario = make_workspace(folder, template)
    if as_json:
        show_json({"folder": str(folder), "scenario": str(scenario)})
        return
    typer.echo(f"{folder} is ready. Edit {scenario}, then: funnelsim check {scenario}")


@app.command()
def check(file: ScenarioFile, as_json: Json = False) -> None:
    """Read a scenario and list every problem, and whatever looks unwise."""
    from funnelsim.cli.ending import WRONG_INPUT
    from funnelsim.cli.showing import show_check, show_json
    from funnelsim.documents import load_document
    from funnelsim.errors import ScenarioError
    from funnelsim.scenarios.capacity import offered_load
    from funnelsim.scenarios.findings import placed
    from funnelsim.scenarios.loading import read_scenario

    document = load_document(file, ScenarioError)
    scenario = read_scenario(document)
    findings = [(finding, placed(finding, document)) for finding in scenario.check()]
    teams = offered_load(scenario)
    if as_json:
        show_json(
            {
                "scenario": scenario.name,
                "fingerprint": scenario.fingerprint(),
                "findings": [
                    {**finding.model_dump(), "where": place.where} for finding, place in findings
                ],
                "teams": [{**vars(team), "load": team.load} for team in teams],
            }
        )
    else:
        show_check(scenario, findings, teams)
    if any(finding.severity == "error" for finding, _ in findings):
        raise typer.Exit(WRONG_INPUT)


@app.command()
def schema(
    of: Annotated[Literal["scenario", "job"], typer.Argument(help="Of which files.")] = "scenario",
    out: Annotated[
        Path | None, typer.Option("--out", help="Write to this file.", show_default=False)
    ] = None,
) -> None:
    """Print the JSON schema of scenarios or jobs: editors complete and check with it."""
    from funnelsim.cli.showing import json_text, show_json
    from funnelsim.documents import write_whole

    if of == "job":
        from funnelsim.scheduling.jobs import job_schema as json_schema
    else:
        from funnelsim.scenarios.schema import schema as json_schema

    if out is None:
        show_json(json_schema())
    else:
        write_whole(out, json_text(json_schema()) + "\n")


@app.command()
def simulate(
    file: ScenarioFile,
    seed: Seed = 1,
    replication: Annotated[
        int, typer.Option(min=0, help="Number of the repetition under this seed.")
    ] = 0,
    settings: Set = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder of the log. [default: logs/NAME]", show_default=False),
    ] = None,
    form: Annotated[
        Literal["parquet", "csv"], typer.Option("--format", help="Of the four tables.")
    ] = "parquet",
    as_json: Json = False,
) -> None:
    """Play a scenario and save its event log: four tables, meta.json and manifest.json."""
    from funnelsim.cli.running import manifest_of, played, ready
    from funnelsim.cli.showing import json_text, show_json, show_saved
    from funnelsim.documents import write_whole

    changes = overrides(settings)
    scenario = ready(file, changes)
    manifest = manifest_of(scenario, file, changes, seed=seed, replication=replication)
    log = played(scenario, seed=seed, replication=replication)
    folder = out or Path("logs") / scenario.name
    log.save(folder, format=form)
    write_whole(folder / "manifest.json", json_text(manifest) + "\n")
    if as_json:
        show_json({"folder": str(folder), "leads": len(log.leads), **manifest})
    else:
        show_saved(log, folder)


def _list_measures(asked: bool) -> None:
    if asked:
        from funnelsim.cli.tables import show_choices

        show_choices()
        raise typer.Exit


@app.command()
def measures(  # noqa: PLR0913, PLR0917 - one parameter an option
    source: Input,
    mapping: Mapping = None,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--measure",
            metavar="NAME",
            help="Only this one, any of the library (see --list). May be repeated.",
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option("--by", help="Break down by a column of leads, e.g. source."),
    ] = None,
    per: Annotated[
        Literal["day", "week", "month", "quarter", "year"] | None,
        typer.Option("--per", help="One row a period; with --measure.", show_default=False),
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="NAME=VALUE",
            help="What else the measure takes, e.g. basis=paid. May be repeated.",
        ),
    ] = None,
    seed: Seed = 1,
    settings: Set = None,
    lang: Lang = "en",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Also write every table as CSV here.", show_default=False),
    ] = None,
    as_json: Json = False,
    listed: Annotated[  # noqa: ARG001 - done when it is read
        bool,
        typer.Option("--list", is_eager=True, callback=_list_measures, help="List all measures."),
    ] = False,
) -> None:
    """Print conversions, losses, times, utilisation and won value; or any measure by name."""
    from funnelsim.cli.choosing import asked_measures, tables_of
    from funnelsim.cli.measuring import all_measures, write_tables
    from funnelsim.cli.running import opened
    from funnelsim.cli.showing import show_json
    from funnelsim.cli.tables import as_data, show_chosen, show_measures

    columns = tuple(by or ())
    asked = asked_measures(
        names or (), by=columns, per=per or "", settings=overrides(options, "--with")
    )
    log = opened(source, mapping=mapping, settings=overrides(settings), seed=seed)
    tables, refused = (tables_of(log, asked), {}) if asked else all_measures(log, columns)
    if out is not None:
        write_tables(tables, out)
    if as_json:
        show_json(as_data(log, tables, refused))
    elif asked:
        show_chosen(log, tables, lang)
    else:
        show_measures(log, tables, refused, lang)


@app.command()
def report(  # noqa: PLR0913, PLR0917 - one parameter an option
    source: Input,
    kind: Annotated[
        str,
        typer.Option(
            "--kind",
            help="funnel-review, what-if, levers, calibration or "
            "sales-forecast (with more settings: funnelsim forecast revenue --report).",
        ),
    ] = "funnel-review",
    mapping: Mapping = None,
    seed: Seed = 1,
    n: Annotated[
        int | None,
        typer.Option(
            "--n",
            min=2,
            help="Replications, for what-if, levers and calibration.",
            show_default=False,
        ),
    ] = None,
    settings: Set = None,
    lang: Lang = "en",
    out: Annotated[Path, typer.Option("--out", help="Folder of the report.")] = Path("reports"),
    as_json: Json = False,
) -> None:
    """Run the notebook of a kind of report and make the PDF."""
    from funnelsim.cli.running import is_scenario, ready
    from funnelsim.cli.showing import show_json
    from funnelsim.reporting.reports import report as make_report

    changes = overrides(settings)
    if is_scenario(source) and source.is_file():
        ready(source, changes)
    made = make_report(
        source,
        kind=kind,
        lang=lang,
        out=out,
        mapping=mapping or "",
        seed=seed,
        n=n,
        overrides=changes,
    )
    if as_json:
        files = {name: str(getattr(made, name)) for name in ("pdf", "notebook", "manifest")}
        show_json({**files, "sentences": list(made.sentences)})
        return
    typer.echo(str(made.pdf))
    for sentence in made.brief:
        typer.echo(sentence)
