/* Tree ensembles, linear models and their finish, exactly: float64, sums in the program's own order.

   Plain C11 with GNU vector types, no Python, no allocation, nothing global that is written: what a call needs beside its
   tables is the caller's `scratch`, so any number of calls may run at once. One object is compiled per vector width
   (VARIANT names it, FIRST marks the one that also carries what all share); `kernel.py` picks one by what the processor has.

   Inputs become bytes first. A column is one input with at most 254 sorted cuts: the state of a value is the place the cuts give it,
   0 for a missing one. The cuts are float32 as the inputs are, so comparing states decides as comparing the numbers would.

   One row (Lucchese et al. 2015, QuickScorer): each tree keeps a bit per leaf; a state clears those leaves that the nodes it
   fails lead to, and the leftmost bit left is the row's leaf. The nodes that a state fails are a prefix of the column's nodes sorted by
   threshold; every so many of them a checkpoint holds the prefix's bits of all trees, so that few are left to clear one by one.

   Many rows: 64 at a time, one byte per row; a node is one comparison and two ANDs over all of them, without a branch on data. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSSE3__)
#include <immintrin.h>
#endif

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(name) PASTE(seaway_##name, VARIANT)
#define EXPORT __attribute__((visibility("default")))

enum { BLOCK = 64, MAX_LEAVES = 256, LANES8 = 8 };

struct prefix {          /* what a state clears: a checkpoint (or -1), then the entries from..to */
    int32_t checkpoint, from, to;
};

struct entry {           /* leaves that survive a failed node, in one word of its tree */
    uint32_t word, mask;
};

struct node {            /* goes to slot `yes` where the byte in row `row / BLOCK` is at most `most`, else to `no` */
    int32_t row;
    uint16_t yes, no;
    int32_t most;
};

struct test {            /* a set of states of a column, a bit for each: its byte is 0 for members, 255 for others */
    int32_t column;
    uint8_t bits[32];
};

struct forest {
    int32_t targets, columns, trees, words, tests, is_narrow, is_small, deepest;
    const int32_t *feature, *levels, *cuts_at, *map_at, *prefix_at;   /* (columns,); the most levels first */
    const int32_t *reaching;                                          /* (deepest + 1,) columns of so many levels or more */
    const uint8_t *zero_is_missing;                                   /* (columns,) */
    const float *cuts;
    const uint8_t *map;
    const struct prefix *prefixes;
    const struct entry *entries;
    const uint32_t *checkpoints, *full;                               /* (checkpoints, words), (words,); words are a multiple of 64 */
    const int32_t *tree_word, *tree_leaf, *tree_node, *tree_target;   /* (trees + 1,); target -1: it is the leaf's */
    const double *leaf_value, *base;                                  /* (leaves,), (targets,) */
    const int32_t *leaf_target;
    const struct node *nodes;
    const struct test *test;
};

struct linear {          /* z = (x or fill - center) / scale; its dot product with weight (n, targets), or absent's */
    int32_t n, of_absent;
    const int32_t *feature;
    const double *fill, *center, *scale, *weight;
};

struct lookup {          /* the sum over n features of a row of `table` (rows, targets) */
    int32_t n, other;
    const int32_t *feature;
    const float *size;
    const int64_t *start;
    const double *table;
};

enum { FOREST, LINEAR, LOOKUP, ZERO, ADD, ADD_CONSTANT, TIMES_CONSTANT };

struct step {            /* one operation on a stack of margins (rows, targets) */
    int32_t kind, is_right;
    const void *what;
};

enum { MARGIN, SIGMOID, SOFTMAX, VALUE, EXP };

struct program {
    int32_t features, targets, steps, depth, finish, few;
    double threshold;
    const struct step *step;
    int64_t scratch;
};

struct call {
    const struct program *program;
    const float *x;
    int64_t rows;
    double *margin, *answer;
    int64_t *label;
    void *scratch;
};

struct paths {           /* leaves with d features above them, eight side by side: (leaves / 8, d, 8) */
    int64_t leaves;
    int32_t d, points;
    const double *zero, *value, *point, *weight;      /* value (leaves,) */
    const int32_t *cell, *node, *start;               /* start (leaves * d + 1,), in the order of zero */
    const uint8_t *is_true;
};

