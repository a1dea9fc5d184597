"""The calibration notebook, run to a PDF, and what its sections say."""

from __future__ import annotations

import json
from io import BytesIO

import pypdf
import pytest

from funnelsim.engine import simulate
from funnelsim.errors import DataError, ParameterError
from funnelsim.reporting import fit_review, report
from funnelsim.reporting.document import Figure, Summary, Table
from funnelsim.reporting.fit_review.check import check_fit
from funnelsim.scenarios.scenario import Scenario
from tests.unit.test_cli import SMALL


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    from funnelsim.scenarios.loading import load

    path = tmp_path_factory.mktemp("scenario") / "small.yaml"
    path.write_text(SMALL.replace("horizon: 8 w", "horizon: 20 w"), "utf-8")
    return load(path)


@pytest.fixture(scope="module")
def log_folder(scenario, tmp_path_factory):
    return simulate(scenario, seed=5).save(tmp_path_factory.mktemp("log") / "small-log")


@pytest.fixture(scope="module")
def made(log_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("reports")
    return report(log_folder, kind="calibration", lang="uk", out=out, n=4)


@pytest.fixture(scope="module")
def found(log_folder):
    return fit_review.work([log_folder], n=4)


def pages(pdf):
    return [" ".join(page.extract_text().split()) for page in pypdf.PdfReader(BytesIO(pdf)).pages]


def test_page_1_says_how_far_to_trust_the_scenario(made):
    assert made.pdf.name == "small-log.calibration.uk.pdf"
    front = pages(made.pdf.read_bytes())[0]
    for word in (
        "Наскільки можна довіряти сценарію?",
        "Відповідь",
        "Ризики",
        "Що з цього випливає",
    ):
        assert word in front
    assert made.sentences[0].startswith("Лідів до")
    assert "--n 4" in json.loads(made.manifest.read_text("utf-8"))["command"]


def test_the_notebook_and_the_command_show_the_same(made, found):
    from funnelsim.reporting.pdf import render

    name = json.loads(made.manifest.read_text("utf-8"))["input"]
    whole = render(fit_review.whole(found, "uk"), origin=name["sha256"])
    assert [len(text) > 100 for text in pages(whole)] == [
        len(text) > 100 for text in pages(made.pdf.read_bytes())
    ]
    told = [block for block in fit_review.whole(found, "uk") if isinstance(block, Summary)]
    first = "".join(run.text for run in told[0].sentences[0])
    assert first == made.sentences[0]


def test_every_number_has_its_row(found):
    (numbers,) = [one for one in fit_review.numbers(found).blocks if isinstance(one, Table)]
    assert len(numbers.rows) == len(found.fit.table)
    assert all(row[3].replace(",", "").isdigit() for row in numbers.rows)


def test_pictures_tell_what_they_show(found):
    blocks = [*fit_review.front(found).blocks, *fit_review.fit(found).blocks]
    keys = {block.key for block in blocks if isinstance(block, Figure)}
    assert keys == {"fit-shares", "fit-courses", "fit-stays", "fit-week"}
    assert all(block.alt for block in blocks if isinstance(block, Figure))


def test_a_scenario_with_another_conversion_is_caught(scenario):
    """A wrong model must leave the band.

    40 % win in the data (about 830 leads, standard error 1.7 points), 60 % in the scenario: 12
    standard errors apart. False alarm of the right model: 16 replications span 88 % of futures.
    """
    log = simulate(scenario, seed=5)
    wrong = scenario.change("wrong", {"stages.demo.next.to": {"won": 0.6, "lost": 0.4}})
    rows = check_fit(wrong, log, seed=1, n=16).compared.set_index(["measure", "item"])
    assert not rows["inside"].loc[[("conversion", "demo")]].any()
    right = check_fit(scenario, log, seed=1, n=16).compared.set_index(["measure", "item"])
    assert right["inside"].loc[[("conversion", "demo")]].all()


def test_the_window_is_the_data_s_own(scenario):
    log = simulate(scenario, seed=5)
    later = scenario.model_copy(update={"run": scenario.run.model_copy(update={"horizon": "1 w"})})
    later = Scenario.model_validate(
        {**later.plain(), "run": {"start": "2030-01-07", "horizon": "1 w"}}
    )
    course = check_fit(later, log, seed=1, n=2).of("arrived_so_far")
    assert course["at"].max() == pytest.approx(140)
    assert course["simulated"].iloc[-1] == pytest.approx(course["actual"].iloc[-1], rel=0.2)


def test_a_calibration_is_of_data_and_of_known_exports(scenario, tmp_path):
    path = scenario.save(tmp_path / "small.yaml")
    with pytest.raises(ParameterError, match="calibration is for data"):
        report(path, kind="calibration", out=tmp_path / "out")
    odd = tmp_path / "odd.csv"
    odd.write_text("colour,size\nred,3\n", "utf-8")
    with pytest.raises(DataError, match="--suggest-mapping"):
        report(odd, kind="calibration", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
