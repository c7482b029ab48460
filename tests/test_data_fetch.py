"""Downloads of strangers' addresses: only http, https and files, in bounds, and never another file than was named."""

import hashlib
import http.server
import os
import threading
import time

import pytest

from genctl.data import download
from genctl.errors import UserError

CONTENT = b"what was asked for"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GENCTL_DATA", raising=False)
    return tmp_path / "cache" / "genctl" / "datasets"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        kind = self.path.split("/")[1]
        try:
            getattr(self, kind)()
        except OSError:  # the client has enough
            return

    def good(self, length="18"):
        self.answer(200, "Content-Length", length)
        self.wfile.write(CONTENT)

    def huge(self):
        self.good(str(2**40))

    def odd(self):
        self.good("many")

    def endless(self):
        self.answer(200, "Connection", "close")
        self.pour()

    def moved(self):
        self.answer(302, "Location", "/good/x")
        self.pour()

    def circle(self):
        self.answer(302, "Location", "/circle/x")

    def file(self):
        self.answer(302, "Location", "file:///etc/passwd")

    def ftp(self):
        self.answer(302, "Location", "ftp://127.0.0.1/x")

    def junk(self):
        self.wfile.write(b"\x1b[31mno protocol\r\n\r\n")

    def answer(self, status, key, value):
        self.send_response(status)
        self.send_header(key, value)
        self.end_headers()

    def pour(self):
        while True:
            self.wfile.write(bytes(2**16))

    def log_message(self, *given):
        pass


@pytest.fixture(scope="module")
def url():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def refused(url, words, sha256=SHA256):
    with pytest.raises(UserError) as caught:
        download.obtain("x", url, sha256)
    assert words in str(caught.value) and "\n" not in str(caught.value) and "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("huge", "more than 1,000,000 bytes"),
        ("endless", "more than 1,000,000 bytes"),
        ("circle", "infinite loop"),
        ("file", "'file:///etc/passwd' is not allowed"),
        ("ftp", "unknown url type: ftp"),
        ("junk", r"\x1b[31mno protocol"),
    ],
)
def test_bad_servers(url, cache, monkeypatch, kind, words):
    monkeypatch.setattr(download, "_MOST_BYTES", 10**6)
    refused(url + kind, words)
    assert [path.name for path in cache.rglob("*") if path.is_file()] == ["x.lock"]


@pytest.mark.parametrize("kind", ["good", "odd", "moved"])
def test_good_servers(url, kind):
    begun = time.monotonic()
    assert download.obtain("x", url + kind, SHA256).read_bytes() == CONTENT
    assert time.monotonic() - begun < 5


def test_files_need_no_server(tmp_path):
    (tmp_path / "x").write_bytes(CONTENT)
    path = download.obtain("x", f"file://{tmp_path}", SHA256)
    assert path.read_bytes() == CONTENT and tmp_path / "x" != path


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_only_regular_files_are_copied(tmp_path, make):
    make(tmp_path / "x")
    refused(f"file://{tmp_path}", "and a file is expected there")


@pytest.mark.parametrize("url", ["", "/etc", "ftp://127.0.0.1", "data:,", "file://elsewhere/etc", "javascript:1"])
def test_other_addresses_are_not_understood(url):
    refused(url, "only http://, https:// and file:/// are understood")


@pytest.mark.parametrize(
    ("url", "words"),
    [("http://[bad", "Invalid IPv6"), ("http://a\nb", "control characters"), ("http://127.0.0.1:no", "port")],
)
def test_addresses_that_are_none(url, words):
    refused(url, words)


def test_one_config_cannot_put_its_file_where_another_reads(url, tmp_path):
    """The same name with another SHA-256 is another file, whatever was downloaded first."""
    strange = b"a stranger's"
    (tmp_path / "x").write_bytes(strange)
    strangers = download.obtain("x", f"file://{tmp_path}", hashlib.sha256(strange).hexdigest())
    own = download.obtain("x", url + "good", SHA256)
    assert (strangers.read_bytes(), own.read_bytes()) == (strange, CONTENT)


def test_a_cached_file_is_checked_each_time(url):
    path = download.obtain("x", url + "good", SHA256)
    assert download.obtain("x", "http://127.0.0.1:9", SHA256) == path
    path.write_bytes(CONTENT[::-1])
    refused(url + "good", f"{path} is damaged, as its SHA-256 is not {SHA256}: delete it")
    path.unlink()
    assert download.obtain("x", url + "good", SHA256).read_bytes() == CONTENT


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_only_regular_files_of_the_cache_are_read(url, make):
    path = download.obtain("x", url + "good", SHA256)
    path.unlink()
    make(path)
    refused(url + "good", str(path))