/* ------------------------------------------------------------------------------------------------------ vectors */

#if defined(__AVX512BW__)
enum { LANES = 64 };
typedef __m512i lanes;
typedef __mmask64 rows_mask;
#define SPLAT(byte) _mm512_set1_epi8((char)(byte))
#define AT_MOST(v, byte) _mm512_cmple_epu8_mask(v, SPLAT(byte))
#define ALL_ROWS (~(rows_mask)0)
#define NUMBERED(numbers, rows, number) _mm512_mask_mov_epi8(numbers, rows, number)
#define NEXT(number) _mm512_add_epi8(number, SPLAT(1))
#define EITHER(a, b) _mm512_or_si512(a, b)
#else
#if defined(__AVX2__)
enum { LANES = 32 };
#else
enum { LANES = 16 };
#endif
typedef uint8_t lanes __attribute__((vector_size(LANES)));
typedef lanes rows_mask;
#define SPLAT(byte) ((lanes){0} + (uint8_t)(byte))
#define AT_MOST(v, byte) ((rows_mask)((v) <= SPLAT(byte)))
#define ALL_ROWS SPLAT(255)
#define NUMBERED(numbers, rows, number) ((numbers) | ((rows) & (number)))
#define NEXT(number) ((number) + SPLAT(1))
#define EITHER(a, b) ((a) | (b))
#endif

typedef uint32_t words_vector __attribute__((vector_size(LANES), aligned(4), may_alias));

/* ------------------------------------------------------------------------------------------------------ states */

#define ZERO_IS 1e-35f

/* Write the state of each column. The columns step down side by side: one search alone would wait for each of its loads. */
static void states_of_row(const struct forest *f, const float *restrict x, uint8_t *restrict state, void *scratch) {
    int32_t columns = f->columns;
    uint32_t *restrict place = scratch;
    float *restrict value = (float *)(place + columns);
    const int32_t *restrict cuts_at = f->cuts_at, *restrict feature = f->feature;
    const float *restrict cuts = f->cuts;
    for (int32_t c = 0; c < columns; c++) {
        place[c] = (uint32_t)cuts_at[c];
        value[c] = x[feature[c]];
    }
    for (int32_t level = f->deepest; level; level--) {
        uint32_t step = 1u << (level - 1);
        int32_t reaching = f->reaching[level];
        for (int32_t c = 0; c < reaching; c++)
            place[c] += cuts[place[c] + step - 1] < value[c] ? step : 0;
    }
    for (int32_t c = 0; c < columns; c++) {
        float zero = f->zero_is_missing[c] ? ZERO_IS : -1.0f;
        int is_missing = value[c] != value[c] || fabsf(value[c]) <= zero;
        uint8_t found = f->map[f->map_at[c] + (int32_t)place[c] - cuts_at[c]];
        state[c] = is_missing ? 0 : found;
    }
}

/* -------------------------------------------------------------------------------------------------------- one row */

static inline void add_leaf(const struct forest *f, int32_t tree, int32_t leaf, double *margin) {
    int32_t target = f->tree_target[tree];
    leaf += f->tree_leaf[tree];
    margin[target < 0 ? f->leaf_target[leaf] : target] += f->leaf_value[leaf];
}

