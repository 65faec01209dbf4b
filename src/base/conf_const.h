/* conf_const.h -- the constants of PHP that a configuration file may name, without a PHP to ask. */
#ifndef WEIR_CONF_CONST_H
#define WEIR_CONF_CONST_H

#include <stdbool.h>
#include <stddef.h>

/* "32767" for E_ALL; NULL when the table has no such name (case counts). */
const char *conf_const_find(const char *word, size_t len);
/* Does it look like a constant of PHP that the table lacks (E_..., PHP_..., LOG_...)? */
bool conf_const_like(const char *word, size_t len);

#endif
