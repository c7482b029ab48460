"""Networks between two shapes.

Configs name what is here by these short names, which stay when modules move; each is imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "conv": ["build_conv_down", "build_conv_up"],
        "mlp": ["build_mlp"],
        "multiscale": ["build_multiscale_up"],
        "resnet": ["build_resnet_down", "build_resnet_up"],
        "sequential": ["build_sequential"],
    },
)
