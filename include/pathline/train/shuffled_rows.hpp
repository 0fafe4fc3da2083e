/// \file
/// The batch source that `fit` makes of a data set: all its rows in a new order each epoch, each copied once, into the
/// mini-batch that it is in.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/train/batch_source.hpp>
#include <pathline/train/checkpoint/state_and_settings.hpp>
#include <pathline/train/training_plan.hpp>
#include <pathline/train/weighted_data.hpp>

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace pathline::detail {

/// Draws the samples of positive weight. Factors are weights over their mean, so that mini-batches have the weighted
/// mean without bias.
template <Real DataScalar, Real Scalar>
class ShuffledRows {
 public:
  struct Memory {
    std::vector<Index> order;
    Batch<DataScalar> full, last;  // of the epoch's last mini-batch, which may be smaller
    std::vector<Scalar> factors;
    template <class Visit>
    void state(Visit& /*visit*/) const {}  // each epoch has a new order
  };

  /// Refers to the rows, which outlive it.
  explicit ShuffledRows(const FitRows<DataScalar>& rows) : rows_(rows), used_(counted(rows)) {
    if (rows.weighted()) shares_ = shares_of(rows);
  }

  [[nodiscard]] Index samples() const { return Index(used_.size()); }
  template <class Visit>
  void settings(Visit& visit) const {
    visit("rows", rows_.rows());
    visit("fingerprint", hexadecimal(fingerprint_of(rows_)));
  }

  void start_epoch(Rng& rng, Memory& memory) const {
    memory.order = permutation(rng.draw(), samples());
    for (Index& sample : memory.order) sample = used_[std::size_t(sample)];
  }

  [[nodiscard]] MiniBatch<const Batch<DataScalar>&, Scalar> batch(Index first, Index count, Rng& /*rng*/,
                                                                  Memory& memory) const {
    const auto of = std::span<const Index>(memory.order).subspan(std::size_t(first), std::size_t(count));
    Batch<DataScalar>& data = first == 0 || count == memory.full.cols() ? memory.full : memory.last;
    data.resize(rows_.rows(), count);  // no-op once sized
    rows_.gather(of, data);
    memory.factors.clear();
    if (rows_.weighted())
      for (const Index sample : of) memory.factors.push_back(Scalar(shares_(sample) * double(samples())));
    return {data, of, memory.factors};
  }

  [[nodiscard]] Index number_of(Index sample) const { return rows_.number_of(sample); }

 private:
  const FitRows<DataScalar>& rows_;
  std::vector<Index> used_;
  Vector<double> shares_;
};

}  // namespace pathline::detail
