"""A plain table: one header line, one row a sample, all columns at one rate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, final

from pydantic import Field

from sslts.config import ComponentConfig, Name, Rate, Text
from sslts.data.reader import Reader, existing
from sslts.data.readers.files import numbers, opened
from sslts.data.recording import Recording
from sslts.errors import ReaderError
from sslts.strict_json import printable


@final
class CSVReader(Reader):
    """A .csv file, or a folder of them (one session each). Empty cells and "nan" are lost samples."""

    class Config(ComponentConfig):
        rate_hz: Rate
        #: Unit of each stream, or of each `stream.channel`.
        units: dict[str, str] = Field(min_length=1, max_length=256)
        #: Stream -> its columns; without it every column with a unit is a stream of its own.
        streams: dict[Name, tuple[str, ...]] = Field(default_factory=dict, max_length=64)
        kinds: dict[Name, Name] = Field(default_factory=dict, max_length=64)
        #: Where on the body each stream is worn, for models that read what channels are in words.
        positions: dict[Name, Text] = Field(default_factory=dict, max_length=64)
        delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
        subject: Text | None = None

    config: Config

    def sessions(self, root: str | Path) -> tuple[str, ...]:
        path = existing(root)
        return (path.stem,) if path.is_file() else tuple(sorted(file.stem for file in path.glob("*.csv")))

    def files(self, root: str | Path, session: str) -> tuple[Path, ...]:
        path = existing(root)
        return (path if path.is_file() else path / f"{session}.csv",)

    def read(self, root: str | Path, *, session: str | None = None) -> Recording:
        name = self.choose(root, session)
        (path,) = self.files(root, name)
        with opened(path.parent) as folder:
            header, _, body = folder.text(path.name).replace("\r\n", "\n").partition("\n")
        columns = [cell.strip().strip('"') for cell in header.split(self.config.delimiter)]
        streams = self.config.streams or {unit: (unit,) for unit in self.config.units if "." not in unit}
        wanted = [column for group in streams.values() for column in group]
        missing = [column for column in wanted if column not in columns]
        if missing:
            raise ReaderError(f"{path}, line 1: no column '{printable(missing[0])}'. Columns: {printable(', '.join(columns))[:500]}.")
        doubled = [column for column in wanted if columns.count(column) > 1]
        if doubled:
            raise ReaderError(f"{path}, line 1: column '{printable(doubled[0])}' appears more than once.")
        values = numbers(
            _filled(body, self.config.delimiter), columns=len(columns), delimiter=self.config.delimiter, where=str(path), first_line=2
        )
        arrays = {stream: values[:, [columns.index(column) for column in group]] for stream, group in streams.items()}
        return Recording.from_arrays(
            arrays,
            rate_hz=self.config.rate_hz,
            units=self.config.units,
            channels={stream: _channel_names(stream, group) for stream, group in streams.items()},
            kinds=self.config.kinds,
            positions=self.config.positions,
            subject=self.config.subject,
            session=name,
        )


def _channel_names(stream: str, columns: tuple[str, ...]) -> list[str]:
    """A single column is named like its stream; x, y, z where three columns end so; the columns' own names otherwise."""
    if len(columns) == 1:
        return [stream]
    ends = [column[-1:].lower() for column in columns]
    return ends if sorted(ends) == ["x", "y", "z"] else [column.lower() for column in columns]


def _filled(body: str, delimiter: str) -> str:
    """Empty cells spelt out."""
    if delimiter * 2 not in body and f"{delimiter}\n" not in body and f"\n{delimiter}" not in body and not body.startswith(delimiter):
        return body
    rows = (row.split(delimiter) for row in body.split("\n"))
    return "\n".join(delimiter.join(cell if cell.strip() else "nan" for cell in row) if len(row) > 1 else row[0] for row in rows)
