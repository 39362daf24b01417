"""A Hugging Face Hub on loopback that can be written to: repositories with commits, branches and tags, and large files on an origin of
their own, as the real client uses them. Standard library only.

`GitHub.faults` maps "METHOD path-part" to faults, as in `hub_server`; each request whose path holds that part takes the first one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

Fault = Callable[["Handler"], None]
STATUS = {"RepoNotFound": 404, "RevisionNotFound": 404, "EntryNotFound": 404, "GatedRepo": 403}


@dataclass
class Repo:
    """commits: oid -> {path: content}; large: paths that are stored as large files."""

    private: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    large: set[str] = field(default_factory=set)

    def find(self, revision: str) -> str | None:
        """The commit that a branch, a tag or a commit's own name means."""
        found = self.branches.get(revision) or self.tags.get(revision)
        return found or (revision if revision in self.commits else None)


@dataclass
class GitHub:
    """The server's state. tokens: token -> ("name", may it write)."""

    repos: dict[str, Repo] = field(default_factory=dict)
    tokens: dict[str, tuple[str, bool]] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    authorised: list[str] = field(default_factory=list)  # "origin path" of requests that carried a token
    endpoint: str = ""
    store: str = ""

    def asked(self, method: str, part: str) -> int:
        """How many requests of this kind came."""
        return sum(line.startswith(f"{method} ") and part in line for line in self.log)


