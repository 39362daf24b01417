"""Checkpoints: nothing that fails or dies while saving costs an earlier one, and nothing damaged or foreign is loaded."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import random
import shutil
import tempfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tiny_run import TinyMethod, method
from torch import nn

from sslts.errors import CheckpointError, UnsupportedError
from sslts.training import checkpoint, tensorfile
from sslts.training.checkpoint import MARKER, STATE, TENSORS, Disk, EpochRecord, State
from sslts.training.schedule import parameter_groups

RECIPE, SOURCE = "a" * 64, "b" * 64


class FailingDisk(Disk):
    """Counts its operations and fails at the n-th."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.count, self.fail_at = 0, fail_at
        self.done: list[str] = []

    def _tick(self, what: str) -> None:
        self.count += 1
        if self.count == self.fail_at:
            raise OSError(errno.ENOSPC, f"no space left ({what})")
        self.done.append(what)

    def make(self, folder: Path) -> None:
        self._tick(f"make {folder.name}")
        super().make(folder)

    def write(self, path: Path, data: bytes) -> None:
        if self.count + 1 == self.fail_at:
            path.write_bytes(data[: len(data) // 2])  # a full disk leaves half a file
        self._tick(f"write {path.name}")
        super().write(path, data)

    def sync(self, path: Path) -> None:
        self._tick(f"sync {path.name}")
        super().sync(path)

    def rename(self, old: Path, new: Path) -> None:
        self._tick(f"rename {new.name}")
        super().rename(old, new)

    def remove(self, path: Path) -> None:
        self._tick(f"remove {path.name}")
        super().remove(path)


def trained(steps: int = 2) -> tuple[TinyMethod, torch.optim.AdamW]:
    model = method()
    optimiser = torch.optim.AdamW(parameter_groups(model, 0.1))
    draw = torch.Generator().manual_seed(0)
    for _ in range(steps):
        for group in optimiser.param_groups:
            for parameter in group["params"]:
                parameter.grad = torch.randn(parameter.shape, generator=draw)
        optimiser.step()
    return model, optimiser


def state(step: int, **changes: object) -> State:
    told = {"step": step, "epoch": 1, "recipe": RECIPE, "source": SOURCE, "loss_sum": 0.1 + 0.2, "loss_count": 3}
    return State.model_validate(told | {"history": ({"epoch": 1, "step": 1, "loss": 1 / 3, "rankme": 2.5},)} | changes)


def save(folder: Path, step: int, *, keep: int = 5, disk: Disk = checkpoint.DISK) -> Path:
    return checkpoint.save(folder, state(step), tensorfile.collect(*trained(step)), keep=keep, disk=disk)


def latest(folder: Path) -> checkpoint.Checkpoint | None:
    return checkpoint.latest(folder, recipe=RECIPE, source=SOURCE, expected=tensorfile.layout(*trained(0)))


def test_what_is_saved_comes_back_bit_by_bit(tmp_path):
    model, optimiser = trained(3)
    checkpoint.save(tmp_path, state(3), tensorfile.collect(model, optimiser), keep=2)
    found = latest(tmp_path)
    fresh, other = trained(0)
    tensorfile.restore(found.tensors, fresh, other)
    for name, value in model.state_dict().items():
        assert torch.equal(value, fresh.state_dict()[name]), name
    before, after = optimiser.state_dict()["state"], other.state_dict()["state"]
    assert before.keys() == after.keys()
    assert all(torch.equal(before[index][key], after[index][key]) for index in before for key in before[index])
    assert found.state.model_dump(exclude={"files"}) == state(3).model_dump(exclude={"files"})
    assert found.state.history[0] == EpochRecord(epoch=1, step=1, loss=1 / 3, rankme=2.5)


def test_parameters_without_a_gradient_yet_have_no_optimiser_state(tmp_path):
    save(tmp_path, 0)
    fresh, optimiser = trained(0)
    tensorfile.restore(latest(tmp_path).tensors, fresh, optimiser)
    assert not any(optimiser.state.values())


def test_an_empty_or_missing_folder_has_no_checkpoint(tmp_path):
    assert latest(tmp_path / "none") is None
    assert latest(tmp_path) is None


def test_the_newest_is_found_and_only_the_last_k_are_kept(tmp_path):
    for step in (1, 2, 3, 4):
        save(tmp_path, step, keep=2)
    assert [path.name for path in checkpoint.complete(tmp_path)] == ["step-000000003", "step-000000004"]
    assert len(list(tmp_path.iterdir())) == 2
    assert latest(tmp_path).state.step == 4


def test_the_marker_is_written_last(tmp_path):
    disk = FailingDisk()
    save(tmp_path, 1, disk=disk)
    assert disk.done[-2:] == [f"rename {MARKER}", "sync step-000000001"]
    assert disk.done.index(f"sync {TENSORS}") < disk.done.index("rename step-000000001") < disk.done.index(f"rename {MARKER}")


def operations() -> int:
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder), 1)
        disk = FailingDisk()
        save(Path(folder), 2, keep=1, disk=disk)
        return disk.count


