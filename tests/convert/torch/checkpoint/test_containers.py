"""What torch.save has written over the years comes back as the same numbers."""

import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.errors import CallError, RefusalError
from convert.torch.checkpoint import reader, safetensors
from convert.torch.checkpoint.arrays import Array
from convert.torch.checkpoint.checkpoint import read_checkpoint
from tests.convert.torch.checkpoints_made import Called, Checkpoint, Named, Persistent, pickled, tar_checkpoint

WEIGHTS = {
    "a.weight": np.arange(24, dtype="f4").reshape(2, 3, 4) / 7,
    "a.bias": np.array([-0.5, 0.25], "f8"),
    "b.half": np.array([1.5, -2.0], "f2"),
    "b.num_batches_tracked": np.array(7, "i8"),
    "c.empty": np.zeros((0, 3), "f4"),
    "c.bytes": np.array([0, 255], "u1"),
}


def read(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    folder = path.parent / "out"
    folder.mkdir(exist_ok=True)
    described = reader.run({"path": str(path)}, folder)
    return safetensors.read(folder / reader.TENSORS_FILE)[0], described


def assert_same(found: dict[str, Array]) -> None:
    assert list(found) == list(WEIGHTS)
    for name, wanted in WEIGHTS.items():
        np.testing.assert_array_equal(found[name], wanted)
        assert found[name].dtype == wanted.dtype


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_zip_format_comes_back(compression: int, tmp_path: Path) -> None:
    made = Checkpoint()
    value = {name: made.tensor(array, array.dtype.str[1:]) for name, array in WEIGHTS.items()}
    found, described = read(made.zip(tmp_path / "a.pt", value, compression=compression))
    assert_same(found)
    assert described["container"] == "zip"


def test_the_legacy_format_comes_back(tmp_path: Path) -> None:
    made = Checkpoint()
    value = {name: made.tensor(array, array.dtype.str[1:]) for name, array in WEIGHTS.items()}
    found, described = read(made.legacy(tmp_path / "a.pt", {"state_dict": value}))
    assert_same(found)
    assert (described["container"], described["found_at"]) == ("legacy", "state_dict")


def test_the_tar_format_comes_back(tmp_path: Path) -> None:
    found, described = read(tar_checkpoint(tmp_path / "a.pt", WEIGHTS))
    assert_same(found)
    assert described["container"] == "tar"


def test_safetensors_come_back(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    safetensors.write(path, WEIGHTS.items(), tmp_path / "scratch")
    found, described = read(path)
    assert_same(found)
    assert described["container"] == "safetensors"


def test_a_view_is_read_with_its_offset_and_strides(tmp_path: Path) -> None:
    made = Checkpoint()
    path = made.zip(tmp_path / "a.pt", {"w": made.declared(np.arange(20, dtype="f4"), 2, (3, 2), (1, 4))})
    np.testing.assert_array_equal(read(path)[0]["w"], [[2, 6], [3, 7], [4, 8]])


def test_a_small_expanded_tensor_is_read(tmp_path: Path) -> None:
    made = Checkpoint()
    path = made.zip(tmp_path / "a.pt", {"w": made.declared(np.arange(3, dtype="f4"), 0, (4, 3), (0, 1))})
    assert read(path)[0]["w"].shape == (4, 3)


def test_bfloat16_becomes_the_float32_of_the_same_value(tmp_path: Path) -> None:
    made = Checkpoint()
    bits = (np.array([1.0, -2.5, 3.140625], "f4").view("u4") >> 16).astype("u2")
    made.storages.append(bits)
    reference = ("storage", Named("torch", "BFloat16Storage"), "0", "cpu", 3)
    tensor = Called(Named("torch._utils", "_rebuild_tensor_v2"), (Persistent(reference), 0, (3,), (1,), False, None))
    np.testing.assert_array_equal(read(made.zip(tmp_path / "a.pt", {"w": tensor}))[0]["w"], [1.0, -2.5, 3.140625])


def test_an_untyped_storage_takes_the_type_that_the_tensor_names(tmp_path: Path) -> None:
    made = Checkpoint()
    made.storages.append(np.array([1.0, 2.0], "f8"))
    reference = ("storage", Named("torch", "UntypedStorage"), "0", "cpu", 16)
    args = (Persistent(reference), 0, (2,), (1,), False, None, Named("torch", "float64"))
    tensor = Called(Named("torch._utils", "_rebuild_tensor_v3"), args)
    np.testing.assert_array_equal(read(made.zip(tmp_path / "a.pt", {"w": tensor}))[0]["w"], [1.0, 2.0])


def test_a_parameter_is_its_tensor(tmp_path: Path) -> None:
    made = Checkpoint()
    parameter = Called(Named("torch._utils", "_rebuild_parameter"), (made.tensor([1.0]), True, None))
    assert list(read(made.zip(tmp_path / "a.pt", {"w": parameter}))[0]) == ["w"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda header: header["a"].update(data_offsets=[0, 1 << 40]), "end at byte"),
        (lambda header: header["a"].update(data_offsets=[4, 8]), "byte 0 was expected"),
        (lambda header: header["a"].update(data_offsets=[8, 0]), "lies at bytes"),
        (lambda header: header["a"].update(data_offsets=[0]), "no place"),
        (lambda header: header["a"].update(data_offsets=[True, 8]), "no place"),
        (lambda header: header["a"].update(shape=[3]), "has 8 bytes"),
        (lambda header: header["a"].update(shape=[-2]), "has the shape"),
        (lambda header: header["a"].update(shape=[1 << 40, 1 << 40]), "has 8 bytes"),
        (lambda header: header["a"].update(dtype="F8_E4M3"), "not read here"),
        (lambda header: header["a"].update(dtype=["F32"]), "not read here"),
        (lambda header: header.update(b=dict(header["a"])), "was expected"),
        (lambda header: header.update(__metadata__=[1]), "no object"),
    ],
)
def test_a_safetensors_header_that_does_not_hold_is_refused(change: Any, says: str, tmp_path: Path) -> None:
    header = {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
    change(header)
    text = json.dumps(header).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))
    with pytest.raises(RefusalError, match=says):
        read(path)


