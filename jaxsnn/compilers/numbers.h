/* Functions of numbers with the meaning that XLA gives them. Everything is inlined, and most of it vectorised. */
#include <complex.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifndef CMPLXF
#define CMPLXF(a, b) ((float)(a) + (float)(b) * _Complex_I)
#define CMPLX(a, b) ((double)(a) + (double)(b) * _Complex_I)
#endif
#define INLINE static inline __attribute__((always_inline, unused))

/* In the widest registers: the C library's copy takes a microsecond of its own for some sizes. */
INLINE void copy(void *to, const void *from, size_t bytes) {
  char *restrict a = to;
  const char *restrict b = from;
  for (size_t i = 0; i < bytes; i++) a[i] = b[i];
}

/* NaN wins, and a tie is the second. */
#define ORDERED(T, S)                                                                            \
  INLINE T maximum_##S(T a, T b) { return a > b || a != a ? a : b; }                             \
  INLINE T minimum_##S(T a, T b) { return a < b || a != a ? a : b; }                             \
  INLINE T power_##S(T x, int n) {                                                               \
    T out = 1;                                                                                   \
    for (int left = n < 0 ? -n : n; left; left >>= 1, x *= x) if (left & 1) out *= x;            \
    return n < 0 ? (T)(1 / out) : out;                                                           \
  }
ORDERED(float, f32) ORDERED(double, f64) ORDERED(int8_t, i8) ORDERED(int16_t, i16) ORDERED(int32_t, i32)
ORDERED(int64_t, i64) ORDERED(uint8_t, u8) ORDERED(uint16_t, u16) ORDERED(uint32_t, u32) ORDERED(uint64_t, u64)

/* Whole numbers: a quotient by 0 is -1, and its remainder the dividend; a shift by all bits or more leaves none. */
#define WHOLE(T, U, V, S)                                                                          \
  INLINE T remainder_##S(T a, T b) { return b == 0 ? a : b == (T)-1 && (T)-1 < 0 ? 0 : a % b; }  \
  INLINE T quotient_##S(T a, T b) { return b == 0 ? (T)-1 : b == (T)-1 && (T)-1 < 0 ? (T)(-(U)a) : a / b; } \
  INLINE T left_##S(T a, T n) { return (U)n < 8 * sizeof(T) ? (T)((U)a << n) : 0; }              \
  INLINE T right_##S(T a, T n) { return (U)n < 8 * sizeof(T) ? (T)((U)a >> n) : 0; }             \
  INLINE T right_signed_##S(T a, T n) { return (T)((V)a >> ((U)n < 8 * sizeof(T) ? n : 8 * sizeof(T) - 1)); } \
  INLINE T sign_##S(T a) { return (a > 0) - (a < 0); }                                           \
  INLINE T ones_##S(T a) { return __builtin_popcountll((U)a); }                                  \
  INLINE T leading_zeros_##S(T a) { return a ? __builtin_clzll((U)a) - (64 - 8 * (int)sizeof(T)) : 8 * (int)sizeof(T); }
WHOLE(int8_t, uint8_t, int8_t, i8) WHOLE(int16_t, uint16_t, int16_t, i16) WHOLE(int32_t, uint32_t, int32_t, i32)
WHOLE(int64_t, uint64_t, int64_t, i64) WHOLE(uint8_t, uint8_t, int8_t, u8) WHOLE(uint16_t, uint16_t, int16_t, u16)
WHOLE(uint32_t, uint32_t, int32_t, u32) WHOLE(uint64_t, uint64_t, int64_t, u64)

/* From floats: the nearest number that there is, and 0 for NaN. `END` is one more than the largest, as a float. */
#define WHOLE_OF(T, S, F, E, LOW, HIGH, END)                                                     \
  INLINE T S##_of_##E(F x) { return x != x ? 0 : x >= (F)END ? HIGH : x <= (F)LOW ? LOW : (T)x; }
