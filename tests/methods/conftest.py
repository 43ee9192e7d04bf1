"""What the tests of the losses share."""

import pytest
import torch


@pytest.fixture
def pair():
    """Ten images' projections, twice: (10, 16) each, float64."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(10, 16, generator=generator).double(), torch.randn(10, 16, generator=generator).double()
