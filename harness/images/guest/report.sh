# SPDX-License-Identifier: GPL-2.0-only
# How a guest tells the harness something. Sourced; needs $bb, /proc, /sys and /dev.
#
# A line goes through /dev/kmsg, because the kernel prints it in one piece: what is
# written to the console directly can be split by a kernel message. The nonce comes in
# two halves on the command line and is joined here, so that neither the kernel's echo
# of its command line nor any other message can look like a report.
#
# Functions leave their answer in a variable of their own name, and use the shell alone
# where they can: starting a program costs 20 ms in an L2, and two of them are half a boot.

# word NAME: value of NAME=value on the kernel's command line
word() {
	word=
	read -r line </proc/cmdline
	for item in $line; do
		case $item in "$1"=*) word=${item#*=} ;; esac
	done
}

word kvmppc.nonce
nonce=${word%%-*}${word#*-}

# say STAGE JSON
say() {
	echo "<1>kvmppc:$nonce:$1:$2" >/dev/kmsg
}

# facts: what this Linux is, as members of a JSON object
facts() {
	cpu=
	while [ -z "$cpu" ] && IFS= read -r line; do
		case $line in cpu*": "*) cpu=${line#*: } ;; esac
	done </proc/cpuinfo
	version=
	set -- /proc/device-tree/cpus/*/cpu-version
	if [ -e "$1" ]; then
		for byte in $($bb od -An -tx1 -N4 "$1"); do version=$version$byte; done
	fi
	read -r release </proc/sys/kernel/osrelease || release=$($bb uname -r)
	health
	facts="\"release\":\"$release\",\"cpu\":\"$cpu\",\"cpu_version\":\"$version\",$health"
}

# health: what this kernel says of itself: its taint flags, and how long it is up by its own clock
health() {
	# In one piece: a sysctl that is read byte by byte, as "read" does, gives its first digit only.
	taint=$($bb cat /proc/sys/kernel/tainted)
	read -r up idle </proc/uptime
	health="\"taint\":${taint:-null},\"uptime\":$up"
}

# build_id: of the running kernel: 40 digits, '' if its linker left none. The note is: name of 4 bytes,
# content of 20, type 3, "GNU".
build_id() {
	set -- $($bb od -An -v -tx1 /sys/kernel/notes)
	notes=
	for byte in "$@"; do notes=$notes$byte; done
	build_id=
	case $notes in
	*040000001400000003000000474e5500*)
		rest=${notes#*040000001400000003000000474e5500}
		while [ ${#build_id} -lt 40 ] && [ -n "$rest" ]; do
			digits=${rest#??}
			build_id=$build_id${rest%"$digits"}
			rest=$digits
		done
		;;
	esac
}

# identity: which build of the kernel this is, and its page size, as further members
identity() {
	page=0
	# AT_PAGESZ; smaps has it too, but not in every kernel.
	set -- $($bb od -An -v -tx8 /proc/self/auxv)
	while [ $# -gt 1 ]; do
		[ "$1" = 0000000000000006 ] && page=$((0x$2 / 1024))
		shift 2
	done
	build_id
	identity="\"page_kb\":$page,\"build_id\":\"$build_id\""
}
