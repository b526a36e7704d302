"""Redundancy of networks in TensorBoard. NumPy and json only: TensorBoard loads this at its start."""
