# SPDX-License-Identifier: GPL-2.0-only
"""Building a kernel: what is built once, what is refused, and what a broken build leaves behind."""

import multiprocessing
import os
import signal
import time

import pytest

from conftest import diff, git
from harness.model.errors import BuildError, InfrastructureError, UsageError
from harness.parts.cache import Cache
from harness.parts.kernelbuild import BuildChoices, build_kernel
from harness.parts.kernelmake import require_path
from harness.parts.kernelspec import parse_spec


@pytest.fixture
def build(tree, cache, compiler):
    def act(more="", said=None):
        say = said.append if said is not None else lambda _text: None
        return build_kernel(
            parse_spec(f"{tree}{more}"), BuildChoices(), cache, locked_only=False, progress=say
        )

    return act


def compiles(tree, script, message="build"):
    (tree / "kernel/build").write_text(script + "\n")
    git(tree, "commit", "-qam", message)


def test_the_same_source_is_built_once(build, tree):
    said = []
    first = build(said=said)
    assert any(line.startswith("building") for line in said)
    said.clear()
    assert build(said=said) == first
    assert said == []
    assert (first.directory / "vmlinux").read_text() == (tree / "kernel/one.c").read_text()


def test_uncommitted_changes_are_built_as_they_are_and_said(build, tree):
    clean = build()
    (tree / "kernel/one.c").write_text("changed\n")
    (tree / "kernel/new.c").write_text("new\n")
    (tree / "kernel/ignored.o").write_text("junk\n")
    before = git(tree, "status", "--porcelain", "--ignored")
    dirty = build()
    assert git(tree, "status", "--porcelain", "--ignored") == before
    assert (dirty.directory / "vmlinux").read_text() == "changed\n"
    assert dirty.identity != clean.identity
    assert "dirty, diff " in dirty.origin and "dirty" not in clean.origin
    assert build("@v1").identity == clean.identity


def test_an_unpacked_source_is_a_source(build, tree):
    with_git = build()
    (tree / ".git").rename(tree.parent / "gone")
    assert build().identity == with_git.identity


def test_an_unpacked_source_is_taken_whatever_its_gitignore_says(build, tree):
    (tree / ".git").rename(tree.parent / "gone")
    (tree / ".gitignore").write_text("/*\n")  # as in Debian's source packages
    assert build().directory.is_dir()


def test_an_unpacked_source_that_was_built_in_place_is_refused(build, tree):
    (tree / ".git").rename(tree.parent / "gone")
    (tree / ".config").write_text("CONFIG_PPC=y\n")
    with pytest.raises(UsageError, match=r"was built in place: it has \.config; type make mrproper"):
        build()


def test_a_git_tree_that_was_built_in_place_is_a_source(build, tree):
    (tree / ".gitignore").write_text("*.o\n.config\n")
    git(tree, "commit", "-qam", "ignore")
    clean = build()
    (tree / ".config").write_text("CONFIG_PPC=y\n")
    assert build() == clean


def test_a_series_is_built_on_the_kept_tree(build, tree, tmp_path, cache):
    patch = tmp_path / "fix.patch"
    patch.write_text(diff(tree, lambda text: text.replace("line 5\n", "fixed\n")))
    built = build(f"+{patch}")
    assert "fixed" in (built.directory / "vmlinux").read_text()
    assert built.origin.endswith(f"+ {patch}")
    assert build(f"+{patch}@0").identity == build().identity
    assert len(list((cache.root / "areas/build").glob("*/"))) == 1


def test_a_compiler_error_is_a_file_a_line_and_the_log(build, tree, cache):
    error = "kernel/one.c:7:3: error: unknown type name 'u46'"
    compiles(tree, f'echo "{error}" >&2; echo "kernel/one.c:9:1: error: more" >&2; exit 1')
    with pytest.raises(
        BuildError, match=r"kernel/one.c:7:3: unknown type name 'u46' \(and 1 more\)"
    ) as raised:
        build()
    assert raised.value.log.read_text().count("error:") == 2
    assert not list((cache.root / "trees").glob("kernel/*"))
    compiles(tree, "true")
    assert build().directory.is_dir()


def test_a_full_disk_is_no_fault_of_the_kernel(build, tree, cache):
    compiles(tree, 'echo "cc1: fatal error: error writing to x.s: No space left on device" >&2; exit 1')
    with pytest.raises(InfrastructureError, match="disk is full"):
        build()
    assert not list((cache.root / "trees").glob("kernel/*"))


def test_a_dropped_symbol_is_named(build, tree):
    makefile = tree / "Makefile"
    makefile.write_text(makefile.read_text().replace("cp $(KCONFIG_ALLCONFIG) $(O)/.config",
        "grep -v KVM_XICS $(KCONFIG_ALLCONFIG) >$(O)/.config"))  # fmt: skip
    with pytest.raises(UsageError, match=r"Linux 7.2 drops KVM_XICS=y .* checked with 6.12"):
        build()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("@nothing", "has no revision nothing"),
        ("/arch", "is no kernel source"),
    ],
)
def test_what_is_no_source_is_told(build, spec, words):
    with pytest.raises(UsageError, match=words):
        build(spec)


def test_a_shallow_clone_says_what_to_do(build, tree, tmp_path):
    git(tree, "commit", "-q", "--allow-empty", "-m", "second")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{tree}", str(shallow))
    tree.rename(tmp_path / "away")
    shallow.rename(tree)
    assert build().directory.is_dir()
    with pytest.raises(UsageError, match="git fetch --unshallow"):
        build("@HEAD~1")


