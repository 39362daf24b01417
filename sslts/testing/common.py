"""What components of every kind promise: how they are configured, built, stored, moved and trained."""

from __future__ import annotations

import random
import types
import typing
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from safetensors.torch import load, save
from torch import nn

from sslts.config import ComponentConfig
from sslts.testing.case import broken
from sslts.testing.kit import Kit, Promise, Subject, noise, seeded
from sslts.testing.watch import watched

_TOO_MUCH = {int: 10**18, float: 1e300}


def _is_final(subject: Subject) -> None:
    if not getattr(subject.cls, "__final__", False):
        raise broken("a variant is a new class, not a subclass. Decorate it with typing.final.")


def _config_is_a_value(subject: Subject) -> None:
    config = subject.cls.Config
    if not (isinstance(config, type) and issubclass(config, ComponentConfig)):
        raise broken(f"Config is {config!r}, expected a subclass of sslts.config.ComponentConfig.")
    if not config.model_config.get("frozen") or config.model_config.get("extra") != "forbid":
        raise broken("its Config can be changed or takes unknown keys. Leave model_config as ComponentConfig has it.")


def _config_survives_json(subject: Subject) -> None:
    config = subject.fresh().config
    again = type(config).model_validate_json(config.model_dump_json())
    if again != config:
        raise broken(f"the config {config!r} comes back from JSON as {again!r}. Use types that JSON keeps.")


def _numbers_are_bounded(subject: Subject) -> None:
    """A config comes from a file that anyone may have written: no number in it may ask for 10^18 layers."""
    config = subject.fresh().config
    told = config.model_dump(mode="json")
    for name, info in type(config).model_fields.items():
        huge = [sign * _TOO_MUCH[kind] for kind in _number_types(info.annotation) for sign in (1, -1)]
        for value in (*huge, *_blown_up(told[name])):
            try:
                type(config).model_validate({**told, name: value})
            except ValidationError:
                continue
            raise broken(f"option {name} accepts {value!r}. Bound every number in it: Annotated[int, Field(ge=..., le=...)].")


def _blown_up(value: Any) -> list[Any]:
    """The same list or mapping, with one number after another beyond all reason."""
    if isinstance(value, bool) or value is None:
        return []
    if isinstance(value, int | float):
        return [sign * _TOO_MUCH[type(value)] for sign in (1, -1)]
    if isinstance(value, list):
        return [[*value[:at], other, *value[at + 1 :]] for at, each in enumerate(value) for other in _blown_up(each)]
    if isinstance(value, dict):
        return [{**value, key: other} for key, each in value.items() for other in _blown_up(each)]
    return []


def _number_types(annotation: Any) -> list[type]:
    parts = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    return [kind for kind in (int, float) if kind in parts]


def _says_what_it_is(subject: Subject) -> None:
    if not (subject.cls.__doc__ or "").strip():
        raise broken("the class has no docstring. Say in one line what it is, with shapes and the paper it follows.")


def _built_without_io(subject: Subject) -> None:
    with watched() as seen:
        subject.build()
    if seen:
        raise broken(f"building it did this: {'; '.join(seen[:3])}. A constructor builds layers and nothing else.")


def _built_from_the_seed(subject: Subject) -> None:
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global generator is what must stay as it is
    first, second = subject.build(1), subject.build(1)
    if random.getstate() != python or not _same_numpy(numpy):
        raise broken("building it draws from Python's or NumPy's global generator. Use torch's initialisation.")
    for name, tensor in first.state_dict().items():
        if not torch.equal(tensor, second.state_dict()[name]):
            raise broken(f"two instances built at one seed differ in '{name}'. Draw weights from torch's generator only.")


def _same_numpy(before: Any) -> bool:
    after = np.random.get_state()  # noqa: NPY002 - as above
    return all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


def _tensors_are_registered(subject: Subject) -> None:
    """A tensor that is a plain attribute stays behind when the module moves, and is in no file."""
    for name, module in subject.fresh().named_modules():
        loose = [key for key, value in vars(module).items() if isinstance(value, torch.Tensor)]
        if loose:
            where = f"{name}.{loose[0]}" if name else loose[0]
            raise broken(
                f"'{where}' is a tensor that is neither parameter nor buffer. Use register_buffer, so that it moves and is stored."
            )


def _weights_survive_a_file(subject: Subject) -> None:
    first, second = subject.fresh(), subject.build(2).eval()
    subject.kit.settle(first)
    unsettle(first)
    state = {name: tensor.contiguous().clone() for name, tensor in first.state_dict().items()}
    second.load_state_dict(load(save(state)) if state else {}, strict=True)
    given = subject.kit.example(first)
    with torch.no_grad():
        one, other = subject.kit.run(first, given), subject.kit.run(second.eval(), given)
    if not torch.equal(one, other):
        raise broken("after its weights went through a file, another instance computes something else. Is a state not in state_dict()?")


