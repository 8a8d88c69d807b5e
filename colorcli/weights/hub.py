"""What a server states of a file before it is fetched: the hub its commit and SHA-256, any server the size."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from colorcli.download import CONNECT_SECONDS, broken, check_resolves
from colorcli.errors import ColorcliError, VerificationError
from colorcli.version import __version__
from colorcli.weights.manifest import Source

if TYPE_CHECKING:
    import httpx

ANSWER_SECONDS = 10.0
REDIRECTS = 5


@dataclass(frozen=True)
class Stated:
    """size in bytes; of the hub also the SHA-256 and the commit (40 hex digits), "" elsewhere."""

    size: int
    sha256: str
    revision: str


def ask(source: Source) -> Stated:
    """What the server of `source` states of its file. ColorcliError if it cannot be had or says too little."""
    import httpx

    url = source.address()
    check_resolves(url)
    headers = {"user-agent": f"colorcli/{__version__}", "accept-encoding": "identity"}
    timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    try:
        with httpx.Client(timeout=timeout, headers=headers) as client:
            response = _head(client, url)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ColorcliError(broken(url, error)) from error
    if response.status_code >= 400:
        raise ColorcliError(f"{url}: the server answered {response.status_code} {response.reason_phrase}")
    return _parse(response, url, source.type == "hub")


def _head(client: httpx.Client, url: str) -> httpx.Response:
    """The answer to HEAD. The hub states its facts in a redirect to its storage, which has no need to be asked."""
    response = client.head(url)
    for _ in range(REDIRECTS):
        if not response.has_redirect_location or "x-linked-etag" in response.headers:
            break
        response = client.head(response.url.join(response.headers["location"]))
    return response


def _parse(response: httpx.Response, url: str, hub: bool) -> Stated:
    # a redirect has a length of its own
    size = response.headers.get("x-linked-size" if hub else "content-length", "")
    if not size.isdigit() or int(size) == 0:
        raise ColorcliError(f"{url}: the server does not say how large the file is")
    if not hub:
        return Stated(int(size), "", "")
    sha256 = response.headers.get("x-linked-etag", "").removeprefix("W/").strip('"')
    revision = response.headers.get("x-repo-commit", "")
    if not re.fullmatch(r"[0-9a-f]{64}", sha256) or not re.fullmatch(r"[0-9a-f]{40}", revision):
        raise VerificationError(f"{url}: the server states no SHA-256 and commit, as the hub does: not fetched")
    return Stated(int(size), sha256, revision)
