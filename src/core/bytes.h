/*
 * bytes: little-endian integers and doubles, at any alignment, on any processor. Written out byte
 * by byte: compilers make one move of each, which they do not of a loop (gcc 12 at -O2).
 */
#ifndef WS_BYTES_H
#define WS_BYTES_H

#include <stdint.h>
#include <string.h>

static inline void ws_put_u16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static inline void ws_put_u32(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    at[2] = (uint8_t)(value >> 16);
    at[3] = (uint8_t)(value >> 24);
}

static inline void ws_put_u64(uint8_t *at, uint64_t value) {
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    at[2] = (uint8_t)(value >> 16);
    at[3] = (uint8_t)(value >> 24);
    at[4] = (uint8_t)(value >> 32);
    at[5] = (uint8_t)(value >> 40);
    at[6] = (uint8_t)(value >> 48);
    at[7] = (uint8_t)(value >> 56);
}

static inline void ws_put_double(uint8_t *at, double value) {
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    ws_put_u64(at, bits);
}

static inline uint32_t ws_get_u32(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint16_t ws_get_u16(const uint8_t *at) { return (uint16_t)(at[0] | at[1] << 8); }

static inline uint64_t ws_get_u64(const uint8_t *at) {
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
           (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 |
           (uint64_t)at[7] << 56;
}

static inline double ws_get_double(const uint8_t *at) {
    uint64_t bits = ws_get_u64(at);
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
