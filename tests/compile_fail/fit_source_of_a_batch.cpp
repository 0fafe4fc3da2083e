// expect: ShuffledSource: the rows need Scalar, dim(), size() and read(first, X); of a batch, give RowsInMemory(X)
#include <pathline/train/source/shuffled_source.hpp>

void train(const pathline::Batch<float>& X) { pathline::ShuffledSource source(X); }