static void one_row(const struct forest *f, const float *restrict x, double *margin, void *scratch) {
    int32_t words = f->words, columns = f->columns, checkpoints = 0;
    uint32_t *restrict alive = scratch;
    struct prefix *restrict cleared = (struct prefix *)(alive + words);
    const uint32_t **restrict kept = (const uint32_t **)(cleared + columns + columns % 2);
    uint8_t *restrict state = (uint8_t *)(kept + columns);
    states_of_row(f, x, state, scratch);
    for (int32_t c = 0; c < columns; c++) {
        cleared[c] = f->prefixes[f->prefix_at[c] + state[c]];
        kept[checkpoints] = f->checkpoints + (size_t)(uint32_t)cleared[c].checkpoint * words;
        checkpoints += cleared[c].checkpoint >= 0;
    }
    for (int32_t w = 0; w < words; w += LANES) {
        const words_vector *whole = (const words_vector *)(f->full + w);
        words_vector a = whole[0], b = whole[1], c = whole[2], d = whole[3];
        for (int32_t k = 0; k < checkpoints; k++) {
            const words_vector *bits = (const words_vector *)(kept[k] + w);
            a &= bits[0], b &= bits[1], c &= bits[2], d &= bits[3];
        }
        words_vector *out = (words_vector *)(alive + w);
        out[0] = a, out[1] = b, out[2] = c, out[3] = d;
    }
    for (int32_t c = 0; c < columns; c++)
        for (const struct entry *e = f->entries + cleared[c].from, *end = f->entries + cleared[c].to; e < end; e++)
            alive[e->word] &= e->mask;
    memcpy(margin, f->base, (size_t)f->targets * sizeof *margin);
    if (f->is_narrow && f->targets == 1) {
        double sum = margin[0];
        for (int32_t t = 0; t < f->trees; t++)
            sum += f->leaf_value[f->tree_leaf[t] + __builtin_ctz(alive[t])];
        margin[0] = sum;
        return;
    }
    for (int32_t t = 0; t < f->trees; t++) {
        int32_t w = f->tree_word[t];
        while (!alive[w])
            w++;
        add_leaf(f, t, 32 * (w - f->tree_word[t]) + __builtin_ctz(alive[w]), margin);
    }
}

/* -------------------------------------------------------------------------------------------------------- 64 rows */

/* Which rows' states have their bit in `bits`: `byte` is which byte of it (two forms, one per half), `bit` which bit of that. */
struct asked {
    lanes low, high, bit;
};

static inline lanes is_other(const struct test *test, const struct asked *asked) {
#if defined(__AVX512BW__)
    __m512i low = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)test->bits));
    __m512i high = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(test->bits + 16)));
    __m512i byte = _mm512_or_si512(_mm512_shuffle_epi8(low, asked->low), _mm512_shuffle_epi8(high, asked->high));
    return _mm512_movm_epi8(_mm512_testn_epi8_mask(byte, asked->bit));
#elif defined(__AVX2__)
    __m256i low = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)test->bits));
    __m256i high = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(test->bits + 16)));
    lanes byte = (lanes)_mm256_shuffle_epi8(low, (__m256i)asked->low) | (lanes)_mm256_shuffle_epi8(high, (__m256i)asked->high);
    return (lanes)((byte & asked->bit) == 0);
#elif defined(__SSSE3__)
    __m128i low = _mm_loadu_si128((const __m128i *)test->bits), high = _mm_loadu_si128((const __m128i *)(test->bits + 16));
    lanes byte = (lanes)_mm_shuffle_epi8(low, (__m128i)asked->low) | (lanes)_mm_shuffle_epi8(high, (__m128i)asked->high);
    return (lanes)((byte & asked->bit) == 0);
#else
    lanes byte;
    for (int32_t r = 0; r < LANES; r++)
        byte[r] = test->bits[asked->low[r] & 128 ? asked->high[r] + 16 : asked->low[r]];
    return (lanes)((byte & asked->bit) == 0);
#endif
}

/* A shuffle gives 0 where the highest bit of its index is set: `low` sets it from byte 16 on, `high` before. */
static inline void ask(const uint8_t *state, struct asked *asked) {
    uint8_t low[LANES], high[LANES], bit[LANES];
    for (int32_t r = 0; r < LANES; r++) {
        uint8_t byte = state[r] >> 3;
        low[r] = byte < 16 ? byte : 128 + byte;
        high[r] = (uint8_t)(byte - 16);
        bit[r] = (uint8_t)(1u << (state[r] & 7));
    }
    memcpy(&asked->low, low, sizeof low);
    memcpy(&asked->high, high, sizeof high);
    memcpy(&asked->bit, bit, sizeof bit);
}

