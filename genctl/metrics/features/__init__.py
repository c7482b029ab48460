"""Feature networks, which turn examples into the vectors that they are compared by.

Configs name what is here by these short names, which stay when modules move; each is imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "run_encoder": ["load_autoencoder"],
        "classifier": ["train_classifier"],
        "fid": ["load_fid"],
        "inception": ["load_inception"],
        "pixels": ["fit_pixels"],
    },
)
