"""`python -m isocenter` is `isocenter`."""

import sys

from isocenter.cli import main

sys.exit(main())
