"""The architecture as tests: who may import whom, what importing costs, and what no file may do."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sslts import registry
from sslts._builtins import BASES, BUILTINS

PACKAGE = Path(__file__).resolve().parent.parent / "sslts"
FILES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 320

#: First part of a module's name -> rank. A module imports strictly lower ranks only; modules of one package may import each other.
RANK = {
    "errors": 0, "_builtins": 0,
    "strict_json": 0.5, "invalid": 0.7,  # need errors, and config needs them
    "registry": 1, "config": 1, "devices": 1,
    "types": 2,
    "ops": 3,
    "interfaces": 4, "layers": 4, "vit": 4, "ema": 4, "embeddings": 4, "golden": 4,
    "encoders": 5, "text": 5, "maskers": 5, "aggregators": 5, "fusion": 5, "predictors": 5, "objectives": 5, "heads": 5, "data": 5,
    "methods": 6,
    "hub": 7, "report": 7, "few_shot": 7,
    "retrieval": 7.5,  # names models of the catalogue that know text, and writes folders as they do
    "stored": 7.6, "head_files": 7.6,
    "model": 8,
    "publishing": 8.5, "plugin_states": 8.5,
    "evaluate": 9,
    "training": 10,
    "testing": 11, "scaffold": 11,
    "__init__": 12,
    "cli": 13,
    "__main__": 14,
}  # fmt: skip

#: The one file that may use the pickle module, and only to read opcodes: it never unpickles.
PICKLE_READER = PACKAGE / "data" / "readers" / "safe_pickle.py"
BANNED_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
BANNED_NAMES = {"eval", "exec", "compile", "__import__", "print", "input", "breakpoint"}
BANNED_ATTRIBUTES = {"torch.load", "torch.save", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system"}
BANNED_METHODS = {"extractall"}


def name_of(path: Path) -> str:
    """`sslts/hub/card.py` -> "sslts.hub.card"; a package is named by its folder."""
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path) for path in FILES}


def top(module: str) -> str:
    """The part of a module's name that has a rank."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def type_checking_only(tree: ast.Module) -> set[int]:
    """Ids of the nodes under `if TYPE_CHECKING:`, which never run."""
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")]
    return {id(node) for block in blocks for statement in block.body for node in ast.walk(statement)}


