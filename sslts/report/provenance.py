"""The section that says what the model is, where it comes from and what it cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sslts.report.page import Fact, Section


@dataclass(frozen=True, slots=True)
class ProvenanceSection(Section):
    """Facts, limits and the notices of what is shown."""

    kind: ClassVar[str] = "provenance"
    facts: tuple[Fact, ...]
    limits: tuple[str, ...]
    notices: tuple[str, ...] = ()
    title: str = "The model, and its limits"

    def context(self) -> Mapping[str, Any]:
        """Facts, limits and notices."""
        return {"facts": self.facts, "limits": self.limits, "notices": self.notices}
