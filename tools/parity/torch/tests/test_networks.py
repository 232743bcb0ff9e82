"""Our networks beside the installed originals: the same names, the same numbers. Run by `make parity-torch`."""

import copy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from convert.errors import RefusalError
from convert.parity import open_session
from convert.presets.networks import NETWORKS, normalize_pixels
from convert.torch.architectures.build import accept_pixels, build_network
from convert.torch.architectures.recognize import RecognizedNetwork, recognize
from convert.torch.architectures.settings import Flags, Settings, resolve_settings
from convert.torch.checkpoint.checkpoint import Checkpoint, read_checkpoint
from convert.torch.export import export, measure_difference, onnx_bytes
from convert.torch.layout import restate
from convert.torch.synthetic_clips import synthesize_clips
from tools.parity.torch.originals import CLASSES, CLIPS, MAKERS, convert_to_deployable_form, original, shown

SMALL = "x3d_xs"
torch.set_num_threads(1)  # sums are rounded by how many threads share them
OLD_TIMM = Path(__file__).resolve().parent.parent / "old_timm.py"


def read(file: Path, flags: Flags) -> tuple[nn.Module, Checkpoint, RecognizedNetwork, Settings]:
    """A file through the whole of the converter, up to the network."""
    folder = file.parent / "out"
    folder.mkdir(exist_ok=True)
    checkpoint = read_checkpoint(file, folder)
    recognized = recognize(checkpoint)
    settings = resolve_settings(recognized, checkpoint, flags)
    return build_network(recognized, settings), checkpoint, recognized, settings


@pytest.fixture(scope="module")
def theirs() -> nn.Module:
    return original(SMALL)


@pytest.mark.parametrize("name", list(MAKERS))
def test_every_original_loads_strictly(name: str, tmp_path: Path) -> None:
    torch.save(MAKERS[name]().state_dict(), tmp_path / "a.pth")
    _, _, recognized, settings = read(tmp_path / "a.pth", Flags(arch=name))
    assert recognized.classes == CLASSES
    assert settings.network is NETWORKS[name]


def test_one_parameter_less_is_refused(tmp_path: Path, theirs: nn.Module) -> None:
    state = theirs.state_dict()
    del state["blocks.3.res_blocks.4.branch2.conv_b.weight"]
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(RefusalError, match="1 parameters are missing"):
        read(tmp_path / "a.pth", Flags(arch=SMALL))


@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
def test_what_torch_saves_today_gives_the_originals_numbers(new: bool, tmp_path: Path, theirs: nn.Module) -> None:
    torch.save({"state_dict": theirs.state_dict()}, tmp_path / "a.pth", _use_new_zipfile_serialization=new)
    ours, *_ = read(tmp_path / "a.pth", Flags(arch=SMALL, head_activation="none"))
    clip = shown(2, *CLIPS[SMALL], seed=3)
    with torch.no_grad():
        torch.testing.assert_close(ours.double()(clip.double()), copy.deepcopy(theirs).double()(clip.double()))


def test_a_module_saved_whole_gives_the_originals_numbers(tmp_path: Path) -> None:
    network = original("tf_efficientnet_b0")
    network.classifier = nn.Sequential(network.classifier)
    torch.save(network, tmp_path / "enet.pt")
    ours, *_ = read(tmp_path / "enet.pt", Flags())
    picture = shown(2, 0, 224, seed=3)
    with torch.no_grad():
        assert float((ours(picture) - network(picture)).abs().max()) <= 1e-5


