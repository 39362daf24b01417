"""Frames out of video files: which, how large, and what becomes of files that are damaged."""

from __future__ import annotations

import io
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_clips import colours
from tiny_video import CODECS, film, grey

from sslts.data.frames import resize
from sslts.data.readers import video
from sslts.data.readers.video import frames_of
from sslts.data.recording import Stream
from sslts.errors import MissingDependencyError, ReaderError


def read(path: Path, count: int = 4, size: tuple[int, int] = (6, 8)) -> np.ndarray:
    with path.open("rb") as file:
        return frames_of(file, count=count, size=size, where=str(path))


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize(
    ("stored", "count", "expected"), [(12, 4, [1, 4, 7, 10]), (10, 3, [1, 5, 8]), (5, 5, [0, 1, 2, 3, 4]), (3, 16, [0, 1, 2])]
)
def test_frames_come_from_the_middles_of_equal_parts_in_order(tmp_path, name, stored, count, expected):
    found = read(film(tmp_path / "a.mp4", grey(stored), name=name), count)
    assert found.shape == (len(expected), 3, 6, 8)
    assert found.dtype == np.float32
    shades = np.linspace(0, 1, stored)[expected]
    assert np.abs(found - shades[:, None, None, None]).max() < 0.02, "codecs lose a little"


def test_colours_and_places_stay(tmp_path):
    picture = np.zeros((48, 64, 3), dtype=np.uint8)
    picture[:24, :32, 0] = picture[:24, 32:, 1] = picture[24:, :32, 2] = 255
    found = read(film(tmp_path / "a.mp4", [picture] * 4), 2, (2, 2))
    expected = np.zeros((3, 2, 2))
    expected[0, 0, 0] = expected[1, 0, 1] = expected[2, 1, 0] = 1
    assert np.abs(found - expected).max() < 0.1


def test_smaller_frames_are_means_of_areas(tmp_path):
    blocks = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    path = film(tmp_path / "a.mp4", [blocks.repeat(4, axis=0).repeat(4, axis=1)] * 3)
    whole = Stream("video", colours(3), 2.0, read(path, 2, (48, 64)))
    assert np.abs(read(path, 2, (6, 8)) - resize(whole, (6, 8)).values).max() < 0.02


def test_frames_that_change_their_size_within_a_file_come_out_alike(tmp_path):
    path = film(tmp_path / "a.mp4", [*grey(6, (48, 64)), *grey(6, (96, 32))])
    found = read(path, 4)
    assert found.shape == (4, 3, 6, 8)
    assert np.abs(found.mean(axis=(1, 2, 3)) - np.linspace(0, 1, 6)[[1, 4, 1, 4]]).max() < 0.02


def test_frames_that_an_edit_list_hides_are_neither_shown_nor_missed(tmp_path):
    path = film(tmp_path / "a.mp4", grey(9), first=-3)  # three frames before the video begins
    assert np.abs(read(path, 6).mean(axis=(1, 2, 3)) - np.linspace(0, 1, 9)[3:]).max() < 0.02


class Fields:
    """A container whose frames come in two packets each, as the fields of interlaced videos do."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def demux(self, stream: Any) -> Iterator[Any]:
        for packet in self._container.demux(stream):
            yield from (packet, packet)

    def decode(self, stream: Any) -> Iterator[Any]:
        return self._container.decode(stream)


def test_frames_are_counted_by_what_is_shown_where_a_packet_is_no_frame(tmp_path, monkeypatch):
    path, opened = film(tmp_path / "a.mp4", grey(12)), video._opened
    right = read(path)

    @contextmanager
    def in_fields(*given: Any, **options: Any) -> Iterator[tuple[Any, Any]]:
        with opened(*given, **options) as (container, stream):
            yield Fields(container), stream

    monkeypatch.setattr(video, "_opened", in_fields)
    assert np.array_equal(read(path), right)


def test_a_long_video_is_never_wholly_in_memory(tmp_path):
    path = film(tmp_path / "a.mp4", [frame for _ in range(4) for frame in grey(30, (480, 640))])  # 110 MB as pixels
    tracemalloc.start()
    try:
        found = read(path, 8)
        assert tracemalloc.get_traced_memory()[1] < 2e7
    finally:
        tracemalloc.stop()
    assert len(found) == 8


def cut(share: float) -> Callable[[bytes], bytes]:
    return lambda data: data[: round(len(data) * share)]


@pytest.mark.parametrize(
    ("front", "name", "change", "told"),
    [
        (True, "mpeg4", cut(0.6), r"is cut off after \d+ of 20 frames\. Download it again"),
        (True, "mpeg4", lambda data: data[:-10], "is cut off after 19 of 20 frames"),
        (False, "mpeg4", cut(0.6), "is no readable MP4 video|holds no video, or is cut off before its index"),
        (False, "mpeg4", cut(0.0), "is no readable MP4 video"),
        (False, "mpeg4", lambda data: b"#EXTM3U\n/etc/passwd\n", "is no readable MP4 video"),
        (False, "mpeg4", lambda data: bytes(len(data)), "is no readable MP4 video|holds no video"),
        (True, "mpeg4", lambda data: data[:-4000] + b"\x55" * 4000, "is no readable MP4 video"),
        (False, "libx264", lambda data: data.replace(b"avc1", b"zzzz"), "is of a codec that cannot be decoded here. Convert it"),
    ],
)
def test_a_damaged_file_is_named_and_says_what_to_do(tmp_path, front, name, change, told):
    noise = np.random.default_rng(0).integers(0, 256, (20, 48, 64, 3), dtype=np.uint8)
    path = film(tmp_path / "clip.mp4", noise, front=front, name=name)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ReaderError, match=rf"clip\.mp4 ({told})"):
        read(path)


def test_a_name_inside_the_file_may_be_in_any_script(tmp_path):
    path = film(tmp_path / "a.mp4", grey(4))
    whole = read(path)
    path.write_bytes(path.read_bytes().replace(b"VideoHandler", b"\x83\x72\x83\x66oHandler"))  # Shift-JIS, as Japanese cameras write
    assert b"\x83\x72" in path.read_bytes()
    assert np.array_equal(read(path), whole)


def test_a_single_frame_is_no_video(tmp_path):
    with pytest.raises(ReaderError, match=r"a\.mp4 shows one frame, expected at least two"):
        read(film(tmp_path / "a.mp4", grey(1)))


def test_sound_without_a_picture_is_no_video(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
        sound.sample_rate = 44100
        for packet in [*stream.encode(sound), *stream.encode(None)]:
            container.mux(packet)
    with pytest.raises(ReaderError, match=r"a\.mp4 holds no video"):
        read(path)


def test_without_pyav_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingDependencyError, match=r"Reading a video file needs 'av'.*pip install 'sslts\[video\]'"):
        frames_of(io.BytesIO(b""), count=2, size=(2, 2), where="a.mp4")