#define WHOLES_OF(F, E)                                                                          \
  WHOLE_OF(int8_t, i8, F, E, INT8_MIN, INT8_MAX, 128.0) WHOLE_OF(int16_t, i16, F, E, INT16_MIN, INT16_MAX, 32768.0) \
  WHOLE_OF(int32_t, i32, F, E, INT32_MIN, INT32_MAX, 2147483648.0)                               \
  WHOLE_OF(int64_t, i64, F, E, INT64_MIN, INT64_MAX, 9223372036854775808.0)                      \
  WHOLE_OF(uint8_t, u8, F, E, 0, UINT8_MAX, 256.0) WHOLE_OF(uint16_t, u16, F, E, 0, UINT16_MAX, 65536.0) \
  WHOLE_OF(uint32_t, u32, F, E, 0, UINT32_MAX, 4294967296.0)                                     \
  WHOLE_OF(uint64_t, u64, F, E, 0, UINT64_MAX, 18446744073709551616.0)
WHOLES_OF(float, f32) WHOLES_OF(double, f64)

#define CAST(A, S, B, R) INLINE A S##_from_##R(B x) { A out; memcpy(&out, &x, sizeof out); return out; }
CAST(float, f32, int32_t, i32) CAST(float, f32, uint32_t, u32) CAST(int32_t, i32, float, f32)
CAST(uint32_t, u32, float, f32) CAST(double, f64, int64_t, i64) CAST(double, f64, uint64_t, u64)
CAST(int64_t, i64, double, f64) CAST(uint64_t, u64, double, f64)

INLINE int32_t rank_f32(float x) { const int32_t b = i32_from_f32(x); return b ^ (b >> 31 & INT32_MAX); }
INLINE int64_t rank_f64(double x) { const int64_t b = i64_from_f64(x); return b ^ (b >> 63 & INT64_MAX); }

/* e^x = 2^k e^r, |r| <= ln(2) / 2, and e^r - 1 by its power series; within 1 unit in the last place of float32 and 2 of
   float64. Without branches, so that loops over neurons are vectorised, which calls of the C library are not. */
INLINE float two_to_f32(int32_t k) { return f32_from_i32((k + 127) << 23); }
INLINE double two_to_f64(int64_t k) { return f64_from_i64((k + 1023) << 52); }
INLINE float reduced_f32(float x, int32_t *k) {
  const float n = rintf(x * 0x1.715476p+0f);
  *k = (int32_t)n;
  return fmaf(n, -0x1.7f7d1cp-20f, fmaf(n, -0x1.62e400p-1f, x));
}
INLINE float series_f32(float r) {
  float p = 1.0f / 5040;
  p = fmaf(p, r, 1.0f / 720), p = fmaf(p, r, 1.0f / 120), p = fmaf(p, r, 1.0f / 24);
  p = fmaf(p, r, 1.0f / 6), p = fmaf(p, r, 0.5f);
  return fmaf(r * r, p, r);
}
INLINE double reduced_f64(double x, int64_t *k) {
  const double n = rint(x * 0x1.71547652b82fep+0);
  *k = (int64_t)n;
  return fma(n, -0x1.abc9e3b39803fp-56, fma(n, -0x1.62e42fefa39efp-1, x));
}
INLINE double series_f64(double r) {
  double p = 1.0 / 6227020800.0;
  p = fma(p, r, 1.0 / 479001600.0), p = fma(p, r, 1.0 / 39916800.0), p = fma(p, r, 1.0 / 3628800.0);
  p = fma(p, r, 1.0 / 362880.0), p = fma(p, r, 1.0 / 40320.0), p = fma(p, r, 1.0 / 5040.0);
  p = fma(p, r, 1.0 / 720.0), p = fma(p, r, 1.0 / 120.0), p = fma(p, r, 1.0 / 24.0);
  p = fma(p, r, 1.0 / 6.0), p = fma(p, r, 0.5);
  return fma(r * r, p, r);
}
INLINE float exponential_f32(float x) {
  const float y = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x != x ? 0.0f : x;
  int32_t k;
  const float e = series_f32(reduced_f32(y, &k)) + 1.0f;
  const int32_t half = k >> 1;  /* in two factors, since 2^k alone may be too large or too small */
  return x != x ? x : e * two_to_f32(half) * two_to_f32(k - half);
}
INLINE double exponential_f64(double x) {
  const double y = x < -746.0 ? -746.0 : x > 710.0 ? 710.0 : x != x ? 0.0 : x;
  int64_t k;
  const double e = series_f64(reduced_f64(y, &k)) + 1.0;
  const int64_t half = k >> 1;
  return x != x ? x : e * two_to_f64(half) * two_to_f64(k - half);
}
INLINE float exponential_m1_f32(float x) {
  const float y = x < -20.0f ? -20.0f : x > 88.0f ? 88.0f : x != x ? 0.0f : x;
  int32_t k;
  const float s = series_f32(reduced_f32(y, &k)), two = two_to_f32(k);
  const float near = k == 0 ? s : fmaf(two, s, two - 1.0f);
  return x > 88.0f || x != x ? exponential_f32(x) : near;
}
INLINE double exponential_m1_f64(double x) {
  const double y = x < -40.0 ? -40.0 : x > 709.0 ? 709.0 : x != x ? 0.0 : x;
  int64_t k;
  const double s = series_f64(reduced_f64(y, &k)), two = two_to_f64(k);
  const double near = k == 0 ? s : fma(two, s, two - 1.0);
  return x > 709.0 || x != x ? exponential_f64(x) : near;
}
INLINE float logistic_f32(float x) { return 1.0f / (1.0f + exponential_f32(-x)); }
INLINE double logistic_f64(double x) { return 1.0 / (1.0 + exponential_f64(-x)); }
INLINE float logarithm_f32(float x) { return logf(x); }
INLINE double logarithm_f64(double x) { return log(x); }
INLINE float rsqrt_f32(float x) { return 1.0f / sqrtf(x); }
INLINE double rsqrt_f64(double x) { return 1.0 / sqrt(x); }
INLINE float sign_f32(float x) { return x != x ? x : x > 0 ? 1.0f : x < 0 ? -1.0f : x; }
INLINE double sign_f64(double x) { return x != x ? x : x > 0 ? 1.0 : x < 0 ? -1.0 : x; }

