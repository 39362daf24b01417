"""What runs a step: one process by itself, or `accelerate` for several processes and mixed precision.

`accelerate launch` and `torchrun` both work; one process needs no set-up and no accelerate.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sslts.devices import usable_device
from sslts.errors import ConfigError, UnsupportedError, missing_dependency
from sslts.interfaces import Method
from sslts.types import LossParts, SensorBatch


class Engine(ABC):
    """rank, world: this process among all; device: where batches go."""

    rank: int = 0
    world: int = 1
    device: torch.device

    @abstractmethod
    def loss(self, batch: SensorBatch, generator: torch.Generator) -> LossParts:
        """The method's loss of one batch."""

    @abstractmethod
    def backward(self, loss: Tensor) -> None:
        """Gradients; averaged over the ranks where there are several."""

    @abstractmethod
    def agree(self, value: int) -> int:
        """The largest `value` of all ranks. Every rank must ask."""

    def wait(self) -> None:
        """Until every rank is here."""

    @property
    def leads(self) -> bool:
        """True on the one rank that writes files and shows progress."""
        return self.rank == 0


def leads() -> bool:
    """Whether this process is the one that writes files, among those that torchrun or accelerate started."""
    return int(os.environ.get("RANK", "0")) == 0


class LocalEngine(Engine):
    """One process, full precision: plain torch."""

    def __init__(self, method: Method, device: torch.device) -> None:
        self.device = device
        self._method = method.to(device)

    def loss(self, batch: SensorBatch, generator: torch.Generator) -> LossParts:
        """The method's loss of one batch."""
        return self._method.training_loss(batch, generator=generator)

    def backward(self, loss: Tensor) -> None:
        """Gradients."""
        loss.backward()

    def agree(self, value: int) -> int:
        """The value itself."""
        return value


class AccelerateEngine(Engine):
    """Several processes (DistributedDataParallel) or bfloat16, by Hugging Face accelerate."""

    def __init__(self, method: Method, device: torch.device | None, precision: Literal["fp32", "bf16"]) -> None:
        try:
            import accelerate
        except ImportError:
            raise missing_dependency("accelerate", "train", "Training on several processes or in bf16") from None
        on_cpu = not torch.cuda.is_available() if device is None else device.type == "cpu"
        # Modalities may be missing from a whole batch, so some parameters get no gradient in some steps.
        uneven = accelerate.DistributedDataParallelKwargs(find_unused_parameters=True)
        try:
            self._accelerator = accelerate.Accelerator(
                cpu=on_cpu, mixed_precision="bf16" if precision == "bf16" else "no", kwargs_handlers=[uneven]
            )
        except ValueError as error:
            raise ConfigError(
                f"accelerate refused precision '{precision}' ({error}). Use a fresh process for another precision."
            ) from error
        kind = self._accelerator.distributed_type
        if kind.value not in {"NO", "MULTI_CPU", "MULTI_GPU"}:
            raise UnsupportedError(
                f"Training runs on one process or with DistributedDataParallel, got {kind.value}. Change the accelerate config."
            )
        self.device = self._accelerator.device
        self.rank, self.world = self._accelerator.process_index, self._accelerator.num_processes
        self._step = self._accelerator.prepare(_Loss(method.to(self.device)))

    def loss(self, batch: SensorBatch, generator: torch.Generator) -> LossParts:
        """The method's loss of this rank's share of the batch."""
        total, parts = self._step(batch, generator)
        return LossParts(total, parts)

    def backward(self, loss: Tensor) -> None:
        """Gradients, averaged over the ranks."""
        self._accelerator.backward(loss)

    def agree(self, value: int) -> int:
        """The largest `value` of all ranks."""
        if self.world == 1:
            return value
        told: Any = self._accelerator.gather(torch.tensor([value], device=self.device))
        return int(told.max())

    def wait(self) -> None:
        """Until every rank is here."""
        self._accelerator.wait_for_everyone()


class _Loss(nn.Module):
    # DistributedDataParallel hooks `forward`, so the loss has to be one.
    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = method

    def forward(self, batch: SensorBatch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        loss = self.method.training_loss(batch, generator=generator)
        return loss.total, dict(loss.parts)


def start(method: Method, *, precision: Literal["fp32", "bf16"], device: str | None) -> Engine:
    """The engine for this process. device: None takes the GPU where there is one.

    Raises:
        MissingDependencyError: several processes or bf16 were asked and accelerate is not installed.
        DeviceError: this machine has no such device.
    """
    chosen = None if device is None else usable_device(device)
    if precision == "bf16" or int(os.environ.get("WORLD_SIZE", "1") or 1) > 1:
        return AccelerateEngine(method, chosen, precision)
    return LocalEngine(method, chosen or torch.device("cuda" if torch.cuda.is_available() else "cpu"))
