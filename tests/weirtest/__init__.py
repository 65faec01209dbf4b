"""What the scenario tests stand on: a FastCGI client that can send any bytes, the real daemon in a folder of
its own, a real nginx in front of it, and /proc. Nothing here sleeps to let time pass: it waits for a fact."""
from .wait import until, never_within
from .server import HOLD, PHP_POOL, PHP_ZTS, PID, Pool, Script, Weir, find_binary, find_module_dir, meet
from .strace import Strace
from .web import HAProxy, Nginx, free_port

__all__ = ["HAProxy", "HOLD", "Nginx", "PHP_POOL", "PHP_ZTS", "PID", "Pool", "Script", "Strace", "Weir", "find_binary", "find_module_dir",
           "free_port", "meet", "never_within", "until"]
