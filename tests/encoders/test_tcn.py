"""The CroSSL encoder: equal to a plain translation with torch's own layers, of the paper's size, blind to what was not observed."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from sslts.aggregators.concat_mlp import ConcatMLP
from sslts.config import Channel
from sslts.encoders.convolution import Padding, convolve, norm_prelu, same_padding
from sslts.encoders.tcn import TCN
from sslts.errors import ChannelError, ConfigError
from sslts.types import RateClock, Signal


def plain(encoder: TCN, values: Tensor) -> Tensor:
    """The same network from Conv1d, transpositions, layer_norm and prelu. [B, C, T] -> [B, T', D]."""
    for block, stride in zip(encoder.blocks, encoder.config.strides, strict=True):
        kernel, samples = block.weight.shape[2], values.shape[2]
        total = max((math.ceil(samples / stride) - 1) * stride + kernel - samples, 0)
        padded = functional.pad(values, (total // 2, total - total // 2))
        values = functional.conv1d(padded, block.weight, block.bias, stride=stride).transpose(1, 2)
        values = functional.layer_norm(values, (values.shape[2],), block.norm_weight, block.norm_bias, 1e-3)
        values = functional.prelu(values.transpose(1, 2), block.slope)
    return values.transpose(1, 2)


def signal(values: Tensor) -> Signal:
    channels = tuple(Channel(name=f"c{i}", kind="any", unit="g") for i in range(values.shape[1]))
    return Signal(values, channels, RateClock(10.0), torch.ones(len(values), dtype=torch.bool), torch.ones_like(values, dtype=torch.bool))


def shaken(encoder: TCN) -> TCN:
    """With every parameter away from its neutral start, so that each one matters."""
    made = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=made))
    return encoder.eval()


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        # WESAD chest ECG, EMG, EDA: 3 x 56,544 + (6,144 x 3 + 3,264)
        ([1, 1, 1], 191_328),
        # PAMAP2, three places x (accelerometer, gyroscope): 6 x 57,696 + (6,144 x 6 + 3,264)
        ([3] * 6, 386_304),
        # with heart rate: + 56,544 + 6,144
        ([3] * 6 + [1], 448_992),
        # Sleep-EDF, two EEG, EOG, EMG: 4 x 56,544 + (6,144 x 4 + 3,264)
        ([1] * 4, 254_016),
    ],
)
def test_parameter_counts_are_the_papers(channels, expected):
    # 56,544 = (24 x 24 + 24) + (24 x 48 x 16 + 48) + (48 x 96 x 8 + 96) + 3 x (24 + 48 + 96); each further channel adds 24 x 24.
    encoders = [TCN.create(channels=each) for each in channels]
    aggregator = ConcatMLP.create(modalities=len(channels), token_dim=96)
    assert sum(map(count, encoders)) + count(aggregator) == expected


CASES = {
    "paper": {"channels": 1},
    "axes": {"channels": 3},
    "strided": {"channels": 2, "strides": (3, 2, 1)},
    "short kernels": {"channels": 5, "filters": (7, 9), "kernels": (1, 2), "strides": (1, 1)},
    "stride beyond kernel": {"channels": 1, "filters": (4,), "kernels": (2,), "strides": (5,)},
}


@pytest.mark.parametrize("options", CASES.values(), ids=CASES)
@pytest.mark.parametrize("samples", [80, 37])
@pytest.mark.parametrize("contiguous", [True, False], ids=["token gradients", "gradient of the mean"])
def test_outputs_and_gradients_are_those_of_a_plain_translation(options, samples, contiguous):
    torch.manual_seed(0)
    encoder = shaken(TCN.create(**options))
    values = torch.randn(3, options["channels"], samples)
    ours, theirs = encoder.tokenize(signal(values)).values, plain(encoder, values)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    toward = torch.randn_like(theirs) if contiguous else torch.randn(3, 1, theirs.shape[2])
    made, expected = (torch.autograd.grad((out * toward).mean(1).sum(), list(encoder.parameters())) for out in (ours, theirs))
    for mine, reference in zip(made, expected, strict=True):
        assert (mine - reference).abs().max() <= 1e-4 * reference.abs().max() + 1e-6


def test_a_batch_larger_than_one_pass_gives_the_same():
    torch.manual_seed(0)
    encoder = shaken(TCN.create(channels=1, filters=(64,), kernels=(3,), strides=(1,)))
    values = torch.randn(11, 1, 4096)  # eight windows a pass
    ours, theirs = encoder(values.transpose(1, 2)), plain(encoder, values)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    made, expected = (torch.autograd.grad(out.pow(2).mean(), list(encoder.parameters())) for out in (ours, theirs))
    for mine, reference in zip(made, expected, strict=True):
        torch.testing.assert_close(mine, reference, atol=1e-6, rtol=1e-4)


def test_norm_prelu_passes_gradcheck():
    torch.manual_seed(0)
    arguments = [torch.randn(2, 3, 4), torch.rand(4) + 0.5, torch.randn(4), torch.randn(4)]
    arguments = [argument.double().requires_grad_() for argument in arguments]
    assert torch.autograd.gradcheck(lambda *a: norm_prelu(*a, eps=1e-3, pad=Padding(2, 1), fused=True), arguments)


