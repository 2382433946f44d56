"""``python -m archgraph``."""

import sys

from archgraph.cli import main

sys.exit(main())
