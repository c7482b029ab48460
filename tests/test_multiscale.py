"""Images at several sizes: their shapes, how a level begins, and who moves while a run grows."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from conftest import Genctl, rows

from genctl.errors import UserError
from genctl.networks import multiscale
from genctl.runs import checkpoint
from genctl.strategies.parts.multilevel_game import smaller

OPTIONS = {"kernel_size": 3, "activation": "relu", "normalization": "batch"}
MSGAN = ("train", "model=msgan", "generator.filters=[8,8]", "discriminator=mlp", "discriminator.units=[8]")
TINY = (
    "dataset.limit=32",
    "trainer.batch_size=16",
    "outputs=runs",
    "callbacks.images.count=4",
    "callbacks.log.every_steps=1",
)


@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 14, 3)])
def test_generated_and_real_images_have_the_same_sizes_and_a_new_level_shows_the_one_before(
    shape: tuple[int, int, int],
) -> None:
    network = multiscale.build_multiscale_up((5,), shape, filters=[6, 5, 4], **OPTIONS)
    images = network(tf.random.stateless_normal((2, 5), (0, 0)))
    real = smaller(tf.random.stateless_normal((2, *shape), (0, 1)), levels=3)
    assert [image.shape for image in images] == [image.shape for image in real] and images[-1].shape == (2, *shape)
    for coarse, fine in itertools.pairwise(images):
        enlarged = coarse.numpy().repeat(2, 1).repeat(2, 2)[:, : fine.shape[1], : fine.shape[2]]
        np.testing.assert_array_equal(fine, enlarged)


def test_a_smaller_image_is_the_mean_of_what_it_covers() -> None:
    image = np.arange(15, dtype=np.float32).reshape(1, 3, 5, 1)
    small = smaller(tf.constant(image), levels=2)[0].numpy()[0, ..., 0]
    assert small.tolist() == [[3, 5, 6.5], [10.5, 12.5, 14]]


def test_more_levels_than_the_image_allows_are_refused() -> None:
    with pytest.raises(UserError, match="filters has 4 levels, and images of 8x8 allow 3, the smallest of 2x2"):
        multiscale.build_multiscale_up((5,), (8, 8, 1), filters=[4, 4, 4, 4], **OPTIONS)


def test_a_run_grows_level_by_level(genctl: Genctl) -> None:
    grown = (
        "model.level_steps=2",
        "trainer.steps=3",
        "callbacks.log.every_steps=1",
        "callbacks.checkpoint.every_steps=1",
    )
    genctl.good(*MSGAN, *TINY, *grown, "callbacks.checkpoint.keep=9", "name=x")
    assert [row["phase"] for row in rows("runs/x") if row["split"] == "train"] == ["level_1", "level_1", "level_2"]
    paths = sorted(Path("runs/x/checkpoints").glob("step-*"))
    weights = [checkpoint.load(path).arrays for path in paths]
    for level, moved in ((1, [True, True]), (2, [False, True])):
        names = [name for name in weights[0] if name.startswith(f"networks/discriminator_{level}/")]
        changes = [
            any((a[name] != b[name]).any() for name in names) for a, b in zip(weights, weights[1:], strict=False)
        ]
        assert names and changes == moved
    genctl.good("sample", "run=runs/x", "n=2")


def test_several_sizes_are_for_a_model_of_several_sizes(genctl: Genctl) -> None:
    assert "images of 3 sizes, which is for model=msgan" in genctl.bad("train", "model=gan", "generator=multiscale")
