"""Entry of the zygote; started by ``launcher``, never by hand."""

import sys

from conda_store_shared.child.zygote import main

main(sys.argv[1:])