def test_a_safetensors_header_longer_than_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", 1 << 50) + b"{}")
    with pytest.raises(RefusalError):
        safetensors.read(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "Git LFS pointer"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5"),
        (b"hello, this is text", "no PyTorch or safetensors file"),
        (b"PK\x03\x04 and nothing more", "damaged zip"),
        (pickled({"a": 1}), "plain pickle"),
        (pickled([1, 2, 3]), "plain pickle"),
    ],
)
def test_a_foreign_file_is_refused_with_what_to_do(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    with pytest.raises(RefusalError, match=says) as refused:
        read(path)
    assert refused.value.advice


def test_other_archives_are_sent_to_where_they_belong(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", "")
    with pytest.raises(RefusalError, match=r"\.keras") as refused:
        read(path)
    assert "convert keras" in refused.value.advice


def test_a_big_endian_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match="big-endian"):
        read(Checkpoint().legacy(tmp_path / "a.pt", {}, little_endian=False))


def test_a_missing_file_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises((CallError, RefusalError), match="no file"):
        read_checkpoint(tmp_path / "none.pt", tmp_path)


def test_the_child_process_reads_a_real_checkpoint(testdata: Path, tmp_path: Path) -> None:
    found = read_checkpoint(testdata / "keras" / "pytorch" / "eegecg_state_dict.pt", tmp_path)
    assert (found.container, found.found_at, len(found.tensors)) == ("zip", "state_dict", 46)
    assert found.other_keys == ("eeg_ch", "ecg_ch", "fs_eeg", "fs_ecg", "thr_v", "thr_a")
    assert found.tensors["eeg_enc.net.0.weight"].shape == (32, 14, 7)
    assert not found.stand_ins
    assert not found.non_finite
