"""`genctl data`: planted defects are found and named, whole data are not accused, and mistakes are one message."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import NIGHTLY, Genctl
from PIL import Image, ImageOps

from genctl.data import hamming, pack

PICTURES = Path(os.environ.get("GENCTL_DATA", "")) / "cifar10_subset.npz"
REAL = pytest.mark.skipif(not PICTURES.is_file(), reason="needs pictures of CIFAR-10")
SIZE = Image.Resampling
CHANGES: tuple[tuple[Callable[[Image.Image], Image.Image], str, dict[str, int]], ...] = (
    (lambda image: image, "jpg", {"quality": 75}),
    (lambda image: image, "jpg", {"quality": 50}),
    (lambda image: image.resize((48, 48), SIZE.BICUBIC), "jpg", {"quality": 85}),
    (lambda image: image.resize((24, 24), SIZE.BILINEAR), "png", {}),
    (lambda image: image.resize((20, 20), SIZE.BICUBIC), "png", {}),
    (lambda image: image.resize((64, 64), SIZE.LANCZOS), "webp", {"quality": 70}),
)
Report = dict[str, Any]


def look(genctl: Genctl, *words: str) -> Report:
    genctl.good("data", *words, "json=report.json")
    return json.loads(Path("report.json").read_text())


def counts(report: Report) -> dict[str, int]:
    return {finding["name"]: finding["count"] for finding in report["findings"]}


def found(report: Report, *names: str) -> dict[str, str]:
    """The names of the examples of some findings, and of their originals."""
    wanted = [finding for finding in report["findings"] if finding["name"] in names]
    return {one["name"]: one.get("original", "") for finding in wanted for one in finding["examples"]}


class Planted:
    """Real pictures below photos/train and photos/test, with copies of some and broken files; by kind of defect."""

    def __init__(self, train: int, test: int, exact: int, near: int, mirrored: int, leaks: int, broken: int) -> None:
        with np.load(PICTURES) as arrays:
            self.images, others = arrays["x_train"][:train], arrays["x_test"][:test]
        for split, images in (("train", self.images), ("test", others)):
            Path("photos", split).mkdir(parents=True)
            for place, image in enumerate(images):
                Image.fromarray(image).save(f"photos/{split}/{place:05d}.png", compress_level=1)
        places = iter(np.random.default_rng(0).permutation(train).tolist())
        self.exact = [self.save(next(places), "train/x", lambda image: image, "png") for _ in range(exact)]
        self.near = [self.save(next(places), "train/n", *CHANGES[k % len(CHANGES)]) for k in range(near)]
        flips = (("png", {}), ("jpg", {"quality": 75}))
        self.mirrored = [self.save(next(places), "train/m", ImageOps.mirror, *flips[k % 2]) for k in range(mirrored)]
        self.leaks = [self.save(next(places), "test/l", *CHANGES[k % 2 * 3]) for k in range(leaks)]
        self.broken = {f"train/b{place}.png" for place in range(broken)}
        for place, name in enumerate(sorted(self.broken)):
            whole = Path(f"photos/train/{place:05d}.png").read_bytes()
            Path("photos", name).write_bytes(whole[: len(whole) // 2] if place % 2 else b"no picture")

    def save(
        self, place: int, prefix: str, change: Any, suffix: str, options: dict[str, int] | None = None
    ) -> tuple[str, str]:
        """Save a copy; return the name of the copied file, and that of the copy."""
        name = f"{prefix}{place:05d}.{suffix}"
        change(Image.fromarray(self.images[place])).save(f"photos/{name}", **options or {})
        return f"train/{place:05d}.png", name

    def recall(self, report: Report, kind: str) -> float:
        """The part of the copies of a kind that are said to be copies of their originals, or these of them."""
        copies = found(report, "exact copies", "near copies", "mirrored copies")
        planted = getattr(self, kind)
        return sum(copies.get(one) == other or copies.get(other) == one for one, other in planted) / len(planted)

    def accused(self, report: Report) -> set[str]:
        """Copies that were not planted."""
        planted = {name for pair in (*self.exact, *self.near, *self.mirrored, *self.leaks) for name in pair}
        return found(report, "exact copies", "near copies", "mirrored copies").keys() - planted


@REAL
@pytest.mark.parametrize("size", [32, 64])
def test_planted_defects_are_found(genctl: Genctl, size: int) -> None:
    planted = Planted(train=800, test=100, exact=10, near=12, mirrored=10, leaks=6, broken=4)
    report = look(genctl, "dataset=folder", "dataset.path=photos", f"dataset.image_size={size}", "png=seen.png")
    assert [planted.recall(report, kind) for kind in ("exact", "near", "mirrored")] == [1, 1, 1]
    assert {copy for _, copy in planted.leaks} <= found(report, "in two splits").keys()
    assert found(report, "unreadable").keys() == planted.broken
    assert len(planted.accused(report)) <= 1
    assert Image.open("seen.png").size[0] > 400 and Path("seen-copies.png").stat().st_size > 10_000


@NIGHTLY
@REAL
def test_planted_defects_are_found_among_many(genctl: Genctl) -> None:
    planted = Planted(train=10_000, test=1000, exact=100, near=100, mirrored=50, leaks=20, broken=20)
    report = look(genctl, "dataset=folder", "dataset.path=photos", "dataset.image_size=32")
    assert planted.recall(report, "exact") >= 0.99
    assert planted.recall(report, "near") >= 0.95
    assert planted.recall(report, "mirrored") >= 0.9
    assert {copy for _, copy in planted.leaks} <= found(report, "in two splits").keys()
    assert found(report, "unreadable").keys() == planted.broken
    assert len(planted.accused(report)) < 0.005 * 11_000


def test_pictures_that_are_alike_by_nature_are_no_copies(genctl: Genctl) -> None:
    report = look(genctl)
    assert report["examples"] == {"train": 1437, "validation": 180, "test": 180}
    assert report["findings"] == []
    assert sum(report["classes"]["train"].values()) == 1437
    enough = {need["use"]: need["enough"] for need in report["enough_for"]}
    assert enough["an autoencoder or a VAE"] and not enough["a GAN, with dataset.augment"]


@NIGHTLY
@REAL
def test_mnist_is_fit(genctl: Genctl) -> None:
    report = look(genctl, "dataset=mnist")
    assert sum(counts(report).values()) < 0.002 * 70_000


def test_frames_of_one_scene_are_near_copies(genctl: Genctl) -> None:
    draw = np.random.default_rng(0)
    scene = np.asarray(Image.fromarray(draw.integers(0, 256, (6, 6), np.uint8)).resize((32, 32), SIZE.BICUBIC))
    frames = np.clip(scene + draw.normal(0, 3, (300, 32, 32)), 0, 255).astype(np.uint8)
    np.savez("film.npz", images=frames)
    report = look(genctl, "dataset=npz", "dataset.path=film.npz", "dataset.validation_fraction=0")
    assert counts(report)["near copies"] == 299


def test_blank_pictures_are_no_copies_of_each_other(genctl: Genctl) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    images[:5] = np.arange(5)[:, None, None] // 2 * 90
    np.savez("images.npz", images=images)
    assert counts(look(genctl, "dataset=npz", "dataset.path=images.npz")) == {"blank": 5}


def test_vectors_are_compared_by_their_numbers(genctl: Genctl) -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    vectors[[7, 9]] = vectors[[2, 2]]
    vectors[3, 0] = np.nan
    np.savez("table.npz", x=vectors, y=np.arange(50) // 25)
    cut = "dataset.validation_fraction=0", "dataset.test_fraction=0"
    report = look(genctl, "dataset=npz", "dataset.path=table.npz", *cut)
    assert found(report, "exact copies") == {"train[7]": "train[2]", "train[9]": "train[2]"}
    assert found(report, "unreadable").keys() == {"train[3]"}
    assert report["classes"] == {"train": {"0": 24, "1": 25}}
    assert "vectors" in genctl.bad("data", "dataset=npz", "dataset.path=table.npz", "png=a.png")


def test_sizes_classes_and_colours(genctl: Genctl) -> None:
    draw = np.random.default_rng(0)
    for place in range(44):
        image = Image.fromarray(draw.integers(0, 60, (10, 30), np.uint8)).convert("RGB")
        folder = Path("photos", "rare" if place >= 41 else "usual")
        folder.mkdir(parents=True, exist_ok=True)
        image.save(folder / f"{place}.png")
    image.save("photos/usual/copy\x1b[31m.png")
    words = ("dataset=folder", "dataset.path=photos", "dataset.image_size=16", "dataset.test_fraction=0")
    result = genctl.good("data", *words, "dataset.validation_fraction=0", "json=report.json")
    report = json.loads(Path("report.json").read_text())
    assert counts(report) == {
        "copies in another class": 1,
        "exact copies": 1,
        "classes less than a 10th of the largest": 1,
        "smaller than dataset.image_size": 45,
        "cut at their sides": 45,
        "grey, but with three channels": 45,
        "within few levels": 45,
    }
    assert found(report, "exact copies") == {"usual/copy\\x1b[31m.png": "rare/43.png"}
    assert "\x1b" not in result.out and "What to do:" in result.out
    assert all(finding["advice"] in " ".join(result.out.split()) for finding in report["findings"])


def test_training_after_it_reads_the_same_pack(genctl: Genctl, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in range(6):
        Path("photos").mkdir(exist_ok=True)
        Image.linear_gradient("L").rotate(60 * place).save(f"photos/{place}.png")
    Path("photos/7.png").write_text("no picture")
    look(genctl, "dataset=folder", "dataset.path=photos")
    monkeypatch.setattr(pack, "decode", None)
    assert "1 of 7 image files cannot be read: 7.png" in genctl.bad("train", "dataset=folder", "dataset.path=photos")
    assert counts(look(genctl, "dataset=folder", "dataset.path=photos"))["unreadable"] == 1


def test_the_picture_shows_what_training_sees(genctl: Genctl) -> None:
    look(genctl, "png=plain.png")
    look(genctl, "png=flipped.png", "dataset.augment.flip=true")
    plain, flipped = (np.asarray(Image.open(f"{name}.png"))[2:50, 2:450] for name in ("plain", "flipped"))
    cells = [(plain[:, left : left + 48], flipped[:, left : left + 48]) for left in range(0, 400, 50)]
    kept = [(one == other).all() for one, other in cells]
    assert 0 < sum(kept) < 8
    assert all((one[:, ::-1] == other).all() for (one, other), same in zip(cells, kept, strict=True) if not same)


def test_hashes_are_found_as_by_comparing_all_with_all() -> None:
    draw = np.random.default_rng(0)
    hashes = draw.integers(0, 2**64, 400, np.uint64)
    for place in range(300):
        bits = draw.choice(64, place % 10, replace=False)
        hashes[place + 100] = hashes[draw.integers(0, 100)] ^ np.bitwise_or.reduce(
            np.uint64(1) << bits.astype(np.uint64)
        )
    pairs = set()
    for early, late in hamming.near(hashes, hashes, np.ones(400, bool)):
        pairs |= set(zip(early.tolist(), late.tolist(), strict=True))
    apart = np.bitwise_count(hashes[:, None] ^ hashes)
    assert pairs == {(i, j) for i in range(400) for j in range(i + 1, 400) if apart[i, j] <= hamming.MOST_BITS}
    assert len(pairs) > 200


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("dataset=folder",), "dataset=folder needs dataset.path="),
        (("dataset=folder", "dataset.path=photso"), "dataset.path=photso does not exist"),
        (("dataset=folder", "dataset.path=empty"), "has no images in it"),
        (("dataset=folder", "dataset.path=broken"), "1 of 1 image files cannot be read"),
        (("dataset=npz", "dataset.path=broken/a.png"), "a.png"),
        (("json=report.txt",), "json=report.txt: give a file that ends in .json"),
        (("png=seen.jpg",), "png=seen.jpg: give a file that ends in .png"),
        (("json=empty/report.json/x.json",), "cannot be written"),
    ],
)
def test_mistakes_are_one_message(genctl: Genctl, words: tuple[str, ...], expected: str) -> None:
    for name in ("empty", "broken"):
        Path(name).mkdir()
    Path("empty/report.json").touch()
    Path("broken/a.png").write_text("no picture")
    assert expected in genctl.bad("data", *words)


def test_it_does_without_tensorflow(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom genctl.cli.main import main\nstatus = main(['data', 'png=a.png'])\n"
        "sys.exit(status or bool({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True).returncode == 0
