"""The model card: README.md with a YAML front matter that the Hub reads and a body that people read.

`render_card` writes one from the config, the measured figures and a few prose sections; `parse_card` reads one, treating it as hostile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from sslts.config import ModelConfig
from sslts.errors import ArtefactError
from sslts.hub.metrics import Metrics, Result
from sslts.strict_json import printable

MAX_FRONT_MATTER_BYTES = 64 * 1024
_FENCE = "---"
_MAX_DEPTH = 20

#: Licence identifiers that the Hub knows and that our models may carry. Others are written as "other" with their name.
_HUB_LICENCES = frozenset(
    (
        *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0"),
        *("cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0"),
    )
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the card, given as data. `note` says protocol, interval and date."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        odd = [row for row in self.rows if len(row) != len(self.columns)]
        if odd:
            raise ArtefactError(f"Table '{self.title}' has {len(self.columns)} columns, but a row has {len(odd[0])} cells.")


@dataclass(frozen=True, slots=True)
class Sections:
    """The prose of a card, in Markdown without headings. `results` puts our figures beside those of peers."""

    what_it_is: str
    differs_from_paper: str
    data_and_licence: str
    limits: str
    how_to_cite: str
    results: Sequence[Table] = ()
    results_note: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A parsed card: its front matter as plain values, and its body."""

    front_matter: dict[str, Any] = field(default_factory=dict)
    body: str = ""


def render_card(config: ModelConfig, metrics: Metrics, sections: Sections, *, load: str | None = None) -> str:
    """The text of README.md. The same input gives the same bytes.

    load: the name that `sslts.load` takes wherever the card is read (a model of a catalogue); a place to fill in if None.

    Raises:
        ArtefactError: a section is empty, or the config names no licence.
    """
    empty = [
        name for name in ("what_it_is", "differs_from_paper", "data_and_licence", "limits", "how_to_cite") if not getattr(sections, name)
    ]
    if empty:
        raise ArtefactError(f"The card of '{config.name}' has no text for {', '.join(empty)}. Say it, even in one sentence.")
    front = yaml.safe_dump(front_matter(config, metrics), sort_keys=False, allow_unicode=True, width=1000)
    body = [
        f"# {config.name}",
        sections.what_it_is,
        _usage(config, load),
        "## Input contract",
        _input_contract(config),
        "## Results",
        *([sections.results_note] if sections.results_note else []),
        *[_titled(table) for table in sections.results],
        _measured(metrics),
        "## What differs from the paper",
        sections.differs_from_paper,
        "## Data and licence",
        sections.data_and_licence,
        "## Limits",
        sections.limits,
        "## How to cite",
        sections.how_to_cite,
    ]
    return f"{_FENCE}\n{front}{_FENCE}\n\n" + "\n\n".join(part.strip() for part in body) + "\n"


def _usage(config: ModelConfig, load: str | None) -> str:
    """How to load it, and the plugins that it needs for that."""
    if load is None:
        line = 'model = sslts.load("hf:OWNER/REPOSITORY@COMMIT")  # this repository, at a commit of its history'
    else:
        line = f'model = sslts.load("{load}")'
    needed = "".join(f" '{name}{version}'" for name, version in sorted(config.requires.items()) if name != "sslts")
    install = f"```text\npip install{needed}\n```\n\n" if needed else ""
    return f"{install}```python\nimport sslts\n\n{line}\n```"


def front_matter(config: ModelConfig, metrics: Metrics) -> dict[str, Any]:
    """What the Hub indexes: library, tags, data sets, licence, and a model-index generated from the measured figures."""
    licence = config.provenance.licence
    if not licence:
        raise ArtefactError(f"The config of '{config.name}' names no licence: say one in its recipe ('licence: Apache-2.0').")
    known = licence.lower() in _HUB_LICENCES
    front: dict[str, Any] = {"library_name": "sslts", "license": licence.lower() if known else "other"}
    if not known:
        front["license_name"] = licence.lower().replace(" ", "-")
    front["tags"] = list(dict.fromkeys(["sslts", "self-supervised-learning", "time-series", config.method.name, *config.spec.names]))
    if config.provenance.datasets:
        front["datasets"] = [name.lower() for name in config.provenance.datasets]
    if metrics.results:
        front["model-index"] = [{"name": config.name, "results": [_indexed(result) for result in metrics.results]}]
    return front


