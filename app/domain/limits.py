"""The largest figures that documents may name."""

AMOUNT = 10**12  # the API's largest amount, in the minor unit
DAYS = 3_660
MONTHS = 1_200
