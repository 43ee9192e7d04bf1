"""What a rule of the judge is made of: checks of one value against one limit each, and what it says where all of them are met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playground.diagnostics.limits import SETTLING, Limit
from playground.events import Verdict


@dataclass(frozen=True)
class Check:
    """One value and its limit. what: in words; value: in the unit of the limit."""

    what: str
    value: float
    limit: Limit

    def told(self, lenient: bool) -> dict[str, Any]:
        """As `events.Verdict.checks` has it; lenient: the rule has spoken before, so that it counts until the value clears it."""
        limit, value = self.limit, self.value
        edge, met = (limit.clears, limit.near(value)) if lenient else (limit.speaks, limit.met(value))
        edges = {"speaks": limit.speaks, "clears": limit.clears}
        return {"what": self.what, "value": value, "side": limit.side, "limit": edge, "met": met} | edges


@dataclass(frozen=True)
class Rule:
    """What it `says` of a layer (or of the whole training) where all of its checks are met. since: the step before which it is silent."""

    says: str
    layer: str
    checks: tuple[Check, ...]
    sentence: str
    since: int = SETTLING

    def spoke(self, before: Verdict | None) -> bool:
        """Whether it held at the measurement before."""
        told = before.checks if before else []
        return any(each.get("holds") and each["layer"] == self.layer and each["says"] == self.says for each in told)

    def near(self, step: int) -> bool:
        """Whether no check clears the run, so that the rule speaks or cannot tell."""
        return step >= self.since and all(each.limit.near(each.value) for each in self.checks)

    def unclear(self, step: int, before: Verdict | None) -> bool:
        """Whether it cannot tell. A run that was called healthy when the rule could speak already stays so half the way."""
        well = before is not None and before.state == "healthy" and before.step >= self.since
        return self.near(step) and not (well and not all(each.limit.nearer(each.value) for each in self.checks))

    @property
    def met(self) -> bool:
        """Whether all of its checks speak, as if for the first time."""
        return all(each.limit.met(each.value) for each in self.checks)

    def speaks(self, step: int, before: Verdict | None) -> bool:
        """Whether it holds now. What it has said once it goes on saying until a value clears it, so that no verdict flickers."""
        return self.near(step) and (self.met or self.spoke(before))

    def told(self, step: int, before: Verdict | None) -> list[dict[str, Any]]:
        """As `events.Verdict.checks` has them."""
        holds, lenient = self.speaks(step, before), self.spoke(before)
        return [{"layer": self.layer, "says": self.says, "holds": holds} | each.told(lenient) for each in self.checks]
