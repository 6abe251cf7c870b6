"""What the machine in `test_lifecycle_machine.py` consists of: a model, providers, workers and a town."""
