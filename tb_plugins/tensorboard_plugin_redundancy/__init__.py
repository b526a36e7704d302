"""Redundancy of networks in TensorBoard. TensorBoard loads this at its start, so that nothing is imported here."""

PLUGIN_NAME = "redundancy"  # in event files and addresses; it never changes
