"""The families of models, one file each; `parts` and `players` are what they are made of.

Configs name what is here by these short names, which stay when modules move; each is imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "aae": ["AAE"],
        "ae": ["AE"],
        "aegan": ["AEGAN"],
        "aegan_multilevel": ["AEGANMultilevel"],
        "gan": ["GAN"],
        "gan_through_ae": ["GANThroughAE"],
        "hae": ["HAE"],
        "hvae": ["HVAE"],
        "iwae": ["IWAE"],
        "latent_gan": ["LatentGAN"],
        "msgan": ["MSGAN"],
        "vae": ["VAE"],
        "vaegan": ["VAEGAN"],
    },
)
