"""What a checkpoint says of itself: its network, labels and clip parameters; nothing here needs torch."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.errors import CallError, RefusalError
from convert.presets.networks import NETWORKS, find_network
from convert.torch.architectures.mobile import rename_mobile_tensors
from convert.torch.architectures.recognize import check_names, recognize
from convert.torch.architectures.settings import Flags, resolve_settings
from convert.torch.checkpoint import reader, safetensors
from convert.torch.checkpoint.checkpoint import Checkpoint as Read
from convert.torch.checkpoint.labels import find_labels, order_labels
from tests.convert.torch.checkpoints_made import Called, Checkpoint, Made, Named, module

STEM = "blocks.0.conv.conv_t.weight"
HEAD = "blocks.5.proj"
TIMM = "timm.models.efficientnet"


def x3d_state(prefix: str = "", head: str = HEAD, classes: int = 5) -> dict[str, Any]:
    return {
        f"{prefix}{STEM}": np.ones((24, 3, 1, 3, 3), "f4"),
        f"{prefix}{head}.weight": np.ones((classes, 2048), "f4"),
        f"{prefix}{head}.bias": np.ones(classes, "f4"),
    }


def checkpoint(tensors: dict[str, Any], hyper_parameters: dict[str, Any] | None = None, **more: Any) -> Read:
    groups = {"hyper_parameters": hyper_parameters} if hyper_parameters else {}
    return Read(tensors, "zip", "pytorch", hyper_parameters=groups, **more)


def read_file(path: Path) -> Read:
    folder = path.parent / "out"
    folder.mkdir(exist_ok=True)
    described = reader.run({"path": str(path)}, folder)
    tensors, _ = safetensors.read(folder / reader.TENSORS_FILE)
    return Read(
        tensors,
        described["container"],
        described["framework"],
        stand_ins=described["stand_ins"],
        hyper_parameters=described["hyper_parameters"],
        non_finite=tuple(described["non_finite"]),
    )


@pytest.mark.parametrize("prefix", ["", "model.", "net.", "module.", "module.model.", "student.backbone."])
def test_a_wrappers_prefix_is_dropped(prefix: str) -> None:
    found = recognize(checkpoint(x3d_state(prefix)))
    assert (found.family.name, found.prefix, found.classes) == ("x3d", prefix, 5)
    assert set(found.state) == {STEM, f"{HEAD}.weight", f"{HEAD}.bias"}


def test_foreign_keys_are_listed_and_left_out() -> None:
    beside = {"criterion.weight": np.ones(5, "f4"), "val_acc.tp": np.ones(5, "i8")}
    found = recognize(checkpoint(x3d_state("model.") | beside))
    assert found.foreign == ("criterion.weight", "val_acc.tp")
    assert any("criterion.weight" in note for note in found.notes)


def test_a_foreign_key_beside_a_network_without_a_prefix_is_left_out() -> None:
    found = recognize(checkpoint(x3d_state() | {"loss.weight": np.ones(5, "f4")}))
    assert found.foreign == ("loss.weight",)


def test_foreign_values_may_be_infinite() -> None:
    best = {"metric.best": np.array(np.inf, "f4")}
    assert recognize(checkpoint(x3d_state("model.") | best, non_finite=("metric.best",)))


def test_a_weight_that_is_no_number_is_refused_by_name() -> None:
    with pytest.raises(RefusalError, match=r"Tensor blocks\.5\.proj\.bias holds NaN"):
        recognize(checkpoint(x3d_state(), non_finite=("blocks.5.proj.bias",)))


def test_a_head_in_a_sequential_is_unwrapped() -> None:
    found = recognize(checkpoint(x3d_state(head="blocks.5.proj.1")))
    assert set(found.state) == {STEM, f"{HEAD}.weight", f"{HEAD}.bias"}
    assert found.classes == 5


def test_a_head_of_two_layers_is_refused() -> None:
    tensors = x3d_state(head="blocks.5.proj.0") | {"blocks.5.proj.3.weight": np.ones((3, 5), "f4")}
    with pytest.raises(RefusalError, match="not one linear layer"):
        recognize(checkpoint(tensors))


def test_an_unknown_network_is_refused_with_the_way_through_onnx() -> None:
    with pytest.raises(RefusalError, match=r"fc\.weight") as refused:
        recognize(checkpoint({"fc.weight": np.ones((2, 2), "f4")}))
    assert "convert onnx" in refused.value.advice


def test_parameters_must_fit_strictly() -> None:
    state = {"a": np.ones((2, 3), "f4"), "a.num_batches_tracked": np.array(1)}
    check_names({"a": (2, 3), "b.num_batches_tracked": ()}, state)
    with pytest.raises(RefusalError, match="1 parameters are missing"):
        check_names({"a": (2, 3), "b": (1,)}, state)
    with pytest.raises(RefusalError, match="are not the network's"):
        check_names({}, state)
    with pytest.raises(RefusalError, match=r"has the shape \[2, 3\]"):
        check_names({"a": (3, 2)}, state)


def test_the_three_x3d_must_be_told_apart_by_somebody() -> None:
    plain = checkpoint(x3d_state())
    with pytest.raises(CallError, match="x3d_xs or x3d_s or x3d_m"):
        resolve_settings(recognize(plain), plain, Flags())
    assert resolve_settings(recognize(plain), plain, Flags(arch="X3D-M")).network.name == "x3d_m"
    named = checkpoint(x3d_state(), {"model_name": "x3d_s"})
    assert resolve_settings(recognize(named), named, Flags()).network.name == "x3d_s"
    counted = checkpoint(x3d_state(), {"num_frames": 4})
    assert resolve_settings(recognize(counted), counted, Flags()).network.name == "x3d_xs"


def test_a_wrong_arch_is_a_wrong_call() -> None:
    plain = checkpoint(x3d_state())
    for wrong in ("slow_r50", "resnet18"):
        with pytest.raises(CallError):
            resolve_settings(recognize(plain), plain, Flags(arch=wrong))


def test_flags_come_before_the_file_and_the_file_before_the_table() -> None:
    stored = checkpoint(x3d_state(), {"model_name": "x3d_s", "num_frames": 16, "crop_size": 200})
    settings = resolve_settings(recognize(stored), stored, Flags(crop=224))
    assert (settings.frames, settings.crop, settings.side) == (16, 224, 224)
    assert settings.sources["frames"] == "file"
    assert settings.sources["crop"] == "flag"
    assert settings.sources["side"] == "table"


def test_a_data_modules_hyper_parameters_count() -> None:
    groups: dict[str, dict[str, Any]] = {
        "hyper_parameters": {"model_name": "x3d_s"},
        "datamodule_hyper_parameters": {"clip_duration": 2.5},
    }
    stored = Read(x3d_state(), "zip", "lightning", hyper_parameters=groups)
    assert resolve_settings(recognize(stored), stored, Flags()).clip_duration_s == 2.5


def test_without_a_clip_duration_it_is_frames_times_sampling() -> None:
    plain = checkpoint(x3d_state())
    assert resolve_settings(recognize(plain), plain, Flags(arch="x3d_s")).clip_duration_s == pytest.approx(13 * 6 / 30)


def test_what_the_builder_sets_is_named_as_an_assumption() -> None:
    plain = checkpoint(x3d_state())
    settings = resolve_settings(recognize(plain), plain, Flags(arch="x3d_s"))
    assert (settings.head_pool, settings.head_activation) == ((13, 5, 5), "softmax")
    assert len(settings.assumptions) == 2
    told = resolve_settings(recognize(plain), plain, Flags(arch="x3d_s", head_pool=(13, 6, 6), head_activation="none"))
    assert told.assumptions == ()


def test_a_head_that_pools_more_than_there_is_is_a_wrong_call() -> None:
    plain = checkpoint(x3d_state())
    with pytest.raises(CallError, match="pools 13 × 5 × 5 positions"):
        resolve_settings(recognize(plain), plain, Flags(arch="x3d_s", frames=8))


def test_mvit_has_its_clip_in_its_weights() -> None:
    tensors = {
        "patch_embed.patch_model.weight": np.ones((96, 3, 3, 7, 7), "f4"),
        "cls_positional_encoding.pos_embed_temporal": np.ones((1, 16, 96), "f4"),
        "cls_positional_encoding.pos_embed_spatial": np.ones((1, 28 * 28, 96), "f4"),
        "head.proj.weight": np.ones((3, 768), "f4"),
    }
    settings = resolve_settings(recognize(checkpoint(tensors)), checkpoint(tensors), Flags())
    assert (settings.network.name, settings.frames, settings.crop) == ("mvit_base_16x4", 32, 112)


def test_efficientnets_are_told_apart_by_their_width() -> None:
    for width, name in ((1280, "tf_efficientnet_b0"), (1408, "tf_efficientnet_b2")):
        tensors = {"conv_stem.weight": np.ones((32, 3, 3, 3), "f4"), "classifier.weight": np.ones((8, width), "f4")}
        assert resolve_settings(recognize(checkpoint(tensors)), checkpoint(tensors), Flags()).network.name == name


def test_a_whole_module_is_flattened_to_its_names(tmp_path: Path) -> None:
    made = Checkpoint()
    convolution = module("timm.models.layers.conv2d_same.Conv2dSame", {"weight": made.tensor(np.ones((32, 3, 3, 3)))})
    weights = {"weight": made.tensor(np.ones((8, 1280))), "bias": made.tensor(np.zeros(8))}
    linear = module("torch.nn.modules.linear.Linear", weights)
    head = module("torch.nn.modules.container.Sequential", {}, {"0": linear})
    network = module(f"{TIMM}.EfficientNet", {}, {"conv_stem": convolution, "classifier": head}, drop_rate=0.2)
    found = read_file(made.zip(tmp_path / "enet_b0_8_va_mtl.pt", network))
    recognized = recognize(found)
    assert (recognized.family.name, recognized.classes) == ("efficientnet", 8)
    assert set(recognized.state) == {"conv_stem.weight", "classifier.weight", "classifier.bias"}


def test_an_efficientnet_that_pads_otherwise_is_refused(tmp_path: Path) -> None:
    made = Checkpoint()
    convolution = module("torch.nn.modules.conv.Conv2d", {"weight": made.tensor(np.ones((32, 3, 3, 3)))})
    head = module("torch.nn.modules.linear.Linear", {"weight": made.tensor(np.ones((8, 1280)))})
    network = module(f"{TIMM}.EfficientNet", {}, {"conv_stem": convolution, "classifier": head})
    with pytest.raises(RefusalError, match="does not pad as TensorFlow"):
        recognize(read_file(made.zip(tmp_path / "a.pt", network)))


def test_a_module_that_contains_itself_is_refused(tmp_path: Path) -> None:
    made = Checkpoint()
    children: dict[str, Any] = {}
    network = module("a.Net", {}, children)
    children["again"] = children
    path = made.zip(tmp_path / "a.pt", module("a.Outer", {}, {"inner": network}))
    with pytest.raises(RefusalError):
        read_file(path)


def test_a_lightning_checkpoint_with_odd_hyper_parameters_is_read(tmp_path: Path) -> None:
    made = Checkpoint()
    array = Called(
        Named("numpy.core.multiarray", "scalar"), (Called(Named("numpy", "dtype"), ("f8", False, True)), bytes(8))
    )
    container = Made(Named("omegaconf.dictconfig", "DictConfig"), {"_content": {"lr": 0.1}, "_metadata": None})
    value = {
        "pytorch-lightning_version": "2.4.0",
        "state_dict": {name: made.tensor(values) for name, values in x3d_state("model.").items()},
        "hyper_parameters": {
            "model_name": "x3d_s",
            "root": Called(Named("pathlib", "PosixPath"), ("data", "clips")),
            "loss": Made(Named("torch.nn.modules.loss", "CrossEntropyLoss"), {"reduction": "mean"}),
            "optimizer": Named("torch.optim.adam", "Adam"),
            "weight": array,
            "config": container,
        },
        "datamodule_hyper_parameters": {"class_names": ["감사", "안녕", "나", "너", "우리"], "num_frames": 13},
        "callbacks": {"ModelCheckpoint": {"best_model_score": made.tensor(np.inf)}},
    }
    found = read_file(made.zip(tmp_path / "a.ckpt", value))
    recognized = recognize(found)
    assert found.framework == "lightning 2.4.0"
    assert found.hyper_parameters["hyper_parameters"]["root"] == "data/clips"
    assert found.hyper_parameters["hyper_parameters"]["weight"] == 0.0
    assert found.hyper_parameters["hyper_parameters"]["config"] == {"lr": 0.1}
    assert found.hyper_parameters["hyper_parameters"]["loss"] == "<torch.nn.modules.loss.CrossEntropyLoss>"
    assert resolve_settings(recognized, found, Flags()).network.name == "x3d_s"
    assert find_labels(found, 5)[0] == ("감사", "안녕", "나", "너", "우리")


@pytest.mark.parametrize(
    ("stored", "labels"),
    [
        (["b", "a"], ("b", "a")),
        ({"b": 0, "a": 1}, ("b", "a")),
        ({"a": 1, "b": 0}, ("b", "a")),
        ({"1": "a", "0": "b"}, ("b", "a")),
        ([1, 2], None),
        ({"a": "b"}, None),
        ("ab", None),
        ([], None),
    ],
)
def test_labels_keep_the_order_that_they_are_meant_in(stored: Any, labels: Any) -> None:
    assert order_labels(stored) == labels


def test_labels_with_gaps_or_of_another_number_are_refused() -> None:
    with pytest.raises(RefusalError, match="0 to 1"):
        order_labels({"a": 0, "b": 2})
    with pytest.raises(RefusalError, match="stores 2 labels"):
        find_labels(checkpoint({}, {"classes": ["a", "b"]}), 3)
    with pytest.raises(RefusalError, match="twice"):
        find_labels(checkpoint({}, {"classes": ["a", "a"]}), 2)


def test_a_torchscript_module_is_read_by_its_attributes(tmp_path: Path) -> None:
    made = Checkpoint()
    inner = Made(Named("__torch__.torch.nn.modules.conv", "Conv3d"), {"weight": made.tensor(np.ones(2)), "stride": [1]})
    adder = Made(Named("__torch__.torch.nn.quantized.modules", "FloatFunctional"), {"training": False})
    path = made.zip(tmp_path / "a.pt", Made(Named("__torch__", "Net"), {"conv": inner, "add": adder}))
    assert list(read_file(path).tensors) == ["conv.weight"]


def test_packed_weights_are_refused_with_what_to_do(tmp_path: Path) -> None:
    made = Checkpoint()
    packed = Made(Named("__torch__.torch.classes.quantized", "Conv2dPackedParamsBase"), ("2", [], []))
    network = Made(Named("__torch__", "Net"), {"w": made.tensor([1.0]), "conv": packed})
    with pytest.raises(RefusalError, match="quantized: conv") as refused:
        read_file(made.zip(tmp_path / "a.pt", network))
    assert "--int8" in refused.value.advice


def test_the_deployable_form_gets_its_three_dimensions_back() -> None:
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(54, 1, 3, 3, 3)).astype("f4")
    at = "s2.pathway0_res0.layers"
    tensors: dict[str, Any] = {
        f"{at}.conv_1.kernel.conv._conv2d_3_3_{tap}.weight": kernel[:, :, tap] for tap in (0, 2, 1)
    }
    tensors[f"{at}.conv_1.kernel.conv._conv2d_3_3_1.bias"] = np.zeros(54, "f4")
    tensors[f"{at}.conv_0.kernel.1.conv.0.weight"] = np.ones((54, 24, 1, 1), "f4")
    tensors[f"{at}.conv_2.kernel.1.conv.weight"] = np.ones((24, 54, 1, 1), "f4")
    tensors[f"{at}.se.se.layer.2.weight"] = np.ones((8, 54), "f4")
    restated = rename_mobile_tensors(tensors)
    np.testing.assert_array_equal(restated[f"{at}.conv_1.kernel.conv.weight"], kernel)
    assert restated[f"{at}.conv_0.kernel.conv.weight"].shape == (54, 24, 1, 1, 1)
    assert restated[f"{at}.conv_2.kernel.conv.weight"].shape == (24, 54, 1, 1, 1)
    assert restated[f"{at}.se.se.block.0.weight"].shape == (8, 54, 1, 1, 1)
    assert f"{at}.conv_1.kernel.conv.bias" in restated


def test_a_deployable_form_without_all_its_slices_is_refused() -> None:
    with pytest.raises(RefusalError, match="slices in time"):
        rename_mobile_tensors({"s2.x.kernel.conv._conv2d_3_3_1.weight": np.ones((54, 1, 3, 3), "f4")})


def test_names_are_understood_as_authors_write_them() -> None:
    assert find_network("X3D-S") is NETWORKS["x3d_s"]
    assert find_network("tf_efficientnet_b0.ns_jft_in1k") is NETWORKS["tf_efficientnet_b0"]
    assert find_network("resnet18") is None
