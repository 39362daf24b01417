"""A new plugin from templates: a complete distribution that installs, passes its tests and trains."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from sslts.errors import ArtefactError, ConfigError
from sslts.hub.bundled import sslts_version
from sslts.hub.folders import check_target, new_folder

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
_TEMPLATE = ".jinja"


def write_plugin(name: str, folder: str | Path | None = None) -> Path:
    """Write the distribution `sslts-NAME`, whose components are named `NAME.…`, into a new folder.

    Args:
        name: the namespace, in lower-case kebab-case.
        folder: where it goes; `./sslts-NAME` if None.

    Raises:
        ConfigError: the name is no namespace.
        ArtefactError: the folder is not empty, or cannot be written.
    """
    if not _NAME.match(name) or len(name) > 40:
        raise ConfigError(
            f"'{name[:60]}' is no namespace: expected lower-case kebab-case of at most 40 letters, such as 'acme' or 'my-lab'."
        )
    target = Path(folder) if folder is not None else Path(f"sslts-{name}")
    check_target(target, (), what="plugin", overwrite=None)
    values = {
        "name": name,
        "distribution": f"sslts-{name}",
        "module": f"sslts_{name.replace('-', '_')}",
        "sslts": sslts_version(),
    }
    environment = Environment(
        loader=PackageLoader("sslts.scaffold"), undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    try:
        with new_folder(target) as temporary:
            for template in sorted(environment.list_templates(extensions=[_TEMPLATE.removeprefix(".")])):
                place = temporary / template.removesuffix(_TEMPLATE).replace("module/", f"{values['module']}/")
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(environment.get_template(template).render(values), encoding="utf-8")
    except OSError as error:
        raise ArtefactError(f"{target} cannot be written ({error}).") from error
    return target