@pytest.mark.parametrize("version", ["0.4.5", "0.9.16"])
def test_a_module_that_an_old_timm_pickled_gives_its_numbers(version: str, tmp_path: Path) -> None:
    place = Path(sys.prefix) / f"timm-{version}"
    if not place.is_dir():
        pytest.skip(f"needs timm {version} in {place}: `pip install --no-deps --target {place} timm=={version}`")
    file = tmp_path / "enet.pt"
    np.save(
        file.with_suffix(".x.npy"), normalize_pixels(synthesize_clips(3, 0, 224, 5), NETWORKS["tf_efficientnet_b0"])
    )
    words = [sys.executable, "-W", "ignore", str(OLD_TIMM), str(file)]
    environment = {"PYTHONPATH": str(place), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == version
    ours, *_ = read(file, Flags())
    with torch.no_grad():
        answer = ours(torch.from_numpy(np.load(file.with_suffix(".x.npy")))).numpy()
    assert np.abs(answer - np.load(file.with_suffix(".y.npy"))).max() <= 1e-5


def test_half_precision_weights_load(tmp_path: Path, theirs: nn.Module) -> None:
    for kind in (torch.float16, torch.bfloat16):
        torch.save({name: value.to(kind) for name, value in theirs.state_dict().items()}, tmp_path / "a.pth")
        ours, *_ = read(tmp_path / "a.pth", Flags(arch=SMALL, head_activation="none"))
        wanted = theirs.state_dict()["blocks.5.proj.weight"].to(kind).float()
        torch.testing.assert_close(ours.state_dict()["blocks.5.proj.weight"], wanted, rtol=0, atol=0)


def test_softmax_before_the_mean_is_what_the_builder_makes(tmp_path: Path, theirs: nn.Module) -> None:
    torch.save(theirs.state_dict(), tmp_path / "a.pth")
    ours, *_ = read(tmp_path / "a.pth", Flags(arch=SMALL))
    kept = copy.deepcopy(theirs)
    kept.blocks[5].activation = nn.Softmax(dim=1)
    clip = shown(2, *CLIPS[SMALL], seed=3)
    with torch.no_grad():
        assert float((ours(clip) - kept(clip)).abs().max()) <= 1e-6
        assert float((ours(clip) - theirs(clip).softmax(-1)).abs().max()) > 1e-4


def test_the_restatement_in_two_dimensions_is_exact(tmp_path: Path, theirs: nn.Module) -> None:
    torch.save(theirs.state_dict(), tmp_path / "a.pth")
    ours, *_ = read(tmp_path / "a.pth", Flags(arch=SMALL, head_activation="none"))
    flat = copy.deepcopy(ours).double()
    assert restate(flat, 4) == 27
    clip = shown(1, *CLIPS[SMALL], seed=3).double()
    with torch.no_grad():
        assert float((flat(clip) - ours.double()(clip)).abs().max()) <= 1e-10


def test_the_graph_is_one_clean_file_with_a_free_batch(tmp_path: Path, theirs: nn.Module) -> None:
    torch.save(theirs.state_dict(), tmp_path / "a.pth")
    ours, _, _, settings = read(tmp_path / "a.pth", Flags(arch=SMALL, head_activation="none"))
    pixels = accept_pixels(ours, settings)
    frames, crop = CLIPS[SMALL]
    exported = export(pixels, synthesize_clips(2, frames, crop, 0), None, frames)
    assert exported.layout in exported.milliseconds
    assert not {"BatchNormalization", "Dropout", "Identity", "Cast"} & set(exported.operators)
    session = open_session(exported.model, 1)
    assert session.get_inputs()[0].shape == ["batch", 3, frames, crop, crop]
    assert b"/site-packages/" not in exported.model
    far = measure_difference(pixels, exported.model, [synthesize_clips(count, frames, crop, count) for count in (1, 3)])
    assert far.max_abs <= 1e-4
    assert far.samples == 4


def test_uint8_pixels_are_normalized_in_the_graph(tmp_path: Path) -> None:
    torch.save(original("tf_efficientnet_b0").state_dict(), tmp_path / "a.pth")
    ours, _, _, settings = read(tmp_path / "a.pth", Flags())
    pictures = synthesize_clips(2, 0, 224, 1)
    graph = onnx_bytes(accept_pixels(ours, settings), pictures.astype(np.uint8))
    got = open_session(graph, 1).run(None, {"x": pictures.astype(np.uint8)})[0]
    with torch.no_grad():
        assert float(np.abs(got - ours(shown(2, 0, 224, 1)).numpy()).max()) <= 1e-4


@pytest.fixture(scope="module")
def mobile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, torch.Tensor, torch.Tensor]:
    """A float mobile export, its INT8 sister, a clip and the original's answer."""
    folder = tmp_path_factory.mktemp("mobile")
    network = original("efficient_x3d_xs")
    clip = shown(1, *CLIPS["efficient_x3d_xs"], seed=3)
    torch.backends.quantized.engine = "qnnpack"
    deployable = convert_to_deployable_form(copy.deepcopy(network), clip)
    with torch.no_grad():
        answer = network(clip)
        torch.jit.trace(deployable, clip).save(folder / "float.pt")
        small = torch.ao.quantization.quantize_dynamic(deployable, {nn.Linear}, dtype=torch.qint8)
        torch.jit.trace(small, clip).save(folder / "int8.pt")
    return folder / "float.pt", folder / "int8.pt", clip, answer


@pytest.mark.filterwarnings("ignore")
def test_a_mobile_export_is_read_as_data_and_agrees(
    mobile: tuple[Path, Path, torch.Tensor, torch.Tensor],
) -> None:
    file, _, clip, answer = mobile
    ours, _, recognized, _ = read(file, Flags(arch="efficient_x3d_xs"))
    assert recognized.folded
    with torch.no_grad():
        assert float((ours(clip) - answer).abs().max()) <= 1e-4


@pytest.mark.filterwarnings("ignore")
def test_its_quantized_sister_is_refused_with_the_right_advice(
    mobile: tuple[Path, Path, torch.Tensor, torch.Tensor],
) -> None:
    with pytest.raises(RefusalError, match="quantized") as refused:
        read(mobile[1], Flags(arch="efficient_x3d_xs"))
    assert "--int8" in refused.value.advice