/* Threefry-2x32 with 20 rounds, of which JAX's own keys are made. */
INLINE void threefry(const uint32_t key[2], uint32_t x, uint32_t y, uint32_t out[2]) {
  static const int turns[8] = {13, 15, 26, 6, 17, 29, 16, 24};
  const uint32_t schedule[3] = {key[0], key[1], key[0] ^ key[1] ^ 0x1BD11BDAu};
  x += schedule[0], y += schedule[1];
  for (int i = 0; i < 20; i++) {
    x += y, y = (y << turns[i % 8] | y >> (32 - turns[i % 8])) ^ x;
    if (i % 4 == 3) x += schedule[(i / 4 + 1) % 3], y += schedule[(i / 4 + 2) % 3] + i / 4 + 1;
  }
  out[0] = x, out[1] = y;
}

/* The first word that is not 0, or 0; several at a time, which are seldom anything else. */
INLINE int64_t first_word(const uint32_t *words, int64_t n) {
  int64_t i = 0;
  for (uint32_t some = 0; i + 16 <= n; i += 16) {
    for (int j = 0; j < 16; j++) some |= words[i + j];
    if (some) break;
  }
  for (; i < n; i++) if (words[i]) return i;
  return 0;
}

/* Bits of 32 elements that are not 0. */
#ifdef __AVX__
#include <immintrin.h>
INLINE uint32_t bits_f32(const float *x) {
  uint32_t out = 0;
  for (int j = 0; j < 32; j += 8) {
    const __m256 some = _mm256_cmp_ps(_mm256_loadu_ps(x + j), _mm256_setzero_ps(), _CMP_NEQ_UQ);
    out |= (uint32_t)_mm256_movemask_ps(some) << j;
  }
  return out;
}
INLINE uint32_t bits_f64(const double *x) {
  uint32_t out = 0;
  for (int j = 0; j < 32; j += 4) {
    const __m256d some = _mm256_cmp_pd(_mm256_loadu_pd(x + j), _mm256_setzero_pd(), _CMP_NEQ_UQ);
    out |= (uint32_t)_mm256_movemask_pd(some) << j;
  }
  return out;
}
#else
#define BITS(T, S)                                                                               \
  INLINE uint32_t bits_##S(const T *x) {                                                         \
    uint32_t out = 0;                                                                            \
    for (int j = 0; j < 32; j++) out |= (uint32_t)(x[j] != 0) << j;                              \
    return out;                                                                                  \
  }
BITS(float, f32) BITS(double, f64)
#endif
