"""What is said of several runs that differ in their seed."""

from playground.cli.report import show_spread, spread


def ended(seed, **final):
    return {
        "config": {"method": "simclr", "data": "shapes", "seed": seed},
        "steps": 3,
        "status": "finished",
        "final": final,
        "verdict": {"state": "healthy"},
    }


def test_a_spread_is_the_mean_the_lowest_and_the_highest_of_what_all_runs_have():
    runs = [ended(0, loss=1.0, extra=5.0), ended(1, loss=4.0), ended(2, loss=1.0)]
    assert spread(runs) == {"loss": {"mean": 2.0, "lowest": 1.0, "highest": 4.0}}


def test_a_spread_is_shown_with_its_seeds_and_verdicts(capsys):
    show_spread([ended(3, loss=1.0), ended(4, loss=2.0)])
    shown = capsys.readouterr().out
    assert "seeds 3 to 4" in shown and "1.5" in shown and "healthy: 2" in shown


def test_beside_what_was_learned_stands_what_random_weights_have(capsys):
    before = ({"baseline": {"random": {"knn/shape": 0.3}}}, {"baseline": {"random": {"knn/shape": 0.4, "rank": 5.0}}})
    runs = [ended(seed, **{"knn/shape": 0.9, "rank": 9.0}) | each for seed, each in enumerate(before)]
    found = spread(runs)
    assert found["knn/shape"]["random"] == 0.35 and "random" not in found["rank"]
    show_spread(runs)
    lines = capsys.readouterr().out.splitlines()
    assert any("random weights" in each for each in lines)
    assert [each.split() for each in lines if each.startswith("knn/shape")] == [["knn/shape", "0.35", "0.9", "0.9", "0.9"]]
