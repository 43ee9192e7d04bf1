"""Trainings so small that a test can afford one."""

from dataclasses import replace

from playground import RunConfig, train
from playground.datasets import load_images
from playground.machine.devices import pick
from playground.methods import CATALOG as METHODS
from playground.training.trainer import Trainer

TINY = {"network": "resnet-tiny", "batch_size": 16, "device": "cpu"}  # so few images that few are measured, too


def tiny_config(**more):
    return RunConfig(**TINY | more)


def smallest(method, **more):
    """With the quickest network that this method accepts: its sequences are four times as short where it has patches."""
    network = {"network": "resnet-tiny"} if "resnet" in METHODS[method].accepts else {"network": "vit-tiny", "network.patch_size": 8}
    return tiny_config(**{"method": method} | network | more)


def trainer_of(config, **device):
    """What takes its steps, on all images of its dataset. device: what is to differ from how this machine would compute."""
    chosen = replace(pick("cpu", config.network.choice.family), **device)
    return Trainer(config, load_images(config.data, None)[0], chosen)


def trained(store, config, **more):
    """The id of a new run in this store that was trained to its end. more: what else is said of it."""
    run = store.create(config, **more)
    for event in train(config):
        store.write(run, event)
    return run
