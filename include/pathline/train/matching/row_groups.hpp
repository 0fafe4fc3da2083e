/// \file
/// Which rows of a mini-batch may exchange their base points: those of equal context and equal weight.
///
/// A flow of labelled data starts from the whole base density whatever the label. If transport gave the rows of a label
/// the base points that lie near them, the flow would learn of each label from a part of the base alone, and be wrong
/// when it is sampled. So would one of weighted rows if weights and base points depended on each other.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

namespace pathline::detail {

/// Rows in groups. Memory is kept from call to call.
struct RowGroups {
  std::vector<Index> order;  ///< All n rows, group after group; within one in ascending order.
  std::vector<Index> ends;   ///< Where each group ends in `order`.

  /// \param context  c × n, c may be 0.
  /// \param weights  n numbers, or none.
  template <Real DataScalar, Real Scalar>
  void set(View<const DataScalar> context, std::span<const Scalar> weights) {
    const Index n = context.cols();
    order.resize(std::size_t(n));
    std::iota(order.begin(), order.end(), Index(0));
    ends.clear();
    if (n == 0) return;
    if (context.rows() == 0 && weights.empty()) return ends.push_back(n);
    const auto compare = [&](Index a, Index b) {  // -1, 0 or 1
      for (Index i = 0; i < context.rows(); ++i)
        if (context(i, a) != context(i, b)) return context(i, a) < context(i, b) ? -1 : 1;
      if (weights.empty() || weights[std::size_t(a)] == weights[std::size_t(b)]) return 0;
      return weights[std::size_t(a)] < weights[std::size_t(b)] ? -1 : 1;
    };
    std::sort(order.begin(), order.end(), [&](Index a, Index b) {
      const int sign = compare(a, b);
      return sign != 0 ? sign < 0 : a < b;
    });
    for (std::size_t k = 1; k < order.size(); ++k)
      if (compare(order[k - 1], order[k]) != 0) ends.push_back(Index(k));
    ends.push_back(n);
  }
};

}  // namespace pathline::detail
