"""``python -m conda_store_client``."""

import sys

from conda_store_client.main import main

if __name__ == "__main__":
    sys.exit(main())
