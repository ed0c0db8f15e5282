"""Administrative writes, one transaction each. Points, coupons and stock are not among them."""
