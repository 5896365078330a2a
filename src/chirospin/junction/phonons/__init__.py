"""Molecules that vibrate, between leads of infinite bias."""
