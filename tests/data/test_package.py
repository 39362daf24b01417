import subprocess
import sys

import sslts.data


def test_reading_and_cutting_import_neither_torch_nor_pandas():
    code = (
        "import sys, sslts.data; from sslts.data import Recording, prepare, fit_statistics, specs, Reader;"
        "assert not {'torch', 'pandas'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_exists_and_functions_are_not_hidden_by_their_modules():
    for name in sslts.data.__all__:
        assert getattr(sslts.data, name) is not None
    for name in ("resample", "prepare", "convert", "cut", "to_batch"):
        assert callable(getattr(sslts.data, name))
