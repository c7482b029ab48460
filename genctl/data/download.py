"""Where the files of a data set come from: the user's own folder, the cache, or their servers.

Not pooch, which has neither a limit to what a server sends, nor file:// addresses, nor a lock between processes.
"""

import http.client
import os
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from rich.progress import DownloadColumn

from genctl.config.files import regular
from genctl.data.bars import progress_bar
from genctl.data.cache import cache_path, digest, made_once
from genctl.data.locations import shown
from genctl.errors import UserError, first_line

_TIMEOUT_SECONDS = 30
_CHUNK_BYTES = 2**18
_MOST_BYTES = 2**31  # of a download


def own_file(*names: str) -> Path | None:
    """Return the first of these files in the folder that GENCTL_DATA names; None where there is none.

    Raises UserError where GENCTL_DATA is set but is not a folder, or what has that name is no regular file.
    """
    folder = os.environ.get("GENCTL_DATA")
    if not folder:
        return None
    try:
        present = {entry.name for entry in Path(folder).iterdir()}
    except OSError as error:
        raise UserError(
            f"GENCTL_DATA={shown(folder)} is not a folder that can be read ({error.strerror}): point it at the folder "
            "with your data, or unset it."
        ) from error
    return next((regular(Path(folder, name)) for name in names if name in present), None)


def obtain(name: str, url: str | None, sha256: str) -> Path:
    """Return the path of a file: the user's own, else the cached one, else downloaded from `url`.

    url: None where nobody may be asked (see moved.py). sha256: in lower case. A cached file lies at a path of its own
    for each SHA-256, and has it: the files of one config are never taken for those of another. Raises UserError where
    the file cannot be had, or has another SHA-256.
    """
    if own := own_file(name):
        return own
    target = cache_path("datasets", sha256[:16], name)
    made_once(target, lambda part: _download(name, url, sha256, part, target))
    if digest(target) != sha256:
        raise UserError(f"{target} is damaged, as its SHA-256 is not {sha256}: delete it, and it is downloaded again.")
    return target


def _download(name: str, url: str | None, sha256: str, part: Path, target: Path) -> None:
    if url is None:
        raise UserError(
            f"{name} is neither in the folder that GENCTL_DATA names nor in the cache, and the address in a run is not "
            "asked: name a server that you trust with dataset.url=…"
        )
    address = f"{url.rstrip('/')}/{name}"
    with part.open("wb") as file:
        try:
            for chunk in _received(address):
                file.write(chunk)
        except _Broken as error:
            raise UserError(
                f"Could not download {target.name} from {shown(address)}: {error}. Check the network and dataset.url, "
                f"or get the file in another way (its SHA-256 is {sha256}) and put it into the folder that the "
                f"environment variable GENCTL_DATA names, or at {target}."
            ) from error
    if (actual := digest(part)) != sha256:
        raise UserError(
            f"{shown(address)} is not the expected file: its SHA-256 is {actual}, expected {sha256}. Try again, "
            "or set dataset.url to a server that has the original, or dataset.files to what you expect."
        )


class _Broken(Exception):
    """The file cannot be had from there; the disk is not to blame."""


def _received(address: str) -> Iterator[bytes]:
    """Give the bytes at an address, chunk by chunk. Raises _Broken where these are not all of them, or too many."""
    received = 0
    response, total = _opened(address)
    with response, progress_bar(f"Downloading {address.rsplit('/', 1)[-1]}", total, DownloadColumn()) as advance:
        while chunk := _chunk(response):
            received += len(chunk)
            if max(received, total or 0) > _MOST_BYTES:
                raise _Broken(f"it has more than {_MOST_BYTES:,} bytes, the most that are downloaded")
            advance(len(chunk))
            yield chunk
    if total is not None and received < total:
        raise _Broken(f"the connection ended after {received} of {total} bytes")


def _opened(address: str) -> tuple[BinaryIO, int | None]:
    """Open an http, https or file URL; the number is of the bytes that it promises, None where it promises none."""
    try:
        parts = urllib.parse.urlsplit(address)
        if parts.scheme == "file" and parts.netloc in ("", "localhost"):
            path = regular(Path(urllib.request.url2pathname(parts.path)))
            return path.open("rb"), path.stat().st_size
        if parts.scheme not in ("http", "https"):
            raise ValueError("only http://, https:// and file:/// are understood")
        response = _opener().open(address, timeout=_TIMEOUT_SECONDS)
    except (OSError, http.client.HTTPException, ValueError, UserError) as error:
        raise _Broken(shown(first_line(error).rstrip("."))) from error
    promised = response.headers.get("Content-Length") or ""
    return response, int(promised) if re.fullmatch("[0-9]{1,18}", promised) else None


def _opener() -> urllib.request.OpenerDirector:
    """urllib's, but for files and FTP, to which a server might lead."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.UnknownHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        _Redirects,
        urllib.request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects without reading what is sent with them, which may have no end."""

    def redirect_request(self, req: Any, fp: Any, *further: Any) -> urllib.request.Request | None:
        """The request to follow with."""
        fp.close()
        return super().redirect_request(req, fp, *further)


def _chunk(response: BinaryIO) -> bytes:
    try:
        return response.read(_CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(shown(first_line(error).rstrip("."))) from error
