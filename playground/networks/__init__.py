"""Networks: backbones (images in, one feature vector per image out), transformer blocks, and the small heads that methods add.

Every named subclass of Network in this folder is a network on the page.
"""

import sys

from playground.knobs import catalog
from playground.networks.backbones import Backbone, BasicBlock, Network, ResNet, ViT, patch_sizes, tiny_vit
from playground.networks.transformer import Block, attention, patchify, sine_positions, unpatchify

CATALOG = catalog(Network, sys.modules[__name__])

__all__ = ["CATALOG", "Backbone", "BasicBlock", "Network", "ResNet", "ViT", "patch_sizes", "tiny_vit"]
__all__ += ["Block", "attention", "patchify", "sine_positions", "unpatchify"]
