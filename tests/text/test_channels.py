"""A channel in words: its description or what its fields say, with or without the place."""

from __future__ import annotations

import pytest

from sslts.config import Channel
from sslts.errors import ChannelError
from sslts.text.channels import channel_text, channel_texts

PLACED = Channel(name="x", kind="accelerometer", unit="g", position="left wrist")
SPOKEN = Channel(name="x", kind="accelerometer", unit="g", position="left wrist", description="acceleration of the left wrist")


def test_the_description_is_the_text_and_without_one_the_fields_are():
    assert channel_texts([SPOKEN, PLACED]) == ["acceleration of the left wrist", "accelerometer x axis, left wrist, g"]
    assert channel_text(Channel(name="eda", kind="electrodermal-activity", unit="uS")) == "electrodermal activity eda, uS"


def test_a_vague_text_says_what_is_measured_but_not_where():
    assert channel_texts([SPOKEN, PLACED], vague=True) == ["accelerometer x axis, g"] * 2


def test_a_vague_text_is_the_same_wherever_the_sensor_sits():
    moved = PLACED.model_copy(update={"position": "ankle"})
    assert channel_texts([PLACED]) != channel_texts([moved])
    assert channel_texts([PLACED], vague=True) == channel_texts([moved], vague=True)


@pytest.mark.parametrize("vague", [False, True])
def test_channels_that_say_nothing_are_named(vague):
    silent = [Channel(name=name, kind="unknown", unit="1") for name in ("ch0", "ch1")]
    with pytest.raises(ChannelError, match=r"Channels 'ch0' .*, 'ch1' .* have no description"):
        channel_texts([SPOKEN, *silent], vague=vague)


def test_a_vague_text_of_a_channel_of_unknown_kind_still_needs_no_place():
    """Its description spoke for it; what is left is its name."""
    spoken = Channel(name="ch0", kind="unknown", unit="g", description="the lid of a box")
    assert channel_texts([spoken], vague=True) == ["unknown ch0, g"]
