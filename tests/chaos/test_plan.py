"""A seed always asks the same."""

from __future__ import annotations

from chaos.plan import Plan, ops_of
from chaos.record import Op


def drawn(seed: int) -> list[Op]:
    plan = Plan(seed, clients=8)
    return [*plan.enrolments(), *ops_of(plan.round(20)), *ops_of(plan.round(20))]


def test_a_seed_repeats_its_commands() -> None:
    assert drawn(1) == drawn(1) != drawn(2)


def test_each_command_has_a_natural_key_of_its_own() -> None:
    keys = [(op.member, op.key) for op in drawn(3) if op.key and not op.key.endswith("/")]
    assert len(set(keys)) == len(keys)
