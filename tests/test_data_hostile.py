"""Arrays of strangers: damaged, lying or huge files are one message, in little time and memory."""

import os
import socket
import struct
import subprocess
import sys
import time
import warnings
import zipfile
import zlib

import numpy as np
import pytest

from genctl.data.arrays import load_npz
from genctl.data.numpy_files import map_npy, read_npz
from genctl.errors import UserError

GOOD = bytes(range(64))


def header(descr="|u1", shape=(4, 4, 4), fortran=False, text=None, version=1):
    text = text or repr({"descr": descr, "fortran_order": fortran, "shape": shape}) + "\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text.encode()


def saved(path, *members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of two members of one name
        for content in members:
            archive.writestr("images.npy", content)
    return path


def refused(path):
    with pytest.raises(UserError) as caught:
        load_npz(str(path), None, None, None, "auto", False)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def claim(path, size):
    """Let the archive's directory say another size of its member."""
    content = bytearray(path.read_bytes())
    start = content.index(b"PK\1\2") + 24
    content[start : start + 4] = struct.pack("<I", size)
    path.write_bytes(content)


def lock(path):
    """Mark the member as encrypted."""
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no array at all", "magic string"),
        (header() + GOOD[:60], "promises 64 bytes, and it has 60"),
        (header() + GOOD + b"more", "promises 64 bytes, and it has 68"),
        (header(shape=(10**9, 28, 28 * 1000)) + GOOD, "promises 784,000,000,000,000 bytes, and it has 64"),
        (header(shape=(-4, -4, 4)) + GOOD, "its shape is (-4, -4, 4)"),
        (header(shape=(1,) * 65) + b"x", "its shape is (1, 1,"),
        (header(shape=()) + b"x", "has shape ()"),
        (header(shape=(0, 4, 4)), "is empty"),
        (header(shape=(0, 10**18, 10**18)), "too big"),
        (header("|O") + bytes(512), "its type is object"),
        (header("<c8") + bytes(512), "its type is complex64"),
        (header("<M8[s]") + bytes(512), "its type is datetime64[s]"),
        (header("|V4") + bytes(256), "its type is |V4"),
        (header("|S0"), "its type is |S0"),
        (header([("a", "<f4"), ("b", "<i8")]) + bytes(768), "its type is [('a', '<f4'), ('b', '<i8')]"),
        (header(text="{'descr': '|u1'}"), "correct keys"),
        (header(text="-" * 9000 + "1"), "nested too deeply"),
        (header(text="(" * 9000), "cannot be read"),
        (header(text=f"{{'descr': '|u1', 'fortran_order': False, 'shape': (0x{'f' * 6000},)}}"), "cannot be read"),
        (header(version=3) + GOOD, "its version (3, 0)"),
        (b"\x93NUMPY\2\0\xff\xff\xff\xff" + b" " * 10**7, "expected 4294967295 bytes"),
    ],
)
@pytest.mark.parametrize("kind", ["npz", "npy"])
def test_a_damaged_array_is_named(tmp_path, content, words, kind):
    path = tmp_path / f"own.{kind}"
    if kind == "npz":
        saved(path, content)
    else:
        path.write_bytes(content)
    message = refused(path)
    wanted = "not a NumPy file" if content.startswith(b"no") and kind == "npy" else words
    assert wanted in message and str(path) in message
    assert kind == "npy" or "'images'" in message


def test_unusual_but_whole_arrays_are_read(tmp_path):
    expected = np.arange(64, dtype=np.uint8).reshape(4, 4, 4)
    for content, values in [
        (header(fortran=True) + GOOD, expected.transpose()),
        (header(version=2) + GOOD, expected),
        (header(">i2") + expected.astype(">i2").tobytes(), expected),
    ]:
        read = read_npz(saved(tmp_path / "own.npz", content), ["images"], optional=["labels"])
        assert list(read) == ["images"]
        np.testing.assert_array_equal(read["images"], values)
        (tmp_path / "own.npy").write_bytes(content)
        np.testing.assert_array_equal(map_npy(tmp_path / "own.npy"), values)


