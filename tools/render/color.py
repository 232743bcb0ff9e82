"""What color the skin has where: back and palm, creases, nails, sleeve. Colors are linear RGB, 0..1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .mesh import Mesh
from .skeleton import BONES, FloatArray
from .skin import Skin
from .tones import Rgb, Tone

# Life, head and heart line on the palm (x, y in mm).
PALM_LINES: tuple[tuple[tuple[float, float], ...], ...] = (
    ((30, 62), (17, 58), (8, 44), (6, 26), (9, 12)),
    ((30, 65), (14, 64), (-6, 55), (-26, 44)),
    ((-40, 62), (-22, 66), (-4, 74), (8, 86)),
)
KNUCKLE_BONES = np.array([bone[0] in (5, 9, 13, 17) for bone in BONES])
TIP_BONES = np.array([bone[1] in (4, 8, 12, 16, 20) for bone in BONES])


@dataclass(frozen=True, slots=True)
class Paint:
    """Per vertex: color (Nx3, linear RGB) and roughness (N), both 0..1."""

    color: FloatArray
    roughness: FloatArray


@dataclass(frozen=True, slots=True)
class Surface:
    """Where each vertex lies on its nearest bone. All N; mm except `facing` (1 palmar .. -1 dorsal)."""

    bone: NDArray[np.intp]
    on_finger: NDArray[np.bool_]
    along: FloatArray
    aside: FloatArray
    facing: FloatArray
    length: FloatArray
    radius: FloatArray


def locate(mesh: Mesh, skin: Skin) -> Surface:
    """Each vertex in the coordinates of its nearest bone; away from fingers and thumb `facing` is the palm's."""
    distance = skin.bones.distance(mesh.vertices)
    bone = distance.argmin(axis=1)
    on_finger = distance.min(axis=1) < 2.5
    start, end = skin.bones.start[bone], skin.bones.end[bone]
    length = np.linalg.norm(end - start, axis=1)
    axis = (end - start) / length[:, None]
    palmar = skin.hand.palmar[bone]
    offset = mesh.vertices - start
    facing = np.where(on_finger, np.einsum("nk,nk->n", mesh.normals, palmar), mesh.normals[:, 2])
    along = np.einsum("nk,nk->n", offset, axis)
    aside = np.einsum("nk,nk->n", offset, np.cross(axis, palmar))
    return Surface(bone, on_finger, along, aside, facing, length, skin.bones.end_radius[bone])


def finger_creases(at: Surface) -> FloatArray:
    """How much of a crease each vertex is (0..1): at every joint of a finger, double on its palmar side."""
    palmar, dorsal = np.clip(at.facing, 0, 1), np.clip(-at.facing, 0, 1)
    main = np.exp(-((at.along / 1.1) ** 2)) * np.clip(at.facing + 0.25, 0, 1)
    second = 0.55 * np.exp(-((at.along - 2.6) ** 2)) * palmar + 0.5 * np.exp(-((at.along / 2.6) ** 2)) * dorsal
    crease = main + np.where(KNUCKLE_BONES[at.bone], 0.0, second)
    return np.where(at.on_finger & (at.bone > 0), np.clip(crease, 0, 1), 0.0)


def palm_creases(mesh: Mesh, at: Surface) -> FloatArray:
    """How much of a line of the palm each vertex is (0..1)."""
    spot = mesh.vertices[:, :2]
    nearest = np.full(len(spot), np.inf)
    for line in PALM_LINES:
        for start, end in zip(np.array(line[:-1]), np.array(line[1:]), strict=True):
            axis = end - start
            share = np.clip((spot - start) @ axis / (axis @ axis), 0, 1)
            nearest = np.minimum(nearest, np.linalg.norm(spot - start - share[:, None] * axis, axis=1))
    return np.where(~at.on_finger & (mesh.normals[:, 2] > 0.25), np.exp(-((nearest / 1.1) ** 2)), 0.0)


def nails(at: Surface) -> FloatArray:
    """How much of a nail each vertex is (0..1): a rounded rectangle on the back of the last bone."""
    across = at.aside / (0.74 * at.radius)
    lengthwise = (at.along - 0.74 * at.length) / (0.46 * at.length)
    inside = np.clip(4.0 * (1.0 - np.abs(across) ** 3 - lengthwise**4), 0, 1)
    return np.where(at.on_finger & TIP_BONES[at.bone] & (at.facing < -0.25), inside, 0.0)


def flush(at: Surface) -> FloatArray:
    """How rosy each vertex is (0..1): the pulps of the fingertips."""
    towards_tip = np.clip((at.along / at.length - 0.45) / 0.55, 0, 1)
    return np.where(at.on_finger & TIP_BONES[at.bone], towards_tip * np.clip(at.facing, 0, 1), 0.0)


def paint(mesh: Mesh, skin: Skin, tone: Tone, sleeve: Rgb) -> Paint:
    """Color and roughness of every vertex."""
    at = locate(mesh, skin)
    back, palm, nail = (np.array(color) for color in (tone.back, tone.palm, tone.nail))
    share = np.clip(at.facing * 0.9 + 0.45, 0, 1)
    share = share * share * (3 - 2 * share)
    color = back + (palm - back) * share[:, None]
    crease = np.maximum(finger_creases(at), palm_creases(mesh, at))
    color *= 1 - 0.34 * crease[:, None]
    color *= 1 + flush(at)[:, None] * np.array([0.10, -0.10, -0.08])
    x, y, z = (mesh.vertices / 9.0).T
    mottle = 0.5 * np.sin(1.7 * x + 1.3 * np.sin(y)) + 0.5 * np.sin(2.1 * y + 1.4 * z)
    color *= 1 + 0.05 * mottle[:, None]
    horn = nails(at)
    color += (nail - color) * horn[:, None]
    cloth = mesh.vertices[:, 1] < -skin.arm.sleeve_mm
    color[cloth] = sleeve
    return Paint(np.clip(color, 0, 1), np.where(cloth, 0.95, 0.55 - 0.25 * horn))
