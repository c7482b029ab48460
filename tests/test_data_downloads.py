"""Known data sets: the user's own file, then the cache, then one verified download."""

import hashlib
import http.server
import subprocess
import sys
import threading

import numpy as np
import pytest

from genctl.data import well_known
from genctl.errors import UserError

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GENCTL_DATA", raising=False)
    return tmp_path / "cache" / "genctl" / "datasets"


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("GENCTL_DATA", str(tmp_path / "own"))
    return tmp_path / "own"


@pytest.fixture
def server(tmp_path):
    """A server of the files in `server.folder`, which counts its requests."""
    (tmp_path / "served").mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *given):
            super().__init__(*given, directory=str(tmp_path / "served"))

        def do_GET(self):
            running.requests.append(self.path)
            if self.path.startswith("/cut/"):
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"too short")
            else:
                super().do_GET()

        def log_message(self, *given):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.requests, running.folder = [], tmp_path / "served"
    running.url = f"http://127.0.0.1:{running.server_port}/"
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


def arrays(shape=(28, 28), **changes):
    return {
        "x_train": RNG.integers(0, 256, (20, *shape), np.uint8),
        "y_train": np.arange(20, dtype=np.uint8) % 10,
        "x_test": RNG.integers(0, 256, (10, *shape), np.uint8),
        "y_test": np.arange(10, dtype=np.uint8),
    } | changes


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def serve_mnist(server):
    content = arrays()
    np.savez(server.folder / "mnist.npz", **content)
    return content, {"mnist.npz": sha256(server.folder / "mnist.npz")}


def left_over(cache):
    return sorted(path.name for path in cache.rglob("*") if path.is_file() and path.suffix != ".lock")


def test_download_once_then_cache(server, cache):
    content, files = serve_mnist(server)
    for _ in range(2):
        source = well_known.load_mnist(server.url, files)
        np.testing.assert_array_equal(source.train.images[..., 0], content["x_train"])
        np.testing.assert_array_equal(source.test.labels, content["y_test"])
    assert source.train.labels.dtype == np.int32
    assert source.spec.class_names == tuple("0123456789")
    assert server.requests == ["/mnist.npz"]
    assert left_over(cache) == ["mnist.npz"]


def test_two_processes_download_once(server, cache):
    _, files = serve_mnist(server)
    code = f"from genctl.data import well_known; well_known.load_mnist({server.url!r}, {files!r})"
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait(30) for process in processes] == [0, 0]
    assert server.requests == ["/mnist.npz"]
    assert left_over(cache) == ["mnist.npz"]


def test_wrong_hash_keeps_nothing(server, cache):
    _, files = serve_mnist(server)
    with pytest.raises(UserError) as caught:
        well_known.load_mnist(server.url, {"mnist.npz": "0" * 64})
    assert files["mnist.npz"] in str(caught.value)
    assert "0" * 64 in str(caught.value)
    assert left_over(cache) == []


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("none/", "404"),
        ("cut/", "after 9 of 1000 bytes"),
        (None, "refused"),
        ("no-address", "only http://, https:// and file:/// are understood"),
    ],
)
def test_failed_download_says_what_to_do(server, cache, address, reason):
    url = {None: "http://127.0.0.1:9/", "no-address": "no-address"}.get(address, server.url + (address or ""))
    with pytest.raises(UserError) as caught:
        well_known.load_mnist(url, {"mnist.npz": "ab" * 32})
    expected = [reason, url.rstrip("/") + "/mnist.npz", "ab" * 32, "GENCTL_DATA", str(cache / ("ab" * 8) / "mnist.npz")]
    assert [word for word in expected if word not in str(caught.value)] == []
    assert left_over(cache) == []


def test_interrupted_download_keeps_nothing(server, cache, monkeypatch):
    _, files = serve_mnist(server)
    seen = []

    def interrupt(response):
        seen.extend(path.name for path in cache.rglob("*.part"))
        raise KeyboardInterrupt

    monkeypatch.setattr("genctl.data.download._chunk", interrupt)
    with pytest.raises(KeyboardInterrupt):
        well_known.load_mnist(server.url, files)
    assert seen == ["mnist.npz.part"]
    assert left_over(cache) == []


def test_damaged_cache_is_named(server, cache):
    _, files = serve_mnist(server)
    well_known.load_mnist(server.url, files)
    (cached,) = cache.rglob("mnist.npz")
    cached.write_bytes(cached.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match="mnist.npz is damaged, .* delete it"):
        well_known.load_mnist(server.url, files)
    cached.unlink()
    well_known.load_mnist(server.url, files)
    assert len(server.requests) == 2


def test_own_file_comes_before_cache_and_network(server, own):
    _, files = serve_mnist(server)
    well_known.load_mnist(server.url, files)
    content = arrays()
    np.savez(own / "mnist.npz", **content)
    np.testing.assert_array_equal(well_known.load_mnist(server.url, files).train.images[..., 0], content["x_train"])
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x_train": np.zeros((20, 32, 32), np.uint8)}, ["'x_train'", "(20, 32, 32)", "(n, 28, 28)"]),
        ({"x_test": np.zeros((10, 28, 28), np.float32)}, ["'x_test'", "float32", "uint8"]),
        ({"y_train": np.arange(19)}, ["'y_train'", "(19,)", "(20,)"]),
        ({"y_test": np.arange(10) + 1}, ["'y_test'", "from 1 to 10", "from 0 to 9"]),
        ({"y_test": np.arange(10) - 1}, ["'y_test'", "from -1 to 8"]),
        ({"x_train": np.array([{}])}, ["'x_train'", "object"]),
    ],
)
def test_wrong_own_file_is_refused_without_download(own, server, changes, words):
    _, files = serve_mnist(server)
    np.savez(own / "mnist.npz", **arrays(**changes))
    with pytest.raises(UserError) as caught:
        well_known.load_mnist(server.url, files)
    assert [word for word in [str(own / "mnist.npz"), *words] if word not in str(caught.value)] == []
    assert server.requests == []


def test_missing_key_is_named(own):
    content = arrays()
    del content["y_test"]
    np.savez(own / "mnist.npz", **content)
    with pytest.raises(UserError, match="no array 'y_test': it holds x_train, y_train, x_test,"):
        well_known.load_mnist("http://127.0.0.1:9/", {"mnist.npz": "0" * 64})


def test_missing_own_folder_is_named(monkeypatch):
    monkeypatch.setenv("GENCTL_DATA", "/no/such/folder")
    with pytest.raises(UserError, match="GENCTL_DATA=/no/such/folder"):
        well_known.load_mnist("http://127.0.0.1:9/", {"mnist.npz": "0" * 64})


@pytest.mark.parametrize("name", ["other.npz", "../mnist.npz", "/mnist.npz"])
def test_wrong_names_of_files_are_refused(name):
    with pytest.raises(UserError, match=f"dataset.files .* mnist.npz; it has {name}"):
        well_known.load_mnist("http://127.0.0.1:9/", {name: "0" * 64})
