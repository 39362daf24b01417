"""The device a user names, checked before anything is read or fetched for it."""

from __future__ import annotations

import torch

from sslts.errors import DeviceError


def usable_device(name: str | torch.device) -> torch.device:
    """The device of this name, after a number was stored on it.

    Raises:
        DeviceError: no device has this name, this machine or this build of torch has none, or it cannot be read back ("meta").
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()
    # A build without CUDA asserts, one without another backend cannot import it, "meta" implements no copy back, and what is no name of a
    # device is a RuntimeError, TypeError or ValueError as it comes.
    except (RuntimeError, AssertionError, NotImplementedError, ImportError, TypeError, ValueError) as error:
        reason = str(error).strip().split("\n", 1)[0]
        raise DeviceError(f"device {str(name)!r} cannot be used ({reason}). This machine has {', '.join(available())}.") from error
    return device


def available() -> tuple[str, ...]:
    """Names of the devices that torch finds here, "cpu" first."""
    cuda = (f"cuda:{index}" for index in range(torch.cuda.device_count()))
    return ("cpu", *cuda, *(["mps"] if torch.backends.mps.is_available() else []))
