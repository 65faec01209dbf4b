#!/bin/sh
# Make ./configure and the Makefile.in from configure.ac and Makefile.am. Needs autoconf, automake and libtool.
set -eu
cd "$(dirname "$0")"
mkdir -p m4
exec autoreconf --install --force "$@"
