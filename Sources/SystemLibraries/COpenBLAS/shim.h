#include <cblas.h>

// Routines of LAPACK that OpenBLAS holds, for which it installs no header. Matrices are column-major.

/// Cholesky factor of a symmetric positive definite matrix, in place.
void dpotrf_(const char *triangle, const blasint *n, double *a, const blasint *stride, blasint *info);

/// Inverse from the Cholesky factor, in place.
void dpotri_(const char *triangle, const blasint *n, double *a, const blasint *stride, blasint *info);

/// Solves a system with a symmetric positive definite matrix, in place.
void dposv_(
    const char *triangle, const blasint *n, const blasint *columns, double *a, const blasint *stride,
    double *b, const blasint *b_stride, blasint *info);
