"""Families of networks with the same parameters: how their weights are recognized."""

from dataclasses import dataclass

from convert.presets.networks import FamilyName


@dataclass(frozen=True, slots=True)
class Family:
    """Networks with the same parameters. signature: one parameter that only they have, with its shape.

    roots: the names under which all parameters lie; head: the classifier's Linear.
    """

    name: FamilyName
    signature: str
    shape: tuple[int, ...]
    roots: frozenset[str]
    head: str


FAMILIES = (
    Family("x3d", "blocks.0.conv.conv_t.weight", (24, 3, 1, 3, 3), frozenset({"blocks"}), "blocks.5.proj"),
    Family("slow_r50", "blocks.0.conv.weight", (64, 3, 1, 7, 7), frozenset({"blocks"}), "blocks.5.proj"),
    Family(
        "efficient_x3d",
        "s1.pathway0_stem_conv_xy.kernel.conv.weight",
        (24, 3, 1, 3, 3),
        frozenset({"s1", "s2", "s3", "s4", "s5", "head", "projection"}),
        "projection.model",
    ),
    Family(
        "mvit",
        "patch_embed.patch_model.weight",
        (96, 3, 3, 7, 7),
        frozenset({"patch_embed", "cls_positional_encoding", "blocks", "norm_embed", "head"}),
        "head.proj",
    ),
    Family(
        "efficientnet",
        "conv_stem.weight",
        (32, 3, 3, 3),
        frozenset({"conv_stem", "bn1", "blocks", "conv_head", "bn2", "classifier"}),
        "classifier",
    ),
)
