"""Tests of councils that merge, are renamed or cover other districts."""
