"""Video tubelets and sensor patches: what a token holds, where it stands, and that hidden ones are never computed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from sslts.config import Channel
from sslts.encoders.joint import JointEncoder
from sslts.encoders.sensor_patches import SensorPatches
from sslts.encoders.video_vit import VideoViT
from sslts.errors import ChannelError, ConfigError, LengthError, UnsupportedError
from sslts.types import ClipClock, RateClock, Signal
from sslts.vit import ViTBlocks, sinusoids


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def sensor(values: torch.Tensor) -> Signal:
    channels = tuple(Channel(name=f"c{index}", kind="accelerometer", unit="g") for index in range(values.shape[1]))
    present, observed = torch.ones(len(values), dtype=torch.bool), torch.ones_like(values, dtype=torch.bool)
    return Signal(values, channels, ClipClock(), present, observed)


@pytest.fixture
def video() -> VideoViT:
    torch.manual_seed(0)
    return VideoViT.create(channels=2, frames=4, height=6, width=8, tubelet=2, patch=2, embed_dim=16, depth=2, heads=2)


def test_a_tubelet_holds_its_own_pixels_channel_by_channel(video):
    signal = video.example_signal(3)
    tokens = video.tokenize(signal)
    assert tokens.values.shape == (3, 2 * 3 * 4, 2 * 2 * 2 * 2)
    for number, (slot, row, column) in enumerate(tokens.cell[0].tolist()):
        expected = signal.values[:, :, 2 * slot : 2 * slot + 2, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        assert torch.equal(tokens.values[:, number], expected.reshape(3, -1))
        assert number == (slot * 3 + row) * 4 + column
    assert tokens.time_s[0].unique().tolist() == [0.25, 0.75]


def test_a_tubelet_without_any_observed_frame_is_not_valid_and_a_lost_frame_reads_as_zero(video):
    signal = video.example_signal(2)
    observed = signal.observed.clone()
    observed[0, 0, :2], observed[1, 0, 3] = False, False
    tokens = video.tokenize(replace(signal, observed=observed, values=signal.values.masked_fill(~observed[..., None, None], 1e9)))
    assert tokens.valid.view(2, 2, 12).all(2).tolist() == [[False, True], [True, True]]
    assert not tokens.values[1, 12:].view(12, 2, 2, 4)[:, :, 1].any()


def test_a_sensors_patch_is_a_stretch_of_all_axes():
    made = SensorPatches.create(channels=3, points=32, slots=4, scale="none", embed_dim=16, heads=2)
    values = noise(2, 3, 32)
    tokens = made.tokenize(sensor(values))
    for slot in range(4):
        assert torch.equal(tokens.values[:, slot], values[:, :, 8 * slot : 8 * slot + 8].reshape(2, -1))


def test_axes_are_brought_to_0_to_1_and_a_constant_one_becomes_0():
    made = SensorPatches.create(channels=3, points=32, slots=4, embed_dim=16, heads=2)
    values = torch.stack([5 + 3 * noise(32), torch.full((32,), 7.0), -noise(32).abs()])[None]
    scaled = made.tokenize(sensor(values)).values.view(4, 3, 8).transpose(0, 1).reshape(3, 32)
    for axis in (0, 2):
        torch.testing.assert_close(
            scaled[axis], (values[0, axis] - values[0, axis].min()) / (values[0, axis].max() - values[0, axis].min())
        )
    assert not scaled[1].any()
    assert torch.isfinite(scaled).all()


def test_clips_of_any_length_and_rate_give_the_same_slots():
    made = SensorPatches.create(channels=1, points=32, slots=4, scale="none", embed_dim=16, heads=2)

    def sampled(count: int, clock: RateClock | ClipClock) -> torch.Tensor:
        time = (torch.arange(count) + 0.5) / count
        return made.tokenize(replace(sensor(torch.sin(6 * time)[None, None]), clock=clock)).values

    torch.testing.assert_close(sampled(64, ClipClock()), sampled(200, RateClock(50.0)), atol=5e-3, rtol=0)


def test_lost_samples_stand_at_the_mean_and_a_slot_without_any_is_not_valid():
    made = SensorPatches.create(channels=2, points=32, slots=4, scale="none", embed_dim=16, heads=2)
    given = sensor(noise(1, 2, 32))
    observed = given.observed.clone()
    observed[:, :, 8:16], observed[:, 0, 20] = False, False
    tokens = made.tokenize(replace(given, observed=observed, values=given.values.masked_fill(~observed, float("nan"))))
    assert tokens.valid.tolist() == [[True, False, True, True]]
    torch.testing.assert_close(tokens.values[0, 2].view(2, 8)[0, 4], given.values[0, 0][observed[0, 0]].mean())


@pytest.mark.parametrize("make", [VideoViT.example, SensorPatches.example])
def test_hidden_patches_are_never_embedded_and_change_nothing(make):
    encoder = make()
    tokens = encoder.tokenize(encoder.example_signal(3))
    visible = torch.zeros_like(tokens.valid)
    visible[:, 1::3] = True
    poisoned = replace(tokens, values=tokens.values.masked_fill(~visible[..., None], float("nan")))
    made = encoder.encode(poisoned, visible)
    assert made.values.shape[1] == int(visible[0].sum())
    assert torch.equal(made.values, encoder.encode(tokens, visible).values)
    assert torch.isfinite(made.values).all()


@pytest.mark.parametrize("make", [VideoViT.example, SensorPatches.example, JointEncoder.example])
def test_padding_of_unequal_rows_changes_nothing(make):
    encoder = make()
    if isinstance(encoder, JointEncoder):
        source = SensorPatches.example()
        tokens = source.embed(source.tokenize(source.example_signal(2)))
    else:
        tokens = encoder.tokenize(encoder.example_signal(2))
    visible = tokens.valid.clone()
    visible[0, 1:] = False
    made = encoder.encode(tokens, visible)
    one = {name: getattr(tokens, name)[:1] for name in ("values", "valid", "time_s", "modality", "channel", "cell")}
    alone = encoder.encode(replace(tokens, **one), visible[:1])
    torch.testing.assert_close(made.values[:1, :1], alone.values)
    assert not made.values[0, 1:].any()
    assert made.valid[0].sum() == 1


def test_positions_are_the_table_of_the_released_code():
    dim, places = 8, 5
    expected = torch.zeros(places, dim)
    for place in range(places):
        for number in range(dim):
            angle = torch.tensor(place / 10_000 ** (2 * (number // 2) / dim))
            expected[place, number] = angle.sin() if number % 2 == 0 else angle.cos()
    torch.testing.assert_close(sinusoids(torch.arange(places), dim), expected)


def test_keys_have_no_bias():
    names = {name for name, _ in ViTBlocks(16, 1, 2).named_parameters()}
    assert {"blocks.0.attn.q_bias", "blocks.0.attn.v_bias"} <= names
    assert not {"blocks.0.attn.k_bias", "blocks.0.attn.qkv.bias"} & names


def test_clips_that_do_not_fit_are_refused(video):
    signal = video.example_signal()
    with pytest.raises(ChannelError, match="clips of 2 channels"):
        video.tokenize(replace(signal, values=signal.values[:, :1], channels=signal.channels[:1]))
    with pytest.raises(LengthError, match=r"\(4, 6, 8\).*Resize"):
        video.tokenize(replace(signal, values=signal.values[..., :4]))
    with pytest.raises(ChannelError, match="3 axes"):
        SensorPatches.example().tokenize(sensor(noise(1, 2, 32)))
    with pytest.raises(ConfigError, match="cannot be cut into tubelets"):
        VideoViT.create(channels=1, frames=5)
    with pytest.raises(UnsupportedError, match="video-vit"):
        JointEncoder.example().tokenize(signal)


@pytest.mark.parametrize(
    "encoder", [VideoViT.example(), SensorPatches.create(channels=3, points=48, slots=4, embed_dim=16, heads=2, scale="none")]
)
def test_patches_are_put_together_as_they_were_cut(encoder):
    size = (2, 1, 4, 8, 8) if isinstance(encoder, VideoViT) else (2, 3, 48)
    values = torch.randn(size, generator=torch.Generator().manual_seed(3))
    signal = encoder.example_signal(2)
    observed = torch.ones((2, 1, 4) if values.dim() == 5 else size, dtype=torch.bool)
    tokens = encoder.tokenize(replace(signal, values=values, observed=observed))
    torch.testing.assert_close(encoder.assembled(tokens.values), values)


def test_foreground_is_how_far_a_pixel_stands_before_the_farthest_it_has_shown():
    made = VideoViT.create(channels=1, frames=2, height=2, width=2, tubelet=1, patch=2, embed_dim=16, heads=2, foreground=True)
    plain = VideoViT.create(channels=1, frames=2, height=2, width=2, tubelet=1, patch=2, embed_dim=16, heads=2)
    signal = made.example_signal(1)
    metres = torch.tensor([[[3.0, 2.0], [0.0, 4.0]], [[3.0, 2.5], [1.5, 0.0]]])  # 0: no reading
    given = replace(signal, values=metres[None, None])
    assert made.tokenize(given).values.tolist() == [[[0.0, 0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]]
    assert torch.equal(plain.tokenize(given).values[0], metres.flatten(1))
    farther = torch.where(metres > 0, metres + 1, metres)
    assert torch.equal(made.tokenize(replace(signal, values=farther[None, None])).values, made.tokenize(given).values)


def test_a_lost_frame_has_no_foreground_and_is_no_background():
    made = VideoViT.create(channels=1, frames=2, height=2, width=2, tubelet=1, patch=2, embed_dim=16, heads=2, foreground=True)
    signal = made.example_signal(1)
    values = torch.tensor([2.0, 9.0])[None, None, :, None, None].expand(1, 1, 2, 2, 2)
    observed = torch.tensor([[[True, False]]])
    assert made.tokenize(replace(signal, values=values, observed=observed)).values.eq(0).all()


def test_foreground_is_of_one_channel_of_distances():
    with pytest.raises(ConfigError, match="foreground is of one channel"):
        VideoViT.create(channels=3, foreground=True)
