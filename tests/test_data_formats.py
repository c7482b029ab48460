"""The original files of Fashion-MNIST and CIFAR-10, as a user may have them."""

import gzip
import io
import os
import struct
import tarfile

import numpy as np
import pytest

from genctl.data import originals, well_known
from genctl.errors import UserError

RNG = np.random.default_rng(0)
KEYS = ("x_train", "y_train", "x_test", "y_test")
FASHION = dict(zip(KEYS, well_known._FASHION, strict=True))
ARCHIVE = "cifar-10-binary.tar.gz"
NOWHERE = "http://127.0.0.1:9/"


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GENCTL_DATA", str(tmp_path))
    return tmp_path


def arrays(*shape):
    sets = [(RNG.integers(0, 256, (n, *shape), np.uint8), (np.arange(n) % 10).astype(np.uint8)) for n in (20, 10)]
    return dict(zip(KEYS, [array for pair in sets for array in pair], strict=True))


def assert_holds(source, content):
    for split, examples in (("train", source.train), ("test", source.test)):
        np.testing.assert_array_equal(examples.images.reshape(content[f"x_{split}"].shape), content[f"x_{split}"])
        np.testing.assert_array_equal(examples.labels, content[f"y_{split}"])
        assert examples.labels.dtype == np.int32


def write_idx(path, array):
    header = np.array([0x800 + array.ndim, *array.shape], ">i4").tobytes()
    path.write_bytes(gzip.compress(header + array.tobytes()))


def fashion_mnist():
    return well_known.load_fashion_mnist(NOWHERE, dict.fromkeys(well_known._FASHION, "0" * 64))


def test_fashion_mnist(own):
    content = arrays(28, 28)
    for key, name in FASHION.items():
        write_idx(own / name, content[key])
    source = fashion_mnist()
    assert_holds(source, content)
    assert source.spec.image_shape == (28, 28, 1)
    assert source.spec.class_names[9] == "Ankle boot"


def test_damaged_fashion_mnist_is_refused(own):
    content = arrays(28, 28)
    for key, name in FASHION.items():
        write_idx(own / name, content[key])
    images = own / FASHION["x_train"]
    whole = images.read_bytes()
    images.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=f"{images.name} cannot be read"):
        fashion_mnist()
    write_idx(images, content["y_train"])
    with pytest.raises(UserError, match=f"{images.name} cannot be read .*3 dimensions"):
        fashion_mnist()
    write_idx(images, content["x_train"][:, 1:])
    with pytest.raises(UserError, match=r"'x_train' is uint8 \(20, 27, 28\), expected uint8 \(n, 28, 28\)"):
        fashion_mnist()


def write_cifar(path, content, members):
    with tarfile.open(path, "w:gz") as archive:
        for name, split, rows in members:
            images = content[f"x_{split}"][rows].transpose(0, 3, 1, 2).reshape(-1, 3072)
            records = np.concatenate([content[f"y_{split}"][rows, None], images], axis=1).tobytes()
            entry = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            entry.size = len(records)
            archive.addfile(entry, io.BytesIO(records))


def test_cifar10(own):
    content = arrays(32, 32, 3)
    members = [(f"data_batch_{i + 1}.bin", "train", slice(4 * i, 4 * i + 4)) for i in range(5)]
    test_batch = ("test_batch.bin", "test", slice(None))
    write_cifar(own / ARCHIVE, content, [test_batch, *reversed(members)])
    source = well_known.load_cifar10(NOWHERE, {ARCHIVE: "0" * 64})
    assert_holds(source, content)
    assert source.spec.class_names[8] == "ship"
    write_cifar(own / ARCHIVE, content, members)
    with pytest.raises(UserError, match="it has no cifar-10-batches-bin/test_batch.bin"):
        well_known.load_cifar10(NOWHERE, {ARCHIVE: "0" * 64})


def test_cifar10_subset_with_labels_in_a_column(own):
    content = arrays(32, 32, 3)
    np.savez(own / "cifar10_subset.npz", **content | {"y_train": content["y_train"][:, None]})
    assert_holds(well_known.load_cifar10(NOWHERE, {ARCHIVE: "0" * 64}), content)


def refused(call, path, words):
    with pytest.raises(UserError) as caught:
        call()
    assert str(path) in str(caught.value) and words in str(caught.value)


def cifar10():
    return well_known.load_cifar10(NOWHERE, {ARCHIVE: "0" * 64})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (struct.pack(">4i", 0x803, 2**31 - 1, 2**31 - 1, 2), "promises 9,223,372,028,264,841,218 bytes"),
        (struct.pack(">4i", 0x803, -1, 28, 28), "not an IDX file of 3 dimensions"),
        (struct.pack(">4i", 0x803, 1, 28, 28) + bytes(10**7), "more bytes than its header promises"),
        (struct.pack(">4i", 0x803, 1, 28, 28) + bytes(783), "fewer bytes than its header promises"),
    ],
)
def test_an_idx_file_gives_what_its_header_promises(own, content, words):
    for name in well_known._FASHION:
        (own / name).write_bytes(gzip.compress(content))
    refused(fashion_mnist, own / FASHION["x_train"], words)


def write_entry(path, size=0, **fields):
    """An archive with one entry, which may claim another size than what follows it has."""
    entry = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
    entry.size = size
    for key, value in fields.items():
        setattr(entry, key, value)
    path.write_bytes(gzip.compress(entry.tobuf(tarfile.PAX_FORMAT) + bytes(2**17), 1))


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_an_archive_expands_in_bounds(own, monkeypatch, kind):
    monkeypatch.setattr(originals, "_MOST_BYTES", 2**16)
    write_entry(own / ARCHIVE, size=2**33 - 1, type=kind)
    refused(cifar10, own / ARCHIVE, "expands to more than the 65,536 bytes")


SPARSE = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(10**12), "GNU.sparse.realsize": str(10**12)}


@pytest.mark.parametrize(
    "fields",
    [
        {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
        {"type": tarfile.FIFOTYPE},
        {"pax_headers": SPARSE | {"GNU.sparse.major": "0", "GNU.sparse.minor": "1"}},
    ],
)
def test_only_plain_files_of_an_archive_count(own, fields):
    write_entry(own / ARCHIVE, **fields)
    refused(cifar10, own / ARCHIVE, "it has no cifar-10-batches-bin/data_batch_1.bin")


@pytest.mark.parametrize("name", [ARCHIVE, "cifar10.npz", "cifar10_subset.npz"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_own_files_must_be_regular(own, name, make):
    make(own / name)
    refused(cifar10, own / name, "and a file is expected there")


def test_a_link_to_nothing_is_not_taken_for_no_file(own):
    (own / ARCHIVE).symlink_to(own / "unplugged")
    refused(cifar10, own / ARCHIVE, "No such file")
