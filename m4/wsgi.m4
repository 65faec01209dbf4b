dnl wsgi.m4 -- finds the Python to build weir_wsgi.so for: the one that pkg-config knows as python3-embed.

AC_DEFUN([WEIR_WSGI], [
AC_ARG_WITH([wsgi],
	[AS_HELP_STRING([--without-wsgi], [leave out the SAPI wsgi, which needs libpython])],
	[], [with_wsgi=yes])
AS_IF([test "x$with_wsgi" = xno], [have_PYEMBED=no weir_wsgi_summary="no: --without-wsgi"], [
	WEIR_WANT_PKG([PYEMBED], [python3-embed >= 3.9], [python3-dev])
	weir_wsgi_summary="no: no python3-embed"
])
WEIR_PYTHON= WEIR_PYEMBED_INCLUDES=
AS_IF([test "$have_PYEMBED" = yes], [
	weir_python_version=`$PKG_CONFIG --modversion python3-embed`
	weir_python_prefix=`$PKG_CONFIG --variable=exec_prefix python3-embed`
	WEIR_PYTHON=$weir_python_prefix/bin/python$weir_python_version
	WEIR_PYEMBED_INCLUDES=`AS_ECHO(["$PYEMBED_CFLAGS"]) | $SED 's/-I/-isystem /g'`
	weir_wsgi_summary="Python $weir_python_version ($WEIR_PYTHON)"
])
AM_CONDITIONAL([HAVE_PYEMBED], [test "$have_PYEMBED" = yes])
AC_SUBST([WEIR_PYTHON])
AC_SUBST([WEIR_PYEMBED_INCLUDES])
])
