"""The abstract base classes that built-ins and plugins fill in.

A component is an `nn.Module` with a frozen pydantic `Config` as its only constructor argument. Constructors build layers and nothing
else: no I/O, no network, no global random state beyond torch's own initialisation. Concrete classes are `@final`; a variant is a new
class, not a flag. Contracts (tests hold them): junk in an absent or unobserved slot changes no output bit; a row's output does not
depend on other rows, up to floating-point rounding (another batch size may sum in another order and change the last bits: tests allow
1e-4 relative); hidden tokens do not influence visible ones; the same generator gives the same plan.
"""

from __future__ import annotations

from sslts.interfaces.base import Component
from sslts.interfaces.building import build, facts_of
from sslts.interfaces.heads import FewShotHead, FittedHead
from sslts.interfaces.methods import FusedMethod, Method, TextMethod
from sslts.interfaces.parts import Aggregator, DescribedEncoder, Encoder, Fusion, Masker, Objective, Predictor
from sslts.interfaces.words import Captioner, TextEncoder, TowerOrigin

__all__ = [
    "Aggregator",
    "Captioner",
    "Component",
    "DescribedEncoder",
    "Encoder",
    "FewShotHead",
    "FittedHead",
    "FusedMethod",
    "Fusion",
    "Masker",
    "Method",
    "Objective",
    "Predictor",
    "TextEncoder",
    "TextMethod",
    "TowerOrigin",
    "build",
    "facts_of",
]
