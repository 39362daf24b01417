import zipfile

import pytest

from sslts.data.readers.tree import Found, Tree
from sslts.errors import ReaderError


def test_levels_match_path_parts_from_the_first_home_that_holds_any(tmp_path):
    for name in ("b/x1/y2.txt", "b/x1/z.txt", "x3/y4.txt", "b/x5.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    tree = Tree(tmp_path)
    levels = (r"x(\d)", r"y(\d)\.txt")
    assert tree.find(*levels, homes=("b", "")) == (Found("b/x1/y2.txt", ("1", "2")),)
    assert tree.find(*levels, homes=("nowhere", "")) == (Found("x3/y4.txt", ("3", "4")),)
    assert tree.find(r"q.*") == ()
    assert tree.text("b/x1/y2.txt") == "b/x1/y2.txt"


def test_in_an_archive_the_outermost_folder_wins(tmp_path):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in ("top/backup/x1/y1.txt", "top/x1/y2.txt", "__MACOSX/x1/y3.txt"):
            file.writestr(name, name)
    tree = Tree(archive)
    assert tree.find(r"x(\d)", r"y(\d)\.txt") == (Found("top/x1/y2.txt", ("1", "2")),)
    assert tree.find(r"x(\d)", r"y(\d)\.txt", homes=("backup",)) == (Found("top/backup/x1/y1.txt", ("1", "1")),)
    assert tree.find(r"x(\d)") == (Found("top/x1", ("1",)),)
    assert tree.data("top/x1/y2.txt") == b"top/x1/y2.txt"
    with pytest.raises(ReaderError, match="missing"):
        tree.data("missing.txt")
    tree.close()


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1,2\n")
    with pytest.raises(ReaderError, match="neither a folder nor a readable"):
        Tree(path)
