dnl php.m4 -- finds the PHP versions to build a module for. --with-php=PATH may be given more than once; PATH is a
dnl php-config program or the prefix of a PHP. Each version gets weir_phpVERSION.so, from the same sources, by the
dnl rules that sapi/php/module.mk.in holds; a thread-safe one (ZTS) is named VERSION-zts, and may stand beside the other.

AC_DEFUN([WEIR_PHP], [
AC_ARG_WITH([php],
	[AS_HELP_STRING([--with-php=PATH], [php-config program or prefix of a PHP with libphp (embed); may be given
		more than once; default: every php-config in PATH])],
	[], [with_php=])

dnl autoconf keeps the last --with-php only: take all of them from the command line.
weir_php_asked=
eval "set x $ac_configure_args"; shift
for weir_arg; do
	AS_CASE([$weir_arg], [--with-php=*|-with-php=*], [weir_php_asked="$weir_php_asked ${weir_arg@%:@*=}"])
done

weir_php_configs=
AS_IF([test "x$with_php" = xno], [weir_php_summary="no: --without-php"],
	[test -n "$weir_php_asked" && test "x$with_php" != xyes], [
	for weir_path in $weir_php_asked; do
		AS_IF([test -d "$weir_path"], [weir_path=$weir_path/bin/php-config])
		AS_IF([test -x "$weir_path"], [], [AC_MSG_ERROR([--with-php: there is no program $weir_path])])
		weir_php_configs="$weir_php_configs $weir_path"
	done
], [
	weir_saved_ifs=$IFS; IFS=:
	for weir_dir in $PATH; do
		IFS=$weir_saved_ifs
		for weir_path in "$weir_dir"/php-config "$weir_dir"/php-config[[0-9]]*; do
			AS_IF([test -x "$weir_path"], [weir_php_configs="$weir_php_configs $weir_path"])
		done
	done
	IFS=$weir_saved_ifs
])

WEIR_PHP_MODULES= WEIR_PHP_VERSIONS=
PHP_RULES=php-modules.mk
: >"$PHP_RULES"
for weir_config in $weir_php_configs; do
	WEIR_PHP_ONE
done
AS_IF([test -z "$weir_php_summary"], [
	WEIR_MISSING([weir_wanted], [PHP with its development files and libphp: the SAPI php is not built],
		[php8.2-dev libphp8.2-embed])
])
AC_SUBST([WEIR_PHP_MODULES])
AC_SUBST([WEIR_PHP_VERSIONS])
AC_SUBST_FILE([PHP_RULES])
])

dnl One php-config: its version, headers and library. A version seen before is skipped.
AC_DEFUN([WEIR_PHP_ONE], [
AC_MSG_CHECKING([PHP of $weir_config])
weir_version=`"$weir_config" --version 2>/dev/null | $SED 's/^\(@<:@0-9@:>@*\.@<:@0-9@:>@*\).*/\1/'`
weir_major=`AS_ECHO(["$weir_version"]) | $SED 's/\..*//'`
weir_prefix=`"$weir_config" --prefix 2>/dev/null`
weir_include=`"$weir_config" --include-dir 2>/dev/null`
weir_libdirs=`"$weir_config" --configure-options 2>/dev/null | tr ' ' '\n' | $SED -n "s/^'*--libdir=\(@<:@^'@:>@*\).*/\1/p"`
dnl A PHP built from Debian's source package by hand names a folder below the real one, unexpanded.
AS_IF([test ! -e "$weir_include/main/php.h"], [weir_include=`AS_DIRNAME(["$weir_include"])`])
weir_name=$weir_version
AS_IF([grep '^@%:@define ZTS 1' "$weir_include/main/php_config.h" >/dev/null 2>&1], [weir_name=$weir_version-zts])
weir_lib=
for weir_dir in "$weir_prefix/lib" "$weir_prefix/lib64" $weir_libdirs; do
	for weir_libname in "php$weir_version" php "php$weir_major"; do
		AS_IF([test -z "$weir_lib" && test -e "$weir_dir/lib$weir_libname.so"],
			[weir_lib=$weir_dir/lib$weir_libname.so])
	done
done
AS_CASE([" $WEIR_PHP_VERSIONS "],
	[*" $weir_name "*], [AC_MSG_RESULT([$weir_name, found before])],
	[AS_IF([test -z "$weir_version"], [AC_MSG_RESULT([none])],
		[test ! -e "$weir_include/main/php.h"], [
			AC_MSG_RESULT([$weir_version, no headers])
			WEIR_MISSING([weir_wanted], [headers of PHP $weir_version], [php$weir_version-dev])
		], [test -z "$weir_lib"], [
			AC_MSG_RESULT([$weir_version, no libphp])
			WEIR_MISSING([weir_wanted], [libphp of PHP $weir_version], [libphp$weir_version-embed])
		], [
			AC_MSG_RESULT([$weir_name, $weir_lib])
			WEIR_PHP_RULES
		])])
])

AC_DEFUN([WEIR_PHP_RULES], [
weir_php_cppflags=
for weir_dir in '' /main /TSRM /Zend /ext /ext/date/lib; do
	weir_php_cppflags="$weir_php_cppflags -isystem $weir_include$weir_dir"
done
dnl With threads, what is not PHP's own finds a thread's globals through a pointer of its own; and structs of PHP's have
dnl members that depend on -pthread.
AS_CASE([$weir_name], [*-zts],
	[weir_php_cppflags="$weir_php_cppflags -pthread -DZEND_COMPILE_DL_EXT=1 -DZEND_ENABLE_STATIC_TSRMLS_CACHE=1"])
$SED -e "s|@V@|$weir_name|g" -e "s|@VERSION@|$weir_version|g" -e "s|@CPPFLAGS@|$weir_php_cppflags|g" \
	-e "s|@LIBPHP@|$weir_lib|g" "$srcdir/sapi/php/module.mk.in" >>"$PHP_RULES"
WEIR_PHP_MODULES="$WEIR_PHP_MODULES weir_php$weir_name.la"
WEIR_PHP_VERSIONS="$WEIR_PHP_VERSIONS $weir_name"
weir_php_summary="${weir_php_summary:+$weir_php_summary, }PHP $weir_name ($weir_lib)"
])
