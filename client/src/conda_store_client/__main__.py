"""``python -m conda_store_client``."""

import sys

from conda_store_client.main import main

sys.exit(main())
