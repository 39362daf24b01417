"""What fusions promise: JOINT + UNIMODAL -> EMBEDDING."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sslts.interfaces import Fusion
from sslts.testing.case import broken
from sslts.testing.common import row_by_row
from sslts.testing.kit import ROWS, Kit, Promise, Subject, noise
from sslts.testing.tokens import JUNK
from sslts.types import Views


class FusionKit(Kit):
    """Fed with views of its Config's `embed_dim` and `modalities`. The last row is absent, others lack some modalities."""

    base = Fusion

    def example(self, component: Any, rows: int = ROWS) -> Views:
        config = component.config
        for name in ("embed_dim", "modalities"):
            if not hasattr(config, name):
                raise broken(f"its Config has no {name}: width and number of what is fused (FROM_SPEC fills them in).")
        present = noise(rows, config.modalities, seed=2) > -0.5
        present[0], present[-1] = True, False
        return Views(noise(rows, config.embed_dim), noise(rows, config.modalities, config.embed_dim, seed=1), present)

    def run(self, component: Any, given: Views) -> Tensor:
        made: Tensor = component(given.joint, given.own, given.present)
        return made

    def trains(self, component: Any, given: Views) -> Tensor:
        made = self.run(component, given)
        return (made * noise(*made.shape, seed=5)).mean() + made.square().mean()

    def cast(self, given: Views, dtype: torch.dtype) -> Views:
        return Views(given.joint.to(dtype), given.own.to(dtype), given.present)

    @property
    def promises(self) -> tuple[Promise, ...]:
        return (
            Promise("shapes", "an embedding is [B, embed_dim]", _shapes),
            Promise("absent-is-zero", "a row without any modality is 0", _absent),
            Promise("junk-in-absent", "junk in an absent modality changes no output bit", _junk),
            Promise("rows", "a row does not depend on the other rows", _rows, lambda subject: not subject.cls.episodic),
            Promise("episodes", "rows of another episode are not seen", _episodes),
        )


@torch.no_grad()
def _shapes(subject: Subject) -> None:
    component = subject.fresh()
    made = subject.kit.run(component, subject.kit.example(component))
    if tuple(made.shape) != (ROWS, component.embed_dim):
        raise broken(f"it returns {tuple(made.shape)}, expected ({ROWS}, {component.embed_dim}) (embed_dim).")


@torch.no_grad()
def _absent(subject: Subject) -> None:
    component = subject.fresh()
    given: Views = subject.kit.example(component)
    made = component(given.joint, given.own, torch.zeros_like(given.present))
    if bool(made.ne(0).any()):
        raise broken("rows without any modality are not 0.")


@torch.no_grad()
def _junk(subject: Subject) -> None:
    component = subject.fresh()
    given: Views = subject.kit.example(component)
    for junk in JUNK:
        soiled = Views(given.joint, given.own.masked_fill(~given.present[..., None], junk), given.present)
        if not torch.equal(subject.kit.run(component, given), subject.kit.run(component, soiled)):
            raise broken(f"{junk} in a modality that is absent changes the embedding.")


def _rows(subject: Subject) -> None:
    component = subject.fresh()
    row_by_row(subject.kit, component, subject.kit.example(component), lambda views, row: views.select(torch.tensor([row])), ROWS)


@torch.no_grad()
def _episodes(subject: Subject) -> None:
    component = subject.fresh()
    given: Views = subject.kit.example(component)
    episode = torch.arange(ROWS) % 2
    whole = component(given.joint, given.own, given.present, episode)
    for which in (0, 1):
        mine = given.select((episode == which).nonzero()[:, 0])
        apart = component(mine.joint, mine.own, mine.present, torch.zeros(len(mine), dtype=torch.long))
        if not torch.allclose(whole[episode == which], apart, rtol=1e-4, atol=1e-5):
            raise broken("an episode's rows change when another episode is in the batch.")
