"""What every component is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

from torch import nn

from sslts.config import ComponentConfig, parse


class Component(nn.Module, ABC):
    """Base of everything the registry builds."""

    Config: ClassVar[type[ComponentConfig]] = ComponentConfig

    def __init__(self, config: ComponentConfig) -> None:
        super().__init__()
        self.config = config

    @classmethod
    def create(cls, **options: Any) -> Self:
        """Build from plain options, checked by `Config` (ConfigError names the option)."""
        return cls(parse(cls.Config, options, cls.__name__))

    @classmethod
    @abstractmethod
    def example(cls) -> Self:
        """A small instance, for documentation and conformance tests."""
