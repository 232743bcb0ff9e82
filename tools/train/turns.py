"""How a hand is turned towards the camera: yaw, pitch, roll as (mean, half range) in degrees, see `hand.rotation`."""

from .shapes import Turns

LEFT: Turns = {"yaw": (0, 35), "pitch": (0, 25), "roll": (72, 38)}
LEFT_UP: Turns = {"yaw": (0, 35), "pitch": (0, 25), "roll": (62, 36)}
RIGHT_BACK: Turns = {"yaw": (155, 35), "pitch": (0, 25), "roll": (-82, 25)}
RIGHT_EDGE: Turns = {"yaw": (70, 35), "pitch": (0, 20), "roll": (0, 25)}
RIGHT_TILTED: Turns = {"yaw": (85, 40), "pitch": (0, 25), "roll": (-45, 35)}
RIGHT: Turns = {"yaw": (155, 45), "pitch": (0, 30), "roll": (-72, 48)}
LEFT_EDGE: Turns = {"yaw": (-60, 35), "pitch": (0, 20), "roll": (18, 32)}
LEFT_BACK: Turns = {"yaw": (-120, 40), "pitch": (0, 25), "roll": (50, 40)}
HANGING: Turns = {"yaw": (0, 40), "pitch": (160, 35), "roll": (0, 25)}
HANGING_SIDE: Turns = {"yaw": (-65, 35), "pitch": (160, 35), "roll": (0, 30)}
HANGING_EDGE: Turns = {"yaw": (65, 35), "pitch": (160, 35), "roll": (0, 30)}
HALF_HANGING: Turns = {"yaw": (0, 45), "pitch": (118, 28), "roll": (0, 30)}
BENT_WRIST: Turns = {"yaw": (0, 35), "pitch": (75, 30), "roll": (0, 25)}
LEFT_DOWN: Turns = {"yaw": (-45, 45), "pitch": (0, 25), "roll": (110, 35)}
RIGHT_DOWN: Turns = {"yaw": (150, 35), "pitch": (0, 25), "roll": (-130, 30)}
TO_CAMERA: Turns = {"yaw": (0, 40), "pitch": (95, 35), "roll": (0, 30)}
FACING: Turns = {"pitch": (35, 35)}
TURNED_IN: Turns = {"yaw": (50, 25)}
TURNED_OUT: Turns = {"yaw": (-40, 25)}
PROFILE: Turns = {"yaw": (72, 28)}

COUNTED: Turns = {"yaw": (0, 25)}
BACK: Turns = {"yaw": (175, 25)}
