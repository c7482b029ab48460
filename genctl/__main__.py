"""`python -m genctl` is the same as `genctl`."""

import sys

from genctl.cli import main

sys.exit(main())
