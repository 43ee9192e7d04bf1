"""BEiT: the codebook, the two parts of a run, and the cross-entropy."""

import math

import pytest
import torch
import torch.nn.functional as F

from playground.config import RunConfig
from playground.datasets import load_images
from playground.methods.beit import DEAD, DECAY, Tokenizer, masked_cross_entropy, nearest
from playground.randomness import seeded_generator
from support.trainings import trainer_of


def fresh(**more):
    settings = {"method": "beit", "network": "vit-tiny", "batch_size": 8, "steps": 10, "device": "cpu", "method.codes": 8}
    return trainer_of(RunConfig(**settings | more))


def weights(module):
    return torch.cat([each.detach().flatten() for each in module.state_dict().values()])


def images(count=4):
    return load_images(RunConfig().data, None)[1].pixels[:count].float() / 255


def test_the_nearest_code_is_the_one_at_the_least_distance():
    generator = torch.Generator().manual_seed(0)
    z = F.normalize(torch.randn(3, 5, 16, generator=generator), dim=2)
    codes = F.normalize(torch.randn(8, 16, generator=generator), dim=1)
    assert torch.equal(nearest(z, codes), torch.cdist(z, codes.expand(3, -1, -1)).argmin(2))


def test_the_cross_entropy_counts_hidden_patches_in_loops():
    generator = torch.Generator().manual_seed(0)
    logits, hidden = torch.randn(3, 5, 7, generator=generator).double(), torch.rand(3, 5, generator=generator) < 0.5
    tokens = torch.randint(7, (3, 5), generator=generator)
    terms = [
        -float(logits[b, i, tokens[b, i]]) + math.log(sum(math.exp(float(each)) for each in logits[b, i]))
        for b in range(3)
        for i in range(5)
        if hidden[b, i]
    ]
    assert float(masked_cross_entropy(logits, tokens, hidden)) == pytest.approx(sum(terms) / len(terms), abs=1e-9)
    assert float(masked_cross_entropy(torch.zeros(3, 5, 7), tokens, hidden)) == pytest.approx(math.log(7), abs=1e-6)


@pytest.mark.parametrize("revival", [False, True])
def test_codes_follow_their_patches_and_dead_ones_start_anew(revival):
    """Against the moving average written out code by code."""
    tokenizer, generator = Tokenizer(4, 6, 8), torch.Generator().manual_seed(0)
    tokenizer.counts.fill_(1 / 6)
    z, before = F.normalize(torch.randn(40, 8, generator=generator), dim=1), tokenizer.codes.clone()
    tokens = torch.arange(40) % 5  # nobody has code 5
    tokenizer.counts[5] = 0.9 * DEAD / 6
    mass = tokenizer.counts.clone()
    tokenizer.update_codes(z, tokens, generator, revival)
    for code in range(5):
        mine = z[tokens == code]
        moved = DECAY * mass[code] * before[code] + (1 - DECAY) * mine.sum(0) / 40
        assert torch.allclose(tokenizer.codes[code], moved / moved.norm(), atol=1e-6)
        assert float(tokenizer.counts[code]) == pytest.approx(DECAY * float(mass[code]) + (1 - DECAY) * len(mine) / 40, abs=1e-6)
    at_a_patch = (tokenizer.codes[5] == z).all(1).any()
    assert bool(at_a_patch) == revival
    if revival:
        assert float(tokenizer.counts[5]) == pytest.approx(1 / 6)
    else:
        assert torch.allclose(tokenizer.codes[5], before[5], atol=1e-6)


def test_the_encoder_gets_the_decoders_gradient_through_the_codes():
    torch.manual_seed(0)
    tokenizer = Tokenizer(4, 6, 8)
    tokenizer.loss(torch.rand(2, 3, 16, 16), torch.Generator().manual_seed(0), True).backward()
    assert all(float(weight.grad.abs().sum()) > 0 for weight in tokenizer.encoder.parameters())


@pytest.mark.slow
def test_first_the_tokenizer_learns_and_then_only_the_rest():
    trainer = fresh(**{"method.tokenizer_share": 0.2})
    method = trainer.method
    for step in range(1, 5):
        before = [weights(each) for each in (method.tokenizer, method.backbone, method.filler)]
        trainer.update()
        moved = [
            not torch.equal(old, weights(each))
            for old, each in zip(before, (method.tokenizer, method.backbone, method.filler), strict=True)
        ]
        assert moved == ([True, False, False] if step <= 2 else [False, True, True]), step


@pytest.mark.slow
def test_a_restored_run_goes_on_exactly_in_both_parts():
    for at in (1, 3):
        whole, half = fresh(), fresh()
        for _ in range(4):
            whole.update()
        for _ in range(at):
            half.update()
        state = {name: each for name, each in half.state().items()}
        rest = fresh()
        rest.restore(state)
        for _ in range(4 - at):
            rest.update()
        assert torch.equal(weights(whole.method), weights(rest.method))


@pytest.mark.slow
def test_the_tokenizer_uses_its_codes_and_paints_better_than_the_mean_patch():
    """What makes it a tokenizer: after 90 steps most codes are in use, and the error is below a half."""
    trainer = fresh(steps=120, batch_size=32, **{"method.codes": 32, "method.tokenizer_share": 0.8, "optimizer.learning_rate": 4e-3})
    for _ in range(90):
        trainer.update()
    method, probe = trainer.method.eval(), images(64)
    with torch.no_grad():
        shares = method.assignments(probe)["codebook"].mean(0)
        found, trivial = method.diagnostics(probe, seeded_generator(0, "probe", 0)), method.trivial(probe, seeded_generator(0, "probe", 0))
    assert torch.allclose(shares.sum(), torch.ones(()), atol=1e-5)
    assert int((shares > 0).sum()) >= 24
    assert float(found["tokenizer_error"]) < 0.5 * float(trivial["tokenizer_error"])


@pytest.mark.slow
def test_pictures_of_perfect_predictions_are_the_tokenizers_own():
    method, probe = fresh().method.eval(), images()
    perfect = F.one_hot(method.tokenizer(probe), 8).float() * 9
    method.filler.forward = lambda vit, images, hidden: perfect
    with torch.no_grad():
        rows = method.pictures(probe, seeded_generator(0, "probe", 0))
        found = method.diagnostics(probe, seeded_generator(0, "probe", 0))
    assert torch.equal(rows["target"], rows["reconstruction"]) and torch.equal(rows["target"], rows["pasted"])
    assert float(found["token_accuracy"]) == 1 and float(found["most_frequent_token"]) <= 1
