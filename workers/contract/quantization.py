"""The quantization settings shared by portal and conversion. Standard library only."""

# How calibration images are chosen: balanced over the classes, at random, or as different as possible.
CHOICES = ("balanced", "random", "farthest")
ALGORITHMS = ("normal", "kl_divergence", "mmse")
METHODS = ("channel", "layer")  # one scale per channel of the weights, or one for all
FLOAT_DTYPE = "fp16"
LAYERS_AT_MOST = 16  # computed in 16 bits
