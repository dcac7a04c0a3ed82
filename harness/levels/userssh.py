# SPDX-License-Identifier: GPL-2.0-only
"""A connection to a machine of the user's, as their own ssh would make it."""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko

from harness.levels.proxy import ProxySocket
from harness.levels.ssh import Connection
from harness.model.errors import InfrastructureError, UsageError


@dataclass(frozen=True)
class Target:
    """text: as typed, ``root@lpar7`` or a name from the configuration; config: file, '' for ~/.ssh/config."""

    text: str
    config: str = ""

    @property
    def host(self) -> str:
        return self.text.rpartition("@")[2]


def connect(target: Target, timeout: float) -> Connection:
    """Host keys are checked against the known_hosts that the configuration names. UsageError for a host that
    is unknown, or lets us in with no key, and for a configuration that makes no sense; InfrastructureError
    if it does not answer."""
    # It would print the traceback of a thread of its own, beside our one line.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    try:
        return _connected(target, timeout)
    except (UsageError, InfrastructureError):
        raise
    except (ValueError, TypeError, OSError, paramiko.SSHException) as error:
        where = target.config or "~/.ssh/config"
        words = str(error).splitlines() or [type(error).__name__]
        raise UsageError(
            f"{target.text}: {where}, or a file that it names, makes no sense: {words[0]}"
        ) from None


def _connected(target: Target, timeout: float) -> Connection:
    chosen = _configured(target)
    host, user = chosen.get("hostname", target.host), _user(target, chosen)
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    for file in _known_hosts(chosen):
        if file.is_file():
            client.load_host_keys(str(file))
    proxy = _proxy(target, chosen)
    alias = chosen.get("hostkeyalias")
    # Its stubs know of one file only.
    files: Any = [str(Path(each).expanduser()) for each in chosen.get("identityfile", ())] or None
    undo = contextlib.ExitStack()
    try:
        sock = undo.enter_context(ProxySocket(proxy)) if proxy else None
        if alias:
            _as_alias(client, alias, host, int(chosen.get("port", 22)))
        client.connect(
            host, port=int(chosen.get("port", 22)), username=user, sock=sock, timeout=timeout,
            banner_timeout=timeout, auth_timeout=timeout,
            key_filename=files,
            allow_agent=chosen.get("identitiesonly", "no") != "yes",
        )  # fmt: skip
        undo.pop_all()  # it stays as long as the connection
    except paramiko.BadHostKeyException as error:
        raise UsageError(f"{target.text}: its host key is not the one in known_hosts: {error}") from None
    except paramiko.AuthenticationException:
        raise UsageError(
            f"{target.text}: {user} may not log in with any key",
            "try: ssh-copy-id, or name one in ~/.ssh/config",
        ) from None
    except paramiko.SSHException as error:
        if "not found in known_hosts" in str(error):
            raise UsageError(
                f"{target.text}: its host key is not known", f"log in once by hand: ssh {target.text}"
            ) from None
        raise InfrastructureError(f"SSH to {target.text} failed: {error}") from None
    except (OSError, EOFError) as error:
        raise InfrastructureError(f"SSH to {target.text} failed: {error or 'no answer'}") from None
    finally:
        undo.close()
    transport = client.get_transport()
    assert transport is not None
    return Connection(transport, keep=client)


def _configured(target: Target) -> paramiko.SSHConfigDict:
    path = Path(target.config or "~/.ssh/config").expanduser()
    if target.config and not path.is_file():
        raise UsageError(f"there is no SSH configuration {path}", "give the file that ssh -F takes")
    config = paramiko.SSHConfig.from_path(str(path)) if path.is_file() else paramiko.SSHConfig()
    return config.lookup(target.host)


def _user(target: Target, chosen: paramiko.SSHConfigDict) -> str:
    typed = target.text.rpartition("@")[0]
    return typed or str(chosen.get("user", "root"))


def _known_hosts(chosen: paramiko.SSHConfigDict) -> list[Path]:
    words = shlex.split(chosen.get("userknownhostsfile", "~/.ssh/known_hosts"))
    return [Path(each).expanduser() for each in [*words, "/etc/ssh/ssh_known_hosts"]]


def _proxy(target: Target, chosen: paramiko.SSHConfigDict) -> str:
    """ssh itself makes the way through another host: it knows how."""
    if chosen.get("proxycommand"):
        return str(chosen["proxycommand"])
    jump = chosen.get("proxyjump", "")
    if not jump or jump == "none":
        return ""
    config = ["-F", os.fspath(Path(target.config).expanduser())] if target.config else []
    port = chosen.get("port", "22")
    return shlex.join(["ssh", *config, "-W", f"{chosen.get('hostname', target.host)}:{port}", jump])


def _as_alias(client: paramiko.SSHClient, alias: str, host: str, port: int) -> None:
    """known_hosts has the key under another name, which paramiko does not look up."""
    known = client.get_host_keys()
    name = host if port == 22 else f"[{host}]:{port}"
    for kind, key in (known.lookup(alias) or {}).items():
        known.add(name, kind, key)
