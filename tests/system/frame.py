"""What every system test imports: the support package, found from here."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))

from imperium import client, leftovers, processes, programs, waiting  # noqa: E402,F401
from imperium.case import SystemCase, main  # noqa: E402,F401
from imperium.client import Connection, http, packet, request_variables, uwsgi  # noqa: E402,F401
from imperium.load import Load  # noqa: E402,F401
from imperium.manager import Manager  # noqa: E402,F401
from imperium.waiting import until  # noqa: E402,F401
from imperium.world import ALICE, BOB, CAROL, DAVE, TENANTS, World  # noqa: E402,F401
