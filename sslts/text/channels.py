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
    return channel_texts([channel])[0]


def channel_texts(channels: Sequence[Channel], *, vague: bool = False) -> list[str]:
    """One text a channel. vague: what it measures, but not where.

    Raises:
        ChannelError: names every channel that says neither what it measures nor where, and how to say it.
    """
    silent = [channel for channel in channels if not _says_something(channel)]
    if silent:
        named = ", ".join(f"'{channel.name}' (kind '{channel.kind}')" for channel in silent)
        one = len(silent) == 1
        raise ChannelError(
            f"Channel{'' if one else 's'} {named} {'has' if one else 'have'} no description, and {'its' if one else 'their'} kind says "
            f"nothing. Say what is measured and where: Channel(name='{silent[0].name}', ..., "
            "description='acceleration along the thigh, phone in a trouser pocket'), or give kind and position."
        )
    if vague:
        channels = [channel.model_copy(update={"position": "", "description": ""}) for channel in channels]
    return [_text(channel) for channel in channels]


def _says_something(channel: Channel) -> bool:
    return bool(channel.description.strip() or channel.position) or channel.kind not in ("any", "unknown")


def _text(channel: Channel) -> str:
    if channel.description.strip():
        return channel.description
    axis = f"{channel.name} axis" if channel.name in ("x", "y", "z") else channel.name
    return ", ".join(part for part in (f"{channel.kind.replace('-', ' ')} {axis}", channel.position, channel.unit) if part)