/* Go one step of 64 searches through the same cuts. */
static inline void step_down(const float *cuts, const float *value, int32_t *place, int32_t step) {
#if defined(__AVX512BW__)
    for (int32_t r = 0; r < BLOCK; r += 16) {
        __m512i at = _mm512_load_si512(place + r);
        __mmask16 is_below = _mm512_cmp_ps_mask(_mm512_i32gather_ps(at, cuts, 4), _mm512_load_ps(value + r), _CMP_LT_OQ);
        _mm512_store_si512(place + r, _mm512_mask_add_epi32(at, is_below, at, _mm512_set1_epi32(step)));
    }
#elif defined(__AVX2__)
    for (int32_t r = 0; r < BLOCK; r += 8) {
        __m256i at = _mm256_load_si256((const __m256i *)(place + r));
        __m256 is_below = _mm256_cmp_ps(_mm256_i32gather_ps(cuts, at, 4), _mm256_load_ps(value + r), _CMP_LT_OQ);
        __m256i add = _mm256_and_si256(_mm256_castps_si256(is_below), _mm256_set1_epi32(step));
        _mm256_store_si256((__m256i *)(place + r), _mm256_add_epi32(at, add));
    }
#else
    for (int32_t r = 0; r < BLOCK; r++)
        place[r] += cuts[place[r]] < value[r] ? step : 0;
#endif
}

/* Write the bytes of 64 rows: columns with 0 for missing, columns with 255 for missing, then the tests. */
static void states_of_block(const struct forest *f, const float *restrict x, int64_t stride, int32_t rows,
                            uint8_t *restrict state) {
    int32_t columns = f->columns;
    for (int32_t c = 0; c < columns; c++) {
        float value[BLOCK] __attribute__((aligned(64)));
        int32_t place[BLOCK] __attribute__((aligned(64)));
        const float *from = x + f->feature[c];
        const float *restrict cuts = f->cuts + f->cuts_at[c];
        const uint8_t *restrict map = f->map + f->map_at[c];
        for (int32_t r = 0; r < BLOCK; r++) {
            value[r] = from[r < rows ? r * stride : 0];
            place[r] = 0;
        }
        for (int32_t step = 1 << f->levels[c] >> 1; step; step >>= 1)
            step_down(cuts + step - 1, value, place, step);
        uint8_t *low = state + (size_t)c * BLOCK, *high = low + (size_t)columns * BLOCK;
        float zero = f->zero_is_missing[c] ? ZERO_IS : -1.0f;
        for (int32_t r = 0; r < BLOCK; r++) {
            int is_missing = value[r] != value[r] || fabsf(value[r]) <= zero;
            uint8_t found = map[place[r]];
            low[r] = is_missing ? 0 : found;
            high[r] = is_missing ? 255 : found;
        }
    }
    uint8_t *out = state + (size_t)columns * 2 * BLOCK;
    for (int32_t g = 0; g < BLOCK; g += LANES) {
        struct asked asked;
        for (int32_t k = 0; k < f->tests; k++) {
            if (!k || f->test[k].column != f->test[k - 1].column)
                ask(state + (size_t)f->test[k].column * BLOCK + g, &asked);
            *(lanes *)(out + (size_t)k * BLOCK + g) = is_other(&f->test[k], &asked);
        }
    }
}

/* Return which leaf of a tree each row of a group ends in. */
static inline lanes leaves_of(const struct forest *f, int32_t tree, const uint8_t *state) {
    rows_mask at[2 * MAX_LEAVES];
    const struct node *node = f->nodes + f->tree_node[tree];
    int32_t nodes = f->tree_node[tree + 1] - f->tree_node[tree];
    at[0] = ALL_ROWS;
    for (int32_t n = 0; n < nodes; n++) {
        rows_mask here = at[n], goes = AT_MOST(*(const lanes *)(state + node[n].row), node[n].most);
        at[node[n].yes] = here & goes;
        at[node[n].no] = here & ~goes;
    }
    lanes odd = SPLAT(0), even = SPLAT(0), number = SPLAT(0); /* two, so that none waits for the last */
    for (int32_t l = 1; l <= nodes; l += 2) {
        number = NEXT(number);
        odd = NUMBERED(odd, at[nodes + l], number);
        number = NEXT(number);
        if (l < nodes)
            even = NUMBERED(even, at[nodes + l + 1], number);
    }
    return EITHER(odd, even);
}

