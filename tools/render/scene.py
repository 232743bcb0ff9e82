"""The Blender scene: a backdrop, three lamps, a camera, and a hand whose mesh is replaced from frame to frame.

Blender's axes are metres with z up and y away from the camera; (x, y, z) mm of the picture become (x, -z, y) m.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix, Vector

from .camera import FILM_MM, MIRROR, Camera, Placement
from .color import Paint
from .mesh import Mesh
from .skeleton import FloatArray
from .tones import Rgb

TO_BLENDER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
# Where (m), how large (m), how strong (W), what color: key from the upper left, fill from the right, rim from behind.
LAMPS: tuple[tuple[Rgb, float, float, Rgb], ...] = (
    ((-0.55, -0.75, 0.75), 0.55, 17.0, (1.0, 0.96, 0.90)),
    ((0.80, -0.60, 0.10), 0.80, 6.0, (0.88, 0.93, 1.0)),
    ((0.20, 0.35, 0.80), 0.30, 6.0, (1.0, 1.0, 1.0)),
)


class Stage:
    """One scene for one clip. Blender has a single global scene: use one stage at a time."""

    def __init__(self, camera: Camera, backdrop: Rgb, *, left: bool, samples: int, threads: int, seed: int) -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.scene = bpy.context.scene
        self.camera, self.left = camera, left
        set_renderer(self.scene, camera, samples, threads, seed)
        light_world(self.scene, backdrop)
        hang_backdrop(backdrop)
        for place, size, power, color in LAMPS:
            add_lamp(self.scene, place, size, power, color)
        add_camera(self.scene, camera)
        self.skin_material = make_skin_material()
        self.hand = bpy.data.objects.new("hand", bpy.data.meshes.new("hand"))
        self.scene.collection.objects.link(self.hand)

    def dress(self, mesh: Mesh, paint: Paint) -> None:
        """Give the hand a new mesh (of a right hand; it is mirrored here for a left one)."""
        old = self.hand.data
        self.hand.data = make_mesh(mesh, paint, self.left)
        self.hand.data.materials.append(self.skin_material)
        bpy.data.meshes.remove(old)

    def place(self, placement: Placement) -> None:
        """Turn and shift the hand."""
        matrix = np.eye(4)
        matrix[:3, :3] = TO_BLENDER @ placement.turn @ TO_BLENDER.T
        matrix[:3, 3] = TO_BLENDER @ placement.shift / 1000.0
        self.hand.matrix_world = Matrix(matrix.tolist())

    def render(self, png: Path) -> None:
        """Write the picture as it now is."""
        self.scene.render.filepath = str(png)
        with silenced():
            bpy.ops.render.render(write_still=True)


def set_renderer(scene: bpy.types.Scene, camera: Camera, samples: int, threads: int, seed: int) -> None:
    """Cycles on the CPU: few samples, one bounce, denoised."""
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.seed = "CPU", samples, seed
    cycles.use_adaptive_sampling = False
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_quality = cycles.denoising_prefilter = "FAST"
    cycles.max_bounces = cycles.diffuse_bounces = cycles.glossy_bounces = 1
    cycles.caustics_reflective = cycles.caustics_refractive = False
    render = scene.render
    render.use_persistent_data = True
    render.threads_mode, render.threads = "FIXED", threads
    render.resolution_x, render.resolution_y, render.resolution_percentage = camera.width, camera.height, 100
    render.image_settings.file_format = "PNG"
    scene.view_settings.view_transform = "Standard"


def light_world(scene: bpy.types.Scene, color: Rgb) -> None:
    """A faint light from everywhere, in the backdrop's color."""
    scene.world = bpy.data.worlds.new("world")
    scene.world.use_nodes = True
    background = scene.world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (*color, 1.0)
    background.inputs["Strength"].default_value = 0.55


def hang_backdrop(color: Rgb) -> None:
    """A matt wall 1.1 m behind the hand."""
    bpy.ops.mesh.primitive_plane_add(size=6.0, location=(0.0, 1.1, 0.0), rotation=(math.pi / 2, 0.0, 0.0))
    material = bpy.data.materials.new("wall")
    material.use_nodes = True
    surface = material.node_tree.nodes["Principled BSDF"]
    surface.inputs["Base Color"].default_value = (*color, 1.0)
    surface.inputs["Roughness"].default_value = 0.95
    bpy.context.object.data.materials.append(material)