class Handler(BaseHTTPRequestHandler):
    """The endpoint, or the store of large files (`stores`)."""

    hub: GitHub
    stores = False
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr; requests are in `hub.log`."""

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length) if length else self._chunks()
        self.hub.log.append(f"{self.command} {self.path}")
        if self.headers.get("Authorization"):
            self.hub.authorised.append(f"{'store' if self.stores else 'hub'} {self.path}")
        for pattern, faults in self.hub.faults.items():
            method, part = pattern.split(" ")
            if faults and self.command == method and part in self.path:
                return faults.pop(0)(self)
        return self._store() if self.stores else self._answer(unquote(urlsplit(self.path).path))

    do_GET = do_HEAD = do_POST = do_PUT = _handle

    def _chunks(self) -> bytes:
        parts = []
        while "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            size = int(self.rfile.readline(), 16)
            parts.append(self.rfile.read(size))
            self.rfile.readline()
            if not size:
                break
        return b"".join(parts)

    def refuse(self, code: str | int) -> None:
        """An error as the Hub sends it."""
        headers = {"X-Error-Code": code} if isinstance(code, str) else {}
        self.reply(STATUS[code] if isinstance(code, str) else code, {"error": str(code)}, headers)

    def reply(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        """One answer: bytes, or anything else as JSON."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        kind = {} if isinstance(content, bytes) else {"Content-Type": "application/json"}
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **kind, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _account(self) -> tuple[str, bool] | None:
        return self.hub.tokens.get((self.headers.get("Authorization") or "").removeprefix("Bearer "))

    def _answer(self, path: str) -> None:
        account = self._account()
        if path == "/api/whoami-v2":
            return self.reply(200, {"name": account[0], "type": "user", "orgs": []}) if account else self.refuse(401)
        if path == "/api/validate-yaml":
            errors = [] if "license:" in json.loads(self.body)["content"] else [{"message": '"license" is required'}]
            return self.reply(400 if errors else 200, {"errors": errors, "warnings": []})
        if self.command in ("POST", "PUT") and (account is None or not account[1]):
            return self.refuse(401 if account is None else 403)
        if path == "/api/repos/create":
            assert account is not None, "only POST asks for this, which was refused above without an account"
            told = json.loads(self.body)
            name = "/".join(part for part in (told.get("organization") or account[0], told["name"]) if part)
            known = name in self.hub.repos
            if not known:
                first = _oid(b"")
                self.hub.repos[name] = Repo(told.get("visibility") == "private" or bool(told.get("private")), {first: {}}, {"main": first})
            return self.reply(409 if known else 200, {"url": f"{self.hub.endpoint}/{name}", "name": name})
        parts = path.removeprefix("/api/models/").strip("/").split("/")
        repo = self.hub.repos.get("/".join(parts[:2]).removesuffix(".git"))
        if repo is None or (repo.private and account is None):
            return self.refuse("RepoNotFound")
        if path.endswith("/info/lfs/objects/batch"):
            return self._batch()
        if path.startswith("/api/models/"):
            return self._api(repo, "/".join(parts[:2]), parts[2:])
        return self._resolve(repo, parts[3], "/".join(parts[4:])) if parts[2:3] == ["resolve"] else self.refuse(404)

    def _api(self, repo: Repo, name: str, rest: list[str]) -> None:
        if rest[:1] == ["preupload"]:
            asked = json.loads(self.body)["files"]
            for each in asked:
                if each["path"].endswith(".safetensors"):
                    repo.large.add(each["path"])
            files = [
                {"path": each["path"], "uploadMode": "lfs" if each["path"] in repo.large else "regular", "shouldIgnore": False, "oid": None}
                for each in asked
            ]
            return self.reply(200, {"files": files})
        if rest[:1] == ["commit"]:
            return self._commit(repo, name, rest[1])
        if rest[:1] == ["branch"]:
            repo.branches.setdefault(rest[1], repo.branches["main"])
            return self.reply(200, {})
        if rest[:1] == ["tag"]:
            tag = json.loads(self.body)["tag"]
            if tag in repo.tags:
                return self.refuse(409)
            repo.tags[tag] = repo.find(rest[1]) or ""
            return self.reply(200, {})
        if rest[:1] == ["refs"]:
            listed = {
                kind: [{"name": key, "ref": f"refs/{kind}/{key}", "targetCommit": oid} for key, oid in table.items()]
                for kind, table in (("branches", repo.branches), ("tags", repo.tags))
            }
            return self.reply(200, {**listed, "converts": []})
        commit = repo.find(rest[1] if rest[:1] in (["revision"], ["tree"]) else "main")
        if commit is None:
            return self.refuse("RevisionNotFound")
        files = repo.commits[commit]
        if rest[:1] == ["tree"]:
            return self.reply(200, [_listed(path, content, path in repo.large) for path, content in files.items()])
        siblings = [{"rfilename": path} for path in files]
        return self.reply(200, {"id": name, "sha": commit, "siblings": siblings, "tags": [], "private": repo.private})

    def _commit(self, repo: Repo, name: str, branch: str) -> None:
        lines = [json.loads(line) for line in self.body.splitlines() if line.strip()]
        if branch not in repo.branches:
            return self.refuse("RevisionNotFound")
        files = dict(repo.commits[repo.branches[branch]])
        for line in lines:
            told = line["value"]
            if line["key"] == "file":
                files[told["path"]] = base64.b64decode(told["content"])
            elif line["key"] == "lfsFile":
                files[told["path"]] = self.hub.objects[told["oid"]]
        parent = repo.branches[branch]
        oid = parent if files == repo.commits[parent] else _oid(parent.encode() + repr(sorted(files.items())).encode())
        repo.commits[oid], repo.branches[branch] = files, oid
        return self.reply(200, {"commitOid": oid, "commitUrl": f"{self.hub.endpoint}/{name}/commit/{oid}", "success": True})

    def _batch(self) -> None:
        objects = []
        for each in json.loads(self.body)["objects"]:
            held = each["oid"] in self.hub.objects
            actions = {} if held else {"actions": {"upload": {"href": f"{self.hub.store}/{each['oid']}", "header": {}}}}
            objects.append({"oid": each["oid"], "size": each["size"], **actions})
        self.reply(200, {"transfer": "basic", "objects": objects})

    def _resolve(self, repo: Repo, revision: str, path: str) -> None:
        commit = repo.find(revision)
        if commit is None:
            return self.refuse("RevisionNotFound")
        if path not in repo.commits[commit]:
            return self.reply(404, {"error": "EntryNotFound"}, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
        body = repo.commits[commit][path]
        if path in repo.large:
            oid = hashlib.sha256(body).hexdigest()
            told = {"X-Linked-ETag": f'"{oid}"', "X-Linked-Size": str(len(body)), "Location": f"{self.hub.store}/{oid}"}
            return self.reply(302, b"", {"X-Repo-Commit": commit, **told})
        return self.reply(200, body, {"X-Repo-Commit": commit, "ETag": f'"{_git_hash(body)}"'})

    def _store(self) -> None:
        oid = urlsplit(self.path).path.strip("/")
        if self.command == "PUT":
            if hashlib.sha256(self.body).hexdigest() != oid:
                return self.refuse(400)
            self.hub.objects[oid] = self.body
            return self.reply(200, b"")
        body = self.hub.objects.get(oid)
        if body is None:
            return self.refuse(404)
        asked = self.headers.get("Range", "")
        if asked.startswith("bytes="):
            first = int(asked.removeprefix("bytes=").split("-")[0])
            return self.reply(206, body[first:], {"Content-Range": f"bytes {first}-{len(body) - 1}/{len(body)}"})
        return self.reply(200, body, {"ETag": f'"{oid}"'})


def _oid(content: bytes) -> str:
    return hashlib.sha1(b"commit" + content, usedforsecurity=False).hexdigest()


def _git_hash(body: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(body) + body, usedforsecurity=False).hexdigest()


def _listed(path: str, content: bytes, large: bool) -> dict[str, Any]:
    told = {"type": "file", "path": path, "size": len(content), "oid": _git_hash(content)}
    return {**told, "lfs": {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}} if large else told


@contextmanager
def running() -> Iterator[GitHub]:
    """The endpoint and the store on free ports of 127.0.0.1, stopped at the end."""
    hub = GitHub()
    servers = []
    for stores in (False, True):
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub, "stores": stores}))
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    hub.endpoint, hub.store = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    try:
        yield hub
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
