"""Logs: the CSV survives kills, the optional ones are asked for by name."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest
from tiny_run import recipe

from sslts.errors import MissingDependencyError
from sslts.training.loggers import CsvLog, open_loggers


def test_rows_after_the_checkpoint_are_dropped_and_a_new_name_becomes_a_column(tmp_path):
    path = tmp_path / "log.csv"
    log = CsvLog(path, resume_step=0)
    for step in range(1, 5):
        log.log(step, {"loss": step / 4})
    log.close()
    log = CsvLog(path, resume_step=2)
    log.log(3, {"loss": 9, "rankme": 2.5})
    log.log(4, {"rankme": 3})
    log.flush()
    assert path.read_text() == "step,loss,rankme\n1,0.25,\n2,0.5,\n3,9,2.5\n4,,3\n"


@pytest.mark.parametrize("torn", ["2", "2,0.", "1", '"', "x,0.5\n", "2,0.5,7\n"])
def test_a_torn_or_foreign_row_is_dropped(tmp_path, torn):
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n1,0.25\n" + torn)
    CsvLog(path, resume_step=10).close()
    assert path.read_text() == "step,loss\n1,0.25\n"


@pytest.mark.parametrize("text", ["", "\n", "not a log\n1\n", "step"])
def test_a_file_that_is_no_log_starts_anew(tmp_path, text):
    path = tmp_path / "log.csv"
    path.write_text(text)
    log = CsvLog(path, resume_step=5)
    log.log(6, {"loss": 1})
    assert path.read_text() == "step,loss\n6,1\n"


@pytest.mark.parametrize(("name", "module"), [("tensorboard", "torch.utils.tensorboard"), ("wandb", "wandb")])
def test_a_logger_that_is_not_installed_says_what_to_install(tmp_path, monkeypatch, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match=rf"sslts\[{name}\]"):
        open_loggers(tmp_path, recipe(loggers=[name]), resume_step=0)


def test_tensorboard_purges_what_is_repeated_and_gets_every_value(tmp_path, monkeypatch):
    calls: list[tuple[object, ...]] = []

    class SummaryWriter:
        def __init__(self, folder, purge_step):
            calls.append(("purge", purge_step))

        def add_scalar(self, name, value, step):
            calls.append((name, value, step))

        def flush(self):
            calls.append(("flush",))

        def close(self):
            calls.append(("close",))

    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    _, board = open_loggers(tmp_path, recipe(loggers=["tensorboard"]), resume_step=4)
    board.log(5, {"loss": 0.5})
    board.flush()
    board.close()
    assert calls == [("purge", 5), ("loss", 0.5, 5), ("flush",), ("close",)]


def test_wandb_continues_the_run_of_the_same_recipe(tmp_path, monkeypatch):
    calls: list[object] = []
    run = SimpleNamespace(log=lambda values, step: calls.append((values, step)), finish=lambda: calls.append("finish"))

    def init(**options):
        calls.append(options["id"])
        return run

    module = ModuleType("wandb")
    module.init = init
    monkeypatch.setitem(sys.modules, "wandb", module)
    _, logger = open_loggers(tmp_path, recipe(loggers=["wandb"]), resume_step=0)
    logger.log(1, {"loss": 2.0})
    logger.flush()
    logger.close()
    assert calls == [recipe().digest[:16], ({"loss": 2.0}, 1), "finish"]
