"""kvdb."""
