"""The model card and the projector's labels show any text as text, whoever wrote the run's files."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import Genctl
from markdown_it import MarkdownIt
from markdown_it.token import Token

from genctl.cli.verbs import projector
from genctl.cli.verbs.exporting.markdown import fenced, table, text
from genctl.data.locations import shown
from genctl.metrics import results
from genctl.metrics.evaluation import Number

Runs = Callable[[str], Path]
NAMES = [  # of classes; the numbers are those of others, and one is there twice
    "a\nb\tc|d \\| e",
    "`code` ``` ~~~\n```\n# live",
    "<script>alert(1)</script> &lt; <!-- <a@b.c>",
    "](javascript:alert(1)) [x](y) ![i](u) [r]",
    "\x1b[31mred\x00\x07\u202e",
    "🙂 *x* _y_ __z__ ~~s~~ $f$ # h",
    "",
    "x" * 10_000,
    "3",
    "3\x00",
]
LIVE = {"html_block", "html_inline", "link_open", "image", "em_open", "strong_open", "s_open", "heading_open"}


def parsed(card: str) -> list[Token]:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(card)


def inline(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from inline(token.children or [])


def words(tokens: list[Token]) -> str:
    """What a reader sees outside of code blocks."""
    return "".join(token.content for token in inline(tokens) if token.type in ("text", "text_special"))


@pytest.fixture
def hostile(genctl: Genctl, tiny_run: Runs) -> Path:
    """A conditional run, whose files a stranger has changed."""
    run = Path("``` <b>run|*")
    shutil.copytree(tiny_run("gan"), run)
    spec = json.loads((run / "spec.json").read_text())
    (run / "spec.json").write_text(json.dumps({**spec, "name": "# <b>`d|\n## x", "class_names": NAMES}))
    config = yaml.safe_load((run / "config.yaml").read_text())
    config |= {"name": "`````\n# live\n<script>", "outputs": "https://me:secret@host/x"}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps({**summary, "metrics": {"a|b": {"<i>\n| x |": 1.5}}}))
    (run / "evaluations").mkdir()
    number = Number("m|`*", 2.5, "<u>", {"<s>|\n": ["`", {"](x)": "\x1b"}]}, floor=1.25)
    results.write_to(run / "evaluations/step-000000006.json", [number], 6)
    return run


def test_a_card_shows_hostile_text_as_text(genctl: Genctl, hostile: Path) -> None:
    genctl.good("export", f'run="{hostile}"', "part=decoder", "out=out")  # by numbers, whatever classes are called
    card = Path("out/README.md").read_text()
    tokens = parsed(card)
    seen = words(tokens)
    kinds = [token.type for token in inline(tokens)]
    headings = [after.content for token, after in zip(tokens, tokens[1:], strict=False) if token.type == "heading_open"]
    assert headings[1:] == ["Use", "Data", "Metrics", "Evaluations", "To fill in", "Configuration"]
    assert not (LIVE - {"heading_open"}) & set(kinds)
    assert kinds.count("table_open") == 3 and kinds.count("tr_open") == 6
    assert kinds.count("th_open") == kinds.count("td_open") == 4 + 2 + 5
    for name in NAMES:
        assert (shown(name) or "(empty)") in seen
    for said in ("GAN on # <b>`d|\\n## x", "from ``` <b>run|* at", "a|b/<i>\\n| x |", "m|`*", "<s>|\\n ['`',"):
        assert said in seen
    assert not set(card) & {"\x1b", "\x00", "\x07", "\u202e"}
    assert tokens[-1].type == "fence" and tokens[-1].info == "yaml"
    assert yaml.safe_load(tokens[-1].content)["name"] == "`````\n# live\n<script>"
    assert "secret" not in card and "https://host/x" in card


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("summary.json", '{"metrics": []}', "summary.json cannot be read"),
        ("provenance.json", '{"data": {"sizes": [1]}}', "provenance.json cannot be read"),
        ("provenance.json", "[" * 100_000, "provenance.json cannot be read"),
        ("evaluations/step-000000006.json", '[{"metric": {}}]', "step-000000006.json cannot be read"),
    ],
)
def test_records_of_wrong_types_are_one_message(
    genctl: Genctl, tiny_run: Runs, file: str, content: str, message: str
) -> None:
    shutil.copytree(tiny_run("vae"), "run")
    Path("run", file).parent.mkdir(exist_ok=True)
    Path("run", file).write_text(content)
    assert message in genctl.bad("export", "run=run", "part=decoder")
    assert not Path("run/export").exists()


def test_nothing_in_a_config_is_looked_up(genctl: Genctl, tiny_run: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hunter2")
    shutil.copytree(tiny_run("vae"), "run")
    config = Path("run/config.yaml").read_text()
    Path("run/config.yaml").write_text(config.replace("name: vae", "name: ${oc.env:TOKEN}", 1))
    result = genctl("export", "run=run", "part=decoder", "out=out")
    written = Path("out/README.md").read_text() if Path("out").exists() else ""
    assert "hunter2" not in result.err + result.out + written


def test_text_and_fences() -> None:
    assert text("fashion_mnist v1.0, 28x28") == "fashion_mnist v1.0, 28x28"
    assert text("_a_") == "&#95;a&#95;" and text("www.x.org") == "www&#46;x.org" and text("\ud800") == "&#92;ud800"
    assert len(text("|" * 10_000)) < 2_000
    for content in ("", "``", "```", "a\n`````\n", "~~~"):
        [token] = parsed("\n".join(fenced(content, "yaml")))
        assert token.type == "fence" and token.content.rstrip("\n") == content.rstrip("\n")
    cells = [text(name) for name in NAMES]
    kinds = [token.type for token in parsed("\n".join(table(["a"] * len(cells), [cells, cells])))]
    assert kinds.count("td_open") == 2 * len(cells) and kinds.count("table_open") == 1


def test_each_label_is_one_line_of_the_projectors_table(tmp_path: Path) -> None:
    labels = np.array([*NAMES, " ", "a\r\nb", "a\u2028b\x85c"])
    projector.write(tmp_path, 1, np.zeros((len(labels), 2)), labels, None)
    content = (tmp_path / "train/metadata.tsv").read_text(encoding="utf-8")
    lines = content.splitlines()
    assert len(lines) == len(labels) and content.count("\n") == len(labels) and "\t" not in content
    assert "\x1b" not in content and all(line and len(line) < 400 for line in lines)
    assert lines[0] == "a\\nb\\tc|d \\| e" and lines[5] == NAMES[5] and lines[6] == lines[10] == "-"