def test_what_is_no_array_does_not_disturb(tmp_path):
    path = saved(tmp_path / "own.npz", header() + GOOD)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("README.txt", "text")
        archive.writestr("images", "text")
    assert load_npz(str(path), None, None, None, "auto", False).train.images.shape == (4, 4, 4, 1)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: saved(path, header() + GOOD, header() + GOOD), "several arrays of one name"),
        (lambda path: saved(path, header() + GOOD, method=zipfile.ZIP_LZMA), "compressed in a way"),
        (lock, "encrypted"),
        (lambda path: claim(saved(path, header() + GOOD + b"x" * 999), len(header()) + 64), "Bad CRC-32"),
        (lambda path: claim(saved(path, header(shape=(10**9,)) + GOOD), len(header(shape=(10**9,))) + 10**9), "EOF"),
    ],
)
def test_a_lying_archive_is_named(tmp_path, damage, words):
    path = saved(tmp_path / "own.npz", header() + GOOD)
    damage(path)
    message = refused(path)
    assert words in message and str(path) in message


def listening(path):
    socket.socket(socket.AF_UNIX).bind(str(path))


@pytest.mark.parametrize("make", [os.mkfifo, listening, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_regular_file_is_not_waited_for(tmp_path, monkeypatch, make):
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    make(tmp_path / "own.npz")
    assert "own.npz is a " in refused("own.npz")


def write_zeros(path, head, blocks):
    """An .npz whose array is `head` and blocks of 16 MiB of zeros, which take 16 kB each."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = deflate.compress(head) + deflate.flush(zlib.Z_FULL_FLUSH)
    block = deflate.compress(bytes(2**24)) + deflate.flush(zlib.Z_FULL_FLUSH)
    packed = start + block * blocks + deflate.flush()
    name, sizes = b"images.npy", struct.pack("<HHQQ", 1, 16, len(head) + blocks * 2**24, len(packed))
    common = struct.pack("<5H3I2H", 45, 0, 8, 0, 0, 0, 2**32 - 1, 2**32 - 1, len(name), len(sizes))
    local = b"PK\3\4" + common + name + sizes
    entry = b"PK\1\2\x2d\0" + common + struct.pack("<3H2I", 0, 0, 0, 0, 0) + name + sizes
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(entry), len(local) + len(packed), 0)
    path.write_bytes(local + packed + entry + end)


LIMITED = """
import resource, sys
from genctl.data.arrays import load_npz
from genctl.errors import UserError
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**28,) * 2)
for path in sys.argv[1:]:
    try:
        load_npz(path, None, None, None, "auto", False)
    except UserError as error:
        print(error)
"""


def test_ten_gigabytes_of_zeros_take_neither_time_nor_memory(tmp_path):
    write_zeros(tmp_path / "all.npz", header(shape=(640, 2**12, 2**12)), 640)
    write_zeros(tmp_path / "beyond.npz", header() + GOOD, 640)
    assert (tmp_path / "all.npz").stat().st_size < 2 * 10**7
    begun = time.monotonic()
    paths = [str(tmp_path / name) for name in ("all.npz", "beyond.npz")]
    done = subprocess.run([sys.executable, "-c", LIMITED, *paths], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    whole, beyond = done.stdout.splitlines()
    assert "all.npz: 'images'" in whole and "10.0 GiB" in whole
    assert "beyond.npz: 'images'" in beyond and "promises 64 bytes, and it has 10,737,418,304" in beyond
    assert time.monotonic() - begun < 20


def test_more_than_the_free_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = saved(tmp_path / "own.npz", header(shape=(100, 8, 8)) + bytes(6400))
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Memory", (), {"available": 6399}))
    assert "'images' takes 6.2 KiB, but 6.2 KiB of memory are free" in refused(path)
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Memory", (), {"available": 6400}))
    assert len(load_npz(str(path), None, None, None, "auto", False).train.images) == 100


def test_the_memory_must_hold_the_floats_too(tmp_path, monkeypatch):
    path = tmp_path / "own.npy"
    np.save(path, np.random.default_rng(0).random((10, 10, 10)))
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Memory", (), {"available": 3999}))
    assert "the images as float32 takes 3.9 KiB" in refused(path)
