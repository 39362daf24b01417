"""The kit lets a good component pass and tells what is wrong with a bad one: each by its own promise, and with what to do."""

from __future__ import annotations

import bad_components as bad
import pytest

from sslts.errors import ConformanceError
from sslts.testing import check_component, conformance_cases

BAD = {
    bad.NotFinal: ("final", "Decorate it with typing.final"),
    bad.MultipliesByAMask: ("junk-in-unobserved", "Fill with torch.where"),
    bad.NormalisesOverTheBatch: ("rows", "Rows must not see each other"),
    bad.KeepsAPlainTensor: ("registered-tensors", "'scale' is a tensor that is neither parameter nor buffer"),
    bad.ForgetsALayer: ("gradients", "no gradient reaches unused.weight"),
    bad.WritesWhenBuilt: ("offline-build", "for writing"),
    bad.LooksAtHidden: ("hidden-tokens", "what hidden tokens hold changes the visible ones"),
    bad.BranchesOnValues: ("export", "it raised"),
    bad.Boundless: ("config-bounds", "option width accepts 1e+18"),
    bad.StaysInFloat32: ("precision", "moved to float64 it returns torch.float32"),
    bad.DrawsFromTheGlobalGenerator: ("generator", "draws from torch's global generator"),
    bad.DrawsFromPython: ("generator", "the same generator gives two plans"),
    bad.HidesEverything: ("something-visible", "keeps none of them"),
    bad.ShowsItsTargets: ("partition", "a target is visible"),
    bad.BiasForTheAbsent: ("absent-is-zero", "rows without valid tokens are not 0"),
    bad.ReadsItsTargets: ("targets-unread", "training would be told the answer"),
    bad.IgnoresWeights: ("weight-zero", "Replace it by torch.where"),
    bad.ClimbsUp: ("minimum", "Is a sign wrong?"),
    bad.LastFitWins: ("value", "a second fit changes what the first one returned"),
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


@pytest.mark.trust("P2", "the conformance kit passes a good component and tells nineteen bad ones what they break")
def test_a_good_component_breaks_nothing():
    check_component(bad.Good)


@pytest.mark.trust("P2", "the conformance kit passes a good component and tells nineteen bad ones what they break")
@pytest.mark.parametrize("cls", BAD, ids=lambda cls: cls.__name__)
def test_a_bad_component_is_told_what_it_breaks_and_what_to_do(cls):
    promise, says = BAD[cls]
    found = broken(cls)
    assert promise in found, f"breaks {sorted(found)}"
    assert says in found[promise]
    assert f"bad_components.{cls.__name__} breaks '{promise}'" in found[promise]


def test_each_bad_component_breaks_a_promise_of_its_own():
    """A message that all of them shared would tell nobody anything."""
    said = [(promise, says) for promise, says in BAD.values()]
    assert len(set(said)) == len(said)


def test_checking_all_lists_every_broken_promise():
    with pytest.raises(ConformanceError) as caught:
        check_component(bad.NotFinal, example=bad.NotFinal.create(channels=1))
    assert "breaks 'final'" in str(caught.value)
