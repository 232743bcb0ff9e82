"""A mixed_float16 model against its own outputs: at half precision's tolerance, which is said."""

from pathlib import Path

from tests.convert.running import command

DATA = Path(__file__).parents[2] / "data" / "proof"


def test_a_golden_file_of_a_mixed_precision_model_is_compared_at_half_precision(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("a\nb\nc\nd\ne\nf\ng\n")
    result = command(
        "keras", DATA / "k3_mixed.h5", "--name", "m", "--store", tmp_path / "store",
        "--labels", tmp_path / "labels.txt", "--golden", DATA / "k3_mixed.npz",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "half precision's: the original computed in float16" in result.stdout
