"""The one door: every change of points, coupons or stock is a command that goes through `Engine`."""
