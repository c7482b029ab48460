"""Where the files of a data set come from: the user's own folder, the cache, or the network."""

import hashlib
import http.client
import os
import urllib.request
from collections.abc import Callable
from pathlib import Path

from rich.progress import DownloadColumn

from genctl.data.cache import cache_path, made_once
from genctl.data.progress import progress_bar
from genctl.errors import UserError

_TIMEOUT_SECONDS = 30
_CHUNK_BYTES = 2**18


def own_file(*names: str) -> Path | None:
    """Return the first of these files in the folder that GENCTL_DATA names; None where there is none.

    Raises UserError where GENCTL_DATA is set but is not a folder.
    """
    folder = os.environ.get("GENCTL_DATA")
    if not folder:
        return None
    if not Path(folder).is_dir():
        raise UserError(f"GENCTL_DATA={folder} is not a folder: point it at the folder with your data, or unset it.")
    return next((path for name in names if (path := Path(folder, name)).exists()), None)


def obtain(name: str, dataset: str, url: str, sha256: str) -> Path:
    """Return the path of a file: the user's own, else the cached one, else downloaded from `url` and verified.

    Raises UserError where it cannot be had, or has another SHA-256 than given.
    """
    target = cache_path("datasets", dataset, name)
    address = f"{url.rstrip('/')}/{name}"
    return own_file(name) or made_once(target, lambda part: _download(address, sha256, part, target))


def _download(address: str, sha256: str, part: Path, target: Path) -> None:
    digest = hashlib.sha256()
    with part.open("wb") as file:

        def keep(chunk: bytes) -> None:
            file.write(chunk)
            digest.update(chunk)

        try:
            _receive(address, keep)
        except _Broken as error:
            raise UserError(
                f"Could not download {target.name} from {address}: {error}. Check the network and dataset.url, or get "
                f"the file in another way (its SHA-256 is {sha256}) and put it into the folder that the environment "
                f"variable GENCTL_DATA names, or at {target}."
            ) from error
    if digest.hexdigest() != sha256.lower():
        raise UserError(
            f"{address} is not the expected file: its SHA-256 is {digest.hexdigest()}, expected {sha256}. Try again, "
            "or set dataset.url to a server that has the original, or dataset.files to what you expect."
        )


class _Broken(Exception):
    """The network failed, not the disk."""


def _receive(address: str, keep: Callable[[bytes], None]) -> None:
    """Hand the bytes at an address to `keep`, chunk by chunk."""
    name = address.rsplit("/", 1)[-1]
    try:
        response = urllib.request.urlopen(address, timeout=_TIMEOUT_SECONDS)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _Broken(error) from error
    with response:
        total = int(response.headers.get("Content-Length") or 0) or None
        received = 0
        with progress_bar(f"Downloading {name}", total, DownloadColumn()) as advance:
            while chunk := _chunk(response):
                keep(chunk)
                advance(len(chunk))
                received += len(chunk)
    if total is not None and received < total:
        raise _Broken(f"the connection ended after {received} of {total} bytes")


def _chunk(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(_CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(error) from error