def add_lamp(scene: bpy.types.Scene, place_m: Rgb, size_m: float, power_w: float, color: Rgb) -> None:
    """A square lamp that looks at the hand."""
    light = bpy.data.lights.new("lamp", "AREA")
    light.energy, light.size, light.color = power_w, size_m, color
    lamp = bpy.data.objects.new("lamp", light)
    lamp.location = place_m
    lamp.rotation_euler = (-Vector(place_m)).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(lamp)


def add_camera(scene: bpy.types.Scene, camera: Camera) -> None:
    """The camera, level with the hand's middle."""
    lens = bpy.data.cameras.new("camera")
    lens.lens, lens.sensor_width = camera.focal_mm, FILM_MM
    scene.camera = bpy.data.objects.new("camera", lens)
    scene.camera.location = (0.0, -camera.distance_mm / 1000.0, 0.0)
    scene.camera.rotation_euler = (math.pi / 2, 0.0, 0.0)
    scene.collection.objects.link(scene.camera)


def make_skin_material() -> bpy.types.Material:
    """A skin that takes color and roughness from the mesh and has a fine grain."""
    material = bpy.data.materials.new("skin")
    material.use_nodes = True
    tree = material.node_tree
    surface = tree.nodes["Principled BSDF"]
    surface.inputs["Specular IOR Level"].default_value = 0.35
    for name, output, target in (("color", "Color", "Base Color"), ("roughness", "Fac", "Roughness")):
        attribute = tree.nodes.new("ShaderNodeAttribute")
        attribute.attribute_name = name
        tree.links.new(attribute.outputs[output], surface.inputs[target])
    place = tree.nodes.new("ShaderNodeTexCoord")
    grain = tree.nodes.new("ShaderNodeTexNoise")
    grain.inputs["Scale"].default_value = 420.0
    bump = tree.nodes.new("ShaderNodeBump")
    bump.inputs["Strength"].default_value, bump.inputs["Distance"].default_value = 0.10, 0.0006
    tree.links.new(place.outputs["Object"], grain.inputs["Vector"])
    tree.links.new(grain.outputs[0], bump.inputs["Height"])
    tree.links.new(bump.outputs["Normal"], surface.inputs["Normal"])
    return material


def make_mesh(mesh: Mesh, paint: Paint, left: bool) -> bpy.types.Mesh:
    """A Blender mesh in metres with smooth normals, and attributes `color` and `roughness`."""
    vertices, normals, faces = mesh.vertices, mesh.normals, mesh.faces
    if left:
        vertices, normals, faces = vertices @ MIRROR, normals @ MIRROR, faces[:, ::-1]
    made = bpy.data.meshes.new("hand")
    made.vertices.add(len(vertices))
    made.vertices.foreach_set("co", flat32(vertices @ TO_BLENDER.T / 1000.0))
    made.loops.add(faces.size)
    made.loops.foreach_set("vertex_index", np.ascontiguousarray(faces).ravel())
    made.polygons.add(len(faces))
    made.polygons.foreach_set("loop_start", np.arange(0, faces.size, 3, dtype=np.int32))
    made.polygons.foreach_set("use_smooth", np.ones(len(faces), dtype=bool))
    rgba = np.concatenate([paint.color, np.ones((len(vertices), 1))], axis=1)
    made.attributes.new("color", "FLOAT_COLOR", "POINT").data.foreach_set("color", flat32(rgba))
    made.attributes.new("roughness", "FLOAT", "POINT").data.foreach_set("value", flat32(paint.roughness))
    made.update(calc_edges=True)
    made.validate()
    made.normals_split_custom_set_from_vertices((normals @ TO_BLENDER.T).astype(np.float32))
    return made


def flat32(values: FloatArray) -> np.ndarray:
    """A flat, contiguous float32 copy, as Blender's `foreach_set` wants it."""
    return np.ascontiguousarray(values, dtype=np.float32).ravel()


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Send what Blender prints from C to nowhere while it renders."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