/* Add to each row's sum the value of its leaf. The compilers' own way of gathering takes twice as long. */
static inline void add_leaves(const double *value, const uint8_t *leaf, double *sum) {
#if defined(__AVX512BW__)
    for (int32_t r = 0; r < LANES; r += 8) {
        __m512i place = _mm512_cvtepu8_epi64(_mm_loadl_epi64((const __m128i *)(leaf + r)));
        _mm512_store_pd(sum + r, _mm512_add_pd(_mm512_load_pd(sum + r), _mm512_i64gather_pd(place, value, 8)));
    }
#elif defined(__AVX2__)
    for (int32_t r = 0; r < LANES; r += 4) {
        int32_t four;
        memcpy(&four, leaf + r, sizeof four);
        __m128i place = _mm_cvtepu8_epi32(_mm_cvtsi32_si128(four));
        _mm256_store_pd(sum + r, _mm256_add_pd(_mm256_load_pd(sum + r), _mm256_i32gather_pd(value, place, 8)));
    }
#else
    for (int32_t r = 0; r < LANES; r++)
        sum[r] += value[leaf[r]];
#endif
}

static void block(const struct forest *f, const float *x, int64_t stride, int32_t rows, double *restrict margin,
                  void *scratch) {
    uint8_t *state = scratch;
    int32_t targets = f->targets;
    states_of_block(f, x, stride, rows, state);
    for (int32_t g = 0; g < rows; g += LANES) {
        int32_t here = rows - g < LANES ? rows - g : LANES;
        uint8_t leaf[LANES] __attribute__((aligned(64)));
        double sum[LANES] __attribute__((aligned(64)));
        for (int32_t r = 0; r < LANES; r++)
            sum[r] = f->base[0];
        double *out = margin + (size_t)g * targets;
        for (int32_t r = 0; r < here; r++)
            memcpy(out + (size_t)r * targets, f->base, (size_t)targets * sizeof *out);
        for (int32_t t = 0; t < f->trees; t++) {
            *(lanes *)leaf = leaves_of(f, t, state + g);
            if (targets == 1) {
                add_leaves(f->leaf_value + f->tree_leaf[t], leaf, sum);
            } else {
                for (int32_t r = 0; r < here; r++)
                    add_leaf(f, t, leaf[r], out + (size_t)r * targets);
            }
        }
        if (targets == 1)
            memcpy(out, sum, (size_t)here * sizeof *out);
    }
}

static void forest_margins(const struct forest *f, const struct program *p, const float *x, int32_t rows,
                           double *margin, void *scratch) {
    if (f->is_small && rows > p->few) {
        block(f, x, p->features, rows, margin, scratch);
        return;
    }
    for (int32_t r = 0; r < rows; r++)
        one_row(f, x + (size_t)r * p->features, margin + (size_t)r * f->targets, scratch);
}

/* -------------------------------------------------------------------------------------------------------- linear models */

static void linear_margins(const struct linear *m, const struct program *p, const float *x, double *margin) {
    for (int32_t t = 0; t < p->targets; t++)
        margin[t] = 0.0;
    for (int32_t i = 0; i < m->n; i++) {
        double value = x[m->feature[i]], z;
        int is_absent = value != value;
        z = m->of_absent ? (double)is_absent : ((is_absent ? m->fill[i] : value) - m->center[i]) / m->scale[i];
        for (int32_t t = 0; t < p->targets; t++)
            margin[t] += z * m->weight[(size_t)i * p->targets + t];
    }
}

static void lookup_margins(const struct lookup *m, const struct program *p, const float *x, double *margin) {
    for (int32_t t = 0; t < p->targets; t++)
        margin[t] = 0.0;
    for (int32_t i = 0; i < m->n; i++) {
        float code = x[m->feature[i]];
        int64_t place = code >= 0 && code < m->size[i] ? (int64_t)code : m->other;
        const double *row = m->table + (size_t)(m->start[i] + place) * p->targets;
        for (int32_t t = 0; t < p->targets; t++)
            margin[t] += row[t];
    }
}

/* ------------------------------------------------------------------------------------------------------------- finish */

