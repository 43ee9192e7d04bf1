"""What takes seconds at the beginning of a training and is the same for every home: done once, before workers are forked."""

import os
from dataclasses import replace
from pathlib import Path

import torch

from playground.datasets.shapes import Shapes
from playground.home import site
from playground.training import device_trial

PATH = {"PYTHONPATH": os.pathsep.join([str(site()), str(Path(__file__).parents[1])])}  # where a script finds this module
MEASURED = device_trial._measured  # what the tests of the trial itself put back


def share():
    """Draws the built-in images, and has runs compute with the usual settings; a server or a command of its own does neither."""
    usual = torch.get_num_threads()
    torch.set_num_threads(1)  # a process with a second thread is not forked
    drawn = Shapes.load(Shapes.Knobs(), None)
    torch.set_num_threads(usual)
    Shapes.load = classmethod(lambda cls, knobs, folder: tuple(map(replace, drawn)))  # another home finds other objects, as ever
    device_trial._measured = lambda trainer: trainer.device.state()
