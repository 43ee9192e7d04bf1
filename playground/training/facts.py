"""The facts of a run before its first step: device, sizes, and the reference lines of its curves."""

from __future__ import annotations

from typing import Any

from playground.diagnostics.limits import bar_limits, gain_limits
from playground.diagnostics.pictures import labeled, variety
from playground.diagnostics.run_context import guarded
from playground.home import home
from playground.training.probe_set import ProbeSet
from playground.training.trainer import Trainer


def facts_of(trainer: Trainer, probe: ProbeSet) -> dict[str, Any]:
    """`facts` of the first event of a run, or of its continuation."""
    config = trainer.config
    pictures = variety(probe.images)
    references = [vars(each) for each in config.method.choice.references(config)]
    for name, healthy in probe.healthy_std().items():
        references.append({"metric": name, "value": healthy, "meaning": "spread over the whole sphere: 1/sqrt(D)"})
    paper = config.method.choice.paper
    return {
        "device": trainer.device.describe(),
        "device_why": trainer.device.why,
        "parameters": sum(each.numel() for each in trainer.method.parameters() if each.requires_grad),
        "views_per_step": views_per_step(trainer),
        "negatives": config.method.choice.negatives(config),
        "loss": vars(config.method.choice.loss_definition(config)),
        "measures": {name: vars(each) | {"source": each.source or paper} for name, each in trainer.method.measures.items()},
        "bins": probe.bins,
        "rows": probe.rows,
        "schedules": [{"name": key, "start": config.flat()[key], **vars(each)} for key, each in config.schedule.items()],
        "steps": config.steps,
        "layers": probe.sizes,
        "references": references,
        "probe": len(probe.images),
        "pictures": pictures,
        "labeled": labeled(probe.images),
        "limits": bar_limits(probe.sizes, int(pictures["distinct"]), guarded(config)),
        "gain": gain_limits(),
        "about": probe.about,
        "data": config.data.choice.facts(config.data, home() / "data"),
        "unmeasured": probe.unmeasured,
        "image_size": config.data.image_size,
        "local_size": config.crops.local_size if config.crops else None,
    }


def views_per_step(trainer: Trainer) -> int:
    """The number of views in one update, including local views."""
    config = trainer.config
    local = config.crops.local_views if config.crops else 0
    return int(config.batch_size * config.accumulation * (trainer.method.views + local))
