"""The files that the converter is given: which reader, which preset, and what has to be said besides."""

_REAL = "TESTDATA/keras/models"
_HEAD = ("--requires", "affect", "--activation", "sigmoid")
_SIGNS = ("--pipeline", "ksl-words", "--labels", "FILES/five-signs.txt")
_MOODS = ("--requires", "affect", "--labels", "FILES/moods.txt", "--channel", "tense")
CONVERSIONS: dict[str, tuple[str, ...]] = {
    "five-signs": ("keras", "DATA/keras/five_signs_k3.keras", *_SIGNS),
    "five-signs-2": ("keras", "DATA/keras/five_signs_k2.h5", *_SIGNS),
    "slr": ("keras", f"{_REAL}/slr_letters24_k212.h5", "--labels", "FILES/slr.txt"),
    "angles": ("keras", f"{_REAL}/angles_lstm_relu_k240.h5", "--labels", "FILES/angles.txt"),
    "smnist": ("keras", f"{_REAL}/smnist_cnn_k2150.h5", "--labels", "FILES/smnist.txt"),
    "asl27": ("keras", f"{_REAL}/asl27_weightsonly_k224.h5", "--architecture",
              f"{_REAL}/asl27_weightsonly_k224.json", "--labels", "FILES/asl27.txt"),
    "tm": ("keras", f"{_REAL}/tm_mobilenetv2_k240.h5", "--labels", "FILES/tm.txt"),
    "fer": ("keras", f"{_REAL}/fer_mini_xception64_k205.h5", "--labels", "FILES/fer.txt"),
    **{
        name: ("keras", f"{_REAL}/{file}", "--task", "features")
        for name, file in (
            ("fer-48", "fer_mini_xception48_k205.h5"), ("kdef", "kdef_tiny_xception_k205.h5"),
            ("gestures-bn", "gesturesai_bn3_k3121.h5"), ("gestures", "gesturesai_sigmoid_k3121.h5"),
            ("keypoint", "hand_keypoint_k240.h5"), ("handmotion", "handmotion_landmarks63_k370.h5"),
            ("libras", "libras_keypoint_k350.keras"), ("lsec", "lsec_lstm_bn_k3120.keras"),
            ("history", "point_history_k240.h5"), ("tello", "tello_keypoint_k240.h5"),
        )
    },
    "forest": ("xgboost", "FILES/forest.ubj", "--pipeline", "highlight-stats", "--window-s", "6",
               "--requires", "affect"),
    "masked": ("keras", "FILES/masked.h5", "--requires", "affect"),
    "packed": ("torch", "DATA/torch/lstm_packed.pt", "--readout", "hidden", "--masked", "--set",
               "length.length=12", *_HEAD),
    "conv": ("torch", "DATA/torch/conv.pt", "--readout", "mean", *_HEAD),
    "mlp": ("torch", "DATA/torch/mlp.pt", "--hidden", "gelu", *_MOODS),
    "gru": ("torch", "DATA/torch/gru_deep.pt", *_MOODS),
}  # fmt: skip
"""Arguments of `python -m convert` for each model that is converted; words in capitals stand for folders."""
