dnl weir.m4 -- checks of Weir's configure: libraries (all missing ones are told together), compiler flags, summary.

AC_DEFUN([WEIR_MISSING_INIT], [
weir_missing= weir_wanted= weir_packages=
])

dnl WEIR_MISSING(VARIABLE, WHAT, DEBIAN-PACKAGE)
m4_define([WEIR_MISSING], [
$1="$$1
	$2 (Debian: $3)"
])

dnl WEIR_NEED_PKG(NAME, PKG-CONFIG-MODULE, WHAT, DEBIAN-PACKAGE): cannot be built without.
AC_DEFUN([WEIR_NEED_PKG], [
PKG_CHECK_MODULES([$1], [$2], [have_$1=yes], [have_$1=no; WEIR_MISSING([weir_missing], [$3], [$4])])
])

AC_DEFUN([WEIR_NEED_HEADER], [
AC_CHECK_HEADER([$1], [], [WEIR_MISSING([weir_missing], [$2: $1], [$3])])
])

dnl WEIR_WANT_PKG(NAME, PKG-CONFIG-MODULE, DEBIAN-PACKAGE): the tests use it.
AC_DEFUN([WEIR_WANT_PKG], [
PKG_CHECK_MODULES([$1], [$2], [have_$1=yes], [have_$1=no; WEIR_MISSING([weir_wanted], [$2], [$3])])
])

dnl WEIR_WANT_LIB(NAME, LIBRARY, FUNCTION, DEBIAN-PACKAGE)
AC_DEFUN([WEIR_WANT_LIB], [
AC_CHECK_LIB([$2], [$3], [have_$1=yes $1_LIBS=-l$2],
	[have_$1=no; WEIR_MISSING([weir_wanted], [lib$2], [$4])])
AC_SUBST([$1_LIBS])
])

AC_DEFUN([WEIR_MISSING_END], [
AS_IF([test -n "$weir_missing"], [
	AC_MSG_ERROR([Weir cannot be built without:$weir_missing])
])
])

dnl WEIR_ADD_FLAG(VARIABLE, FLAG, LINK-TOO): add the flag to the variable if the compiler takes it.
AC_DEFUN([WEIR_ADD_FLAG], [
AC_MSG_CHECKING([whether $CC takes $2])
weir_saved_cflags=$CFLAGS
CFLAGS="$CFLAGS $$1 $2 -Werror"
m4_if([$3], [link],
	[AC_LINK_IFELSE([AC_LANG_PROGRAM()], [weir_takes=yes], [weir_takes=no])],
	[AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [weir_takes=yes], [weir_takes=no])])
CFLAGS=$weir_saved_cflags
AC_MSG_RESULT([$weir_takes])
AS_IF([test $weir_takes = yes], [$1="$$1 $2"])
])

AC_DEFUN([WEIR_ADD_CFLAGS], [
m4_foreach_w([weir_flag], [$1], [WEIR_ADD_FLAG([WEIR_CFLAGS], m4_defn([weir_flag]))])
])

dnl FORTIFY_SOURCE needs optimising, and a distribution's compiler may bring it already.
AC_DEFUN([WEIR_HARDENING], [
WEIR_ADD_CFLAGS([-fstack-protector-strong])
AC_MSG_CHECKING([whether to add -D_FORTIFY_SOURCE=2])
weir_fortify=no
AS_CASE([" $CPPFLAGS $CFLAGS "],
	[*_FORTIFY_SOURCE*], [],
	[*\ -O0\ *], [],
	[*\ -O*], [weir_fortify=yes; WEIR_CFLAGS="$WEIR_CFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"])
AC_MSG_RESULT([$weir_fortify])
WEIR_ADD_FLAG([WEIR_LDFLAGS], [-Wl,-z,relro,-z,now], [link])
WEIR_ADD_FLAG([WEIR_PROG_CFLAGS], [-fPIE])
WEIR_ADD_FLAG([WEIR_PROG_LDFLAGS], [-fPIE -pie], [link])
])

dnl The folder of units: asked of systemd where none is named, so that a distribution may have its own.
AC_DEFUN([WEIR_SYSTEMD], [
AS_CASE([$with_systemdsystemunitdir],
	[no], [WEIR_SYSTEMDUNITDIR='$(pkgdatadir)/systemd'],
	[yes], [PKG_CHECK_VAR([WEIR_SYSTEMDUNITDIR], [systemd], [systemdsystemunitdir], [],
		[AC_MSG_ERROR([--with-systemdsystemunitdir: systemd.pc does not tell the folder: name it (Debian: systemd)])])],
	[WEIR_SYSTEMDUNITDIR=$with_systemdsystemunitdir])
AC_SUBST([WEIR_SYSTEMDUNITDIR])
])

dnl Programs export their symbols, so that the dlopen() of tests/asan_dlopen.c is the one that libraries find.
dnl Under ThreadSanitizer gcc warns of each fence, which it does not follow: the scoreboard's words, between which the
dnl fences stand, are atomic, so none of its reports can be wrong for that.
AC_DEFUN([WEIR_SANITIZERS], [
AS_CASE([$enable_sanitizers],
	[yes], [weir_sanitize="-fsanitize=address,undefined -fno-sanitize-recover=undefined"],
	[thread], [weir_sanitize="-fsanitize=thread"; WEIR_ADD_CFLAGS([-Wno-tsan])],
	[AC_MSG_ERROR([--enable-sanitizers=$enable_sanitizers: give nothing, or thread])])
weir_sanitize="$weir_sanitize -fno-omit-frame-pointer"
WEIR_ADD_FLAG([WEIR_CFLAGS], [$weir_sanitize], [link])
AS_CASE([$WEIR_CFLAGS], [*fsanitize=*], [],
	[AC_MSG_ERROR([$CC cannot link with $weir_sanitize (Debian: libc6-dev gcc, or libclang-rt-14-dev for clang)])])
WEIR_LDFLAGS="$WEIR_LDFLAGS $weir_sanitize"
WEIR_PROG_LDFLAGS="$WEIR_PROG_LDFLAGS -rdynamic"
])

AC_DEFUN([WEIR_SUMMARY], [
AS_ECHO(["
Weir $PACKAGE_VERSION will be built with $CC$WEIR_CFLAGS
	weir, weirbench    in $prefix (sbin, bin)
	SAPI php           ${weir_php_summary:-no: no PHP found}
	SAPI native        $have_FCGI
	SAPI wsgi          $weir_wsgi_summary
	unit tests         $have_CMOCKA
	apparmor_hat       $have_APPARMOR
	libfcgi's echo     $have_FCGI
	sanitizers         $enable_sanitizers
	fuzz targets       $enable_fuzzing"])
AS_IF([test -n "$weir_wanted"], [AS_ECHO(["
Missing, and left out:$weir_wanted"])])
AS_IF([test "$PYTHON" = no], [AS_ECHO(["
Missing: python3 (Debian: python3), for the lints and scenario tests"])])
AS_ECHO([""])
])
