"""The main.cf and master.cf of a private Postfix instance."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HOSTNAME = "relay.fleet.test"  # also the only domain with local delivery

# The environment that Postfix's own programs pass on to each other: its default, and libfaketime's variables.
_FAKETIME_VARIABLES = "LD_PRELOAD FAKETIME FAKETIME_SHARED FAKETIME_DONT_FAKE_MONOTONIC"

_MAIN = """\
compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
maillog_file = {root}/log/maillog
maillog_file_prefixes = {root}
mail_owner = postfix
setgid_group = postdrop
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C {faketime_variables}

# Loopback only, all mail to one port of it, and no question to a name server.
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtp_bind_address = 127.0.0.1
relayhost = [127.0.0.1]:{relay_port}
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtpd_peername_lookup = no
smtpd_tls_security_level = none
smtp_tls_security_level = none

myhostname = {hostname}
mydestination = $myhostname
alias_maps = texthash:{root}/config/aliases
alias_database =
virtual_alias_maps = texthash:{root}/config/virtual
local_recipient_maps =
smtputf8_enable = yes
smtputf8_autodetect_classes = all
notify_classes =
biff = no

# Nothing moves by itself: no retry and no expiry comes within a test.
minimal_backoff_time = 10d
maximal_backoff_time = 10d
maximal_queue_lifetime = 100d
bounce_queue_lifetime = 100d
queue_run_delay = 1d
smtp_rcpt_timeout = 1d
daemon_timeout = 2d

# Tests send many small messages at once to the one destination that there is.
default_destination_concurrency_limit = 50
initial_destination_concurrency = 50
smtpd_client_connection_count_limit = 0
in_flow_delay = 0
"""

# name type private unpriv chroot wakeup maxproc command, as in master(5). No service is in a chroot, because a chroot
# would need copies of the system's files in the queue directory.
_MASTER = """\
127.0.0.1:{smtpd_port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass
class PostfixOptions:
    """What a test may choose. The fields are explained at PrivatePostfix."""

    relay_port: int
    long_queue_ids: bool = False
    hash_queue_depth: int = 1
    hash_queue_names: Sequence[str] = ("deferred", "defer")
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    virtual_aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    milter: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    services: Sequence[str] = ()


def hash_settings(depth: int, names: Sequence[str]) -> dict[str, str]:
    """The main.cf parameters for a hash depth of 0 to 2.

    Postfix refuses a depth of 0, and an empty list of names; a name that no queue has means the same.
    """
    if depth not in (0, 1, 2):
        raise ValueError(f"a hash depth of 0 to 2, not {depth}")
    return {"hash_queue_names": " ".join(names) if depth else "none", "hash_queue_depth": str(max(depth, 1))}


def write_main(root: Path, options: PostfixOptions, smtpd_milters: str) -> None:
    """Writes main.cf and the tables it names into `root`/config."""
    settings = {
        "enable_long_queue_ids": "yes" if options.long_queue_ids else "no",
        **hash_settings(options.hash_queue_depth, options.hash_queue_names),
        "smtpd_milters": smtpd_milters,
        **options.settings,
    }
    text = _MAIN.format(root=root, relay_port=options.relay_port, hostname=HOSTNAME,
                        faketime_variables=_FAKETIME_VARIABLES)
    kept = [line for line in text.splitlines() if line.partition(" =")[0] not in settings]
    own = [f"{name} = {value}" for name, value in settings.items()]
    (root / "config" / "main.cf").write_text("\n".join(kept + own) + "\n", encoding="utf-8")
    for table, entries in (("aliases", options.aliases), ("virtual", options.virtual_aliases)):
        lines = [f"{name} {', '.join(destinations)}\n" for name, destinations in entries.items()]
        (root / "config" / table).write_text("".join(lines), encoding="utf-8")
        backdate(root / "config" / table)
    backdate(root / "config" / "main.cf")


def backdate(file: Path) -> None:
    """Makes a file look a minute old: Postfix waits for a file of the last two seconds to cool down, at every read."""
    then = file.stat().st_mtime - 60
    os.utime(file, (then, then))


def write_master(root: Path, options: PostfixOptions, smtpd_port: int) -> None:
    """Writes master.cf into `root`/config."""
    services = "".join(f"{service}\n" for service in options.services)
    (root / "config" / "master.cf").write_text(_MASTER.format(smtpd_port=smtpd_port) + services, encoding="utf-8")
