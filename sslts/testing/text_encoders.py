"""What text towers promise: WORDS -> VECTORS."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sslts.errors import TextError
from sslts.interfaces import TextEncoder
from sslts.testing.case import broken
from sslts.testing.kit import Kit, Promise, Subject

_TEXTS = ("walking", "a person is running", "sitting")


class TextEncoderKit(Kit):
    """Fed with three short texts."""

    base = TextEncoder

    def example(self, component: Any, rows: int = len(_TEXTS)) -> tuple[str, ...]:
        return _TEXTS[:rows]

    def run(self, component: Any, given: tuple[str, ...]) -> Tensor:
        vectors: Tensor = component(list(given))
        return vectors

    @property
    def promises(self) -> tuple[Promise, ...]:
        return (
            Promise("vectors", "n texts give unit vectors [n, embed_dim]; none give [0, embed_dim]", _vectors),
            Promise("frozen", "nothing in it is trained", _frozen),
            Promise("texts-apart", "a text does not depend on the others, and different ones differ", _apart),
            Promise("no-text", "what is no text is a TextError", _no_text),
        )


def _vectors(subject: Subject) -> None:
    component = subject.fresh()
    made = component(list(_TEXTS))
    if tuple(made.shape) != (len(_TEXTS), component.embed_dim):
        raise broken(f"it returns {tuple(made.shape)}, expected ({len(_TEXTS)}, {component.embed_dim}) (embed_dim).")
    if not torch.allclose(made.norm(dim=1), torch.ones(len(_TEXTS)), atol=1e-4):
        raise broken(f"lengths are {made.norm(dim=1).tolist()}, expected 1.")
    if tuple(component([]).shape) != (0, component.embed_dim):
        raise broken(f"no texts give {tuple(component([]).shape)}, expected (0, {component.embed_dim}).")


def _frozen(subject: Subject) -> None:
    component = subject.fresh()
    learning = [name for name, parameter in component.named_parameters() if parameter.requires_grad]
    if learning or component(list(_TEXTS)).requires_grad:
        raise broken(f"{', '.join(learning[:3]) or 'its output'} takes gradients. Use buffers, or requires_grad_(False).")


def _apart(subject: Subject) -> None:
    component = subject.fresh()
    together = component(list(_TEXTS))
    for row, text in enumerate(_TEXTS):
        if not torch.allclose(component([text])[0], together[row], rtol=1e-4, atol=1e-5):
            raise broken(f"'{text}' alone has another vector than among {len(_TEXTS)}.")
    if torch.allclose(together[0], together[2], atol=1e-4):
        raise broken(f"'{_TEXTS[0]}' and '{_TEXTS[2]}' have the same vector.")


def _no_text(subject: Subject) -> None:
    component = subject.fresh()
    for given in ("walking", [""], [3]):
        try:
            component(given)
        except TextError:
            continue
        raise broken(f"{given!r} is accepted. Raise sslts.errors.TextError that says what was expected.")
