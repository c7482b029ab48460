"""What can be done with codes: interpolate, traverse, encode, decode, invert; and one's own images."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Genctl
from PIL import Image
from tensorboard import program
from tensorboard.backend.event_processing.data_ingester import LocalDataIngester
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.projector.projector_plugin import ProjectorPlugin
from werkzeug.test import Client, TestResponse

from genctl.cli.verbs.inputs import inputs
from genctl.cli.verbs.interpolate import linear, spherical
from genctl.runs.grids import grid
from genctl.runs.trained import Trained

Runs = Callable[[str], Path]
Loaded = Callable[[str], Trained]


def arrays(path: str) -> dict[str, Any]:
    return dict(np.load(path))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Colour pictures of another size, in folders that are classes."""
    generator = np.random.default_rng(0)
    for name in ("3/a.png", "3/b.png", "7/c.jpg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    return tmp_path / "photos"


def test_spherical_interpolation_by_its_definition() -> None:
    p, q = np.array([[3.0, 0, 0]]), np.array([[0, 2.0, 0]])
    middle = spherical(p, q, np.array([0, 0.25, 1]))[0]
    angle = np.pi / 2
    expected = (np.sin(0.75 * angle) * p + np.sin(0.25 * angle) * q)[0] / np.sin(angle)
    np.testing.assert_allclose(middle, [p[0], expected, q[0]])
    unit = spherical(p / 3, np.array([[0.6, 0.8, 0]]), np.linspace(0, 1, 7))
    np.testing.assert_allclose(np.linalg.norm(unit, axis=-1), 1)
    for other in (2 * p, -p, 0 * p):  # no arc leads there
        np.testing.assert_allclose(spherical(p, other, np.array([0.5])), linear(p, other, np.array([0.5])))


def test_rows_between_samples_of_two_seeds(genctl: Genctl, tiny_run: Runs, loaded: Loaded) -> None:
    genctl.good("interpolate", f"run={tiny_run('gan')}", "n=3", "frames=5", "seeds=[4,9]", "label=[2,8]", "out=i.npz")
    found = arrays("i.npz")
    assert found["samples"].shape == (3, 5, 8, 8, 1) and found["codes"].shape == (3, 5, 6)
    for frame, seed in ((0, 4), (-1, 9)):
        assert (found["samples"][:, frame] == loaded("gan").sample(3, seed, label=[2, 8])).all()
    with Image.open("i.webp") as film:
        assert film.is_animated and film.n_frames == 5 + 3  # there and back
        film.seek(4)
        last = np.asarray(film.convert("L"), int)
    assert np.abs(last - np.asarray(grid(found["samples"][:, -1]), int)).max() <= 1
    assert Image.open("i.png").size == (5 * 50 + 2, 3 * 50 + 2)


def test_rows_between_images_of_the_data_and_of_ones_own(
    genctl: Genctl, tiny_run: Runs, loaded: Loaded, photos: Path
) -> None:
    run = f"run={tiny_run('ae')}"
    genctl.good("interpolate", run, "split=test", "n=2", "frames=2", "method=linear", "out=t.npz")
    genctl.good("reconstruct", run, "n=4", "out=r.npz")
    ends, copies = arrays("t.npz")["samples"], arrays("r.npz")["samples"]
    assert (ends.reshape(copies.shape) == copies).all()
    genctl.good("interpolate", run, f"path=[{photos}/3/a.png,{photos}/7/c.jpg]", "frames=2", "out=f.npz")
    assert arrays("f.npz")["samples"].shape == (1, 2, 8, 8, 1)
    assert "needs two" in genctl.bad("interpolate", run, f"path={photos}/3/a.png", "out=x.npz")
    assert "GAN cannot reconstruct" in genctl.bad("interpolate", f"run={tiny_run('gan')}", "split=test", "out=x.npz")


def test_traversals_begin_with_the_largest_rate(genctl: Genctl, tiny_run: Runs, loaded: Loaded) -> None:
    genctl.good("traverse", f"run={tiny_run('vae')}", "n=4", "frames=3", "range=2", "out=t.npz")
    found = arrays("t.npz")
    assert found["samples"].shape == (4, 3, 8, 8, 1)
    assert (np.diff(found["rates"]) <= 0).all() and len(set(found["dimensions"])) == 4
    step = found["codes"][0, 2] - found["codes"][0, 0]
    assert np.flatnonzero(step).tolist() == [found["dimensions"][0]]
    assert step.sum() == pytest.approx(4, rel=0.1)  # standard normal codes: 2 deviations to either side
    genctl.good("traverse", f"run={tiny_run('gan')}", "n=2", "frames=2", "seed=3", "label=4", "out=g.npz")
    assert arrays("g.npz")["dimensions"].tolist() == [0, 1] and "rates" not in arrays("g.npz")
    genctl.good("traverse", f"run={tiny_run('ae')}", "n=2", "frames=2", "out=a.npz")


def test_codes_go_out_and_come_back(genctl: Genctl, tiny_run: Runs, loaded: Loaded) -> None:
    run = f"run={tiny_run('aegan')}"
    genctl.good("encode", run, "split=validation", "out=c.npz")
    codes = arrays("c.npz")
    assert codes["codes"].shape == (40, 32) and codes["codes"].dtype == np.float32
    genctl.good("decode", run, "path=c.npz", "out=pictures/")
    genctl.good("reconstruct", run, "split=validation", "n=40", "out=r.npz")
    files = sorted(Path("pictures").iterdir())
    images = np.stack([np.asarray(Image.open(file)) for file in files])[..., None]
    assert (images == arrays("r.npz")["samples"]).all()
    assert set(codes["labels"]) <= set("0123456789")
    assert "holds files already" in genctl.bad("decode", run, "path=c.npz", "out=pictures/")


def test_ones_own_images_are_resized_as_the_data_would_be(
    genctl: Genctl, tiny_run: Runs, loaded: Loaded, photos: Path
) -> None:
    genctl.good("encode", f"run={tiny_run('ae')}", f"path={photos}", "out=own.npz")
    assert arrays("own.npz")["labels"].tolist() == ["3", "3", "7"]
    given = inputs(loaded("ae"), str(photos), None, None, ())
    images = given.own(3, loaded("ae").spec)
    np.savez("own_images.npz", images=images)
    assert (loaded("ae").encode(images) == arrays("own.npz")["codes"]).all()
    np.savez("large.npz", images=np.full((2, 16, 16, 3), 0.5, np.float32))
    assert (inputs(loaded("ae"), "large.npz", None, None, ()).own(2, loaded("ae").spec) == 128).all()
    assert inputs(loaded("gan"), str(photos), None, None, ()).classes(3).tolist() == [3, 3, 7]
    assert inputs(loaded("gan"), "own_images.npz", None, 5, ()).classes(3).tolist() == [5, 5, 5]


def test_the_projector_shows_the_codes(genctl: Genctl, tiny_run: Runs) -> None:
    out = genctl.good("encode", f"run={tiny_run('vae')}", "projector=true", "n=20", "out=board/codes.npz").out
    assert "tensorboard --logdir" in out
    board = program.TensorBoard()
    board.configure(logdir="board")
    ingester = LocalDataIngester(board.flags)
    ingester.start()
    plugin = ProjectorPlugin(TBContext(data_provider=ingester.data_provider, logdir="board"))

    def get(route: str, **query: str) -> TestResponse:
        return Client(plugin.get_plugin_apps()[route]).get("/", query_string=query)

    deadline = time.monotonic() + 60
    while not get("/runs").json and time.monotonic() < deadline:  # the files are read by a thread
        plugin._update_configs()
    [run] = get("/runs").json
    [embedding] = get("/info", run=run).json["embeddings"]
    assert embedding["tensorShape"] == [20, 5]
    assert len(get("/metadata", run=run, name="codes").data.splitlines()) == 20
    assert get("/sprite_image", run=run, name="codes").data[:4] == b"\x89PNG"
    values = np.frombuffer(get("/tensor", run=run, name="codes").data, np.float32).reshape(20, 5)
    np.testing.assert_allclose(values, arrays("board/codes.npz")["codes"], rtol=1e-5)
    sheet = np.asarray(Image.open("board/codes/train/sprite.png"))
    assert sheet.shape == (40, 40)


def test_inversion_finds_the_codes_of_a_gans_own_images(genctl: Genctl, tiny_run: Runs, loaded: Loaded) -> None:
    np.savez("own.npz", images=loaded("gan").sample(3, seed=5, label=4))
    run = f"run={tiny_run('gan')}"
    words = ("path=own.npz", "label=4", "n=3", "restarts=2", "learning_rate=0.1")
    genctl.good("invert", run, *words, "steps=1", "out=one.npz")
    genctl.good("invert", run, *words, "steps=120", "out=i.npz")
    genctl.good("invert", run, *words[:3], "restarts=1", "learning_rate=0.1", "steps=120", "out=single.npz")
    found, first, single = (arrays(name) for name in ("i.npz", "one.npz", "single.npz"))
    assert found["codes"].shape == (3, 6) and (found["errors"] < 0.2 * first["errors"]).all()
    assert (found["errors"] <= single["errors"] + 1e-3).mean() > 0.5
    assert (found["samples"] == loaded("gan").decode(found["codes"], 4)).all()
    assert np.abs(found["samples"].astype(int) - found["originals"]).max() < 16
    assert Path("i.png").exists()
    assert "AE cannot sample" in genctl.bad("invert", f"run={tiny_run('ae')}", "out=x.npz")


def test_many_samples_go_to_a_file_or_a_folder(genctl: Genctl, tiny_run: Runs, loaded: Loaded) -> None:
    run = f"run={tiny_run('gan')}"
    genctl.good("sample", run, "n=600", "label=[7,1]", "temperature=0.5", "truncation=1", "out=many.npz")
    found = arrays("many.npz")
    assert (found["samples"] == loaded("gan").sample(600, 0, [7, 1], temperature=0.5, truncation=1)).all()
    assert found["labels"][:3].tolist() == ["7", "1", "7"] and not Path("many.tmp").exists()
    genctl.good("sample", run, "n=5", "out=few/")
    assert len(list(Path("few").glob("*.png"))) == 5


def test_a_run_whose_place_and_data_are_gone(genctl: Genctl, colour_npz: str) -> None:
    words = ("encoder=mlp", "encoder.units=[4]", "decoder=mlp", "decoder.units=[4]", "dataset=npz", "trainer.steps=2")
    genctl.good(
        "train", f"dataset.path={colour_npz}", *words, "outputs=runs", "name=x", "callbacks.images.every_steps=0"
    )
    Path(colour_npz).unlink()
    shutil.move("runs/x", "elsewhere")
    genctl.good("sample", "run=elsewhere", "n=2", "out=s.npz")
    np.savez("c.npz", codes=np.zeros((3, 16), np.float32))
    genctl.good("decode", "run=elsewhere", "path=c.npz")
    assert arrays("elsewhere/decoded.npz")["samples"].shape == (3, 9, 14, 3)
    out = genctl.good("traverse", "run=elsewhere", "n=2", "frames=2").out
    assert "Dimensions are in the order of their numbers" in out
    genctl.good("export", "run=elsewhere", "part=decoder")
    assert "Images of your own will do: path=FOLDER" in genctl.bad("encode", "run=elsewhere")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("decode run={vae} path=no.npz", "path=no.npz is not there: give an .npz that holds `codes`"),
        ("decode run={vae} path=images.npz", "has no array 'codes': it holds images"),
        ("decode run={vae} path=wide.npz", "this run's are (n, 5) numbers"),
        ("decode run={vae} path=wide.npz out=./wide.npz", "path=wide.npz would be overwritten"),
        ("reconstruct run={vae} path=images.npz out=images.npz", "path=images.npz would be overwritten"),
        ("encode run={vae} path=images.npz split=train", "leave one of the two out"),
        ("interpolate run={vae} path=images.npz split=train", "leave one of the two out"),
        ("traverse run={vae} path=images.npz seed=1", "path=… and seed=… both say where to start from"),
        ("decode run={gan} path=six.npz", "class-conditional: give label=…"),
        ("encode run={gan}", "GAN cannot encode"),
        ("encode run={vae} n=0", "n=0: should be greater than 0"),
        ("encode run={vae} path=empty", "path=empty has no images in it"),
        ("encode run={vae} path=nowhere", "path=nowhere does not exist"),
        ("encode run={vae} path=wide.npz", "by the name images"),
        ("invert run={gan} path=images.npz", "these images have no labels, but the run is class-conditional"),
        ("interpolate run={vae} method=sperical", "Did you mean 'spherical'?"),
        ("interpolate run={vae} frames=1", "frames=1"),
        ("sample run={vae} temperature=-1", "temperature=-1"),
        ("sample run={vae} label=3", "not class-conditional"),
        ("export run={vae} format=torch", "format=torch: should be 'keras', 'savedmodel', 'tflite' or 'onnx'"),
    ],
)
def test_mistakes(genctl: Genctl, tiny_run: Runs, words: str, message: str) -> None:
    np.savez("images.npz", images=np.zeros((2, 8, 8, 1), np.uint8))
    np.savez("wide.npz", codes=np.zeros((2, 9)), other=np.zeros((2, 3)))
    np.savez("six.npz", codes=np.zeros((2, 6)))
    Path("empty").mkdir()
    places = {name: tiny_run(name) for name in ("vae", "gan") if f"{{{name}}}" in words}
    assert message in genctl.bad(*words.format(**places).split())