def parse_card(text: str) -> Card:
    """Read a card from any source. The front matter is plain YAML: at most 64 KB, no aliases, no tags, no key twice.

    Raises:
        ArtefactError: the front matter is not closed, too large or not plain YAML.
    """
    lines = text.splitlines(keepends=True)
    if not lines or lines[0].rstrip() != _FENCE:
        return Card(body=text)
    end = next((index for index, line in enumerate(lines[1:], start=1) if line.rstrip() == _FENCE), None)
    if end is None:
        raise ArtefactError("The card's front matter is not closed: expected a second line '---'.")
    front = "".join(lines[1:end])
    if len(front.encode()) > MAX_FRONT_MATTER_BYTES:
        raise ArtefactError(f"The card's front matter is larger than {MAX_FRONT_MATTER_BYTES} bytes.")
    values = _plain_yaml(front)
    if not isinstance(values, dict):
        raise ArtefactError(f"The card's front matter must be a mapping, got {type(values).__name__}.")
    return Card(values, "".join(lines[end + 1 :]).lstrip("\n"))


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases (they can blow up a few bytes to gigabytes), deep nesting (quadratic time) and doubled keys."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def fetch_flow_collection_start(self, token: Any) -> None:
        """Refuse deep nesting where brackets are read: the scanner's time grows with their square."""
        if self.flow_level >= _MAX_DEPTH:
            raise yaml.YAMLError(f"nested more than {_MAX_DEPTH} deep")
        super().fetch_flow_collection_start(token)

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse an alias before it is followed, and deep nesting by indentation."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        if self._depth >= _MAX_DEPTH:
            raise yaml.YAMLError(f"nested more than {_MAX_DEPTH} deep")
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that comes twice."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(map(repr, keys))) != len(keys):
            raise yaml.YAMLError("a key appears twice")
        return super().construct_mapping(node, deep=deep)


def _plain_yaml(text: str) -> Any:
    try:
        loader = _PlainLoader(text)
        try:
            return loader.get_single_data() or {}
        finally:
            loader.dispose()
    # Values such as an impossible date or a huge number raise ValueError or OverflowError from inside the parser.
    except (yaml.YAMLError, ValueError, OverflowError, TypeError) as error:
        raise ArtefactError(f"The card's front matter is not plain YAML ({printable(str(error))[:200]}).") from error


def _indexed(result: Result) -> dict[str, Any]:
    return {
        "task": {"type": "time-series-classification", "name": result.label},
        # The Hub joins results whose dataset, config and split agree; the label keeps ours apart.
        "dataset": {"type": result.dataset, "name": result.dataset, "config": result.label},
        "metrics": [{"type": result.metric, "value": result.value, "name": result.metric}],
    }


def _input_contract(config: ModelConfig) -> str:
    rows = tuple(
        (
            modality.name,
            config.spec.rate_text(modality),
            ", ".join(modality.channel_names),
            ", ".join(dict.fromkeys(channel.unit for channel in modality.channels)),
            ", ".join(dict.fromkeys(channel.position for channel in modality.channels if channel.position)) or "-",
        )
        for modality in config.spec.named
    ) or (("any", "any", "any with a description", "any", "-"),)
    table = _markdown(("modality", "rate", "channels", "unit", "position"), rows)
    if config.spec.clock == "clip":
        window = (
            "A recording is one clip, whatever it lasts, and its parts lie on its clock. Where clocks of camera and sensors do not agree, "
            "spread each part over the whole clip first (`sslts.data.clips.spread`), as the readers of clips do."
        )
    else:
        window = f"Windows of {config.spec.window_s:g} s every {config.spec.stride_s:g} s."
    return f"{table}\n\n{window} Other rates and other units of the same kind are converted; anything else is refused."


def _measured(metrics: Metrics) -> str:
    if not metrics.results:
        return "No figures have been measured for these weights."
    rows = tuple(
        (
            result.label,
            result.metric,
            result.value,
            "-" if result.low is None or result.high is None else f"{result.low:.4g} to {result.high:.4g}",
            result.date or "-",
        )
        for result in metrics.results
    )
    source = f"\n\nSource: {metrics.source}." if metrics.source else ""
    table = _markdown(("protocol", "metric", "value", "95 % interval", "date"), rows)
    return f"All figures of this model (`metrics.json`):\n\n{table}{source}"


def _titled(table: Table) -> str:
    note = f"\n\n{table.note}" if table.note else ""
    return f"### {table.title}\n\n{_markdown(table.columns, table.rows)}{note}"


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[str | float]]) -> str:
    def line(cells: Sequence[str | float]) -> str:
        return "| " + " | ".join(_cell(cell) for cell in cells) + " |"

    return "\n".join([line(columns), "|" + "---|" * len(columns), *map(line, rows)])


def _cell(value: str | float) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
