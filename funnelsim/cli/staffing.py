"""``forecast staffing``: how many people each team needs, who works when, whom to hire."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from funnelsim.cli.forecasting import forecast
from funnelsim.cli.options import Input, Json, Lang, Mapping, Seed, Set, overrides

if TYPE_CHECKING:
    from funnelsim.reporting.staffing_plan.gathering import StaffingPlan

__all__: list[str] = []


@forecast.command()
def staffing(  # noqa: PLR0913, PLR0917 - one parameter an option
    source: Input,
    mapping: Mapping = None,
    settings: Set = None,
    service_level: Annotated[
        str,
        typer.Option(
            "--service-level",
            help='"80% in 4 h" (elapsed), "80% in 4 bh" (opening hours), 80/20 (seconds); or by '
            'team: "desk: 80/20; back_office: 90% in 1 bd".',
        ),
    ] = "80% in 4 h",
    max_occupancy: Annotated[
        float, typer.Option("--max-occupancy", help="Busy share of people at work, at most.")
    ] = 0.85,
    team: Annotated[
        str, typer.Option("--team", help="Only these, separated by commas. [default: all]")
    ] = "",
    shrinkage: Annotated[
        float | None,
        typer.Option(
            "--shrinkage",
            help="Paid but unavailable share, e.g. 0.3. [default: the scenario's]",
            show_default=False,
        ),
    ] = None,
    contract: Annotated[
        str, typer.Option("--contract", help="Weekly hours of a full-time person.")
    ] = "40 h",
    sure: Annotated[
        float, typer.Option("--sure", help="Share of the futures for which the plan is enough.")
    ] = 0.8,
    horizon: Annotated[
        str, typer.Option("--horizon", help="How far. [default: the scenario's; 26 w for data]")
    ] = "",
    overtime: Annotated[
        float, typer.Option("--overtime", min=0, help="Hours a shift may be longer.")
    ] = 0.0,
    part_time: Annotated[
        bool, typer.Option("--part-time/--full-time", help="Whether there may be part-timers.")
    ] = True,
    n: Annotated[int, typer.Option("--n", min=2, help="Sample paths.")] = 40,
    seed: Seed = 1,
    lang: Lang = "en",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Also write tables as CSV here.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Forecast how many people each team needs; plan rosters and hires."""
    from funnelsim.cli.progress import progress_bar
    from funnelsim.cli.showing import show_json
    from funnelsim.reporting.blocks import plain
    from funnelsim.reporting.inputs import check_input
    from funnelsim.reporting.staffing_plan.findings import answer
    from funnelsim.reporting.staffing_plan.gathering import work
    from funnelsim.reporting.texts import texts

    t = texts(lang)
    changed = overrides(settings)
    check_input(source, mapping=mapping or "", overrides=changed)
    with progress_bar(f"Staffing for {source.name}") as tell:
        made = work(
            source,
            mapping=str(mapping or ""),
            overrides=changed,
            service_level=service_level,
            max_occupancy=max_occupancy,
            team=team,
            shrinkage=shrinkage,
            contract=contract,
            sure=sure,
            horizon=horizon,
            overtime=overtime,
            part_time=part_time,
            seed=seed,
            n=n,
            tell=tell,
        )
    sentences = [plain(said) for said in answer(made, t)]
    files = _leave(made, out) if out is not None else {}
    if as_json:
        show_json(_as_data(made, sentences, files))
        return
    for said in sentences:
        typer.echo(said)
    _show(made, lang)
    for file in files.values():
        typer.echo(file)


def _show(made: StaffingPlan, lang: str) -> None:
    """Print the teams, the hires and the rosters."""
    from rich.table import Table

    from funnelsim.cli.showing import console
    from funnelsim.reporting.staffing_plan import tables
    from funnelsim.reporting.texts import texts

    t, out = texts(lang), console()
    for block in (tables.teams(made, t), tables.promises(made, t), tables.hires(made, t)):
        shown = Table(title=block.caption, title_justify="left", box=None, pad_edge=False)
        for head in block.columns:
            unit = f" ({head.unit})" if head.unit else ""
            shown.add_column(f"{head.title}{unit}", justify="right" if head.numeric else "left")
        for row in block.rows:
            shown.add_row(*(cell.replace("\n", " ") for cell in row))
        out.print("")
        out.print(shown)
    for team in made.rosters:
        out.print("")
        out.print(tables.roster_words(made, team, t), markup=False, soft_wrap=True)


def _as_data(made: StaffingPlan, sentences: list[str], files: dict[str, str]) -> dict[str, Any]:
    """Everything for machines."""
    found = made.found
    return {
        "sentences": sentences,
        "teams": list(found.teams),
        "clocks": {team: found.needs[team].clock for team in found.teams},
        "reachable": {team: found.needs[team].reachable for team in found.teams},
        "plan": found.plan.to_dict("records"),
        "table": found.table.to_dict("records"),
        "trial": found.trial.to_dict("records"),
        "hires": {team: plan.table.to_dict("records") for team, plan in made.hiring.items()},
        "rosters": {
            team: {
                "people": roster.people,
                "paid_hours": roster.paid_hours,
                "cost": roster.cost,
                "gap": roster.gap,
                "proven": roster.proven,
                "trial": dict(made.tried[team]),
            }
            for team, roster in made.rosters.items()
        },
        "refused": dict(made.refused),
        "seed": found.seed,
        "files": files,
    }


def _leave(made: StaffingPlan, out: Path) -> dict[str, str]:
    """Write the tables; kind → file."""
    import pandas as pd

    from funnelsim.reporting.reports import workplace
    from funnelsim.reporting.staffing_plan.sections import roster_table

    hires = pd.concat([plan.table.assign(team=team) for team, plan in made.hiring.items()])
    written = {
        "forecast": made.found.issued(),
        "weeks": made.found.plan,
        "quantiles": made.found.table,
        "roster": roster_table(made),
        "hires": hires,
    }
    stem = Path(made.source).stem
    files = {kind: f"{stem}.staffing.{kind}.csv" for kind in written}
    with workplace(out) as scratch:
        for kind, table in written.items():
            table.to_csv(scratch / files[kind], index=False)
        for file in files.values():
            (scratch / file).replace(out / file)
    return {kind: str(out / file) for kind, file in files.items()}
