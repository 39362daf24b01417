"""A device is taken or refused with what there is instead."""

from __future__ import annotations

import pytest
import torch

from sslts.devices import available, usable_device
from sslts.errors import ConfigError, DeviceError


def test_every_available_device_is_usable_and_the_cpu_is_among_them() -> None:
    assert available()[0] == "cpu"
    assert [str(usable_device(name)) for name in available()] == list(available())
    assert usable_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "cuda:-1", "cpu:x", "", "meta", "xla", "hpu", None])
def test_a_device_that_is_not_there_is_refused_with_its_name_and_those_that_are(name: str | None) -> None:
    with pytest.raises(DeviceError) as caught:
        usable_device(name)  # type: ignore[arg-type]
    assert str(caught.value).startswith(f"device '{name}' cannot be used (")
    assert str(caught.value).endswith(f"This machine has {', '.join(available())}.")
    assert isinstance(caught.value, ConfigError)