static int64_t largest(const double *p, int32_t count) {
    int64_t best = 0;
    for (int32_t t = 1; t < count; t++)
        best = p[t] > p[best] ? t : best;
    return best;
}

static int finished(const struct program *p, const double *margin, double *answer, int64_t *label) {
    int is_finite = 1;
    for (int32_t t = 0; t < p->targets; t++)
        is_finite &= isfinite(margin[t]) != 0;
    switch (p->finish) {
    case SIGMOID: {
        double high = 1.0 / (1.0 + exp(-fabs(margin[0])));
        answer[1] = margin[0] >= 0.0 ? high : 1.0 - high;
        answer[0] = 1.0 - answer[1];
        label[0] = answer[1] >= p->threshold;
        break;
    }
    case SOFTMAX: {
        double most = margin[largest(margin, p->targets)], sum = 0.0;
        for (int32_t t = 0; t < p->targets; t++)
            sum += answer[t] = exp(margin[t] - most);
        for (int32_t t = 0; t < p->targets; t++)
            answer[t] /= sum;
        label[0] = largest(answer, p->targets);
        break;
    }
    case VALUE:
    case EXP:
        answer[0] = p->finish == EXP ? exp(margin[0]) : margin[0];
        is_finite &= isfinite(answer[0]) != 0;
        break;
    default:
        break;
    }
    return is_finite;
}

static void block_margins(const struct program *p, const float *x, int32_t rows, double *stack, void *scratch) {
    size_t cells = (size_t)rows * p->targets;
    double *top = stack - cells;
    for (int32_t s = 0; s < p->steps; s++) {
        const double *constant = p->step[s].what;
        switch (p->step[s].kind) {
        case FOREST:
            forest_margins(p->step[s].what, p, x, rows, top += cells, scratch);
            break;
        case LINEAR:
            top += cells;
            for (int32_t r = 0; r < rows; r++)
                linear_margins(p->step[s].what, p, x + (size_t)r * p->features, top + (size_t)r * p->targets);
            break;
        case LOOKUP:
            top += cells;
            for (int32_t r = 0; r < rows; r++)
                lookup_margins(p->step[s].what, p, x + (size_t)r * p->features, top + (size_t)r * p->targets);
            break;
        case ZERO:
            memset(top += cells, 0, cells * sizeof *top);
            break;
        case ADD:
            top -= cells;
            for (size_t i = 0; i < cells; i++)
                top[i] += top[i + cells];
            break;
        case ADD_CONSTANT:
            for (size_t i = 0; i < cells; i++)
                top[i] += constant[i % (size_t)p->targets];
            break;
        default:
            for (size_t i = 0; i < cells; i++)
                top[i] *= constant[i % (size_t)p->targets];
        }
    }
}

/* Answer `rows` rows: margin (rows, targets), answer (rows, classes or 1), label (rows,). Return 0, or 1 where a number is none. */
EXPORT int32_t NAME(answer)(const struct call *call) {
    const struct program *p = call->program;
    int64_t width = p->finish == SIGMOID ? 2 : p->finish == SOFTMAX ? p->targets : 1;
    double *stack = call->scratch;
    void *rest = stack + (size_t)p->depth * BLOCK * p->targets;
    int is_finite = 1;
    for (int64_t start = 0; start < call->rows; start += BLOCK) {
        int32_t rows = call->rows - start < BLOCK ? (int32_t)(call->rows - start) : BLOCK;
        block_margins(p, call->x + start * p->features, rows, stack, rest);
        memcpy(call->margin + start * p->targets, stack, (size_t)rows * p->targets * sizeof *stack);
        for (int32_t r = 0; r < rows; r++)
            is_finite &= finished(p, stack + (size_t)r * p->targets, call->answer + (start + r) * width, call->label + start + r);
    }
    return !is_finite;
}

/* ------------------------------------------------------------------------------------------------------------- reasons */

