# SPDX-License-Identifier: GPL-2.0-only
"""How a machine of the user's is found, as far as that needs no machine."""

import socket

import living
import pytest

from harness.levels import userssh
from harness.levels.userssh import Target, connect
from harness.model.errors import InfrastructureError, UsageError

CONFIG = """
Host lpar
  HostName 127.0.0.1
  Port {port}
  User tester
  UserKnownHostsFile {hosts}
Host behind
  HostName 10.1.2.3
  Port 2200
  ProxyJump lpar
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config"
    path.write_text(CONFIG.format(port=1, hosts=tmp_path / "known_hosts"))
    return path


def test_the_configuration_names_user_and_known_hosts(config, tmp_path):
    target = Target("lpar", str(config))
    chosen = userssh._configured(target)
    assert userssh._user(target, chosen) == "tester"
    assert userssh._user(Target("root@lpar", str(config)), chosen) == "root"
    assert userssh._known_hosts(chosen)[0] == tmp_path / "known_hosts"


def test_a_way_through_another_host_is_sshs_own(config):
    target = Target("behind", str(config))
    command = userssh._proxy(target, userssh._configured(target))
    assert command == f"ssh -F {config} -W 10.1.2.3:2200 lpar"


def test_no_such_configuration(tmp_path):
    with pytest.raises(UsageError, match="no SSH configuration"):
        connect(Target("lpar", str(tmp_path / "none")), 1)


def test_nobody_listens(config):
    with pytest.raises(InfrastructureError, match="SSH to lpar failed"):
        connect(Target("lpar", str(config)), 1)


def test_what_listens_is_no_ssh(tmp_path):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        path = tmp_path / "config"
        path.write_text(CONFIG.format(port=server.getsockname()[1], hosts=tmp_path / "none"))
        with pytest.raises(InfrastructureError, match="SSH to lpar failed"):
            connect(Target("lpar", str(path)), 0.3)


@pytest.mark.parametrize(
    "lines",
    ["Port abc", "this is no line of it", "HostName 127.0.0.1\nProxyCommand 'unclosed",
     "HostName 127.0.0.1\nUserKnownHostsFile 'unclosed"],
)  # fmt: skip
def test_a_configuration_that_makes_no_sense_is_one_line(tmp_path, lines):
    path = tmp_path / "config"
    path.write_text(f"Host lpar\n{lines}\n")
    with pytest.raises((UsageError, InfrastructureError)):
        connect(Target("lpar", str(path)), 1)


def test_a_configuration_that_is_no_text(tmp_path):
    (tmp_path / "config").write_bytes(b"Host lpar\n\xff\xfe\n")
    with pytest.raises(UsageError, match="makes no sense"):
        connect(Target("lpar", str(tmp_path / "config")), 1)


def test_a_way_that_leads_nowhere_is_ended(tmp_path):
    """A program that answers with what is no SSH, and would go on."""
    path, started = tmp_path / "config", tmp_path / "pid"
    path.write_text(f"Host lpar\nProxyCommand sh -c 'echo $$ >{started}; echo nonsense; sleep 60'\n")
    with pytest.raises(InfrastructureError, match="SSH to lpar failed"):
        connect(Target("lpar", str(path)), 0.3)
    assert not living.alive(int(started.read_text()))
