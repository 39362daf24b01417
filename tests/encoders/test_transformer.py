"""Transformers over patches: blind to what was not observed, to the order of channels, to the rate and to hidden tokens."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sslts import ops
from sslts.config import Channel
from sslts.encoders.patches import patch_tokens, width
from sslts.encoders.transformer import DescribedTransformer, Transformer
from sslts.errors import ChannelError, ConfigError, LengthError
from sslts.types import RateClock, Signal, Tokens

KINDS = ("accelerometer", "gyroscope", "magnetometer")


def signal(values: Tensor, rate_hz: float = 32.0, observed: Tensor | None = None) -> Signal:
    channels = tuple(Channel(name=f"c{i}", kind=KINDS[i % 3], unit="g") for i in range(values.shape[1]))
    seen = torch.ones_like(values, dtype=torch.bool) if observed is None else observed
    return Signal(values, channels, RateClock(rate_hz), torch.ones(len(values), dtype=torch.bool), seen)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def awake(encoder: DescribedTransformer) -> DescribedTransformer:
    """With every gate and bias away from its neutral start, so that each one matters."""
    made = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=made))
    return encoder.eval()


@pytest.fixture(params=[Transformer, DescribedTransformer])
def encoder(request):
    torch.manual_seed(0)
    return awake(request.param.example())


def test_windows_are_cut_into_whole_patches_channel_by_channel():
    values = torch.arange(2.0)[None, :, None].expand(1, 2, 80) + torch.arange(80) // 32 * 10.0
    tokens = patch_tokens(signal(values), patch_s=1.0, points=8, scales={})
    assert tokens.values.shape == (1, 4, width(8)), "2.5 s hold two whole patches of a second"
    assert tokens.values[0, :, 0].tolist() == [0, 10, 1, 11]
    assert tokens.channel[0].tolist() == [0, 0, 1, 1]
    assert tokens.time_s[0].tolist() == [0.5, 1.5, 0.5, 1.5]


def test_a_window_shorter_than_a_patch_is_refused():
    with pytest.raises(LengthError, match=r"0\.25 s holds no patch of 1 s"):
        patch_tokens(signal(noise(1, 1, 8)), patch_s=1.0, points=8, scales={})


def test_scales_divide_by_kind():
    tokens = patch_tokens(signal(torch.ones(1, 3, 32)), patch_s=1.0, points=8, scales={"gyroscope": 4.0})
    assert tokens.values[0, :, 0].tolist() == [1, 0.25, 1]


def test_junk_where_nothing_was_observed_changes_no_bit(encoder):
    values, observed = noise(2, 3, 32), torch.ones(2, 3, 32, dtype=torch.bool)
    observed[0, 1, 4:20] = False
    observed[1, :, :] = False
    clean = encoder.encode(encoder.tokenize(signal(values, observed=observed)))
    for junk in (float("nan"), float("inf"), 1e9):
        soiled = torch.where(observed, values, torch.tensor(junk))
        again = encoder.encode(encoder.tokenize(signal(soiled, observed=observed)))
        assert torch.equal(clean.values, again.values)
        assert torch.equal(clean.valid, again.valid)
    assert not clean.valid[1].any()
    assert clean.values[1].eq(0).all()


def test_a_patch_counts_where_half_of_it_was_observed(encoder):
    observed = torch.ones(1, 3, 32, dtype=torch.bool)
    observed[0, 0, :4] = False  # half of the first patch of 8 samples
    observed[0, 1, :5] = False  # more than half
    valid = encoder.tokenize(signal(noise(1, 3, 32), observed=observed)).valid[0]
    assert valid.tolist() == [True] * 4 + [False] + [True] * 7


def test_hidden_tokens_do_not_influence_visible_ones(encoder):
    tokens = encoder.tokenize(signal(noise(2, 3, 32)))
    visible = torch.rand(tokens.valid.shape, generator=torch.Generator().manual_seed(1)) < 0.5
    other = replace(tokens, values=torch.where(visible[..., None], tokens.values, 7 * noise(*tokens.values.shape)))
    first, second = encoder.encode(tokens, visible), encoder.encode(other, visible)
    assert torch.equal(first.values, second.values)
    assert first.values.shape[1] == int(visible.sum(1).max()), "hidden tokens cost nothing"


def test_a_row_does_not_depend_on_the_others(encoder):
    values = noise(3, 3, 32)
    together = encoder.encode(encoder.tokenize(signal(values)))
    alone = encoder.encode(encoder.tokenize(signal(values[1:2])))
    torch.testing.assert_close(together.values[1:2], alone.values, atol=1e-5, rtol=1e-5)


def test_permuting_channels_permutes_tokens():
    encoder = awake(DescribedTransformer.example())
    values, described = noise(2, 5, 32), noise(5, 8, seed=5)
    order = torch.tensor([3, 0, 4, 1, 2])
    given = signal(values)
    mixed = replace(given, values=values[:, order], channels=tuple(given.channels[i] for i in order))
    first = encoder.encode(encoder.tokenize(given, described)).values.unflatten(1, (5, 4))
    second = encoder.encode(encoder.tokenize(mixed, described[order])).values.unflatten(1, (5, 4))
    assert (first[:, order] - second).abs().max() < 1e-4
    assert (first - second).abs().max() > 1e-2, "the test would see a difference"


def test_two_sensors_in_one_sequence_keep_their_own_descriptions():
    encoder = awake(DescribedTransformer.example())
    first, second = noise(2, 8, seed=1), noise(3, 8, seed=2)
    a, b = noise(1, 2, 32), noise(1, 3, 32, seed=9)
    joined = ops.concat_tokens([encoder.tokenize(signal(a), first), encoder.tokenize(signal(b), second)])
    assert joined.described is not None
    assert torch.equal(joined.described, torch.cat([first, second]))
    at_once = encoder.tokenize(replace(signal(torch.cat([a, b], 1)), channels=(*signal(a).channels, *signal(b).channels)), joined.described)
    torch.testing.assert_close(encoder.encode(joined).values, encoder.encode(at_once).values, atol=1e-5, rtol=1e-5)


def test_what_a_channel_is_matters():
    encoder = awake(DescribedTransformer.example())
    given = signal(noise(1, 3, 32))
    first, second = (encoder.encode(encoder.tokenize(given, noise(3, 8, seed=seed))).values for seed in (1, 2))
    assert (first - second).abs().max() > 1e-2


def test_descriptions_of_another_shape_or_none_are_refused():
    encoder = DescribedTransformer.example()
    with pytest.raises(ConfigError, match=r"\[3, 8\], got \(2, 8\)"):
        encoder.tokenize(signal(noise(1, 3, 32)), noise(2, 8))
    bare = replace(encoder.tokenize(signal(noise(1, 3, 32))), described=None)
    with pytest.raises(ConfigError, match="do not say what their channels are"):
        encoder.encode(bare)
    described = encoder.tokenize(signal(noise(1, 3, 32)))
    with pytest.raises(ConfigError, match="with and without described"):
        ops.concat_tokens([bare, described])


def test_another_number_of_channels_is_refused():
    with pytest.raises(ChannelError, match="3 channels, got 2"):
        Transformer.example().tokenize(signal(noise(1, 2, 32)))


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ConfigError, match="3 heads do not divide embed_dim 16"):
        DescribedTransformer.create(text_dim=8, embed_dim=16, heads=3)


def test_every_parameter_gets_a_gradient(encoder):
    encoder.train()
    described = noise(3, 8)
    given = signal(noise(2, 3, 32))
    tokens: Tokens = encoder.tokenize(given, described) if isinstance(encoder, DescribedTransformer) else encoder.tokenize(given)
    (encoder.encode(tokens).values * noise(2, 12, 16, seed=4)).sum().backward()
    assert [name for name, parameter in encoder.named_parameters() if parameter.grad is None or not parameter.grad.any()] == []


def test_only_patches_that_were_observed_decide_the_statistics():
    """Half of the windows hold junk where nothing was observed: the fit is that of the other half alone."""
    values = noise(40, 3, 32, seed=6)
    observed = torch.ones_like(values, dtype=torch.bool)
    observed[20:] = False
    soiled = torch.where(observed, values, torch.tensor(1e6))
    first, second = DescribedTransformer.example(), DescribedTransformer.example()
    first.prepare_all([signal(soiled[:, :2], observed=observed[:, :2]), signal(soiled[:, 2:], observed=observed[:, 2:])])
    second.prepare_all([signal(values[:20, :2]), signal(values[:20, 2:])])
    fitted = first.front_end.reduction.state_dict()
    assert all(torch.equal(fitted[name], value) for name, value in second.front_end.reduction.state_dict().items())
    assert fitted["mean"].any()


def test_fitted_numbers_lie_around_zero_and_the_leading_ones_are_the_loudest(encoder):
    """Components in the order of their deviation, of unit mean square together over the training windows."""
    given = signal(noise(64, 3, 32, seed=7))
    encoder.prepare_all([given]) if isinstance(encoder, DescribedTransformer) else encoder.prepare(given)
    values = encoder.tokenize(given).values.flatten(0, 1)
    assert values.mean(0).abs().max() < 1e-3
    spread = values.std(0, correction=0)
    assert spread[:12].tolist() == sorted(spread[:12].tolist(), reverse=True), "the last ones drown in the rounding of the components"
    assert spread[0] > 2 * spread[12]


def test_before_it_is_fitted_the_front_end_gives_the_leading_numbers_as_they_are():
    encoder = DescribedTransformer.example()
    raw, entered = (front(signal(noise(1, 1, 32))).values for front in (encoder.front_end.raw, encoder.front_end))
    torch.testing.assert_close(entered, raw[..., : entered.shape[-1]].clamp(-6, 6))


def test_a_three_axis_sensor_also_tells_what_its_axes_say_together():
    axes = tuple(Channel(name=axis, kind="gyroscope", unit="rad/s", position="waist") for axis in "xyz")
    given = replace(signal(noise(1, 3, 32)), channels=axes)
    assert [channel.name for channel in DescribedTransformer.example().derive(given).channels] == ["x", "y", "z", "size"]
