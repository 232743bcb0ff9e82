"""Checkpoints that attack: each is refused by name, and nothing of it runs."""

import os
import pickle
import resource
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert import isolation
from convert.errors import RefusalError
from convert.torch.checkpoint import reader
from convert.torch.checkpoint.checkpoint import read_checkpoint
from tests.convert.torch.checkpoints_made import (
    Called,
    Checkpoint,
    Made,
    Named,
    Persistent,
    Raw,
    pickled,
    tar_checkpoint,
)


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A file that exists only if something of a checkpoint was run."""
    return tmp_path / "it-ran"


def read(path: Path) -> dict[str, Any]:
    folder = path.parent / "out"
    folder.mkdir(exist_ok=True)
    return reader.run({"path": str(path)}, folder)


SPELLINGS = [
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("__builtin__", "eval"),
    ("__builtins__", "eval"),
    ("builtins", "__import__"),
    ("builtins", "eval.__call__"),
    ("builtins", "getattr"),
    ("builtins", "map"),
    ("os", "system"),
    ("posix", "system"),
    ("nt", "system"),
    ("subprocess", "Popen"),
    ("subprocess", "check_output"),
    ("runpy", "_run_code"),
    ("importlib", "import_module"),
    ("types", "FunctionType"),
    ("types", "CodeType"),
    ("marshal", "loads"),
    ("pickle", "loads"),
    ("_pickle", "loads"),
    ("webbrowser", "open"),
    ("ctypes", "CDLL"),
    ("multiprocessing.util", "spawnv_passfds"),
    ("operator", "attrgetter"),
    ("functools", "reduce"),
    ("timeit", "timeit"),
    ("code", "InteractiveInterpreter"),
    ("torch", "load"),
    ("torch.storage", "_load_from_bytes"),
    ("torch.hub", "load"),
    ("torch.serialization", "os.system"),
    ("torch._utils", "importlib.import_module"),
    ("numpy.testing._private.utils", "runstring"),
    ("numpy", "load"),
    ("somebody.project", "build_model"),
    ("", "eval"),
]


@pytest.mark.parametrize(("module", "name"), SPELLINGS)
def test_a_call_on_load_is_refused_by_its_name(module: str, name: str, tmp_path: Path, trap: Path) -> None:
    made = Checkpoint()
    code = f"open({str(trap)!r}, 'w').close()"
    path = made.zip(tmp_path / "a.pt", {"w": made.tensor([1.0]), "x": Called(Named(module, name), (code,))})
    with pytest.raises(RefusalError) as refused:
        read(path)
    assert name in refused.value.reason
    assert not trap.exists()


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_what_python_itself_pickles_to_run_code_is_refused(protocol: int, tmp_path: Path, trap: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch {trap}",)

    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"state_dict": Attack()}, protocol))
    with pytest.raises(RefusalError, match=r"calls posix.system"):
        read(path)
    assert not trap.exists()


@pytest.mark.parametrize(
    "code",
    [
        b"cos\nsystem\n(S'touch TRAP'\ntR.",
        b"(S'touch TRAP'\nios\nsystem\n.",
        b"(cos\nsystem\nS'touch TRAP'\no.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0atouch TRAP\x85R.",
        b"cos\nsystem\n)\x81.",
        b"cos\nsystem\n)}\x92.",
        b"ccopy_reg\n_reconstructor\n(cos\nsystem\ncos\nsystem\nNtR.",
        b"cos\nsystem\n}S'a'\nI1\nsb.",
        b"cbuiltins\nlist\nccollections\nOrderedDict\n)R(tRR.",
    ],
    ids=["REDUCE", "INST", "OBJ", "STACK_GLOBAL", "NEWOBJ", "NEWOBJ_EX", "reconstructor", "BUILD", "call-of-a-result"],
)
def test_every_opcode_that_can_call_is_refused(code: bytes, tmp_path: Path, trap: Path) -> None:
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", code.replace(b"touch TRAP", f"touch {trap}".encode()[:10]))
    with pytest.raises(RefusalError):
        read(path)
    assert not trap.exists()


def test_a_pickle_inside_a_pickle_is_refused(tmp_path: Path) -> None:
    made = Checkpoint()
    inner = pickled({"x": Called(Named("os", "system"), ("true",))})
    path = made.zip(tmp_path / "a.pt", Called(Named("torch.storage", "_load_from_bytes"), (inner,)))
    with pytest.raises(RefusalError, match="a pickle inside a pickle"):
        read(path)


def test_a_pickle_inside_bytes_stays_bytes(tmp_path: Path, trap: Path) -> None:
    made = Checkpoint()
    inner = pickled({"x": Called(Named("os", "system"), (f"touch {trap}",))})
    assert read(made.zip(tmp_path / "a.pt", {"state_dict": {"w": made.tensor([1.0])}, "note": inner}))
    assert not trap.exists()


def test_the_extension_registry_is_not_asked(tmp_path: Path) -> None:
    made = Checkpoint()
    with pytest.raises(RefusalError, match="opcode EXT1"):
        read(made.zip(tmp_path / "a.pt", {"x": Raw(b"\x82\x01")}))


def test_a_setstate_of_somebodys_class_is_not_called(tmp_path: Path) -> None:
    made = Checkpoint()
    value = {
        "state_dict": {"w": made.tensor([1.0])},
        "hyper_parameters": Made(Named("evil.project", "Config"), {"a": 1}),
    }
    found = read(made.zip(tmp_path / "a.pt", value))
    assert found["stand_ins"] == {"evil.project.Config": 1}


@pytest.mark.parametrize("kind", ["legacy", "tar"])
def test_the_old_formats_run_nothing_either(kind: str, tmp_path: Path, trap: Path) -> None:
    attack = {"x": Called(Named("os", "system"), (f"touch {trap}",))}
    path = tmp_path / "a.pt"
    if kind == "legacy":
        Checkpoint().legacy(path, attack)
    else:
        tar_checkpoint(path, {"w": np.ones(3, "f4")}, attack)
    with pytest.raises(RefusalError, match=r"calls os.system"):
        read(path)
    assert not trap.exists()


def test_an_attack_in_a_later_pickle_of_a_legacy_file_runs_nothing(tmp_path: Path, trap: Path) -> None:
    path = Checkpoint().legacy(tmp_path / "a.pt", {})
    content = path.read_bytes().removesuffix(pickle.dumps([], 2))
    path.write_bytes(content + pickled(Called(Named("os", "system"), (f"touch {trap}",))))
    with pytest.raises(RefusalError, match=r"calls os.system"):
        read(path)
    assert not trap.exists()


def test_a_tar_file_with_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo("storages")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(entry)
    with pytest.raises(RefusalError, match="is a link"):
        read(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickled({}))
        archive.writestr("archive/data/0", bytes(200 << 20))
    assert path.stat().st_size < 1 << 20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RefusalError, match="PyTorch stores numbers uncompressed"):
        read(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10


def test_a_zip_entry_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickled({"a": "b" * 5000}))
    content = path.read_bytes()
    place = content.rindex(b"PK\x01\x02") + 24
    path.write_bytes(content[:place] + struct.pack("<I", 100) + content[place + 4 :])
    with pytest.raises(RefusalError, match=r"damaged|declares"):
        read(path)


@pytest.mark.parametrize("name", ["../data.pkl", "/etc/data.pkl", "archive/../../data.pkl", "C:/data.pkl", "a\\..\\b"])
def test_a_zip_entry_that_points_out_of_the_file_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"")
    with pytest.raises(RefusalError, match="points out of the file"):
        read(path)


@pytest.mark.parametrize(
    ("offset", "shape", "steps", "says"),
    [
        (0, (1 << 20, 1 << 20), (0, 0), "would fill the memory"),
        (0, (1 << 31,), (0,), "would fill the memory"),
        (0, (100_000,), (0,), "would fill the memory"),
        (0, (5,), (1,), "reaches to byte 20"),
        (1, (4,), (1,), "reaches to byte 20"),
        (1 << 61, (1,), (1,), "reaches to byte"),
        (0, (2, 2), (1 << 61, 1), "reaches to byte"),
        (-1, (1,), (1,), "without sizes"),
        (0, (-1,), (1,), "sizes"),
        (0, (2,), (-1,), "strides"),
        (0, (2,), (1, 1), "dimensions"),
        (0, (1,) * 70, (1,) * 70, "dimensions"),
        (0, (True,), (1,), "sizes"),
        (0, "12", (1,), "without sizes"),
        (0, (1 << 70,), (1,), "sizes"),
    ],
)
def test_a_tensor_that_is_not_in_its_storage_is_refused(
    offset: Any, shape: Any, steps: Any, says: str, tmp_path: Path
) -> None:
    made = Checkpoint()
    path = made.zip(tmp_path / "a.pt", {"bad": made.declared(np.ones(4, "f4"), offset, shape, steps)})
    with pytest.raises(RefusalError, match=says):
        read(path)


def test_one_storage_under_many_names_is_refused(tmp_path: Path) -> None:
    made = Checkpoint()
    tensor = made.tensor(np.ones(1 << 16))
    path = made.zip(tmp_path / "a.pt", {f"w{index}": tensor for index in range(200)})
    with pytest.raises(RefusalError, match="under many names"):
        read(path)


def test_a_storage_shorter_than_declared_is_refused(tmp_path: Path) -> None:
    made = Checkpoint()
    value = {"bad": made.declared(np.ones(100, "f4"), 0, (100,), (1,))}
    made.storages[0] = made.storages[0][:10]
    with pytest.raises(RefusalError, match=r"Tensor bad reaches to byte 400 of storage 0, which has 40"):
        read(made.zip(tmp_path / "a.pt", value))


def test_a_storage_that_is_missing_is_refused(tmp_path: Path) -> None:
    made = Checkpoint()
    value = {"bad": made.tensor([1.0])}
    made.storages.clear()
    with pytest.raises(RefusalError, match="not in the file"):
        read(made.zip(tmp_path / "a.pt", value))


def test_a_legacy_storage_beyond_the_end_is_refused(tmp_path: Path) -> None:
    made = Checkpoint()
    path = made.legacy(tmp_path / "a.pt", {"w": made.tensor([1.0, 2.0])})
    content = path.read_bytes()
    path.write_bytes(content[:-16] + struct.pack("<q", 1 << 60) + content[-8:])
    with pytest.raises(RefusalError, match="beyond the end of the file"):
        read(path)


def test_weights_that_are_no_numbers_are_named(tmp_path: Path) -> None:
    made = Checkpoint()
    value = {"a": made.tensor([1.0]), "b": made.tensor([np.nan]), "c": made.tensor([np.inf], "f2")}
    assert read(made.zip(tmp_path / "a.pt", value))["non_finite"] == ["b", "c"]


def test_structures_that_contain_themselves_end(tmp_path: Path) -> None:
    made = Checkpoint()
    loop: dict[str, Any] = {"w": made.tensor([1.0])}
    loop["self"] = loop
    found = read(made.zip(tmp_path / "a.pt", {"state_dict": {"w": made.tensor([1.0])}, "hyper_parameters": loop}))
    assert "self" in found["hyper_parameters"]["hyper_parameters"]


def test_a_billion_laughs_stay_small(tmp_path: Path) -> None:
    made = Checkpoint()
    laugh: list[Any] = ["ha"]
    for _ in range(40):
        laugh = [laugh] * 10
    value = {"state_dict": {"w": made.tensor([1.0])}, "hyper_parameters": {"x": laugh}}
    assert len(str(read(made.zip(tmp_path / "a.pt", value)))) < 2_000_000


def test_a_pickle_nested_very_deep_is_refused_in_the_child(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + b")" + b"\x85" * 300_000 + b".")
    with pytest.raises(RefusalError):
        read_checkpoint(path, tmp_path)


def test_a_pickle_that_asks_for_the_memory_is_refused_in_the_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "MEMORY_BASE", 256 << 20)
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + b"\x8f" * 1_500_000 + b".")
    with pytest.raises(RefusalError, match="memory"):
        read_checkpoint(path, tmp_path)


@pytest.mark.parametrize("reference", ["storage", ("storage",), ("storage", 1, 2), ("module", 1, 2, 3, 4), 7, None])
def test_a_reference_to_something_else_is_refused(reference: Any, tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match=r"damaged|no storage|without"):
        read(Checkpoint().zip(tmp_path / "a.pt", {"w": Persistent(reference)}))


def test_any_cut_of_a_checkpoint_is_refused_or_read(tmp_path: Path) -> None:
    made = Checkpoint()
    content = made.legacy(tmp_path / "whole.pt", {"w": made.tensor(np.ones((2, 3)))}).read_bytes()
    path = tmp_path / "cut.pt"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(RefusalError):
            read(path)


def test_changed_bytes_are_refused_or_read(tmp_path: Path) -> None:
    made = Checkpoint()
    content = made.legacy(tmp_path / "whole.pt", {"w": made.tensor(np.ones((2, 3)))}).read_bytes()
    path = tmp_path / "changed.pt"
    rng = np.random.default_rng(0)
    for place in range(len(content)):
        path.write_bytes(content[:place] + rng.bytes(1) + content[place + 1 :])
        try:
            read(path)
        except RefusalError as refused:
            assert refused.reason  # either outcome is right, there is no third


@pytest.mark.parametrize("name", ["a\x1b[2Jb", "a\ud800", "__metadata__", "x" * 1000])
def test_a_tensors_name_that_is_none_is_refused(name: str, tmp_path: Path) -> None:
    made = Checkpoint()
    with pytest.raises(RefusalError, match="no parameter's name"):
        read(made.zip(tmp_path / "a.pt", {"w": made.tensor([1.0]), name: made.tensor([1.0])}))


def test_nothing_of_the_file_reaches_the_terminal_as_a_command(tmp_path: Path) -> None:
    made = Checkpoint()
    stored = {"title": "\x1b[2J", "odd": Made(Named("a\x1b[1m", "B"), {})}
    found = read(made.zip(tmp_path / "a.pt", {"state_dict": {"w": made.tensor([1.0])}, "hyper_parameters": stored}))
    assert "\x1b" not in str(found).encode().decode("unicode_escape")
