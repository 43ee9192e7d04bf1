import torch

from playground.evaluation.probes import linear_probe


def test_a_class_for_nearly_every_picture_warns_nobody():
    """Warnings are errors in tests; to a person they would be lines of another program on the terminal."""
    features = torch.randn(30, 8, generator=torch.Generator().manual_seed(0))
    linear_probe(features, torch.arange(30) % 20, 0)