static void decide(const struct forest *f, const float *x, uint8_t *seen, uint8_t *goes, void *scratch) {
    states_of_row(f, x, seen, scratch);
    for (int32_t c = 0; c < f->columns; c++)
        seen[f->columns + c] = seen[c] ? seen[c] : 255;
    for (int32_t k = 0; k < f->tests; k++) {
        uint8_t state = seen[f->test[k].column];
        seen[2 * f->columns + k] = f->test[k].bits[state >> 3] >> (state & 7) & 1 ? 0 : 255;
    }
    for (int32_t n = 0; n < f->tree_node[f->trees]; n++)
        goes[n] = seen[f->nodes[n].row / BLOCK] <= f->nodes[n].most;
}

/* Add to phi (features, targets) the Shapley values of eight leaves: see engines/reasons.py for the formula. */
static void eight_leaves(const struct paths *p, int64_t first, const uint8_t *goes, double *work, double *phi) {
    int32_t d = p->d;
    double *one = work, *factor = one + d * LANES8, *integral = factor + d * LANES8;
    const double *zero = p->zero + first * d;
    const int32_t *start = p->start + first * d, *cell = p->cell + first * d;
    for (int32_t e = 0; e < d * LANES8; e++) {
        uint8_t met = 1;
        for (int32_t s = start[e]; s < start[e + 1]; s++)
            met &= goes[p->node[s]] == p->is_true[s];
        one[e] = met;
        integral[e] = 0.0;
    }
    for (int32_t q = 0; q < p->points; q++) {
        double point = p->point[q], weight = p->weight[q], whole[LANES8];
        for (int32_t l = 0; l < LANES8; l++)
            whole[l] = 1.0;
        for (int32_t e = 0; e < d; e++)
            for (int32_t l = 0; l < LANES8; l++) {
                int32_t i = e * LANES8 + l;
                factor[i] = zero[i] * (1.0 - point) + one[i] * point;
                whole[l] *= factor[i];
            }
        for (int32_t e = 0; e < d; e++)
            for (int32_t l = 0; l < LANES8; l++)
                integral[e * LANES8 + l] += weight * whole[l] / factor[e * LANES8 + l];
    }
    for (int32_t l = 0; l < LANES8; l++)
        for (int32_t e = 0; e < d; e++) {
            int32_t i = e * LANES8 + l;
            phi[cell[i]] += (one[i] - zero[i]) * integral[i] * p->value[first + l];
        }
}

/* Write phi (rows, cells), the Shapley values of a forest's margins. */
EXPORT void NAME(shapley)(const struct forest *f, const struct paths *groups, int32_t count, const float *x, int64_t rows,
                          int64_t features, double *phi, void *scratch) {
    int64_t cells = features * f->targets;
    int32_t deepest = 0;
    for (int32_t g = 0; g < count; g++)
        deepest = groups[g].d > deepest ? groups[g].d : deepest;
    double *work = scratch, *search = work + (size_t)deepest * 3 * LANES8;
    uint8_t *seen = (uint8_t *)(search + f->columns), *goes = seen + 2 * f->columns + f->tests;
    memset(phi, 0, (size_t)(rows * cells) * sizeof *phi);
    for (int64_t r = 0; r < rows; r++) {
        decide(f, x + r * features, seen, goes, search);
        for (int32_t g = 0; g < count; g++)
            for (int64_t l = 0; l < groups[g].leaves; l += LANES8)
                eight_leaves(&groups[g], l, goes, work, phi + r * cells);
    }
}

/* ------------------------------------------------------------------------------------- what the variants share */

#if defined(FIRST)
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

/* What this library was compiled from, and the sizes of what crosses the border. */
EXPORT const char *seaway_digest(void) { return TEXT(DIGEST); }

EXPORT int32_t seaway_size(int32_t which) {
    const size_t sizes[] = {sizeof(struct forest), sizeof(struct linear),  sizeof(struct lookup), sizeof(struct step),
                            sizeof(struct program), sizeof(struct call),   sizeof(struct paths)};
    return (int32_t)sizes[which];
}

/* The widest variant that this processor runs: 0 the base (on x86 with SSSE3, in all since 2011), 1 AVX2, 2 AVX-512; -1 none. */
EXPORT int32_t seaway_width(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    int has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    int has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                     __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    return has_avx2 ? 1 + has_avx512 : __builtin_cpu_supports("ssse3") ? 0 : -1;
#else
    return 0;
#endif
}
#endif
