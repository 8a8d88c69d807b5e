"""What the tests of weights share: a network of a few parameters, manifests, a server with faults."""

import hashlib
import json
import socket
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import torch
from torch import nn

import colorcli.weights.manifest
from colorcli.models.base import ColorModel
from colorcli.models.catalog import MODELS
from colorcli.weights.weightsfile import save_weights

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NULL = object()


class Toy(ColorModel):
    """A convolution and a batch norm, whose num_batches_tracked is an integer buffer."""

    def __init__(self, width=3):
        super().__init__(width=width)
        self.conv = nn.Conv2d(1, width, 3)
        self.norm = nn.BatchNorm2d(width)


def register_toy(monkeypatch):
    monkeypatch.setitem(MODELS, "toy", replace(MODELS["gan"], factory="weights_kit:Toy"))


def save_toy(path, **metadata):
    """A toy's weights file; the toy, whose weights half precision holds exactly."""
    torch.manual_seed(0)
    toy = Toy()
    for tensor in toy.state_dict().values():
        tensor.copy_(tensor.half() if tensor.is_floating_point() else tensor + 7)
    save_weights(path, toy, {"model": "toy", **metadata})
    return toy


def item(content=b"x", **changes):
    """One entry of a manifest for `content`, as parsed JSON; None leaves a field out, NULL makes it null."""
    fields = {
        "name": "toy@photo",
        "model": "toy",
        "task": "photo",
        "source": {"type": "bundled", "file": "toy-photo.safetensors"},
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "licence": "MIT",
        "trained_on": "nothing",
        "default": True,
    }
    fields = {key: value for key, value in (fields | changes).items() if value is not None}
    return {key: None if value is NULL else value for key, value in fields.items()}


def use_manifest(monkeypatch, folder, *items):
    """Make colorcli see a manifest of `items`, an empty bundle folder/bundled and a cache folder/cache."""
    path = folder / "weights_manifest.json"
    path.write_text(json.dumps({"version": 1, "weights": items}))
    (folder / "bundled").mkdir(exist_ok=True)
    monkeypatch.setattr(colorcli.weights.manifest, "manifest_path", lambda: path)
    monkeypatch.setattr(colorcli.weights.manifest, "BUNDLED", folder / "bundled")
    monkeypatch.setenv("COLORCLI_CACHE", str(folder / "cache"))
    return path


class Server(ThreadingHTTPServer):
    """Serves `content` at every path; each request takes the next of `faults`, none left means none.

    A fault is a status code; "drop": the connection breaks halfway; "whole": the Range is not looked at;
    "elsewhere": a Range is answered from another place; "wrong": other bytes; "more" / "short": a longer or
    shorter body of no stated length; "longer": another stated length; "silent": half, then nothing more;
    "redirect": to /cdn.
    """

    daemon_threads = True

    def __init__(self, content, faults=()):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.faults, self.requests = content, list(faults), []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Hub(Server):
    """Also answers HEAD with `status` and the headers `stated`: as the hub does, which states facts of the file in a
    redirect to its storage. Before that it redirects to each of `moves`. `asked` lists the paths."""

    def __init__(self, content, faults=()):
        super().__init__(content, faults)
        self.asked, self.moves, self.status = [], [], 302
        self.stated = {
            "Location": "/cdn",
            "Content-Length": "20",  # of the redirect
            "X-Repo-Commit": COMMIT,
            "X-Linked-Size": str(len(content)),
            "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"',
        }


class Handler(BaseHTTPRequestHandler):
    def do_HEAD(self):
        hub = self.server
        hub.asked.append(self.path)
        headers = {"Location": hub.moves.pop(0)} if hub.moves else hub.stated
        self.send_response(hub.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def do_GET(self):
        server, start = self.server, self._range_start()
        server.requests.append((self.path, start))
        fault = server.faults.pop(0) if server.faults else None
        content = bytes(len(server.content)) if fault == "wrong" else server.content
        if isinstance(fault, int):
            self._head(fault, 0)
        elif fault == "redirect":
            self.send_response(302)
            self.send_header("Location", "/cdn")
            self.end_headers()
        elif fault in ("more", "short"):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content * 2 if fault == "more" else content[: len(content) // 2])
        elif start and start >= len(content):
            self._head(416, 0)
        else:
            start = {"whole": 0, "elsewhere": 1}.get(fault, start) if start else 0
            self._body(content[start:], start, fault)

    def _body(self, body, start, fault):
        self._head(206 if start else 200, len(body) + (fault == "longer"), start)
        if fault not in ("drop", "silent"):
            self.wfile.write(body)
            return
        self.wfile.write(body[: len(body) // 2])
        self.wfile.flush()
        if fault == "silent":
            self.rfile.read(1)  # until the client goes away
        else:
            self.connection.shutdown(socket.SHUT_RDWR)

    def _head(self, status, length, start=0):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{start + length - 1}/{start + length}")
        self.end_headers()

    def _range_start(self):
        return int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))

    def log_message(self, *_):
        pass


@contextmanager
def serve(content, *faults, kind=Server):
    """A running Server or Hub."""
    with kind(content, faults) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
