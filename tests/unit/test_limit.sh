#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The program through which `make check` runs each test ends one that hangs, and its children.
set -u
launcher=$(printf 'include Makefile\nlauncher:\n\t@echo '\''$(LOG_COMPILER) $(AM_LOG_FLAGS)'\''\n' |
	env -u MAKEFLAGS -u MAKELEVEL make -s -f - launcher) || exit 1
begin=$(date +%s)
KEXEC_TEST_LIMIT=1 sh -c "$launcher sh -c 'sleep 30 & wait'"
got=$?
[ $got = 124 ] || {
	echo "FAILED: a test that hangs gets status $got from '$launcher'"
	exit 1
}
[ $(($(date +%s) - begin)) -lt 25 ] || {
	echo "FAILED: a test with a limit of 1 s took $(($(date +%s) - begin)) s"
	exit 1
}
echo "a test that hangs is ended"
