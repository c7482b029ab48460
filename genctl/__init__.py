"""genctl: train, compare and use generative models on your own images, from YAML configs."""

__version__ = "0.1.0"
