"""Small files from a folder or a .zip, and numbers from their text."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sslts.errors import ReaderError
from sslts.strict_json import printable

MAX_BYTES = 1 << 29  # of one file, unpacked: refuses archives that unpack to something absurd


def archive(path: Path) -> zipfile.ZipFile:
    """A .zip, opened (ReaderError if it is none)."""
    try:
        return zipfile.ZipFile(path)
    # NotImplementedError is zipfile's word for a version or an encryption that it does not know.
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise ReaderError(f"{path} is neither a folder nor a readable .zip ({error}).") from error


class Folder:
    """Files by bare name in a folder or in a .zip (in whatever folder inside it). Nothing is ever extracted to disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._archive: zipfile.ZipFile | None = None
        if path.is_dir():
            self._members = {entry.name: entry.name for entry in path.iterdir() if entry.is_file()}
            return
        self._archive, self._members = archive(path), {}
        for member in self._archive.namelist():
            if not member.startswith("__MACOSX"):
                self._members.setdefault(member.rsplit("/", 1)[-1], member)

    @property
    def names(self) -> tuple[str, ...]:
        """Bare names of all files."""
        return tuple(sorted(self._members))

    def data(self, name: str) -> bytes:
        """A file's bytes (ReaderError if it is missing, damaged or too large)."""
        where = self.path / name
        try:
            if self._archive is None:
                size = where.stat().st_size
                data = where.read_bytes() if size <= MAX_BYTES else b""
            else:
                size = self._archive.getinfo(self._members[name]).file_size
                with self._archive.open(self._members[name]) as file:
                    data = file.read(MAX_BYTES + 1) if size <= MAX_BYTES else b""
        # KeyError: there is no such file; RuntimeError: it is encrypted; NotImplementedError: packed in a way that zipfile does not know.
        except (OSError, KeyError, RuntimeError, NotImplementedError) as error:
            raise ReaderError(f"{where} cannot be read ({printable(str(error))}).") from error
        # What the bytes are packed with decides what damage raises: BadZipFile, EOFError, ValueError, zlib.error and lzma.LZMAError
        # have no common base, and a Python may lack the module that defines one of them.
        except Exception as error:  # as said above
            raise ReaderError(f"{where} is damaged ({printable(str(error))}).") from error
        if max(size, len(data)) > MAX_BYTES:
            raise ReaderError(f"{where} has {size} bytes, expected at most {MAX_BYTES}.")
        return data

    def text(self, name: str) -> str:
        """A file's text (ReaderError as for `data`, or if it is no text)."""
        try:
            return self.data(name).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ReaderError(f"{self.path / name} is not a text file (byte {error.start}).") from None

    def close(self) -> None:
        """Close the archive."""
        if self._archive is not None:
            self._archive.close()


@contextmanager
def opened(path: Path) -> Iterator[Folder]:
    """A Folder that is closed afterwards."""
    folder = Folder(path)
    try:
        yield folder
    finally:
        folder.close()


def numbers(lines: str, *, columns: int, delimiter: str | None, where: str, first_line: int) -> NDArray[np.float64]:
    """float64 [rows, columns] from delimited text (None: white space); an empty text gives no rows. Empty cells and words are errors
    ("nan" is a number), and so are empty lines before the last row: whatever stood there, the rows after it would shift in time.

    Raises:
        ReaderError: names file, line and what stands there.
    """
    lines = _one_line_end(lines.rstrip())
    if not lines:
        return np.empty((0, columns))
    try:
        values = np.loadtxt(io.StringIO(lines), delimiter=delimiter, ndmin=2, comments=None, dtype=np.float64)
        if values.shape[1] == columns and len(values) == lines.count("\n") + 1:
            return values
    except (ValueError, OverflowError):
        pass
    line, text = _first_bad_line(lines, columns, delimiter)
    expected = f"{columns} number{'s' if columns > 1 else ''}"
    if not text.strip():
        raise ReaderError(
            f"{where}, line {first_line + line}: expected {expected}, got an empty line. Write 'nan' for a lost sample, or remove the line."
        )
    raise ReaderError(f"{where}, line {first_line + line}: expected {expected}, got '{printable(text[:60])}'.")


def _one_line_end(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _first_bad_line(lines: str, columns: int, delimiter: str | None) -> tuple[int, str]:
    for index, text in enumerate(lines.split("\n")):
        cells = text.split(delimiter)
        try:
            [float(cell) for cell in cells]
        except ValueError:
            return index, text
        if len(cells) != columns:
            return index, text
    return 0, lines.split("\n", 1)[0]
