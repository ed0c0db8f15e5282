"""What campaigns gave before it was added up per campaign is added up by the revision that begins to."""

from __future__ import annotations

import asyncio
from zlib import crc32

import asyncpg
from alembic import command

from tests.database.test_migrations import alembic_config

_CAMPAIGN = """
INSERT INTO campaign (campaign, revision, version, state, document, created_at, updated_at)
VALUES ($1, $2::bigint, 1, 'live', $3, to_timestamp($2::bigint), now())
"""
_VERSION = """
INSERT INTO campaign_version (campaign, version, document, created_at, actor) VALUES ($1, 1, $2, now(), 'key:test')
"""
_ACCOUNT = """
INSERT INTO account (bucket, member_id, status, joined_at, sequence, lot_count, lot_floor, available, pending, reserved,
                     debt, growth, cash, earned, redeemed, expired, spend, orders, tier, tier_since, tier_state, streak,
                     next_expires_points)
VALUES ($1, $2, 'active', now(), 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'basic', now(), 'held', 0, 0)
"""
_GAVE = """
INSERT INTO campaign_member (bucket, member_id, campaign, times, amount, points, growth, chances, coupons, discount,
                             taken_back, first_at, last_at)
VALUES ($1, $2, $3, $4, 100, $5, 1, 2, 3, 4, 5, now(), now())
"""
LIMITED = '{"budget": {"per_member": 9}}'
# campaign, member, times, points
GAVE = [("c0", "m", 2, 30), ("c9", "m", 1, 7), ("c0", "n", 1, 20), ("c8", "n", 1, 4), ("c9", "n", 0, 0)]


async def fill(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for number in range(10):
            document = LIMITED if number == 9 else "{}"
            await connection.execute(_CAMPAIGN, f"c{number}", number + 1, document)
            await connection.execute(_VERSION, f"c{number}", document)
        for member in "mno":
            await connection.execute(_ACCOUNT, crc32(member.encode()) % 64, member)
        for campaign, member, times, points in GAVE:
            await connection.execute(_GAVE, crc32(member.encode()) % 64, member, campaign, times, points)
    finally:
        await connection.close()


async def check(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        sums = await connection.fetch(
            "SELECT campaign, bucket, share_of, participants, times, amount, points, taken_back FROM campaign_sum "
            "ORDER BY campaign"
        )
        assert list(map(tuple, sums)) == [
            ("c0", crc32(b"c0") % 64, 0, 2, 3, 200, 50, 10),
            ("c8", crc32(b"c8") % 64, 0, 1, 1, 100, 4, 5),
            ("c9", crc32(b"c9") % 64, 0, 1, 1, 200, 7, 10),
        ]
        numbers = dict(map(tuple, await connection.fetch("SELECT campaign, number FROM campaign")))
        assert sorted(numbers.values()) == list(range(1, 11))
        bits = dict(map(tuple, await connection.fetch("SELECT member_id, campaigns FROM account")))
        for member in "mno":
            took_part = {numbers[campaign] for campaign, who, times, _ in GAVE if who == member and times}
            found = bits[member]
            assert {n for n in range(8 * len(found)) if found[n >> 3] >> (n & 7) & 1} == took_part
        kept = await connection.fetch(
            "SELECT campaign, member_id, points FROM campaign_points ORDER BY member_id"
        )
        assert list(map(tuple, kept)) == [("c9", "m", 7), ("c9", "n", 0)]
    finally:
        await connection.close()


def test_what_was_given_before_is_added_up(fresh_database_url: str) -> None:
    config = alembic_config(fresh_database_url)
    command.downgrade(config, "0011")
    asyncio.run(fill(fresh_database_url))
    command.upgrade(config, "0012")
    asyncio.run(check(fresh_database_url))
