"""The ledger: expand, claim, send, record, reconcile."""
