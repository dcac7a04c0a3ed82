# SPDX-License-Identifier: GPL-2.0-only
# How a guest tells the harness something. Sourced; needs $bb, /proc and /dev.
#
# A line goes through /dev/kmsg, because the kernel prints it in one piece: what is
# written to the console directly can be split by a kernel message. The nonce comes in
# two halves on the command line and is joined here, so that neither the kernel's echo
# of its command line nor any other message can look like a report.

# word NAME: value of NAME=value on the kernel's command line
word() {
	for item in $($bb cat /proc/cmdline); do
		case $item in "$1"=*) echo "${item#*=}" ;; esac
	done
}

nonce=$(word kvmppc.nonce | $bb tr -d -)

# say STAGE JSON
say() {
	echo "<1>kvmppc:$nonce:$1:$2" >/dev/kmsg
}

# facts: what this Linux is, as members of a JSON object
facts() {
	cpu=$($bb sed -n 's/^cpu[[:space:]]*: //p' /proc/cpuinfo | $bb head -n 1)
	version=$($bb cat /proc/device-tree/cpus/*/cpu-version 2>/dev/null | $bb head -c 4 | $bb od -An -tx1 | $bb tr -d ' \n')
	# AT_PAGESZ; smaps has it too, but not in every kernel.
	page=$($bb od -An -v -tx8 /proc/self/auxv | $bb sed -n 's/^ *0*6 0*\([0-9a-f]*\)$/\1/p')
	build=$($bb od -An -v -tx1 /sys/kernel/notes | $bb tr -d ' \n' |
		$bb sed -n 's/.*040000001400000003000000474e5500\([0-9a-f]\{40\}\).*/\1/p')
	up=$($bb cut -d' ' -f1 /proc/uptime)
	echo "\"release\":\"$($bb uname -r)\",\"cpu\":\"$cpu\",\"cpu_version\":\"$version\",\"page_kb\":$((0x${page:-0} / 1024)),\"build_id\":\"$build\",\"uptime\":$up"
}
