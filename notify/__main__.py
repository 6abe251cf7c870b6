"""`python -m notify` is the command `notify`."""

from notify.cli import main

if __name__ == "__main__":
    main(prog_name="notify")
