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
#if defined(__AVX512BW__)
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

struct node {            /* goes to slot `yes` where the byte in `row` is at most `most`, else to `no` */
    int32_t row;
    uint16_t yes, no;
    int32_t most;
};

struct test {            /* a set of states of a column: its byte is 0 for members, 255 for others */
    int32_t column, from, to;
};

struct forest {
    int32_t targets, columns, trees, words, tests, is_narrow, is_small, has_zeros;
    const int32_t *feature, *levels, *cuts_at, *map_at, *prefix_at;   /* (columns,) */
    const uint8_t *zero_is_missing;                                   /* (columns,) */
    const float *cuts;
    const uint8_t *map;
    const struct prefix *prefixes;
    const struct entry *entries;
    const uint32_t *checkpoints, *full;                               /* (checkpoints, words), (words,) */
    const int32_t *tree_word, *tree_leaf, *tree_node, *tree_target;   /* (trees + 1,); target -1: it is the leaf's */
    const double *leaf_value, *base;                                  /* (leaves,), (targets,) */
    const int32_t *leaf_target;
    const struct node *nodes;
    const struct test *test;
    const uint8_t *members;
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

/* ------------------------------------------------------------------------------------------------------ states */

#define ZERO_IS 1e-35f

static inline uint8_t state_of(const struct forest *f, int32_t c, float x) {
    const float *cuts = f->cuts + f->cuts_at[c];
    uint32_t place = 0;
    for (uint32_t step = 1u << f->levels[c] >> 1; step; step >>= 1)
        place += cuts[place + step - 1] < x ? step : 0;
    int is_missing = x != x || (f->zero_is_missing[c] && fabsf(x) <= ZERO_IS);
    return is_missing ? 0 : f->map[f->map_at[c] + place];
}

/* -------------------------------------------------------------------------------------------------------- one row */

static inline void add_leaf(const struct forest *f, int32_t tree, int32_t leaf, double *margin) {
    int32_t target = f->tree_target[tree];
    leaf += f->tree_leaf[tree];
    margin[target < 0 ? f->leaf_target[leaf] : target] += f->leaf_value[leaf];
}

static void one_row(const struct forest *f, const float *restrict x, double *margin, void *scratch) {
    uint32_t *restrict alive = scratch;
    int32_t words = f->words;
    memcpy(alive, f->full, (size_t)words * sizeof *alive);
    for (int32_t c = 0; c < f->columns; c++) {
        struct prefix p = f->prefixes[f->prefix_at[c] + state_of(f, c, x[f->feature[c]])];
        if (p.checkpoint >= 0) {
            const uint32_t *restrict kept = f->checkpoints + (size_t)p.checkpoint * words;
            for (int32_t w = 0; w < words; w++)
                alive[w] &= kept[w];
        }
        for (const struct entry *e = f->entries + p.from, *end = f->entries + p.to; e < end; e++)
            alive[e->word] &= e->mask;
    }
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

#if defined(__AVX512BW__)
enum { LANES = 64 };
typedef __m512i lanes;
typedef __mmask64 rows_mask;
#define SPLAT(byte) _mm512_set1_epi8((char)(byte))
#define AT_MOST(v, byte) _mm512_cmple_epu8_mask(v, SPLAT(byte))
#define ALL_ROWS (~(rows_mask)0)
#define NUMBERED(numbers, rows, byte) _mm512_mask_mov_epi8(numbers, rows, SPLAT(byte))
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
#define NUMBERED(numbers, rows, byte) ((numbers) | ((rows) & SPLAT(byte)))
#endif

/* Write the bytes of 64 rows: columns with 0 for missing, columns with 255 for missing, then the tests. */
static void states_of_block(const struct forest *f, const float *restrict x, int64_t stride, int32_t rows,
                            uint8_t *restrict state) {
    int32_t columns = f->columns;
    for (int32_t c = 0; c < columns; c++) {
        float value[BLOCK];
        int32_t place[BLOCK];
        const float *from = x + f->feature[c];
        const float *restrict cuts = f->cuts + f->cuts_at[c];
        const uint8_t *restrict map = f->map + f->map_at[c];
        for (int32_t r = 0; r < BLOCK; r++) {
            value[r] = from[r < rows ? r * stride : 0];
            place[r] = 0;
        }
        for (int32_t step = 1 << f->levels[c] >> 1; step; step >>= 1)
            for (int32_t r = 0; r < BLOCK; r++)
                place[r] += cuts[place[r] + step - 1] < value[r] ? step : 0;
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
    for (int32_t k = 0; k < f->tests; k++, out += BLOCK) {
        const uint8_t *column = state + (size_t)f->test[k].column * BLOCK;
        for (int32_t g = 0; g < BLOCK; g += LANES) {
            lanes v = *(const lanes *)(column + g);
#if defined(__AVX512BW__)
            rows_mask is_member = 0;
            for (int32_t m = f->test[k].from; m < f->test[k].to; m++)
                is_member |= _mm512_cmpeq_epi8_mask(v, SPLAT(f->members[m]));
            *(lanes *)(out + g) = _mm512_movm_epi8(~is_member);
#else
            lanes is_member = {0};
            for (int32_t m = f->test[k].from; m < f->test[k].to; m++)
                is_member |= (lanes)(v == SPLAT(f->members[m]));
            *(lanes *)(out + g) = ~is_member;
#endif
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
        rows_mask here = at[n], goes = AT_MOST(*(const lanes *)(state + (size_t)node[n].row * BLOCK), node[n].most);
        at[node[n].yes] = here & goes;
        at[node[n].no] = here & ~goes;
    }
    lanes leaf = SPLAT(0);
    for (int32_t l = 1; l <= nodes; l++)
        leaf = NUMBERED(leaf, at[nodes + l], l);
    return leaf;
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
                const double *restrict value = f->leaf_value + f->tree_leaf[t];
                for (int32_t r = 0; r < LANES; r++)
                    sum[r] += value[leaf[r]];
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

static void decide(const struct forest *f, const float *x, uint8_t *seen, uint8_t *goes) {
    for (int32_t c = 0; c < f->columns; c++) {
        seen[c] = state_of(f, c, x[f->feature[c]]);
        seen[f->columns + c] = seen[c] ? seen[c] : 255;
    }
    for (int32_t k = 0; k < f->tests; k++) {
        uint8_t is_other = 255;
        for (int32_t m = f->test[k].from; m < f->test[k].to; m++)
            is_other &= seen[f->test[k].column] == f->members[m] ? 0 : 255;
        seen[2 * f->columns + k] = is_other;
    }
    for (int32_t n = 0; n < f->tree_node[f->trees]; n++)
        goes[n] = seen[f->nodes[n].row] <= f->nodes[n].most;
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
    double *work = scratch;
    uint8_t *seen = (uint8_t *)(work + (size_t)deepest * 3 * LANES8), *goes = seen + 2 * f->columns + f->tests;
    memset(phi, 0, (size_t)(rows * cells) * sizeof *phi);
    for (int64_t r = 0; r < rows; r++) {
        decide(f, x + r * features, seen, goes);
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

/* The widest variant that this processor runs: 0 the base, 1 AVX2, 2 AVX-512. */
EXPORT int32_t seaway_width(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    int has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    int has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                     __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    return has_avx2 ? 1 + has_avx512 : 0;
#else
    return 0;
#endif
}
#endif
