"""Data sets: examples by position, and the shapes they imply.

Configs name what is here by these short names, which stay when modules move; each is imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "arrays": ["load_npz"],
        "dataset": ["Augment"],
        "digits": ["load_digits"],
        "folder": ["load_folder"],
        "well_known": ["load_cifar10", "load_fashion_mnist", "load_mnist"],
    },
)
