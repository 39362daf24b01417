"""The official pickle: read when it is one, refused when it is anything else, whatever stands in it."""

import io
import os
import pickle
import struct
import subprocess
import warnings

import numpy as np
import pytest

from sslts.data import readers
from sslts.data.readers.safe_pickle import MAX_OPCODES, PickledArray, opened_pickle
from sslts.errors import ReaderError, SslTsError, UnsafeFileError

LABELS = np.repeat([0, 1, 0, 2, 5, 3, 4, 0], 350).astype(np.int32)  # 4 s at 700 Hz, half a second each


def content(subject="S2", seed=0):
    rng = np.random.default_rng(seed)
    n = len(LABELS)
    chest = {"ACC": rng.normal(size=(n, 3))} | {name: rng.normal(size=(n, 1)) for name in ("ECG", "EDA", "EMG", "Resp")}
    chest["Temp"] = rng.normal(33, 1, (n, 1)).astype(np.float32)
    wrist = {
        "ACC": rng.integers(-64, 64, (128, 3)).astype(np.float64),
        "BVP": rng.normal(size=(256, 1)),
        "EDA": rng.random((16, 1)),
        "TEMP": rng.normal(33, 1, (16, 1)),
    }
    return {"subject": subject, "signal": {"chest": chest, "wrist": wrist}, "label": LABELS}


class Python2:
    """Writes what Python 2's pickle writes for these objects: byte strings, `numpy.core.multiarray`, long shapes. Protocols 0 and 2."""

    def __init__(self, protocol):
        self.out = io.BytesIO()
        self.binary = protocol == 2

    def dump(self, value):
        self.out.write(b"\x80\x02" if self.binary else b"")
        self.put(value)
        self.out.write(b".")
        return self.out.getvalue()

    def put(self, value):
        write = self.out.write
        if isinstance(value, dict):
            write(b"}" if self.binary else b"(d")
            for key, item in value.items():
                self.put(key)
                self.put(item)
                write(b"s")
        elif isinstance(value, str | bytes):
            data = value.encode("latin-1") if isinstance(value, str) else value
            if not self.binary:
                write(b"S" + repr(data)[1:].encode() + b"\n")
            elif len(data) < 256:
                write(b"U" + bytes([len(data)]) + data)
            else:
                write(b"T" + struct.pack("<i", len(data)) + data)
        elif value is None:
            write(b"N")
        elif isinstance(value, bool):
            write((b"\x88" if value else b"\x89") if self.binary else b"I%02d\n" % value)
        elif isinstance(value, int):
            write(b"J" + struct.pack("<i", value) if self.binary else b"I%d\n" % value if abs(value) < 1000 else b"L%dL\n" % value)
        elif isinstance(value, tuple):
            write(b"(")
            for item in value:
                self.put(item)
            write(b"t")
        else:
            self.array(value)

    def array(self, value):
        write = self.out.write
        write(b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n")
        self.put((0,))
        self.put("b")
        write(b"tRp1\n(" if not self.binary else b"tRq\x01(")
        self.put(1)
        self.put(tuple(value.shape))
        write(b"cnumpy\ndtype\n")
        self.put((value.dtype.str[1:], 0, 1))
        write(b"R")
        self.put((3, "<", None, None, None, -1, -1, 0))
        write(b"b")
        self.put(False)
        self.put(value.tobytes())
        write(b"tb")


def official(protocol="py2-2", **changes):
    data = content() | changes
    return Python2(int(protocol[-1])).dump(data) if protocol.startswith("py2") else pickle.dumps(data, protocol=int(protocol))


def save(tmp_path, data, subject="S2"):
    folder = tmp_path / subject
    folder.mkdir(exist_ok=True)
    (folder / f"{subject}.pkl").write_bytes(data)
    return tmp_path


@pytest.mark.parametrize("protocol", ["py2-0", "py2-2", "1", "2", "3", "4"])
def test_every_way_of_writing_the_official_structure_reads_the_same(tmp_path, protocol):
    data = official(protocol)
    assert protocol != "py2-2" or pickle.loads(data, encoding="latin1")["subject"] == "S2"
    recording = readers.wesad(save(tmp_path, data), "S2", device="both")
    expected = content()["signal"]
    np.testing.assert_allclose(recording.streams["acc"].values * 64, expected["wrist"]["ACC"], rtol=1e-6)
    np.testing.assert_allclose(recording.streams["bvp"].values, expected["wrist"]["BVP"], rtol=1e-6)
    np.testing.assert_allclose(recording.streams["chest-ecg"].values, expected["chest"]["ECG"], rtol=1e-6)
    np.testing.assert_allclose(recording.streams["chest-temp"].values, expected["chest"]["Temp"], rtol=1e-6)
    assert {stream.duration_s for stream in recording.streams.values()} == {4.0}


def test_labels_are_runs_on_the_clock_of_700_hz(tmp_path):
    recording = readers.wesad(save(tmp_path, official()))
    assert [(i.start_s, i.end_s, i.label) for i in recording.labels.intervals] == [
        (0.5, 1.0, "baseline"),
        (1.5, 2.0, "stress"),
        (2.5, 3.0, "amusement"),
        (3.0, 3.5, "meditation"),
    ]


def test_devices_are_chosen_and_a_single_file_will_do(tmp_path):
    root = save(tmp_path, official())
    assert readers.wesad(root, device="wrist").names == ("acc", "bvp", "eda", "temp")
    assert len(readers.wesad(root / "S2" / "S2.pkl", device="chest").names) == 6
    assert readers.sessions("wesad", root) == ("S2",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"subject": "S3"}, "its subject is 'S3'"),
        ({"subject": None}, "its subject is no text"),
        ({"label": LABELS[:100]}, "the labels 0.1 s"),
        ({"label": LABELS + 40}, "expected 0 to 7"),
        ({"label": LABELS.astype(float)}, "expected whole numbers"),
        ({"label": "none"}, "no array"),
        ({"signal": {}}, r"no 'signal\.wrist'"),
        ({"signal": {"wrist": {"ACC": LABELS}}}, r"wrist\.ACC' has shape"),
    ],
)
def test_another_structure_is_refused_by_name(tmp_path, changes, message):
    with pytest.raises(ReaderError, match=message):
        readers.wesad(save(tmp_path, official(**changes)))