def _same_every_time(subject: Subject) -> None:
    component = subject.fresh()
    given = subject.kit.example(component)
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()  # noqa: NPY002 - must stay as it is
    with torch.no_grad():
        one, other = subject.kit.run(component, given), subject.kit.run(component, given)
    if not torch.equal(one, other):
        raise broken("in eval mode the same input gives two results.")
    if not torch.equal(torch.get_rng_state(), before[0]) or random.getstate() != before[1] or not _same_numpy(before[2]):
        raise broken("in eval mode it draws from a global random generator. Randomness is an argument (generator=...).")


def _gradients_reach_all(subject: Subject) -> None:
    component = subject.fresh()
    unsettle(component)
    wanted = {name: parameter for name, parameter in component.named_parameters() if parameter.requires_grad}
    if not wanted:
        return
    with seeded(0):
        subject.kit.trains(component, subject.kit.example(component)).backward()
    without = [name for name, parameter in wanted.items() if parameter.grad is None or not bool(parameter.grad.abs().sum() > 0)]
    if without:
        raise broken(f"no gradient reaches {', '.join(without[:3])}. Remove what is not used, or make it a buffer.")


def _reads_numbers(subject: Subject) -> bool:
    return subject.kit.cast(subject.kit.example(subject.fresh()), torch.float32) is not None


def _device_can_change(subject: Subject) -> None:
    component, kit = subject.fresh().cuda(), subject.kit
    given = kit.cast(kit.example(component), torch.float32)
    with torch.no_grad():
        made = kit.run(component, given.to("cuda"))
    if made.device.type != "cuda":
        raise broken(f"on a GPU it returns numbers on {made.device}. Make tensors on the device of their inputs.")


def _has_a_gpu(subject: Subject) -> bool:
    return torch.cuda.is_available() and hasattr(subject.kit.cast(subject.kit.example(subject.fresh()), torch.float32), "to")


def _precision_can_change(subject: Subject) -> None:
    component, kit = subject.fresh(), subject.kit
    given = kit.example(component)
    fine = kit.cast(given, torch.float64)
    with torch.no_grad():
        usual, precise = kit.run(component, given), kit.run(component.double(), fine)
    if precise.dtype != torch.float64:
        raise broken(f"moved to float64 it returns {precise.dtype}. Make tensors like their inputs (dtype=x.dtype, x.new_zeros).")
    error = float((usual.double() - precise).abs().max()) if usual.numel() else 0.0
    size = max(1.0, float(precise.abs().max())) if usual.numel() else 1.0
    if not error <= 1e-3 * size:
        raise broken(f"in float64 it computes something else (largest difference {error:.2g}).")


def unsettle(component: nn.Module) -> None:
    """A little noise on every weight, so that what starts at zero cannot hide what it does."""
    with torch.no_grad():
        for index, parameter in enumerate(component.parameters()):
            if parameter.is_floating_point() and parameter.requires_grad:
                parameter.add_(0.05 * noise(*parameter.shape, seed=index).to(parameter))


def row_by_row(kit: Kit, component: Any, given: Any, pick: Any, rows: int) -> None:
    """Each row alone gives what it gives in company. pick(given, row) -> that row alone."""
    with torch.no_grad():
        together = kit.run(component, given)
        for row in range(rows):
            alone = kit.run(component, pick(given, row))
            if not torch.allclose(alone[0], together[row], rtol=1e-4, atol=1e-5):
                worst = float((alone[0] - together[row]).abs().max())
                raise broken(
                    f"row {row} alone differs from the same row in a batch of {rows} by {worst:.2g}. Rows must not see each other."
                )


#: Of every class.
ALWAYS = (
    Promise("final", "concrete classes are final", _is_final),
    Promise("config", "the config is a frozen value that refuses unknown keys", _config_is_a_value),
    Promise("config-json", "the config survives JSON", _config_survives_json),
    Promise("config-bounds", "every number of the config is bounded", _numbers_are_bounded),
    Promise("docstring", "the class says what it is", _says_what_it_is),
    Promise("offline-build", "building does no I/O", _built_without_io),
)
#: Of every class that is an nn.Module.
MODULES = (
    Promise("seeded-build", "weights are a function of torch's seed", _built_from_the_seed),
    Promise("deterministic", "eval mode is deterministic and leaves global generators alone", _same_every_time),
    Promise("registered-tensors", "every tensor moves and is stored", _tensors_are_registered),
    Promise("weights-file", "weights survive a safetensors file", _weights_survive_a_file),
    Promise("gradients", "gradients reach every parameter", _gradients_reach_all),
    Promise("precision", "it can be moved to another precision", _precision_can_change, _reads_numbers),
    Promise("device", "it can be moved to a GPU (only where there is one)", _device_can_change, _has_a_gpu),
)
