"""What is found under the paths that a user gives."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, cast

import pytest

from sslts.cli.inputs import make_reader, recordings
from sslts.data.recording import Recording
from sslts.errors import ReaderError


class Doubled:
    """Finds two sessions of one name."""

    def sessions(self, root: Path) -> tuple[str, ...]:
        return ("a", "b", "a")

    def read(self, root: Path, *, session: str) -> Recording:
        return Recording({})


def names(paths: list[Path]) -> list[str]:
    return [name for name, _ in recordings(make_reader("empatica-e4", []), paths, [])]


def test_sessions_of_one_name_under_two_paths_are_told_apart(e4_folder: Path, tmp_path: Path) -> None:
    other = tmp_path / e4_folder.name
    shutil.copytree(e4_folder, other)
    assert names([e4_folder, other]) == [f"{e4_folder}:S01", f"{other}:S01"]


def test_a_path_given_twice_is_refused(e4_folder: Path) -> None:
    again = e4_folder / ".." / e4_folder.name
    with pytest.raises(ReaderError, match=f"{e4_folder} and .* are the same recordings"):
        names([e4_folder, again])
    with pytest.raises(ReaderError, match="given twice"):
        names([e4_folder, Path(str(e4_folder))])


def test_a_folder_and_an_archive_of_one_name_are_refused_by_both_names(e4_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(e4_folder, tmp_path / "S01")
    shutil.make_archive(str(tmp_path / "S01"), "zip", e4_folder)
    with pytest.raises(ReaderError, match=r"S01 and .*S01\.zip are both session 'S01'"):
        names([tmp_path])


def test_a_reader_that_finds_one_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="more than one session 'a'"):
        list(recordings(cast(Any, Doubled()), [tmp_path], []))
