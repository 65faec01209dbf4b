"""What the scenario tests stand on: a FastCGI client that can send any bytes, the real daemon in a folder of
its own, real web servers in front of it, and /proc. Nothing here sleeps to let time pass: it waits for a fact."""
from .wait import until, never_within
from .server import HOLD, PHP_EVENT, PHP_POOL, PHP_ZTS, PID, Pool, Script, Weir, find_binary, find_module_dir, meet
from .strace import Strace
from .front import FrontEnd, free_port
from .apache import Apache
from .caddy import Caddy
from .haproxy import HAProxy, MultiplexingHAProxy
from .lighttpd import Lighttpd
from .web import Nginx

__all__ = ["Apache", "Caddy", "FrontEnd", "HAProxy", "HOLD", "Lighttpd", "MultiplexingHAProxy", "Nginx", "PHP_EVENT", "PHP_POOL",
           "PHP_ZTS", "PID", "Pool", "Script", "Strace", "Weir", "find_binary", "find_module_dir", "free_port", "meet",
           "never_within", "until"]
