"""Supervised and untrained: what labels teach, and what nothing teaches."""

import pytest
import torch
from sklearn.metrics import log_loss

from playground.config import RunConfig
from playground.datasets import CATALOG, load_images
from playground.knobs import ConfigError
from playground.randomness import seeded_generator
from playground.training.trainer import Batch
from support.trainings import tiny_config, trainer_of


def trainer(**more):
    return trainer_of(tiny_config(**{"batch_size": 32} | more))


def test_data_sets_count_their_labels():
    images = load_images(RunConfig().data, None)[0]
    assert CATALOG["shapes"].classes == {name: len(labels) for name, labels in images.names.items()}
    assert all(int(labels.max()) + 1 == CATALOG["shapes"].classes[name] for name, labels in images.factors.items())


@pytest.mark.slow
@pytest.mark.parametrize(("factor", "count"), [("shape", 8), ("size", 3)])
def test_supervised_is_cross_entropy_with_the_chosen_labels(factor, count):
    made = trainer(**{"method": "supervised", "method.factor": factor}).method.eval()
    assert made.head.out_features == count
    batch = trainer().batch(1)
    batch = Batch(batch.views[:1], [], batch.rows, batch.factors)
    with torch.no_grad():
        chances = made.head(made.backbone(batch.views[0])).double().softmax(1).numpy()
        values = made.loss(batch, seeded_generator(0, "loss", 0))
    assert float(values["loss"]) == pytest.approx(log_loss(batch.factors[factor], chances, labels=range(count)), abs=1e-5)
    assert float(values["training_accuracy"]) == pytest.approx((chances.argmax(1) == batch.factors[factor].numpy()).mean())


def test_the_factor_must_be_one_that_the_data_has():
    assert RunConfig(method="supervised").method.factor == "shape"
    assert RunConfig(method="supervised", data="cifar10").method.factor == "class"
    with pytest.raises(ConfigError, match="factor must be one of class, got shape"):
        RunConfig(**{"method": "supervised", "data": "cifar10", "method.factor": "shape"})


def test_untrained_stays_as_it_was_born():
    made = trainer(method="untrained")
    before = {name: value.clone() for name, value in made.method.state_dict().items()}
    assert [float(made.update()["loss"]) for _ in range(3)] == [0, 0, 0]
    assert all(torch.equal(value, before[name]) for name, value in made.method.state_dict().items())
