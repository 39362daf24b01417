"""Whether the installed plugins work: each is imported in a child process, so that none can harm or stop this one.

`registry` says what is offered without importing anything; this asks what comes of it. A plugin that raises, exits, crashes or hangs is
`broken` with the reason, and the ones after it are asked all the same.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import IO, Literal, cast

from sslts import registry
from sslts._builtins import BUILTINS
from sslts.errors import SslTsError, suggest
from sslts.strict_json import printable

Condition = Literal["ok", "not checked", "blocked", "broken", "shadowed", "ignored"]
#: Of an installed plugin that cannot be used although nobody asked for that.
UNUSABLE: frozenset[Condition] = frozenset({"broken", "shadowed", "ignored"})
#: What a child prints before each answer: a plugin may print as well.
_MARK, _READY = "\x1esslts-plugin ", "ready"
#: A child's own start, of which importing torch is most.
_START_S = 180.0


@dataclass(frozen=True, slots=True)
class PluginState:
    """One offered component. state: "ok"; "not checked"; "blocked"; "broken", "shadowed" (somebody else has the name) or "ignored" (the
    name or the group is none of ours), with the reason."""

    kind: str
    name: str
    distribution: str
    version: str
    state: Condition
    reason: str = ""


def plugin_states(*, check: bool = True, timeout_s: float = 20.0) -> tuple[PluginState, ...]:
    """All components that installed distributions offer.

    check: import each, in a child process; without it, "not checked" stands where importing would tell. timeout_s: for one import,
    after the child's own start.
    """
    offers = registry.offers()
    found = {index: _from_metadata(offer, offers) for index, offer in enumerate(offers)}
    asked = [index for index, state in found.items() if state.state == "not checked"] if check else []
    while asked:
        answers = _ask([offers[index] for index in asked], timeout_s)
        for index, reason in zip(asked, answers, strict=False):
            offer = offers[index]
            found[index] = _state(offer, "ok" if reason is None else "broken", reason or "")
        asked = asked[len(answers) :]
    return tuple(found[index] for index in range(len(offers)))


def blocked_in_vain() -> list[str]:
    """One sentence for each name in SSLTS_BLOCK_PLUGINS that no installed plugin has, such as a misspelt one."""
    there = {registry.normalised(offer.distribution) for offer in registry.offers()}
    names = sorted(registry.blocked_distributions() - there)
    return [f"SSLTS_BLOCK_PLUGINS names '{name}', but no installed plugin is called that. {suggest(name, there)}".strip() for name in names]


def _from_metadata(offer: registry.Offer, offers: Sequence[registry.Offer]) -> PluginState:
    if offer.problem == registry.BLOCKED:
        return _state(offer, "blocked", offer.problem)
    if offer.name in BUILTINS.get(offer.kind, {}):
        return _state(offer, "shadowed", f"'{offer.name}' is built in; {offer.problem}")
    if offer.problem is not None:
        return _state(offer, "ignored", offer.problem)
    same = [other for other in offers if (other.kind, other.name) == (offer.kind, offer.name) and other.problem is None]
    others = [other for other in same if other != offer]
    if others and offer.kind != "catalogue":
        who = ", ".join(f"{other.distribution} {other.version}" for other in others)
        return _state(offer, "shadowed", f"{who} offers the same name: uninstall one or block it with SSLTS_BLOCK_PLUGINS")
    return _state(offer, "not checked", "")


def _state(offer: registry.Offer, state: Condition, reason: str) -> PluginState:
    return PluginState(offer.kind, offer.name, offer.distribution, offer.version, state, printable(reason)[:500])


def _ask(offers: Sequence[registry.Offer], timeout_s: float) -> list[str | None]:
    """What importing these brings, in order: None or the reason why not. Ends with the first that takes the child down with it."""
    # -P: what lies in the current folder is no plugin, whatever its name.
    command = [sys.executable, "-P", "-m", "sslts.plugin_states"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        try:
            lines = _lines_of(child)
            with contextlib.suppress(OSError):  # a child that is gone already says so by its silence
                sending = cast(IO[bytes], child.stdin)
                sending.write(json.dumps([asdict(offer) for offer in offers]).encode())
                sending.close()
            answers, ended = _answers(lines, len(offers), timeout_s)
        finally:
            child.kill()
    if len(answers) < len(offers):
        how = f"ended the process (exit code {child.returncode})" if ended else f"took over {timeout_s:g} s"
        answers.append(f"importing it {how}")
    return answers


def _lines_of(child: subprocess.Popen[bytes]) -> queue.Queue[bytes | None]:
    """What a child prints, line by line; None when it is over. A thread of its own: pipes cannot be waited for everywhere."""
    lines: queue.Queue[bytes | None] = queue.Queue()

    def read() -> None:
        for line in cast(IO[bytes], child.stdout):
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    return lines


def _answers(lines: queue.Queue[bytes | None], wanted: int, timeout_s: float) -> tuple[list[str | None], bool]:
    """The answers, and whether the child ended before it gave them all. The clock starts once the child has imported what all need."""
    answers: list[str | None] = []
    deadline = time.monotonic() + _START_S
    while len(answers) < wanted:
        try:
            line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return answers, False
        if line is None:
            return answers, True
        _, mark, answer = line.decode(errors="replace").partition(_MARK)
        if mark:
            deadline = time.monotonic() + timeout_s
            if answer.strip() != _READY:
                answers.append(json.loads(answer))
    return answers, False


def _child() -> None:
    """Import what stdin names, one after another, and say what came of each."""
    from sslts import interfaces  # noqa: F401 - torch takes seconds, which are no plugin's
    from sslts.hub.catalogue import entries_of

    _say(_READY)
    for told in json.loads(sys.stdin.read()):
        offer = registry.Offer(**told)
        try:
            entries_of(offer) if offer.kind == "catalogue" else registry.get(offer.kind, offer.name)
            reason = None
        except SslTsError as error:
            reason = str(error)
        _say(json.dumps(reason))


def _say(answer: str) -> None:
    sys.stdout.write(f"\n{_MARK}{answer}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _child()
