"""A channel in words: what a text-conditioned model is told about it."""

from __future__ import annotations

from collections.abc import Sequence

from sslts.config import Channel
from sslts.errors import ChannelError


def channel_text(channel: Channel) -> str:
    """The channel's own description, or one made of its kind, name, position and unit.

    Raises:
        ChannelError: it says neither what it measures nor where.
    """
    if channel.description.strip():
        return channel.description
    kind = channel.kind.replace("-", " ")
    if kind in ("", "any", "unknown") and not channel.position:
        raise ChannelError(
            f"Channel '{channel.name}' has no description, and its kind '{channel.kind}' says nothing. Say what it measures and where: "
            f"Channel(name='{channel.name}', ..., description='acceleration along the thigh, phone in a trouser pocket')."
        )
    axis = f"{channel.name} axis" if channel.name in ("x", "y", "z") else channel.name
    return ", ".join(part for part in (f"{kind} {axis}", channel.position, channel.unit) if part)


def channel_texts(channels: Sequence[Channel]) -> list[str]:
    """One text a channel (ChannelError names the first that cannot be described)."""
    return [channel_text(channel) for channel in channels]
