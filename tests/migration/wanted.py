"""The differences from php-fpm that are wanted: the only place where a comparison learns of them.
Each row: an id; the words that begin its row in the manual's table "What is different on purpose"; an expression for
the names of the probes it is about; and expressions for the lines that differ, "- " in front of php-fpm's and "+ " in
front of Weir's. A row that matches nothing any more is reported: take it out, here and in the manual."""

LOG = r"\[TIME\] "
FPM_ONLY, OURS_ONLY = r"- ", r"\+ "
OUR_KEYS = (r"(log_format|pool_process_user|pm\.max_requests_jitter|sapi|php\.version|mpm(\.\w+)?|(event|queue|request)\.\w+|"
            r"keepalive_timeout|env\.pass\[\]|security\.(strict|reason_header|php_value_params))")


class Wanted:
    def __init__(self, id, manual, probes, *changes):
        self.id, self.manual, self.probes, self.changes = id, manual, probes, changes
        self.used = 0


def dump(*changes):
    """Lines of -tt, on stderr."""
    return [x.replace("NOTICE: ", r"stderr \[TIME\] NOTICE: \t", 1) for x in changes]


WANTED = [
    # ---- the command and its files
    Wanted("tt-own-keys", "`-tt` tells less", "command: .*", *dump(r"\+ NOTICE: %s = .*" % OUR_KEYS)),
    Wanted("tt-what-holds", "`-tt` tells less", "command: .*", *dump(
        r"- NOTICE: log_level = unknown value", r"\+ NOTICE: log_level = NOTICE",
        r"- NOTICE: process_control_timeout = 0s", r"\+ NOTICE: process_control_timeout = undefined",
        r"- NOTICE: listen\.mode = undefined", r"\+ NOTICE: listen\.mode = 0660")),
    Wanted("tt-log-limit", "children's lines are cut", "command: .*", *dump(
        r"- NOTICE: log_limit = 1024", r"\+ NOTICE: log_limit = 1049600")),
    Wanted("t-makes-nothing", "`-t` makes the log files", "files after -t", r"- @/.*\.log"),
    Wanted("usage", "the summary of its options", r"command: (-h|-\?|--help|--usage|-Z|--no-such|stray|-C|-y without|-t stray)",
           r"[-+] (stdout|stderr) .*"),
    Wanted("version", "`-v` tells PHP's version", "command: (-v|--version|-vm|-m -v)", r"\+ stdout Weir \S+"),
    Wanted("phpinfo", "`-i` and phpinfo()", "command: .*-i|command: --info",
           r"- stdout php-fpm => active", r"\+ stdout FastCGI server => Weir",
           r"[-+] stdout Configuration File \(php\.ini\) Path => /etc/php/8\.2/\w+",
           r"\+ stdout (pcntl support => enabled)?"),
    Wanted("errors", "errors tell what is wrong", "command: .*",
           r"- stderr \[TIME\] ERROR: failed to post process the configuration",
           r"\+ stderr \[TIME\] ERROR: failed to load configuration file .*", r"- stderr PHP:  syntax error, .*",
           r"\+ stderr \[TIME\] ERROR: \[@/.*", r"- stderr \[TIME\] (ALERT|ERROR): (No pool defined|\[|Unable|failed to open).*",
           r"[-+] stderr \[TIME\] ERROR: (\[pool \w+\] )?(Unable to create|failed to open) .*",
           r"[-+] stderr \[TIME\] ERROR: (\[pool \w+\] )?unable to bind .*",
           r"- stderr \[TIME\] WARNING: Invalid token in the access.format .*",
           r"\+ stderr \[TIME\] WARNING: \[@/.*", r"\+ stderr \[TIME\] ERROR: failed to read configuration file .*"),
    Wanted("t-is-a-start", "`-t` passes a file", "command: (root|-t|-n|--test|--fpm-config|-y=).*",
           r"\+ stderr \[TIME\] NOTICE: \[pool \w+\] '\w+' directive is ignored when FPM is not running as root",
           r"- code 0", r"\+ code 78", r"- stderr \[TIME\] NOTICE: configuration file \S+ test is successful", r"- stderr ",
           r"\+ stderr \[TIME\] ERROR: FPM initialization failed"),
    # ---- processes
    Wanted("titles", "master and children show as `php-fpm: ...`", "titles",
           r"- php-fpm: (master process \(@/.*\)|pool \w+)", r"\+ weir: (master|(child|pool|zygote) \w+)",
           r"\+ php-fpm: weir (pool|zygote) \w+"),
    Wanted("working-folder", "an idle child goes back", "children of .*", r"\+ cwd @?/.*", r"- cwd /"),
    # ---- log lines
    Wanted("own-lines", "logs less", "log: .*",
           r"\+ %sNOTICE: \[pool \w+\] ended after \d+ requests.*" % LOG,
           r"\+ %sNOTICE: slow log file re-opened" % LOG,
           r"\+ %sWARNING: a socket cannot be closed to new connections .*" % LOG,
           r"\+ %sWARNING: \[pool \w+\] child P, request ID: child_died: .*" % LOG,
           r"\+ %sWARNING: \[pool \w+\] child P, request ID \"\w+ [^\"]*\", script '[^']*': request_timeout: .*" % LOG),
    Wanted("child-lines", "lines of the server's own children", "log: .*",
           r"- %sWARNING: \[pool \w+\] child P said into stderr: \"(ERROR|NOTICE|WARNING): .*\"" % LOG,
           r"- (ERROR|NOTICE|WARNING): .*",
           r"\+ %s(ERROR|NOTICE|WARNING): \[pool \w+\] child P, request ID: .*" % LOG),
    Wanted("replaced-when-needed", "a dead child is always replaced", "log: .*",
           r"[-+] %sNOTICE: \[pool \w+\] child P started" % LOG),
    Wanted("children-stay", "a new log file (USR1) ends every child", "log: USR1",
           r"- %sNOTICE: \[pool \w+\] child P exited with code 0 after N seconds from start" % LOG),
    Wanted("slow-trace", "the slow log needs ptrace", "log: (too )?slow",
           r"- %sNOTICE: (child P stopped for tracing|about to trace P|finished trace of P)" % LOG),
    Wanted("reload", "a reload starts the program anew", "log: reload by .*",
           r"- %sNOTICE: reloading: execvp\(.*" % LOG, r"\+ %sNOTICE: reloading: @/.*" % LOG),
    # ---- answers
    Wanted("in-flight", "TERM, and a reload without `process_control_timeout`, kill", "answer: in flight at .*",
           r"- (status None|body |end None None)", r"\+ (status 200|header .*|body held|end 0 0)"),
    Wanted("timeout-504", "past `request_terminate_timeout` the connection just ends", "answer: too slow",
           r"- (status None|end None None)", r"\+ (status 504|header Status: 504 .*|header Content-Type: text/plain.*)",
           r"\+ (body 504 .*|end 0 0)"),
    Wanted("systemd-interval", "`systemd monitor interval` stands in every log", "log: .*",
           r"- %sNOTICE: systemd monitor interval set to \d+ms" % LOG),
    # ---- pages
    Wanted("unix-queue", "the queue of a Unix socket reads 0", "page: status.*|answer: fpm_get_status",
           r"[-+] body .*listen[- _]queue[- _]len.*"),
    Wanted("status-fields", "a pool's status forgets everything", "page: status.*",
           r"\+ body .*(max.children|starting.processes|parked.connections|ready.connections|served.requests|reason).*",
           r"\+ body (# \w+ )?weir_\w+.*"),
    Wanted("status-headers", "status has neither `nosniff`", "page: (ping|status).*",
           r"\+ header X-Content-Type-Options: nosniff", r"\+ header Content-Security-Policy: default-src 'none'.*"),
    Wanted("status-head", "status has neither `nosniff`", "page: status HEAD of .*",
           r"- header Content-type: text/html; charset=UTF-8", r"\+ header Content-type: text/plain;charset=UTF-8"),
    Wanted("modules", "`-i` and phpinfo()", "answer: state.*|command: .*",
           r"[-+] body ext=.*", r"\+ stdout pcntl.*"),
    Wanted("http-proxy", "`Proxy:` of a client", "answer: .*",
           r"- body (getenv HTTP_PROXY|headers Proxy)=.*"),
    Wanted("apache-name", "behind Apache's `proxy:fcgi://`", "answer: Apache",
           r"[-+] body getenv SCRIPT_FILENAME=.*"),
    Wanted("php-value-once", "`PHP_VALUE` and `PHP_ADMIN_VALUE` of a request stay", "answer: PHP_VALUE is gone",
           r"[-+] body [\d.]+"),
    Wanted("folder-error", "a folder in a script's place", "answer: folder|log: folder",
           r"[-+] (stderr|%s).*Unable to open primary script: @?/\S*/folder.php \((Success|Is a directory)\).*" % LOG),
    Wanted("access-headers", "`%{Name}o` knows the headers that the script has set", "access log of .*",
           r"- \w+ PID \S+ .* -", r"\+ \w+ PID \S+ .* text/(html; charset=UTF-8|plain;charset=UTF-8)"),
    Wanted("access-status", "`%s` is PHP's response code", "access log of .*",
           r"[-+] .* (\"GET )?/status2.php\"? (200|503) .*"),
    Wanted("access-lost", "a request that dies with its child", "access log of .*", r"\+ .*/(segv|abort)\.php\"? 502 .*",
           r"\+ .*/too_slow\.php\"? 504 .*"),
    Wanted("access-filter", "a request of role FILTER", "access log of .*", r"- .*\"GET /hello.php\" 200 .*"),
    Wanted("filter", "a request of role FILTER", "answer: role 3", r"- .*", r"\+ (status None|body |end 0 3)"),
]

# Probes of features that this build does not have yet: reported as such, not as differences. Expression: feature.
PENDING = {
}
PENDING_LINES = {
}
