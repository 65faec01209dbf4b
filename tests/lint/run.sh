#!/bin/sh
# run.sh PYTHON LINT.py -- one lint as a test of `make check`. Without Python it is skipped.
python=$1
shift
[ "$python" != no ] || { echo "no python3"; exit 77; }
exec "$python" -B "$@"
