"""Players: networks with the optimizer that moves them.

Configs name what is here by these short names, which stay when modules move; each is imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "optimizers": ["Optimizer", "adam", "adamw", "lion", "rmsprop", "sgd"],
    },
)
