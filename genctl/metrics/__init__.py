"""Numbers about a trained run, or about any two sets of examples.

Configs name what is here by these short names, which stay when modules move; each is imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "callback": ["Evaluate"],
        "class_coverage": ["Classes"],
        "codes": ["ActiveShare", "AggregatePosterior", "Probes", "Slope"],
        "copies": ["Copies"],
        "frechet": ["Frechet"],
        "kernel": ["Kernel"],
        "likelihood": ["ActiveUnits", "Likelihood"],
        "neighbourhoods": ["Neighbourhoods"],
        "reconstruction": ["Denoising", "Reconstruction"],
    },
)