def first_party_imports(path: Path) -> Iterator[str]:
    """Every sslts module that a file imports anywhere in it, `from sslts import x` and imports inside functions included."""
    tree = tree_of(path)
    skipped = type_checking_only(tree) if path.name == "__init__.py" and path.parent == PACKAGE else set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "sslts")
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                pytest.fail(f"{path}:{node.lineno}: relative import; write the module's full name")
            if node.module and node.module.split(".")[0] == "sslts":
                yield from (full if (full := f"{node.module}.{alias.name}") in MODULES else node.module for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_point_downwards(path):
    own = name_of(path)
    assert top(own) in RANK, f"{own} has no rank: add it to RANK and to the architecture page"
    for module in first_party_imports(path):
        inside = top(module) == top(own) and own != "sslts"
        assert inside or RANK[top(module)] < RANK[top(own)], (
            f"{own} (rank {RANK[top(own)]}) may not import {module} (rank {RANK[top(module)]})"
        )


def test_the_import_test_sees_every_way_of_importing(tmp_path):
    path = tmp_path / "x.py"
    path.write_text(
        "import sslts.hub.card as c\nfrom sslts import ops\nfrom sslts.hub import card, resolve as r\nfrom sslts.errors import SslTsError\n"
        "def f():\n    from sslts.training import x\nimport os\n"
    )
    assert sorted(first_party_imports(path)) == [
        "sslts.errors", "sslts.hub.card", "sslts.hub.card", "sslts.hub.resolve", "sslts.ops", "sslts.training",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "code",
    [
        "import sslts",
        "import sslts; repr(sslts.list_models())",
        "from sslts import registry; [registry.names(kind) for kind in registry.kinds()]; registry.offers()",
        "import sslts.config, sslts.errors, sslts.hub.card, sslts.hub.download",
        "from sslts.hub.resolve import resolve; resolve('hf:org/repo'); resolve('./x')",
    ],
)
def test_looking_around_imports_neither_torch_nor_the_hubs_client(code):
    check = "; import sys; heavy = {'torch', 'huggingface_hub', 'scipy', 'pandas', 'sklearn'} & set(sys.modules); assert not heavy, heavy"
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run([sys.executable, "-c", code + check], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def banned(path: Path) -> Iterator[str]:
    """What a file does that no file of the library may do, with its line."""
    for node in ast.walk(tree_of(path)):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (f"line {line}: import {module}" for module in modules if module.split(".")[0] in BANNED_MODULES)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BANNED_NAMES:
            yield f"line {line}: {node.func.id}()"
        elif isinstance(node, ast.Attribute) and (ast.unparse(node) in BANNED_ATTRIBUTES or node.attr in BANNED_METHODS):
            yield f"line {line}: {ast.unparse(node)}"
        elif isinstance(node, ast.Assert):
            yield f"line {line}: assert; raise a typed error instead"
        elif isinstance(node, ast.Call):
            yield from (f"line {line}: {reason}" for reason in banned_call(node))


def banned_call(call: ast.Call) -> Iterator[str]:
    """What is wrong with a call because of its arguments."""
    function = ast.unparse(call.func)
    given = {(keyword.arg, ast.unparse(keyword.value)) for keyword in call.keywords}
    if function in {"np.load", "numpy.load"} and ("allow_pickle", "False") not in given:
        yield "np.load without allow_pickle=False"
    if function.endswith("load_state_dict") and ("strict", "False") in given:
        yield "load_state_dict(strict=False)"
    yield from (f"{name}={value}" for name, value in given & {("trust_remote_code", "True"), ("shell", "True"), ("weights_only", "False")})


@pytest.mark.parametrize("path", [path for path in FILES if path != PICKLE_READER], ids=name_of)
def test_nothing_in_the_library_can_run_what_it_reads(path):
    assert list(banned(path)) == []


@pytest.mark.parametrize(
    "line",
    [
        *("import pickle", "from pickle import loads", "import torch\ntorch.load('x')", "eval('1')", "print('x')", "assert 1"),
        *("import yaml\nyaml.load('x')", "archive.extractall('x')", "import numpy as np\nnp.load('x', allow_pickle=True)"),
        *("model.load_state_dict({}, strict=False)", "exec('x')"),
    ],
)
def test_the_ban_sees_what_it_should(tmp_path, line):
    path = tmp_path / "x.py"
    path.write_text(line)
    assert list(banned(path)) != []
    path.write_text("model.eval()\nzip(a, b, strict=False)\nnp.load(p, allow_pickle=False)\n'pickle, eval(), print'\n")
    assert list(banned(path)) == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_are_short_enough_to_read(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, f"{path} has {lines} lines, at most {MAX_LINES}: split it by purpose"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_everything_public_says_what_it_is_for(path):
    tree = tree_of(path)
    silent = [] if ast.get_docstring(tree) else ["the module"]
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    for owner in (tree, *classes):
        for node in owner.body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            # A method that its base class documents need not repeat it, nor a signature for type checkers.
            documented_above = isinstance(owner, ast.ClassDef) and bool(owner.bases)
            overload = public and any("overload" in ast.unparse(decorator) for decorator in node.decorator_list)
            if public and not (ast.get_docstring(node) or documented_above or overload):
                silent.append(node.name)
    assert silent == [], f"{path}: no docstring: {', '.join(silent)}"


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, table in BUILTINS.items() for name in table])
def test_every_built_in_exists_and_is_of_its_kind(kind, name):
    component = registry.get(kind, name)
    module, _, base = BASES[kind].partition(":")
    assert issubclass(component, getattr(importlib.import_module(module), base))


def test_built_in_names_are_bare_kebab_case():
    for table in BUILTINS.values():
        for name in table:
            assert name == name.lower()
            assert not set(name) & {".", "_", "/", " "}
