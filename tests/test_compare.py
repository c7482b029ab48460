"""genctl compare: several families and a sweep over seeds in one table."""

import csv
import html.parser
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Genctl, tiny

from genctl.cli.main import main
from genctl.metrics import results
from genctl.metrics.evaluation import Number


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of a VAE over two seeds, another VAE and a GAN; numbers of quality by two protocols."""
    place = tmp_path_factory.mktemp("trained")
    before = Path.cwd()
    os.chdir(place)
    try:
        common = (
            "trainer.steps=6",
            "callbacks.images.every_steps=6",
            "callbacks.images.count=4",
            "dataset.limit=200",
            "trainer.xla=false",
        )
        assert main(["train", "-m", *tiny("vae"), *common, "name=sweep", "seed=1,2"]) == 0
        assert main(["train", *tiny("vae"), *common, "name=wide", "model.latent_dim=20", "decoder.units=[8]"]) == 0
        assert main(["train", *tiny("gan"), *common, "name=gan"]) == 0
        (place / "runs" / "gan").rename(place / "runs" / "<b>gan")
    finally:
        os.chdir(before)
    for name, value, seed in (("sweep/seed-1", 3.0, 0), ("sweep/seed-2", 5.0, 0), ("wide", 1.0, 7), ("<b>gan", 2.0, 0)):
        number = Number("frechet_distance/pixels", value, "1", {"samples": 100, "seed": seed}, better="lower")
        results.write(place / "runs" / name, 6, [number])
    return place / "runs"


def test_runs_that_differ_in_seed_share_a_row_and_other_protocols_have_other_columns(
    genctl: Genctl, trained: Path
) -> None:
    out = genctl.good("compare", str(trained), "by=frechet_distance", "json=table.json").out
    assert "model=gan" in out and "model.latent_dim=20" in out and "seed 1 2" in out and "finished" in out
    assert "4 ± 1.4 (2)" in out and "frechet_distance/pixels [a] ↓" in out
    table = json.loads(Path("table.json").read_text())
    columns = {column["name"]: column for column in table["columns"]}
    assert columns["frechet_distance/pixels [a]"]["protocol"] == {"samples": 100, "seed": 0}
    assert columns["frechet_distance/pixels [b]"]["protocol"]["seed"] == 7
    first, second, third = table["rows"]  # by the protocol that most rows have; who has it not comes last
    assert (
        first["settings"]["model"] == "gan" and len(second["runs"]) == 2 and third["settings"]["model.latent_dim"] == 20
    )
    assert second["metrics"]["frechet_distance/pixels [a]"] == {"mean": 4.0, "spread": 2**0.5, "runs": 2}
    assert set(third["metrics"]) & set(columns) and "frechet_distance/pixels [a]" not in third["metrics"]
    assert "validation/loss" in third["metrics"] and third["metrics"].keys() & second["metrics"].keys() >= {
        "validation/loss"
    }
    assert third["parameters"] > 0 and "model.latent_dim" not in first["settings"]


def test_losses_of_other_objectives_are_in_other_columns(genctl: Genctl, trained: Path) -> None:
    place = trained.parent / "runs" / "wide"
    genctl.good("compare", str(place), str(trained / "sweep"), "json=a.json")
    assert "validation/loss" in {column["name"] for column in json.loads(Path("a.json").read_text())["columns"]}
    config = (place / "config.yaml").read_text()
    (place / "config.yaml").write_text(config.replace("beta: 1.0", "beta: 4.0"))
    try:
        genctl.good("compare", str(place), str(trained / "sweep"), "json=b.json")
    finally:
        (place / "config.yaml").write_text(config)
    names = {column["name"] for column in json.loads(Path("b.json").read_text())["columns"]}
    assert {"validation/loss [a]", "validation/loss [b]", "validation/elbo"} <= names


def test_the_page_is_whole_and_escapes_what_it_shows(genctl: Genctl, trained: Path) -> None:
    genctl.good("compare", str(trained), "html=deep/page.html", "csv=table.csv")
    page = Path("deep/page.html").read_text()
    assert "<b>gan" not in page and "&lt;b&gt;gan" in page
    assert page.count('src="data:image/png;base64,') == 3 and "http" not in page

    class Checker(html.parser.HTMLParser):
        open: list[str] = []

        def handle_starttag(self, tag: str, attrs: list) -> None:
            self.open += [tag] if tag not in ("meta", "br", "img") else []

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    checker = Checker()
    checker.feed(page)
    assert not checker.open
    lines = list(csv.DictReader(Path("table.csv").read_text().splitlines()))
    assert len(lines) == 3 and {line["runs"] for line in lines} == {"1", "2"}


def test_mistakes_of_comparing(genctl: Genctl, trained: Path) -> None:
    assert "genctl compare needs directories of runs" in genctl.bad("compare")
    assert f"Did you mean '{trained}'?" in genctl.bad("compare", f"{trained}s")
    message = genctl.bad("compare", str(trained), "by=frechet_distanc")
    assert "there is no such metric in these runs" in message and "frechet_distance/pixels" in message
    Path("empty").mkdir()
    assert "empty is not a run and holds none" in genctl.bad("compare", "empty")
    Path("it's = a, place").symlink_to(trained / "wide")
    assert "it's = a, place" in genctl.good("compare", "it's = a, place").out.replace("\n", "")
    assert "Did you mean 'html'?" in genctl.bad("compare", "empty", "htm=x.html")


def test_a_run_that_has_not_ended_appears(genctl: Genctl, trained: Path) -> None:
    summary = trained / "wide" / "summary.json"
    summary.rename("kept.json")
    try:
        assert "killed" in genctl.good("compare", str(trained / "wide")).out
    finally:
        Path("kept.json").rename(summary)


def test_tensorflow_is_not_started(trained: Path) -> None:
    code = "import sys; from genctl.cli.main import main; main(sys.argv[1:]); assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, "compare", str(trained)], check=True, capture_output=True)


def test_folds_share_a_row_and_a_column_though_each_validates_on_data_of_its_own(genctl: Genctl, trained: Path) -> None:
    for fold, value in enumerate((1.0, 2.0)):
        place = Path("folds", str(fold))
        shutil.copytree(trained / "wide", place)
        config = (place / "config.yaml").read_text()
        (place / "config.yaml").write_text(
            config.replace("folds: null", "folds: 2").replace("fold: 0", f"fold: {fold}")
        )
        results.write(
            place, 6, [Number("mse", value, "1", {"split": "validation", "data": f"digits {fold}", "real": fold})]
        )
    genctl.good("compare", "folds", "json=table.json")
    [row] = json.loads(Path("table.json").read_text())["rows"]
    assert row["metrics"]["mse"]["mean"] == 1.5 and row["metrics"]["mse"]["runs"] == 2
