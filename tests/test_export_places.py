"""Where an export goes: only into a new or an empty folder, whole or not at all, and nothing else is touched."""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Genctl

Runs = Callable[[str], Path]


def tree() -> dict[str, bytes | None]:
    """All that lies below the working directory."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in Path().rglob("*")}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("out=file", "file is there already and no empty folder: name another folder with out=…"),
        ("out=full", "full is there already and no empty folder"),
        ("out=.", ". is there already and no empty folder"),
        ("out=/", "/ is there already and no empty folder"),
        ("out=file/inside", "file/inside cannot be written: Not a directory. Name another folder with out=…"),
        ("out=dangling", "dangling cannot be written: File exists"),
        ("out=/proc/x/y", "/proc/x/y cannot be written: No such file or directory"),
        ("out=" + "x" * 300, "File name too long"),
        ("out=''", "out is empty: give a path"),
        ("format=tf", "format=tf: should be 'keras', 'savedmodel', 'tflite' or 'onnx'"),
        ("format=null", "format=null: should be 'keras'"),
        ("part=decodr out=new/deep", "part=decodr: VAE has encoder, decoder, generator. Did you mean 'decoder'?"),
        ("part=[decoder]", "part="),
        ("part=discriminator out=new", "part=discriminator: VAE has encoder, decoder, generator."),
    ],
)
def test_mistakes_change_nothing(genctl: Genctl, tiny_run: Runs, words: str, message: str) -> None:
    Path("file").write_text("mine")
    Path("full").mkdir()
    Path("full/x").write_text("mine")
    Path(".new.tmp").mkdir()
    Path(".new.tmp/x").write_text("mine")
    Path("dangling").symlink_to("nowhere")
    before = tree()
    assert message in genctl.bad("export", f"run={tiny_run('vae')}", *words.split())
    assert tree() == before


def test_an_empty_folder_is_filled_and_its_neighbours_stay(
    genctl: Genctl, tiny_run: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (".out.tmp", ".out", "out"):
        Path(name).mkdir()
    Path(".out.tmp/x").write_text("mine")
    monkeypatch.chdir("out")
    genctl.good("export", f"run={tiny_run('vae')}", "part=decoder", "out=.")
    assert sorted(path.name for path in Path().iterdir()) == ["README.md", "decoder.keras"]
    assert Path("README.md").stat().st_mode & 0o777 == Path("decoder.keras").stat().st_mode & 0o777
    monkeypatch.chdir("..")
    assert Path(".out.tmp/x").read_text() == "mine"
    assert "is there already" in genctl.bad("export", f"run={tiny_run('vae')}", "out=out")


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device"), ValueError("odd")])
def test_what_stops_an_export_leaves_nothing(
    genctl: Genctl, tiny_run: Runs, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    from genctl.cli.verbs.exporting import card

    def stop(*arguments: object, **named: object) -> None:
        raise error

    monkeypatch.setattr(card, "fenced", stop)
    Path("there").mkdir()
    result = genctl("export", f"run={tiny_run('vae')}", "part=decoder", "out=there/new/deep")
    assert result.status != 0 and list(tree()) == ["there"]
    if isinstance(error, OSError):
        assert "there/new/deep cannot be written: No space left on device." in result.err


def test_what_a_library_cannot_do_is_one_message(
    genctl: Genctl, tiny_run: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genctl.cli.verbs.exporting import formats

    def refuse(*arguments: object, **named: object) -> None:
        raise RuntimeError("no kernel for Odd\nlots more")

    monkeypatch.setattr(formats.tf.saved_model, "save", refuse)
    message = genctl.bad("export", f"run={tiny_run('vae')}", "format=savedmodel", "part=decoder", "out=new")
    assert message == "error: format=savedmodel: the decoder cannot be exported: no kernel for Odd.\n"
    monkeypatch.setattr(formats.tf.lite.TFLiteConverter, "convert", refuse)
    message = genctl.bad("export", f"run={tiny_run('vae')}", "format=tflite", "part=decoder", "out=new")
    assert "no kernel for Odd. Another format may do: savedmodel takes the most." in message
    assert not tree()
