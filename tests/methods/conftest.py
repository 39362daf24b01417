"""A small sensor-text JEPA in training, away from its neutral start so that every weight matters."""

from __future__ import annotations

import pytest
import torch

from sslts.methods.sensor_text_jepa import SensorTextJEPA


@pytest.fixture
def method() -> SensorTextJEPA:
    torch.manual_seed(0)
    made = SensorTextJEPA.example()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.is_floating_point():
                parameter.add_(0.1 * torch.randn_like(parameter))
        made.text_space.centre.copy_(0.3 * torch.randn_like(made.text_space.centre))
        made.text_space.stretch.add_(0.1 * torch.randn_like(made.text_space.stretch))
    made.start_training()
    return made
