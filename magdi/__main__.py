"""`python -m magdi`: the command line, also where it is not on the path, and for torchrun, which is given a module."""

from magdi.cli.app import main

if __name__ == "__main__":
    main()
