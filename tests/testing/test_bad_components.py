"""The kit lets a good component pass and tells what is wrong with a bad one: each by its own promise, and with what to do."""

from __future__ import annotations

from typing import final

import bad_components as bad
import bad_encoders
import pytest
import torch
from torch import nn

from sslts.errors import ConformanceError
from sslts.testing import check_component, conformance_cases

#: Class -> what it breaks, and what the first of these says. What draws from a global generator breaks all that needs a plan twice.
_UNREPEATABLE = ("generator", "deterministic", "places-only", "weights-file")
BAD: dict[type, tuple[tuple[str, ...], str]] = {
    bad_encoders.NotFinal: (("final",), "Decorate it with typing.final"),
    bad_encoders.MultipliesByAMask: (("junk-in-unobserved",), "Fill with torch.where"),
    bad_encoders.NormalisesOverTheBatch: (("rows",), "Rows must not see each other"),
    bad_encoders.KeepsAPlainTensor: (("registered-tensors",), "'scale' is a tensor that is neither parameter nor buffer"),
    bad_encoders.ForgetsALayer: (("gradients",), "no gradient reaches unused.weight"),
    bad_encoders.WritesWhenBuilt: (("offline-build",), "for writing"),
    bad_encoders.LooksAtHidden: (("hidden-tokens",), "what hidden tokens hold changes the visible ones"),
    bad_encoders.BranchesOnValues: (("export",), "it raised"),
    bad_encoders.Boundless: (("config-bounds",), "option width accepts 1000000000000000000"),
    bad_encoders.StaysInFloat32: (("precision",), "moved to float64 it returns torch.float32"),
    bad.DrawsFromTheGlobalGenerator: (_UNREPEATABLE, "draws from torch's global generator"),
    bad.DrawsFromPython: (_UNREPEATABLE, "the same generator gives two plans"),
    bad.HidesEverything: (("something-visible",), "keeps none of them"),
    bad.DrawsNothing: (("varied",), "twenty generators give one and the same plan"),
    bad.HidesInTheFirstRow: (("something-hidden",), "row 1 never has anything hidden"),
    bad.ShowsItsTargets: (("partition",), "a target is visible"),
    bad.BiasForTheAbsent: (("absent-is-zero",), "rows without valid tokens are not 0"),
    bad.ReadsItsTargets: (("targets-unread",), "training would be told the answer"),
    bad.IgnoresWeights: (("weight-zero",), "Replace it by torch.where"),
    bad.ClimbsUp: (("minimum",), "Is a sign wrong?"),
    bad.LastFitWins: (("value",), "a second fit changes what the first one returned"),
    bad.ForgetsPresence: (("junk-in-absent",), "in a modality that is absent changes the embedding"),
    bad.NotOfUnitLength: (("vectors",), "expected 1"),
    bad.SeesTheWholeBatch: (("rows",), "is told otherwise than in a batch"),
    bad.ReadsAnything: (("missing-folder",), "raises no ReaderError"),
    bad.ForgetsItsTarget: (("published-state",), "training leaves target.bias, target.weight behind"),
}


def broken(cls: type) -> dict[str, str]:
    """Promise -> message, of those that a class breaks."""
    found = {}
    for case in conformance_cases(cls):
        try:
            case()
        except ConformanceError as error:
            found[case.name] = str(error)
    return found


@pytest.mark.trust("P2", "the conformance kit passes a good component and tells twenty-six bad ones what they break")
def test_a_good_component_breaks_nothing():
    check_component(bad_encoders.Good)


@pytest.mark.trust("P2", "the conformance kit passes a good component and tells twenty-six bad ones what they break")
@pytest.mark.parametrize("cls", BAD, ids=lambda cls: cls.__name__)
def test_a_bad_component_is_told_what_it_breaks_and_what_to_do(cls):
    promises, says = BAD[cls]
    found = broken(cls)
    assert set(found) == set(promises)
    assert says in found[promises[0]]
    assert f"{cls.__module__}.{cls.__name__} breaks '{promises[0]}'" in found[promises[0]]


@final
class TwiceBad(bad_encoders.Patches):
    """Forgets a layer and keeps a plain tensor."""

    def __init__(self, config: bad_encoders.Patches.Config) -> None:
        super().__init__(config)
        self.unused, self.scale = nn.Linear(3, 3), torch.tensor(2.0)


def test_checking_all_lists_every_broken_promise():
    with pytest.raises(ConformanceError) as caught:
        check_component(TwiceBad)
    first, second = str(caught.value).splitlines()
    assert "breaks 'registered-tensors'" in first
    assert "breaks 'gradients'" in second


@final
class HasNoExample(bad_encoders.Patches):
    """Nothing to look at."""

    @classmethod
    def example(cls):
        return None


@final
class NeverCallsItsBase(bad_encoders.Patches):
    """Layers before there is a module."""

    def __init__(self, config: bad_encoders.Patches.Config) -> None:
        self.layer = nn.Linear(3, 3)


@pytest.mark.parametrize(
    ("cls", "says"),
    [
        (HasNoExample, "HasNoExample.example() returns NoneType, expected a small instance"),
        (NeverCallsItsBase, "NeverCallsItsBase cannot be built: example() raises AttributeError"),
    ],
)
def test_what_cannot_be_built_is_told_so_by_name(cls, says):
    with pytest.raises(ConformanceError) as caught:
        check_component(cls)
    assert says in str(caught.value)
