"""`python -m genctl` is the same as `genctl`."""

import sys

if not sys.flags.safe_path:
    del sys.path[0]  # the working directory, whose files would be imported in place of packages of the same name

from genctl.cli.main import main  # noqa: E402

sys.exit(main())