def test_a_normed_value_of_exactly_zero_gets_the_slope_as_prelu_gives_it():
    # All-zero windows normalise to exactly 0; there torch's PReLU takes the negative side.
    values = torch.zeros(1, 3, 4, requires_grad=True)
    bias = torch.zeros(4, requires_grad=True)
    norm_prelu(values, torch.ones(4), bias, torch.full((4,), 0.25), eps=1e-3, pad=Padding(), fused=True).sum().backward()
    torch.testing.assert_close(bias.grad, torch.full((4,), 0.75))


def test_same_padding_puts_the_odd_zero_on_the_right():
    # K = 4: three zeros, one on the left. T = 10, K = 5, stride 2: (5 - 1) 2 + 5 - 10 = 3. A kernel shorter than its stride pads nothing.
    assert same_padding(10, 1, 4, 1, packed=False) == Padding(1, 2)
    assert same_padding(10, 1, 5, 2, packed=False) == Padding(1, 2)
    assert same_padding(10, 1, 2, 5, packed=False) == Padding(0, 0)


@pytest.mark.parametrize("pack", [2, 4, 8])
def test_packing_samples_into_channels_changes_nothing(pack):
    torch.manual_seed(0)
    weight, bias, values = torch.randn(5, 3, 6).double(), torch.randn(5).double(), torch.randn(2, 40, 3).double()
    taps = math.ceil((6 + pack - 1) / pack) * pack
    outputs = 40 - taps + pack
    expected = functional.conv1d(values.transpose(1, 2), weight, bias).transpose(1, 2)[:, :outputs]
    torch.testing.assert_close(convolve(values, weight, bias, pack=pack), expected)


def test_the_papers_sizes_are_packed():
    assert [same_padding(1000, c, k, 1, packed=True).pack for c, k in [(1, 24), (24, 16), (48, 8)]] == [8, 2, 1]


@pytest.mark.parametrize("junk", [math.nan, math.inf, 1e9])
def test_unobserved_and_absent_values_never_reach_the_output(junk):
    torch.manual_seed(0)
    encoder = TCN.example().eval()
    clean = encoder.example_signal(3)
    observed = clean.observed.clone()
    observed[0, :, 4:9] = False
    observed[1, 1] = False
    lost = replace(clean, observed=observed, present=torch.tensor([True, True, False]))
    poisoned = replace(lost, values=lost.values.masked_fill(~lost.usable, junk))
    first, second = encoder.tokenize(lost), encoder.tokenize(poisoned)
    torch.testing.assert_close(first.values, second.values, atol=0, rtol=0)
    # Stride 2: slots of samples (4, 5) and (6, 7) are lost, (8, 9) still has one.
    assert (~first.valid[0]).nonzero()[:, 0].tolist() == [2, 3]
    assert first.valid[1].all()
    assert not first.valid[2].any()


def test_token_times_are_the_centres_of_their_strides():
    tokens = TCN.create(channels=1, filters=(4, 4), kernels=(3, 3), strides=(2, 2)).tokenize(signal(torch.randn(1, 1, 8)))
    assert tokens.values.shape == (1, 2, 4)
    torch.testing.assert_close(tokens.time_s[0], torch.tensor([0.2, 0.6]))


def test_a_row_does_not_depend_on_the_others():
    torch.manual_seed(0)
    encoder = shaken(TCN.create(channels=1))
    values = torch.randn(5, 1, 200)
    together = encoder.tokenize(signal(values)).values
    alone = torch.cat([encoder.tokenize(signal(values[i : i + 1])).values for i in range(5)])
    # Not bit for bit: the convolution may sum in another order for another batch size.
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_hidden_tokens_are_no_longer_valid():
    encoder = TCN.example()
    tokens = encoder.tokenize(encoder.example_signal())
    visible = torch.zeros_like(tokens.valid)
    visible[:, 3] = True
    assert torch.equal(encoder.encode(tokens, visible).valid, visible)


def test_dropout_acts_while_training_only():
    encoder = TCN.create(channels=1, dropout=0.5)
    values = torch.randn(2, 64, 1)
    assert not torch.equal(encoder(values), encoder(values))
    encoder.eval()
    assert torch.equal(encoder(values), encoder(values))


def test_autocast_and_half_precision_stay_near_full_precision():
    torch.manual_seed(0)
    encoder = TCN.create(channels=1).eval()
    values = torch.randn(2, 96, 1)
    with torch.no_grad():
        full = encoder(values)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            cast = encoder(values)
        half = encoder.to(torch.bfloat16)(values.bfloat16())
    assert (cast.float() - full).abs().max() < 0.15
    assert (half.float() - full).abs().max() < 0.15


def test_the_network_exports_with_any_batch_and_length():
    encoder = TCN.create(channels=2).eval()
    dims = {0: torch.export.Dim("batch", min=2, max=64), 1: torch.export.Dim("samples", min=32, max=4096)}
    exported = torch.export.export(encoder, (torch.randn(3, 100, 2),), dynamic_shapes=(dims,)).module()
    values = torch.randn(4, 73, 2)
    torch.testing.assert_close(exported(values), encoder(values), atol=1e-5, rtol=1e-5)


def test_another_number_of_channels_is_refused():
    with pytest.raises(ChannelError, match="built for 3 channels, got 2"):
        TCN.example().tokenize(signal(torch.randn(1, 2, 32)))


def test_sizes_of_different_length_are_refused():
    with pytest.raises(ConfigError, match="one entry a block"):
        TCN.create(channels=1, filters=(4, 4))