class Evil:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call


def dtype_state(*state):
    """An array whose dtype carries a crafted state: the usual allow-list unpickler crashes on some of these."""
    return (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x02\x85cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R("
        + b"".join(state)
        + b"tb\x89U\x10"
        + bytes(16)
        + b"tb."
    )


PLAIN = [b"K\x03", b"U\x01<", b"N", b"N", b"N", b"J\xff\xff\xff\xff", b"J\xff\xff\xff\xff", b"K\x00"]


def with_state(**changes):
    return dtype_state(*[changes.get(f"s{i}", part) for i, part in enumerate(PLAIN)])


EVIL = {
    "system": pickle.dumps(Evil(os.system, ("touch /tmp/pwned",)), 2),
    "system-protocol-0": b"cos\nsystem\n(S'touch pwned'\ntR.",
    "system-protocol-4": pickle.dumps(Evil(os.system, ("touch pwned",)), 4),
    "eval": pickle.dumps(Evil(eval, ("1/0",)), 2),
    "exec": b"c__builtin__\nexec\n(S'1/0'\ntR.",
    "popen": pickle.dumps(Evil(subprocess.Popen, (["touch", "pwned"],)), 2),
    "inside-an-allowed-call": pickle.dumps({"subject": Evil(bytes.join, (b"", [Evil(os.system, ("x",))]))}, 2),
    "instance": b"(S'touch pwned'\nios\nsystem\n.",
    "object": b"(cos\nsystem\nS'x'\no.",
    "newobj": b"\x80\x02cnumpy\nndarray\nK\x05\x85\x81.",
    "persistent": b"Pevil\n.",
    "extension": b"\x80\x02\x82\x01.",
    "call-of-ndarray": b"\x80\x02cnumpy\nndarray\nK\x05\x85R.",
    "reconstruct-of-another-class": b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\ndtype\nK\x00\x85U\x01b\x87R.",
    "encode-with-another-codec": b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00zip\x86R.",
    "object-array": pickle.dumps({"label": np.array([1, "a", None], dtype=object)}, 2),
    "structured-array": pickle.dumps({"label": np.zeros(2, dtype=[("a", "f8"), ("b", "O")])}, 2),
    "text-array": pickle.dumps({"label": np.array(["a", "bc"])}, 2),
    "dates": pickle.dumps({"label": np.array(["2020"], dtype="datetime64[Y]")}, 2),
    "dtype-with-names": with_state(s3=b"U\x01a\x85"),
    "dtype-with-fields": with_state(s4=b"}"),
    "dtype-with-subarray": with_state(s2=b"N\x85"),
    "dtype-with-size": with_state(s5=b"J\xff\xff\xff\x7f"),
    "dtype-with-alignment": with_state(s6=b"K\x00"),
    "dtype-with-flags": with_state(s7=b"K\x3f"),
    "dtype-with-bool-for-none": with_state(s3=b"\x89"),
    "dtype-of-byte-order": with_state(s1=b"U\x01!"),
    "dtype-short": dtype_state(*PLAIN[:3]),
    "state-on-a-dict": b"\x80\x02}K\x01b.",
    "huge-shape": b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01\x8a\x08"
    + struct.pack("<q", 2**62)
    + b"\x85cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R\x89U\x00tb.",
    "negative-shape": dtype_state(*PLAIN).replace(b"K\x02\x85", b"J\xfe\xff\xff\xff\x85"),
    "fewer-bytes-than-the-shape": dtype_state(*PLAIN).replace(b"K\x02\x85", b"K\x09\x85"),
    "empty": b"",
    "only-stop": b".",
    "no-stop": b"\x80\x02}",
    "underflow": b"\x80\x02s.",
    "lying-length": b"\x80\x02T\xff\xff\xff\x7fabc.",
    "lying-long-length": b"\x80\x04\x8d" + b"\xff" * 8 + b".",
    "endless-memo": b"\x80\x02" + b")q\x000" * MAX_OPCODES + b".",
    "memo-bomb": b"\x80\x02)" + b"q\x00h\x00\x86" * 200 + b".",
    "deep-marks": b"(" * 100_000 + b".",
    "endless-digits": b"I" + b"9" * 100_000 + b"\n.",
    "unquoted": b"Sabc\n.",
    "bad-escape": b"S'\\x4'\n.",
    "newer-protocol": pickle.dumps({"label": LABELS}, 5),
    "key-that-is-no-text": b"\x80\x02}K\x01K\x02s.",
    "reference-to-nothing": b"\x80\x02h\x05.",
    "text-file": b"this is not the file you are looking for\n",
}


@pytest.mark.parametrize("name", EVIL)
def test_evil_and_broken_files_are_refused_and_run_nothing(tmp_path, monkeypatch, name):
    def never(*args, **kwargs):
        raise AssertionError("code from the file was run")

    data = EVIL[name]
    for function in ("system", "popen"):
        monkeypatch.setattr(os, function, never)
    monkeypatch.setattr(subprocess, "Popen", never)
    with pytest.raises(ReaderError, match="S2.pkl"):
        readers.wesad(save(tmp_path, data), "S2")
    assert [path.name for path in tmp_path.iterdir()] == ["S2"]


@pytest.mark.parametrize("name", ["system", "eval", "popen", "instance", "newobj", "object-array", "structured-array", "dtype-with-fields"])
def test_asking_for_more_than_numbers_is_called_unsafe(tmp_path, name):
    with pytest.raises(UnsafeFileError):
        readers.wesad(save(tmp_path, EVIL[name]), "S2")


def test_the_name_that_was_asked_for_is_told_without_control_characters(tmp_path):
    with pytest.raises(UnsafeFileError, match=r"asks for os\.sys\?tem"):
        readers.wesad(save(tmp_path, b"cos\nsys\x1btem\n."), "S2")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("protocol", ["py2-0", "py2-2", "4"])
def test_mutated_files_give_a_typed_error_or_plain_values(tmp_path, protocol):
    small = {"subject": "S2", "signal": {"wrist": {"EDA": np.arange(4.0)}}, "label": np.arange(5, dtype=np.int32)}
    data = Python2(int(protocol[-1])).dump(small) if protocol.startswith("py2") else pickle.dumps(small, int(protocol))
    rng = np.random.default_rng(0)
    path = tmp_path / "mutated.pkl"
    read = failed = 0
    for _ in range(300):
        mutated = bytearray(data)
        for _ in range(rng.integers(1, 4)):
            at = int(rng.integers(len(mutated)))
            kind = rng.integers(4)
            if kind == 0:
                mutated[at] = rng.integers(256)
            elif kind == 1:
                del mutated[at : at + int(rng.integers(1, 9))]
            elif kind == 2:
                mutated[at:at] = rng.bytes(int(rng.integers(1, 9)))
            else:
                other = int(rng.integers(len(mutated)))
                mutated[at : at + 12] = mutated[other : other + 12]
        path.write_bytes(bytes(mutated))
        try:
            with opened_pickle(path) as value:
                arrays = [v for v in value.values() if isinstance(v, PickledArray)] if isinstance(value, dict) else []
                assert all(array.read().dtype.kind in "iuf" for array in arrays)
            read += 1
        except SslTsError as error:
            failed += "mutated.pkl" in str(error)
    assert read + failed == 300
    assert failed > 100


def test_a_bad_escape_is_a_typed_error_even_where_warnings_are_errors(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ReaderError):
            readers.wesad(save(tmp_path, b"S'\\q'\n."), "S2")


def test_what_is_not_asked_for_is_not_read(tmp_path):
    data = content()
    data["signal"]["chest"] = {}
    assert readers.wesad(save(tmp_path, Python2(2).dump(data))).names == ("acc", "bvp", "eda", "temp")


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"F1.5\n.", 1.5),
        (b"G?\xf8\x00\x00\x00\x00\x00\x00.", 1.5),
        (b"L-70000L\n.", -70000),
        (b"(I1\nI2\nl.", [1, 2]),
        (b"]I1\na.", [1]),
        (b"I01\n.", True),
        (b"K\x05K\x060.", 5),
        (b"(K\x011N.", None),
        (b"S'a\\x00b'\n.", "a\x00b"),
    ],
)
def test_plain_values_read_as_the_official_reader_would(tmp_path, data, value):
    path = tmp_path / "plain.pkl"
    path.write_bytes(data)
    with opened_pickle(path) as found:
        assert found == value
    assert pickle.loads(data, encoding="latin1") == value
