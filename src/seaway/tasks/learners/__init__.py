"""Training libraries as every task drives them."""