def test_a_tree_without_powerpc_is_refused(build, tree):
    git(tree, "rm", "-rq", "arch/powerpc")
    git(tree, "commit", "-qm", "gone")
    with pytest.raises(UsageError, match="no Linux source with arch/powerpc/kvm"):
        build()


def test_a_config_for_another_machine_is_refused(tree, cache, compiler, tmp_path):
    config = tmp_path / "config"
    config.write_text("# Linux/x86 7.2.0 Kernel Configuration\nCONFIG_X86_64=y\n")
    with pytest.raises(UsageError, match="is for x86, not for powerpc"):
        build_kernel(
            parse_spec(str(tree)), BuildChoices(config=str(config)), cache, locked_only=False, progress=print
        )


@pytest.mark.parametrize(
    ("prefix", "words"), [("mips-", "no compiler mips-gcc"), ("", "no compiler for ppc64le")]
)
def test_a_missing_compiler_is_told(tree, cache, compiler, prefix, words):
    (compiler / "powerpc64le-linux-gnu-gcc").unlink()
    choices = BuildChoices(cross_compile=prefix)
    os.environ["PATH"] = str(compiler)
    for name in ("make", "gcc", "git"):
        (compiler / name).symlink_to(f"/usr/bin/{name}")
    with pytest.raises((UsageError, InfrastructureError), match=words):
        build_kernel(parse_spec(str(tree)), choices, cache, locked_only=False, progress=print)


def _build_in_process(tree, cache):
    os.setsid()
    build_kernel(parse_spec(str(tree)), BuildChoices(), cache, locked_only=False, progress=lambda _text: None)


def _waiting(tree, tmp_path):
    """A kernel whose build says that it began, and waits until it may end."""
    compiles(tree, f"echo x >>{tmp_path}/begun; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done")


def _start(tree, cache):
    # A daemon: one that a failed test leaves behind must not keep pytest from ending.
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_build_in_process, args=(tree, cache), daemon=True)
    process.start()
    return process


def _until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_two_builds_of_one_kernel_are_one(tree, cache, compiler, tmp_path):
    _waiting(tree, tmp_path)
    processes = [_start(tree, cache) for _ in range(2)]
    _until((tmp_path / "begun").exists)
    (tmp_path / "go").touch()
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    assert (tmp_path / "begun").read_text() == "x\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_build_that_was_cut_off_is_never_used(tree, cache, compiler, tmp_path, number):
    _waiting(tree, tmp_path)
    process = _start(tree, cache)
    _until((tmp_path / "begun").exists)
    if number is signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.kill()
    process.join(20)
    assert process.exitcode
    assert not list((cache.root / "trees").glob("kernel/*"))
    leftover = next((cache.root / "areas/build").glob("*/")) / "obj/half.o"
    leftover.write_text("half\n")
    (tmp_path / "go").touch()
    said = []
    build_kernel(parse_spec(str(tree)), BuildChoices(), cache, locked_only=False, progress=said.append)
    assert not leftover.exists()
    assert any("starting again" in line for line in said)


@pytest.mark.parametrize(("gone", "dropped"), [("CONFIG_PROC_SYSCTL", False), ("SYSCTL", True)])
def test_a_symbol_that_got_another_name_is_no_dropped_one(build, tree, gone, dropped):
    """Linux 7.3 has SYSCTL for what was PROC_SYSCTL; the build of 7.3 stopped on that."""
    makefile = tree / "Makefile"
    makefile.write_text(makefile.read_text().replace("cp $(KCONFIG_ALLCONFIG) $(O)/.config",
        f"grep -v {gone}= $(KCONFIG_ALLCONFIG) >$(O)/.config"))  # fmt: skip
    if not dropped:
        build()
        return
    with pytest.raises(UsageError, match="drops PROC_SYSCTL=y"):
        build()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("kill -KILL $PPID", "make was killed by signal 9"),
        ("echo 'gcc: fatal error: Killed signal terminated program cc1'; exit 1", "Killed signal terminated"),
        ("echo 'cc1: virtual memory exhausted: Cannot allocate memory'; exit 1", "virtual memory exhausted"),
        ("kill -KILL $$", "Killed"),
        ("kill -TERM $$", "Terminated"),
    ],
)
def test_a_build_that_somebody_ended_is_no_answer_of_the_kernel(build, tree, script, words):
    compiles(tree, script)
    with pytest.raises(InfrastructureError, match=words):
        build()


def test_a_strip_that_fails_is_no_answer_either(build, compiler, tmp_path, monkeypatch):
    strip = tmp_path / "bin/powerpc64le-linux-gnu-strip"
    strip.unlink(missing_ok=True)
    strip.write_text("#!/bin/sh\necho 'file format not recognized'; exit 1\n")
    strip.chmod(0o755)
    with pytest.raises(InfrastructureError, match=r"strip failed on kernel .*: file format not recognized"):
        build()


@pytest.mark.parametrize("name", ["a b", "a:b", "a,b", "a'b", "a#b", "a$b", "a%b", "a(b", "a\tb"])
def test_make_takes_no_such_path(tree, compiler, tmp_path, name):
    with pytest.raises(InfrastructureError, match=r"make takes no path with .* in it; set KVMPPC_CACHE"):
        build_kernel(
            parse_spec(str(tree)), BuildChoices(), Cache(tmp_path / name), locked_only=False, progress=print
        )
    require_path(tmp_path / "größer@7.2+x~1.0")
