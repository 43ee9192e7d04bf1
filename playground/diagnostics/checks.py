"""A rule of the judge: checks of one value against one limit each, and the state that follows if all of them are met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playground.diagnostics.limits import SETTLING, Limit
from playground.events import Verdict


@dataclass(frozen=True)
class Check:
    """One value and its limit. what: its name in words; value: in the unit of the limit."""

    what: str
    value: float
    limit: Limit

    def to_dict(self, lenient: bool) -> dict[str, Any]:
        """The form of `events.Verdict.checks`; lenient: the rule held before, so it counts until the value passes the second edge."""
        limit, value = self.limit, self.value
        edge, met = (limit.clears, limit.near(value)) if lenient else (limit.fails, limit.met(value))
        edges = {"speaks": limit.fails, "clears": limit.clears}
        return {"what": self.what, "value": value, "side": limit.side, "limit": edge, "met": met} | edges


@dataclass(frozen=True)
class Rule:
    """The `state` of a layer (or of the whole training) if all checks are met. since: the step from which the rule applies."""

    state: str
    layer: str
    checks: tuple[Check, ...]
    sentence: str
    since: int = SETTLING

    def held(self, before: Verdict | None) -> bool:
        """Whether it held at the previous measurement."""
        checks = before.checks if before else []
        return any(each.get("holds") and each["layer"] == self.layer and each["says"] == self.state for each in checks)

    def near(self, step: int) -> bool:
        """Whether no check excludes the failure, so that the rule holds or is unclear."""
        return step >= self.since and all(each.limit.near(each.value) for each in self.checks)

    def unclear(self, step: int, before: Verdict | None) -> bool:
        """Whether the rule is unclear. A run that was called healthy when the rule already applied stays healthy for half of the way."""
        well = before is not None and before.state == "healthy" and before.step >= self.since
        return self.near(step) and not (well and not all(each.limit.nearer(each.value) for each in self.checks))

    @property
    def met(self) -> bool:
        """Whether all of its checks are met, without regard to the previous verdict."""
        return all(each.limit.met(each.value) for each in self.checks)

    def holds(self, step: int, before: Verdict | None) -> bool:
        """Whether it holds now. Once it holds, it holds until a value passes the second edge, so that verdicts do not flicker."""
        return self.near(step) and (self.met or self.held(before))

    def to_dicts(self, step: int, before: Verdict | None) -> list[dict[str, Any]]:
        """The form of `events.Verdict.checks`."""
        holds, lenient = self.holds(step, before), self.held(before)
        return [{"layer": self.layer, "says": self.state, "holds": holds} | each.to_dict(lenient) for each in self.checks]
