"""The page of a study: one HTML file with its style, its script and its data inside."""

from __future__ import annotations

import html
import json
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from colorcli.errors import UsageError


def render(data: dict[str, Any], title: str, upload_url: str | None = None) -> str:
    """HTML of a study. data: what page.js reads. upload_url: where answers are posted, else the page sends nothing."""
    parts = {
        "TITLE": html.escape(title),
        "CONNECT": upload_origin(upload_url) if upload_url else "'none'",
        "STYLE": _source("page.css"),
        "DATA": _embedded(data | {"title": title, "upload": upload_url}),
        "SCRIPT": _source("checksum.js") + _source("page.js"),
    }
    # split first, so that nothing within a part is taken for a place of another
    pieces = _source("page.html").split("@@")
    return "".join(parts[piece] if i % 2 else piece for i, piece in enumerate(pieces))


def upload_origin(url: str) -> str:
    """ "https://host:port" of an address; UsageError if it is no http(s) address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    odd = any(character.isspace() or character in "\"'<>;,\\" for character in url)
    if odd or not host or parts.scheme not in ("http", "https") or parts.username or parts.password:
        raise UsageError(f"--upload-url {url}: not an address such as https://example.org/answers")
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}" + (f":{port}" if port else "")


def _source(name: str) -> str:
    return files("colorcli.turing").joinpath(name).read_text("utf-8")


def _embedded(data: dict[str, Any]) -> str:
    """JSON that cannot end the script element it lies in."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
