/// \file
/// Eigen's products of large matrices for views, compiled once a scalar and a kind of product: Eigen's expressions make
/// each anew for every combination of the types of three operands. Same kernels in the same cases, hence the same bits.
#pragma once

#include <pathline/core/view.hpp>
#include <pathline/math/view_loops.hpp>

namespace pathline::detail {

/// How a factor of a product is read: as it lies, or transposed. Transposing a matrix is reading it row by row.
enum class Factor { plain, transposed };
[[nodiscard]] constexpr Factor opposite(Factor factor) {
  return factor == Factor::plain ? Factor::transposed : Factor::plain;
}
[[nodiscard]] constexpr int storage_order(Factor factor) {
  return factor == Factor::plain ? Eigen::ColMajor : Eigen::RowMajor;
}

/// Scalars from an entry to the next of a row or a column.
template <class Scalar>
[[nodiscard]] Index entry_step(View<Scalar> x) {
  return x.cols() == 1 ? 1 : x.stride();
}

/// Σ aᵢ bᵢ of two columns as dot(), or one after the other where either is a row.
template <Real Scalar>
[[nodiscard]] Scalar entry_product(const View<const Scalar>& a, const View<const Scalar>& b) {
  if (a.cols() == 1 && b.cols() == 1) return dot<Scalar>(a.data(), b.data(), a.rows());
  const Index a_step = entry_step(a), b_step = entry_step(b);
  Scalar sum = *a.data() * *b.data();
  for (Index k = 1; k < a.size(); ++k) sum += a.data()[k * a_step] * b.data()[k * b_step];
  return sum;
}

/// y += A x, or Aᵀ x; x and y are columns or rows, and y overlaps neither factor.
template <Factor Left, Real Scalar>
void add_matrix_vector(const View<const Scalar>& A, const View<const Scalar>& x, const View<Scalar>& y) {
  const Index rows = Left == Factor::plain ? A.rows() : A.cols(), depth = Left == Factor::plain ? A.cols() : A.rows();
  eigen_assert(x.size() == depth && y.size() == rows);
  if (rows == 0 || depth == 0) return;
  if (rows == 1) {
    y(0, 0) += Left == Factor::plain ? entry_product<Scalar>(A, x) : entry_product<Scalar>(A.col(0), x);
    return;
  }
  namespace internal = Eigen::internal;  // where the macro below looks
  using Columns = Eigen::internal::const_blas_data_mapper<Scalar, Index, Eigen::ColMajor>;
  using Rows = Eigen::internal::const_blas_data_mapper<Scalar, Index, Eigen::RowMajor>;
  if constexpr (Left == Factor::plain) {
    const bool in_place = entry_step(y) == 1;
    ei_declare_aligned_stack_constructed_variable(Scalar, sum, rows, in_place ? y.data() : nullptr);
    if (!in_place)
      for (Index i = 0; i < rows; ++i) sum[i] = y(0, i);
    Eigen::internal::general_matrix_vector_product<Index, Scalar, Columns, Eigen::ColMajor, false, Scalar, Rows,
                                                   false>::run(rows, depth, Columns(A.data(), A.stride()),
                                                               Rows(x.data(), entry_step(x)), sum, 1, Scalar(1));
    if (!in_place)
      for (Index i = 0; i < rows; ++i) y(0, i) = sum[i];
  } else {
    const bool in_place = entry_step(x) == 1;
    ei_declare_aligned_stack_constructed_variable(Scalar, packed, depth,
                                                  in_place ? const_cast<Scalar*>(x.data()) : nullptr);
    if (!in_place)
      for (Index i = 0; i < depth; ++i) packed[i] = x(0, i);
    Eigen::internal::general_matrix_vector_product<Index, Scalar, Rows, Eigen::RowMajor, false, Scalar, Columns,
                                                   false>::run(rows, depth, Rows(A.data(), A.stride()),
                                                               Columns(packed, 1), y.data(), entry_step(y), Scalar(1));
  }
}

/// The sizes of a product's packed panels, as Eigen chooses them. Where they are too large for the stack, above
/// EIGEN_STACK_ALLOCATION_LIMIT, Eigen would take both from the heap in every product: they lie in memory that the
/// thread keeps instead, so that only a larger product than all before it allocates.
template <Real Scalar>
class PackedPanels : public Eigen::internal::level3_blocking<Scalar, Scalar> {
 public:
  PackedPanels(Index rows, Index columns, Index depth) {
    this->m_mc = rows;
    this->m_nc = columns;
    this->m_kc = depth;
    Eigen::internal::computeProductBlockingSizes<Scalar, Scalar>(this->m_kc, this->m_mc, this->m_nc, Index(1));
    constexpr Index line = 64 / sizeof(Scalar), on_stack = EIGEN_STACK_ALLOCATION_LIMIT / sizeof(Scalar);
    const Index left = this->m_mc * this->m_kc, right = this->m_kc * this->m_nc;
    if (left <= on_stack && right <= on_stack) return;
    thread_local Vector<Scalar> memory;
    const Index from = (left + line - 1) / line * line;  // of the right panel, as aligned as the left
    if (memory.size() < from + right) memory.resize(from + right);
    this->m_blockA = memory.data();
    this->m_blockB = memory.data() + from;
  }
};

/// C += A B with either factor transposed, as Eigen's `C.noalias() += A * B` has it: entry by entry where all is tiny,
/// a product with a vector where C is one, else by packed panels, in one thread. C overlaps neither factor.
template <Factor Left, Factor Right, Real Scalar>
void add_matrix_product(const View<const Scalar>& A, const View<const Scalar>& B, const View<Scalar>& C) {
  const Index rows = C.rows(), columns = C.cols(), depth = Left == Factor::plain ? A.cols() : A.rows();
  eigen_assert((Left == Factor::plain ? A.rows() : A.cols()) == rows);
  eigen_assert((Right == Factor::plain ? B.cols() : B.rows()) == columns);
  eigen_assert((Right == Factor::plain ? B.rows() : B.cols()) == depth);
  if (rows == 0 || columns == 0 || depth == 0) return;
  const auto a_row = [&](Index i) { return Left == Factor::plain ? A.row(i) : A.col(i); };
  const auto b_column = [&](Index j) { return Right == Factor::plain ? B.col(j) : B.row(j); };
  if (rows + columns + depth < EIGEN_GEMM_TO_COEFFBASED_THRESHOLD) {
    for (Index j = 0; j < columns; ++j)
      for (Index i = 0; i < rows; ++i) C(i, j) += entry_product<Scalar>(a_row(i), b_column(j));
  } else if (columns == 1) {
    add_matrix_vector<Left, Scalar>(A, b_column(0), C);
  } else if (rows == 1) {
    add_matrix_vector<opposite(Right), Scalar>(B, a_row(0), C);
  } else {
    PackedPanels<Scalar> blocking(rows, columns, depth);
    Eigen::internal::general_matrix_matrix_product<Index, Scalar, storage_order(Left), false, Scalar,
                                                   storage_order(Right), false, Eigen::ColMajor,
                                                   1>::run(rows, columns, depth, A.data(), A.stride(), B.data(),
                                                           B.stride(), C.data(), 1, C.stride(), Scalar(1), blocking,
                                                           nullptr);
  }
}

/// C = A B with either factor transposed, by the same kernels. C overlaps neither factor.
template <Factor Left, Factor Right, Real Scalar>
void set_matrix_product(const View<const Scalar>& A, const View<const Scalar>& B, const View<Scalar>& C) {
  fill<Scalar>(C, 0);
  add_matrix_product<Left, Right, Scalar>(A, B, C);
}

}  // namespace pathline::detail
