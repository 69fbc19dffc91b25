/*
 * plain: is this a serialized R object that is nothing but data?
 *
 * R's unserialize() trusts what it reads: promises and active bindings run when they are touched,
 * finalizers when they are collected, and lengths and attributes that lie make R's own C code
 * read where it must not. So bytes that someone else may have written are walked here first:
 *
 *     if (ws_plain_check(bytes, size) == WS_OK) ... unserialize may see them
 *
 * Accepted is exactly this, in R's serialization format, version 2, XDR ("X\n"):
 *
 *     NULL, and logical, integer, double, complex, character and raw vectors and lists of these,
 *     with the attributes names, dim, dimnames, levels, tsp, class and row.names, each at most
 *     once, and each plain itself.
 *
 * - Every type code, flag bit, length and count is checked against the bytes that are left, and
 *   nothing may follow the object. Compact (ALTREP) forms do not exist in version 2 and are
 *   refused, as are environments, functions, code, symbols, pairlists, S4 objects, pointers and
 *   persistent names. Vectors of 2^31 elements and more are not plain.
 * - R writes the name of an attribute in full once, and then as a reference to it. References are
 *   accepted there and nowhere else: to a name, by its number, after it was seen.
 * - What R's C code relies on must hold: names as many as elements; a dim of whole numbers whose
 *   product is the length; dimnames that fit the dim; a tsp of three doubles; a class of text, and
 *   the object bit exactly where there is one; the factor class on integers with levels of text,
 *   the data.frame class on a list. Logicals are TRUE, FALSE or NA.
 * - Text says how it is encoded: what is marked as ASCII or UTF-8 must be. No text holds a NUL.
 * - Values nest at most WS_PLAIN_DEPTH deep.
 *
 * It reads only `size` bytes, allocates nothing, and passes over them once, and over dimnames once
 * more for each level at which they lie in others. What R then allocates is less than 16 times
 * `size`: the smallest vector takes 8 bytes here, and there 48 and a pointer in its list.
 */
#ifndef WS_PLAIN_H
#define WS_PLAIN_H

#include <stddef.h>

#include "status.h"

/* States of fits nest three or four levels. The walker and R's reader recurse, at less than 1 KB
 * a level: this takes a tenth of the smallest stack, the 1 MB of a thread on Windows. */
#define WS_PLAIN_DEPTH 100

/* WS_OK or WS_DAMAGED. */
enum ws_status ws_plain_check(const void *bytes, size_t size);

#endif
