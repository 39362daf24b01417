"""Real processes, really killed: the weights at the end are those of a run nobody disturbed."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import tiny_run
import torch
from safetensors.torch import load_file

import sslts

PATHS = os.pathsep.join([str(Path(__file__).parent), str(Path(sslts.__file__).parents[1])])
Start = Callable[[Path, float], tuple[BaseProcess, Connection]]


@pytest.fixture(scope="module")
def start():
    """Starts a training process from a warm server, so that torch is imported once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tiny_run", "torch._dynamo", "torch._inductor.config"])
    started: list[BaseProcess] = []

    def begin(out: Path, pause_s: float) -> tuple[BaseProcess, Connection]:
        mine, theirs = context.Pipe(duplex=False)
        process = context.Process(target=tiny_run.child, args=(out, theirs, pause_s))
        process.start()
        theirs.close()
        started.append(process)
        return process, mine

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", PATHS)
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        yield begin
        for process in started:
            if process.is_alive():
                process.kill()
            process.join()


def wait_for(connection: Connection, word: str) -> None:
    heard = []
    while not heard or heard[-1] != word:
        assert connection.poll(120), heard
        heard.append(connection.recv())


def kill_at(start: Start, out: Path, word: str, *, pause_s: float = 0.02, late_s: float = 0.0) -> None:
    process, connection = start(out, pause_s)
    wait_for(connection, word)
    time.sleep(late_s)
    process.kill()
    process.join()


def finish(folder: Path) -> dict[str, torch.Tensor]:
    """Resume to the end here, with the children's one thread (sums in another number of threads round differently)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        trained, _ = tiny_run.run(folder)
    finally:
        torch.set_num_threads(threads)
    return {name: value.clone() for name, value in trained.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one if name != "seen")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return finish(tmp_path_factory.mktemp("undisturbed"))


def test_kill_9_at_steps_and_inside_saves_changes_no_bit(tmp_path, start, undisturbed):
    for word in ("saving step-000000002", "step 1", "saving COMPLETE", "step 3", "step 5", "step 7", "step 8", "step 11"):
        kill_at(start, tmp_path, word, pause_s=0.2 if "saving" in word else 0.0)
    kill_at(start, tmp_path, "saving step-000000012", pause_s=0.2)
    assert list((tmp_path / "checkpoints").glob(".saving*"))  # the last kill did hit a save
    assert same(finish(tmp_path), undisturbed)
    assert not list((tmp_path / "checkpoints").glob(".saving*"))


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(60))
def test_kill_9_at_any_moment_changes_no_bit_and_loses_at_most_one_interval(tmp_path, start, undisturbed, moment):
    draw = random.Random(moment)
    inside_a_save = moment % 6 == 0
    step = draw.choice(range(2, 13, 2)) if inside_a_save else draw.randint(1, 11)
    kill_at(start, tmp_path, f"saving step-{step:09d}" if inside_a_save else f"step {step}", late_s=draw.random() * 0.03)
    saved = [int(path.parent.name.removeprefix("step-")) for path in (tmp_path / "checkpoints").glob("step-*/COMPLETE")]
    assert max(saved, default=0) >= step - 2
    assert same(finish(tmp_path), undisturbed)


def test_sigterm_saves_and_says_how_to_go_on(tmp_path, start, undisturbed):
    process, connection = start(tmp_path, 0.2)
    wait_for(connection, "step 3")
    process.terminate()
    process.join(120)
    assert process.exitcode == 3
    wait_for(connection, "saving COMPLETE")
    while not (said := connection.recv()).startswith("interrupted"):
        pass
    assert "Stopped by SIGTERM after step 3 of 12" in said
    assert same(finish(tmp_path), undisturbed)


def launch(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", tiny_run.__file__, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": PATHS, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
    )


def two_ranks(out: Path, weights: Path) -> list[dict[str, torch.Tensor]]:
    process = launch(out, "--weights", weights)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return [load_file(f"{weights}.{rank}") for rank in range(2)]


@pytest.mark.slow
def test_two_processes_see_each_window_once_an_epoch_and_resume_bit_identically(tmp_path):
    pytest.importorskip("accelerate")
    first, second = two_ranks(tmp_path / "out", tmp_path / "weights")
    trained = [name for name in first if name.startswith(("encoder.", "predictor.")) and name.endswith(("weight", "bias"))]
    assert all(torch.equal(first[name], second[name]) for name in trained)
    process = launch(tmp_path / "again", "--pause", "0.3")
    for said in process.stdout:
        if said.strip() == "step 5":
            break
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    assert list((tmp_path / "again" / "checkpoints").glob("step-*/COMPLETE"))
    resumed, _ = two_ranks(tmp_path / "again", tmp_path / "weights-again")
    assert same(first, resumed)
    # All 22 windows for preparing; then batches of 5, 6, 5 and 6, of which the first rank gets 3 each time.
    seen = [rank["seen"].tolist() for rank in (first, second)]
    assert sorted(seen[0][:22]) == sorted(seen[1][:22]) == list(range(22))
    assert sorted(seen[0][22:34] + seen[1][22:32]) == list(range(22))
    assert len(seen[1]) == 22 + 3 * 10  # the second rank reads nothing for monitors
