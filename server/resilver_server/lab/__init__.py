"""Damage with known truth, and the measurements that quality claims stand on."""