@pytest.mark.parametrize("fail_at", range(1, operations() + 1))
def test_whichever_operation_fails_a_whole_checkpoint_still_loads_and_the_next_save_works(tmp_path, fail_at):
    save(tmp_path, 1)
    disk = FailingDisk(fail_at)
    try:
        save(tmp_path, 2, keep=1, disk=disk)
    except CheckpointError as error:
        assert "no space left" in str(error)  # noqa: PT017
        assert "step-000000002" in str(error)  # noqa: PT017
    else:
        assert "remove" in f"{disk.done}" or disk.fail_at == disk.count  # only tidying may fail quietly
    assert latest(tmp_path).state.step in (1, 2)
    checkpoint.clean(tmp_path)
    save(tmp_path, 2, keep=1)
    assert latest(tmp_path).state.step == 2
    assert not list(tmp_path.glob(".saving*"))


@pytest.mark.parametrize("stop_at", range(1, operations() + 1))
def test_dying_at_any_operation_of_a_save_leaves_a_whole_checkpoint(tmp_path, stop_at):
    class Died(BaseException):
        pass

    class DyingDisk(FailingDisk):
        def _tick(self, what):
            self.count += 1
            if self.count >= stop_at:
                raise Died

    save(tmp_path, 1)
    with pytest.raises(Died):
        save(tmp_path, 2, keep=1, disk=DyingDisk())
    assert latest(tmp_path).state.step in (1, 2)
    checkpoint.clean(tmp_path)
    assert not list(tmp_path.glob(".saving*"))


@pytest.mark.parametrize("name", [TENSORS, STATE, MARKER])
@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "remove", "grow"])
def test_a_damaged_latest_falls_back_to_the_one_before_with_a_warning(tmp_path, caplog, name, damage):
    save(tmp_path, 1)
    path = save(tmp_path, 2) / name
    data = path.read_bytes()
    if damage == "remove":
        path.unlink()
    else:
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        path.write_bytes({"flip": flipped, "truncate": data[:-10], "empty": b"", "grow": data + b"x"}[damage])
    with caplog.at_level(logging.WARNING):
        assert latest(tmp_path).state.step == 1
    if (name, damage) != (MARKER, "remove"):  # without a marker it never was a checkpoint
        assert "damaged" in caplog.text


def test_only_damaged_checkpoints_are_an_error_never_a_start_from_zero(tmp_path):
    (save(tmp_path, 1) / TENSORS).write_bytes(b"")
    with pytest.raises(CheckpointError, match="None of the 1 checkpoints"):
        latest(tmp_path)


def test_a_damaged_checkpoint_is_replaced_when_training_passes_its_step_again(tmp_path):
    save(tmp_path, 1)
    (save(tmp_path, 2) / TENSORS).write_bytes(b"")
    save(tmp_path, 2)
    assert latest(tmp_path).state.step == 2


def test_saving_behind_a_damaged_checkpoint_keeps_what_was_saved(tmp_path):
    save(tmp_path, 1)
    (save(tmp_path, 9) / TENSORS).write_bytes(b"")
    save(tmp_path, 2, keep=1)
    assert latest(tmp_path).state.step == 2


def test_a_checkpoint_of_another_recipe_or_of_other_windows_is_refused(tmp_path):
    save(tmp_path, 1)
    expected = tensorfile.layout(*trained(0))
    with pytest.raises(CheckpointError, match="another recipe"):
        checkpoint.latest(tmp_path, recipe="c" * 64, source=SOURCE, expected=expected)
    with pytest.raises(CheckpointError, match="other windows"):
        checkpoint.latest(tmp_path, recipe=RECIPE, source="c" * 64, expected=expected)


