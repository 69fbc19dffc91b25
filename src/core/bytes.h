/*
 * bytes: little-endian integers and doubles, at any alignment, on any processor.
 */
#ifndef WS_BYTES_H
#define WS_BYTES_H

#include <stdint.h>
#include <string.h>

static inline void ws_put_u64(uint8_t *at, uint64_t value) {
    for (int i = 0; i < 8; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static inline void ws_put_u32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static inline void ws_put_u16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static inline void ws_put_double(uint8_t *at, double value) {
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    ws_put_u64(at, bits);
}

static inline uint64_t ws_get_u64(const uint8_t *at) {
    uint64_t value = 0;

    for (int i = 7; i >= 0; i--) {
        value = value << 8 | at[i];
    }
    return value;
}

static inline uint16_t ws_get_u16(const uint8_t *at) { return (uint16_t)(at[0] | at[1] << 8); }

static inline double ws_get_double(const uint8_t *at) {
    uint64_t bits = ws_get_u64(at);
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
