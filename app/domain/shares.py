"""Sharing an amount out over parts by largest remainder, so that the shares add up to the fen (RULES.md, Coupons)."""

from collections.abc import Sequence


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """Shares of `amount` in proportion to `weights`, none above its weight: 0 <= amount <= sum of the weights.

    Each is rounded down; what is left goes one by one to the largest remainders, the earlier weight first.
    """
    whole = sum(weights)
    assert 0 <= amount <= whole, "more is shared out than there is"
    if amount == whole:
        return list(weights)
    if not amount:
        return [0] * len(weights)
    shares = [amount * weight // whole for weight in weights]
    rest = amount - sum(shares)
    if rest:
        remainders = [amount * weight % whole for weight in weights]
        largest_first = sorted(
            range(len(weights)), key=remainders.__getitem__, reverse=True
        )  # keeps ties in order
        for index in largest_first[:rest]:
            shares[index] += 1
    return shares