def forge(folder: Path, tensors: dict[str, torch.Tensor] | None = None, **changes: object) -> None:
    """Rewrite a checkpoint with hashes that fit, as somebody with access to the disk could."""
    if tensors is not None:
        save_file(tensors, folder / TENSORS)
    told = json.loads((folder / STATE).read_text())
    told["files"] = {TENSORS: hashlib.sha256((folder / TENSORS).read_bytes()).hexdigest()}
    (folder / STATE).write_text(json.dumps(told | changes))
    (folder / MARKER).write_text(hashlib.sha256((folder / STATE).read_bytes()).hexdigest())


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (lambda t: t | {"method.centre": torch.zeros(13)}, "expected"),
        (lambda t: t | {"method.centre": torch.zeros(12).double()}, "expected"),
        (lambda t: t | {"method.other": torch.zeros(1)}, "does not belong"),
        (lambda t: t | {"optimiser.predictor.bias.exp_avg": torch.zeros(7)}, "expected"),
        (lambda t: {name: value for name, value in t.items() if name != "method.centre"}, "missing"),
    ],
)
def test_hashes_that_fit_do_not_make_wrong_tensors_right(tmp_path, edit, why):
    folder = save(tmp_path, 1)
    forge(folder, edit(tensorfile.collect(*trained(1))))
    with pytest.raises(CheckpointError, match=why):
        latest(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [{"step": -1}, {"format": 2}, {"surprise": 1}, {"loss_sum": "x"}, {"history": [{"epoch": 0}]}, {"recipe": "short"}],
)
def test_hashes_that_fit_do_not_make_a_wrong_state_right(tmp_path, changes):
    forge(save(tmp_path, 1), **changes)
    with pytest.raises(CheckpointError):
        latest(tmp_path)


def test_random_damage_is_never_loaded_and_never_an_untyped_error(tmp_path):
    draw = random.Random(0)
    whole = save(tmp_path / "whole", 1)
    for _ in range(150):
        folder = tmp_path / "hurt"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(whole.parent, folder)
        path = folder / whole.name / draw.choice([TENSORS, STATE, MARKER])
        data = bytearray(path.read_bytes())
        for _ in range(draw.randint(1, 4)):
            data[draw.randrange(len(data))] ^= draw.randint(1, 255)
        if bytes(data) == path.read_bytes():
            continue
        path.write_bytes(data)
        with pytest.raises(CheckpointError):
            latest(folder)


def test_state_that_is_no_tensor_is_refused_when_the_run_starts():
    class Odd(nn.Linear):
        def get_extra_state(self):
            return {"a": 1}

    odd = Odd(2, 2)
    with pytest.raises(UnsupportedError, match="_extra_state"):
        tensorfile.layout(odd, torch.optim.AdamW(parameter_groups(odd, 0.1)))


def test_tied_weights_survive(tmp_path):
    model = nn.Module()
    model.one = nn.Linear(2, 2)
    model.two = model.one
    optimiser = torch.optim.AdamW(parameter_groups(model, 0.1))
    checkpoint.save(tmp_path, state(1), tensorfile.collect(model, optimiser), keep=1)
    found = checkpoint.latest(tmp_path, recipe=RECIPE, source=SOURCE, expected=tensorfile.layout(model, optimiser))
    assert torch.equal(found.tensors["method.one.weight"], found.tensors["method.two.weight"])


def test_a_read_only_folder_is_a_typed_error(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(CheckpointError, match="cannot be written"):
        save(blocked / "checkpoints", 1)


def test_a_forged_header_is_refused_before_anything_is_read(tmp_path):
    folder = save(tmp_path, 1)
    (folder / TENSORS).write_bytes((1 << 40).to_bytes(8, "little") + b"{}")
    forge(folder)
    with pytest.raises(CheckpointError, match="header"):
        latest(tmp_path)


def test_a_file_that_vanishes_while_it_is_read_is_a_typed_error(tmp_path, monkeypatch):
    def gone(path):
        raise OSError("stale handle")

    save(tmp_path, 1)
    monkeypatch.setattr(tensorfile.safetensors.torch, "load_file", gone)
    with pytest.raises(CheckpointError, match="stale handle"):
        latest(tmp_path)


def test_leftovers_that_cannot_be_removed_are_only_a_warning(tmp_path, caplog):
    (tmp_path / ".saving-step-000000001-1").mkdir()
    with caplog.at_level(logging.WARNING):
        checkpoint.clean(tmp_path, disk=FailingDisk(1))
    assert "Cannot remove the unfinished checkpoint" in caplog.text


def test_the_version_is_recorded_even_where_the_package_is_not_installed(monkeypatch):
    def missing(name):
        raise checkpoint.metadata.PackageNotFoundError

    monkeypatch.setattr(checkpoint.metadata, "version", missing)
    assert checkpoint.installed_version() == "unknown"
    monkeypatch.setattr(checkpoint.metadata, "version", lambda name: "1.2.3")
    assert checkpoint.installed_version() == "1.2.3"
