"""Splits are disjoint, fixed by their seed, aligned with their labels, and refuse data that are too few."""

import numpy as np
import pytest
from conftest import SPLITS

from genctl.data.dataset import Augment, Dataset
from genctl.data.digits import load_digits
from genctl.data.examples import Examples, Source
from genctl.data.spec import Spec
from genctl.errors import UserError


def numbered(count, start=0):
    """Images whose first pixel is their number, which is their label too."""
    numbers = np.arange(start, start + count)
    images = np.zeros((count, 4, 6, 1), np.uint8)
    images[:, 0, 0, 0] = numbers
    return Examples(images, numbers.astype(np.int32))


def dataset(count=100, own_test=0, **changes):
    spec = Spec("numbers", (4, 6, 1), tuple(map(str, range(256))))
    source = Source(spec, numbered(count), numbered(own_test, 200) if own_test else None)
    return Dataset(source, **(SPLITS | {"augment": Augment()} | changes))


def numbers(data, name):
    examples = data.split(name).load()
    assert len(examples.images) == data.sizes[name]
    np.testing.assert_array_equal(examples.images[:, 0, 0, 0], examples.labels)
    return examples.labels.tolist()


def test_splits_are_a_partition():
    data = dataset()
    assert data.sizes == {"train": 80, "validation": 10, "test": 10}
    assert sorted(sum((numbers(data, name) for name in data.sizes), [])) == list(range(100))


def test_splits_depend_on_the_split_seed_alone():
    assert numbers(dataset(), "train") == numbers(dataset(), "train")
    assert numbers(dataset(), "train") != numbers(dataset(split_seed=1), "train")


def test_own_test_split_is_used_and_nothing_is_cut_from_train():
    data = dataset(own_test=30)
    assert data.sizes == {"train": 90, "validation": 10, "test": 30}
    assert sorted(numbers(data, "test")) == list(range(200, 230))


def test_limit_takes_the_first_of_each_shuffled_split():
    data, all_data = dataset(limit=7), dataset()
    assert data.sizes == {"train": 7, "validation": 7, "test": 7}
    for name in data.sizes:
        assert numbers(data, name) == numbers(all_data, name)[:7]


def test_folds_cover_the_pool_once_and_share_the_test_split():
    folds = [dataset(folds=4, fold=fold) for fold in range(4)]
    tests = {tuple(numbers(data, "test")) for data in folds}
    assert len(tests) == 1
    pool = sorted(set(range(100)) - set(tests.pop()))
    assert sorted(sum((numbers(data, "validation") for data in folds), [])) == pool
    for data in folds:
        assert sorted(numbers(data, "train") + numbers(data, "validation")) == pool


@pytest.mark.parametrize(("count", "sizes"), [(3, (1, 1, 1)), (4, (2, 1, 1)), (14, (12, 1, 1))])
def test_tiny_data_give_at_least_one_example_to_each_split(count, sizes):
    assert tuple(dataset(count).sizes.values()) == sizes


def test_no_validation_gives_an_empty_split():
    data = dataset(validation_fraction=0.0)
    assert data.sizes["validation"] == 0
    assert data.split("validation").load().images.shape == (0, 4, 6, 1)


def test_the_smallest_data_set_without_other_splits():
    assert dataset(2, validation_fraction=0.0, test_fraction=0.0).sizes["train"] == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"count": 1}, ["needs at least 3", "has 1"]),
        ({"count": 1, "validation_fraction": 0.0, "test_fraction": 0.0}, ["needs at least 2", "has 1"]),
        ({"count": 2}, ["needs at least 3", "dataset.validation_fraction=0"]),
        ({"validation_fraction": 0.6, "test_fraction": 0.6}, ["dataset.validation_fraction=0.6", "none of 100"]),
        ({"folds": 5, "fold": 5}, ["dataset.fold=5", "between 0 and 4"]),
        ({"folds": 5, "fold": -1}, ["dataset.fold=-1", "between 0 and 4"]),
        ({"folds": 1}, ["dataset.folds=1", "2 or more"]),
        ({"fold": 2}, ["dataset.fold=2", "needs dataset.folds"]),
        ({"count": 5, "folds": 5}, ["needs at least 6", "smaller dataset.folds"]),
        ({"augment": Augment(shift=4)}, ["dataset.augment.shift=4", "4 pixels"]),
        ({"augment": Augment(shift=10**6)}, ["dataset.augment.shift=1000000", "less than 4"]),
        ({"augment": Augment(crop=1e-30)}, ["dataset.augment.crop=1e-30", "less than one of 4 pixels", "0.25 or more"]),
        ({"folds": 10**9}, ["needs at least 1000000001", "has 100", "smaller dataset.folds"]),
    ],
)
def test_impossible_settings_are_refused(changes, words):
    with pytest.raises(UserError) as caught:
        dataset(**changes)
    assert [word for word in words if word not in str(caught.value)] == []


def test_huge_numbers_mean_what_they_say():
    assert dataset(limit=10**30).sizes == dataset().sizes
    data = dataset(split_seed=10**400)
    assert data.sizes == dataset().sizes and numbers(data, "train") != numbers(dataset(), "train")
    assert dataset(augment=Augment(crop=0.25, shift=3)).augment.enabled


def test_augmentation_of_vectors_is_refused():
    source = Source(Spec("vectors", (5,)), Examples(np.zeros((9, 5), np.float32), None), None)
    assert Dataset(source, **SPLITS, augment=Augment()).split("train").pool.labels is None
    with pytest.raises(UserError, match="dataset.augment works on images"):
        Dataset(source, **SPLITS, augment=Augment(flip=True))


def test_a_split_larger_than_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Memory", (), {"available": 1000}))
    assert len(dataset().split("test").load().images) == 10
    with pytest.raises(UserError, match="dataset.limit"):
        dataset().split("train").load()


def test_fingerprint_tells_data_apart_but_not_splits():
    base = dataset().fingerprint
    assert len(base) == 64
    assert dataset(split_seed=5, limit=3).fingerprint == base
    assert dataset(99).fingerprint != base
    assert dataset(own_test=1).fingerprint != base
    images = numbered(100).images
    for other in (Examples(images, None), Examples(images.reshape(100, 6, 4, 1), numbered(100).labels)):
        source = Source(Spec("numbers", other.images.shape[1:]), other, None)
        assert Dataset(source, **SPLITS, augment=Augment()).fingerprint != base


def test_fingerprint_does_not_depend_on_the_chunks(monkeypatch):
    base = dataset().fingerprint
    monkeypatch.setattr("genctl.data.examples._CHUNK_BYTES", 50)
    assert dataset().fingerprint == base


def test_digits():
    source = load_digits()
    assert source.train.images.shape == (1797, 8, 8, 1)
    assert source.train.images.dtype == np.uint8
    assert source.train.images.max() == 255
    assert source.train.labels.dtype == np.int32
    assert source.spec.class_names == tuple("0123456789")
