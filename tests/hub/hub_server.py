"""A Hugging Face Hub on loopback: enough of its contract to read models with the real client. Standard library only.

A `Repo` is a commit and its files. `Hub.faults` maps "METHOD path-suffix" to faults; each request that
matches takes the first one.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Fault = Callable[["Handler"], None]

#: Error code of the Hub -> status it comes with.
STATUS = {"RepoNotFound": 404, "RevisionNotFound": 404, "EntryNotFound": 404, "GatedRepo": 403}


@dataclass
class Repo:
    """One model repository. `refs` maps branches and tags to commits; every commit holds the same files."""

    commit: str
    files: dict[str, bytes]
    refs: tuple[str, ...] = ("main",)
    token: str | None = None
    gated: bool = False


@dataclass
class Hub:
    """The server's state: what it holds, what goes wrong, and what was asked ("HEAD /org/repo/resolve/...")."""

    repos: dict[str, Repo] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    endpoint: str = ""

    def asked(self, method: str, suffix: str) -> int:
        """How many requests of this kind came."""
        return sum(line.startswith(f"{method} ") and line.endswith(suffix) for line in self.log)


class Handler(BaseHTTPRequestHandler):
    """GET and HEAD of `/api/models/ID[/revision/REV]` and `/ID/resolve/REV/PATH`."""

    hub: Hub
    protocol_version = "HTTP/1.1"
    lie: str | None = None  # the ETag to send instead of the true one

    def do_HEAD(self) -> None:
        """Headers only."""
        self._serve()

    def do_GET(self) -> None:
        """Headers and body."""
        self._serve()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr; requests are in `hub.log`."""

    def refuse(self, code: str | int, **headers: str) -> None:
        """An error as the Hub sends it: status, X-Error-Code and a JSON body."""
        status = STATUS[code] if isinstance(code, str) else code
        if isinstance(code, str):
            headers["X-Error-Code"] = code
        self.reply(status, json.dumps({"error": str(code)}).encode(), {name.replace("_", "-"): text for name, text in headers.items()})

    def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """One answer; HEAD gets its headers."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _serve(self) -> None:
        self.lie = None
        self.hub.log.append(f"{self.command} {self.path}")
        for pattern, faults in self.hub.faults.items():
            method, suffix = pattern.split(" ")
            if faults and self.command == method and self.path.endswith(suffix):
                faults.pop(0)(self)
                if self.lie is None:
                    return
        self._answer()

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        api = path.startswith("/api/models/")
        parts = path.removeprefix("/api/models/").strip("/").split("/")
        repo = self.hub.repos.get("/".join(parts[:2]))
        if repo is None:
            return self.refuse("RepoNotFound")
        if repo.gated:
            return self.refuse("GatedRepo")
        if repo.token is not None and self.headers.get("Authorization") != f"Bearer {repo.token}":
            return self.refuse(401, X_Error_Message="Invalid credentials in Authorization header")
        revision = parts[3] if len(parts) > 3 else "main"
        if revision != repo.commit and revision not in repo.refs:
            return self.refuse("RevisionNotFound")
        if api:
            files = [{"rfilename": name} for name in repo.files]
            body = {"id": "/".join(parts[:2]), "sha": repo.commit, "siblings": files, "tags": [], "private": False}
            return self.reply(200, json.dumps(body).encode(), {"Content-Type": "application/json"})
        name = "/".join(parts[4:])
        if name not in repo.files:
            return self.refuse("EntryNotFound", X_Repo_Commit=repo.commit)
        body = repo.files[name]
        return self.reply(200, body, {"X-Repo-Commit": repo.commit, "ETag": f'"{self.lie or git_hash(body)}"'})


def git_hash(body: bytes) -> str:
    """The ETag of a small file."""
    return hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()


def lie_about_etag(etag: str) -> Fault:
    """Answer truthfully but for the ETag."""
    return lambda handler: setattr(handler, "lie", etag)


def status(code: int) -> Fault:
    """Answer with a bare status."""
    return lambda handler: handler.refuse(code)


def truncated(body: bytes) -> Fault:
    """Announce the whole body, send half of it and hang up."""

    def cut(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2])
        handler.close_connection = True

    return cut


def flipped(body: bytes) -> Fault:
    """The right size, one bit wrong."""
    return lambda handler: handler.reply(200, body[:-1] + bytes([body[-1] ^ 1]), {})


@contextmanager
def running() -> Iterator[Hub]:
    """A server on a free port of 127.0.0.1, stopped at the end."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
